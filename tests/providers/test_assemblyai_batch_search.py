"""An order whose response was lost is found among the newest transcripts, however similar the others are."""

from typing import Any

import pytest

from chalicelib.models.catchup import TranscriptionOrder
from chalicelib.providers.assemblyai_batch import AssemblyAITranscripts

HOOK = "https://api.example/webhooks/assemblyai?job="


class NewestTranscripts:
    """AssemblyAI's list, newest first, of recordings on one host that distinguishes files by the query alone."""

    def __init__(self, count: int = 60) -> None:
        self.count = count
        self.fetched = self.pages = 0

    def get(self, url: str, headers: dict[str, str], query: dict[str, int | str]) -> dict[str, Any]:
        name = url.rpartition("/")[2]
        if name == "transcript":
            self.pages += 1
            first = int(query["before_id"]) + 1 if "before_id" in query else 0
            page = range(first, min(first + int(query["limit"]), self.count))
            return {"transcripts": [{"id": str(n), "audio_url": f"https://files.example.com/get?id={n}"} for n in page]}
        self.fetched += 1
        return {"id": name, "status": "queued", "webhook_url": f"{HOOK}{name}"}


@pytest.mark.parametrize(
    ("file", "job", "expected"),
    [
        ("get?id=45", "45", "45"),
        ("get?id=45", "another", None),
        ("get?id=45&signature=renewed", "7", "7"),  # signed again
        ("other?id=45", "45", None),
    ],
)
def test_the_exact_url_is_checked_first(file: str, job: str, expected: str | None) -> None:
    newest: Any = NewestTranscripts()
    recordings = AssemblyAITranscripts(newest, "https://provider.example", "key", ["universal-2"])
    order = TranscriptionOrder(f"https://files.example.com/{file}", 0, 1_000, "", f"{HOOK}{job}", "secret")

    assert recordings.find(order) == expected
    assert newest.fetched <= 20


@pytest.mark.parametrize(
    ("count", "job", "expected", "pages"),
    [(60, 45, "45", 1), (201, 200, "200", 2), (2_000, 999, "999", 5), (2_000, 1_000, None, 5), (400, 1_000, None, 3)],
)
def test_it_is_found_behind_many_newer_orders(count: int, job: int, expected: str | None, pages: int) -> None:
    newest: Any = NewestTranscripts(count)
    recordings = AssemblyAITranscripts(newest, "https://provider.example", "key", ["universal-2"])

    assert (
        recordings.find(TranscriptionOrder(f"https://files.example.com/get?id={job}", 0, 1, "", f"{HOOK}{job}", ""))
        == expected
    )
    assert newest.pages == pages
