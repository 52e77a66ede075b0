"""A long transcript fits into a response of Lambda, in any alphabet and with any characters."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from chalicelib.errors import TooLargeError
from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Moment, Segment, Summary
from chalicelib.repositories.table import ItemKey
from chalicelib.repositories.transcripts import SEGMENT_OVERHEAD_BYTES
from chalicelib.streaming.words import MAX_TRANSCRIPT_BYTES
from chalicelib.transcripts.history import History
from tests.fakes import CURSORS

LAMBDA_ANSWER_BYTES = 6 * 1024 * 1024 - 2_048  # the rest is for headers
TEXTS = {
    "Latin": "It was said. " * 10,
    "Cyrillic": "Привет, как дела? " * 10,
    "Chinese": "今天天气很好，我们去公园吧。" * 10,
    "quotes": '"' * 150,
    "control characters": "\x01" * 150,
    "single letters": "я",
}
ADA = Caller("ada", 0, "ada@example.com")


@dataclass
class Store:
    """A transcript of segments with a pause after each, and with the maximum of summaries."""

    stored_segments: list[Segment]

    def admit(self, caller: Caller, extra_keys: list[ItemKey]) -> tuple[None, list[dict[str, Any]]]:
        return None, [{"transcript_id": "long", "kind": "live", "started_at": 0}]

    def segments(self, user_id: str, transcript_id: str) -> list[Segment]:
        return self.stored_segments

    def summaries(self, user_id: str, transcript_id: str, limit: int) -> list[Summary]:
        moments = tuple(Moment(n, "Ж" * 120) for n in range(12))
        return [Summary("long", str(n), 0, 1, "Ж" * 6_000, moments) for n in range(limit)]


@pytest.fixture(params=TEXTS.values(), ids=TEXTS)
def history(request: pytest.FixtureRequest) -> History:
    """One transcript with as much text as a live session may save."""
    number = MAX_TRANSCRIPT_BYTES // (len(request.param.encode()) + SEGMENT_OVERHEAD_BYTES)
    store: Any = Store([Segment(n, n * 1_000, n * 1_000 + 900, request.param) for n in range(number)])
    return History(ledger=store, tables=store, transcripts=store, cursors=CURSORS, now=int)


def sent_bytes(body: str) -> int:
    """What Lambda's runtime of Python 3.11 sends for this body, which plain `chalice deploy` may choose."""
    return len(json.dumps({"statusCode": 200, "body": body}))


def pages(history: History) -> Iterator[str]:
    cursor = None
    while True:
        page = history.get_transcript(ADA, "long", cursor)
        yield msgspec.json.encode(page).decode()
        cursor = page.next_cursor
        if cursor is None:
            return


@pytest.mark.long
def test_every_page_fits(history: History) -> None:
    sizes = [sent_bytes(body) for body in pages(history)]

    assert max(sizes) <= LAMBDA_ANSWER_BYTES
    assert len(sizes) <= 6


@pytest.mark.long
@pytest.mark.sampled(4)
@pytest.mark.parametrize("form", ["srt", "vtt", "txt", "json"])
def test_a_file_fits_or_is_refused(history: History, form: str) -> None:
    try:
        file = history.export(ADA, "long", form)
    except TooLargeError:
        return
    assert sent_bytes(file.content) <= LAMBDA_ANSWER_BYTES
