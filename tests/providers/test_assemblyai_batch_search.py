"""An order whose answer was lost is found among the newest, however alike the others are."""

from typing import Any

import pytest

from chalicelib.models.catchup import TranscriptionOrder
from chalicelib.providers.assemblyai_batch import AssemblyAITranscripts

HOOK = "https://api.example/webhooks/assemblyai?job="


class Newest:
    """AssemblyAI's list of transcripts, newest first, all of one host that tells its files apart by the query."""

    def __init__(self, there_are: int = 60) -> None:
        self.there_are = there_are
        self.looked_at = self.pages = 0

    def get(self, url: str, headers: dict[str, str], query: dict[str, int | str]) -> dict[str, Any]:
        name = url.rpartition("/")[2]
        if name == "transcript":
            self.pages += 1
            first = int(query["before_id"]) + 1 if "before_id" in query else 0
            shown = range(first, min(first + int(query["limit"]), self.there_are))
            return {
                "transcripts": [{"id": str(n), "audio_url": f"https://files.example.com/get?id={n}"} for n in shown]
            }
        self.looked_at += 1
        return {"id": name, "status": "queued", "webhook_url": f"{HOOK}{name}"}


@pytest.mark.parametrize(
    ("file", "job", "found"),
    [
        ("get?id=45", "45", "45"),
        ("get?id=45", "another", None),
        ("get?id=45&signature=anew", "7", "7"),  # signed again since
        ("other?id=45", "45", None),
    ],
)
def test_the_very_address_is_looked_at_first(file: str, job: str, found: str | None) -> None:
    newest: Any = Newest()
    recordings = AssemblyAITranscripts(newest, "https://provider.example", "key", ["universal-2"])
    order = TranscriptionOrder(f"https://files.example.com/{file}", 0, 1_000, "", f"{HOOK}{job}", "secret")

    assert recordings.find(order) == found
    assert newest.looked_at <= 20


@pytest.mark.parametrize(
    ("there_are", "job", "found", "pages"),
    [(60, 45, "45", 1), (201, 200, "200", 2), (2_000, 999, "999", 5), (2_000, 1_000, None, 5), (400, 1_000, None, 3)],
)
def test_it_is_found_behind_the_orders_of_a_busy_minute(
    there_are: int, job: int, found: str | None, pages: int
) -> None:
    newest: Any = Newest(there_are)
    recordings = AssemblyAITranscripts(newest, "https://provider.example", "key", ["universal-2"])

    assert (
        recordings.find(TranscriptionOrder(f"https://files.example.com/get?id={job}", 0, 1, "", f"{HOOK}{job}", ""))
        == found
    )
    assert newest.pages == pages
