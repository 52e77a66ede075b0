"""An order whose answer was lost is found among the newest, however alike the others are."""

from typing import Any

import pytest

from chalicelib.models import Order
from chalicelib.providers.transcripts import AssemblyAITranscripts

LISTED = 60
HOOK = "https://api.example/webhooks/assemblyai?job="


class Newest:
    """AssemblyAI's list of the newest transcripts, all of one host that tells its files apart by the query."""

    def __init__(self) -> None:
        self.looked_at = 0

    def get(self, url: str, headers: dict[str, str], query: dict[str, int | str]) -> dict[str, Any]:
        name = url.rpartition("/")[2]
        if name == "transcript":
            files = [f"https://files.example.com/get?id={n}" for n in range(LISTED)]
            return {"transcripts": [{"id": str(n), "audio_url": file} for n, file in enumerate(files)]}
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
    order = Order(f"https://files.example.com/{file}", 0, 1_000, "", f"{HOOK}{job}", "secret")

    assert recordings.find(order) == found
    assert newest.looked_at <= 20
