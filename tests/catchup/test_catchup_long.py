"""Ten hours of speech, the maximum: transcribed, stored, and read back in responses that fit."""

import json
from itertools import cycle, islice

import msgspec
import pytest

from chalicelib.catchup.requested_range import LONGEST_RANGE_MS
from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Word
from chalicelib.pricing.price_table import TEXT_CALL_BYTES
from chalicelib.repositories.table import Item
from tests.catchup.catchup_env import CatchupEnv

WORDS_PER_MINUTE = 160
LAMBDA_ANSWER_BYTES = 6 * 1024 * 1024 - 2_048  # the rest is for headers
ITEM_BYTES = 400 * 1024
SENTENCES = {
    "Latin": "The committee then came to the matter of the harbour, which had been put off since the spring.",
    "Cyrillic": "Затем комитет перешёл к вопросу о гавани, который откладывали с самой весны прошлого года.",
}


@pytest.fixture(
    params=[pytest.param(SENTENCES["Latin"], marks=pytest.mark.soak), SENTENCES["Cyrillic"]], ids=list(SENTENCES)
)
def words(request: pytest.FixtureRequest) -> tuple[Word, ...]:
    number, apart_ms = 600 * WORDS_PER_MINUTE, 60_000 // WORDS_PER_MINUTE
    return tuple(
        Word(text, n * apart_ms, n * apart_ms + 300, 0.9)
        for n, text in enumerate(islice(cycle(request.param.split()), number))
    )


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(6_500)


def sent_bytes(body: str) -> int:
    """What Lambda's runtime of Python 3.11 sends for this body, which plain `chalice deploy` may choose."""
    return len(json.dumps({"statusCode": 200, "body": body}))


@pytest.mark.long
def test_ten_hours_are_stored_in_parts_summarised_charged_and_read_back(
    catchup_env: CatchupEnv, ada: Caller, words: tuple[Word, ...]
) -> None:
    catchup_env.recordings.recording_ms, catchup_env.recordings.words = LONGEST_RANGE_MS, words
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=LONGEST_RANGE_MS).job_id
    catchup_env.work()

    done = catchup_env.catchups.get_status(ada, job_id)
    assert (done.status, done.credits_used, done.summary_is_whole) == ("done", 6_000, True)
    assert [moment.start_ms for moment in done.key_moments] == [0]
    *parts, merged = catchup_env.text.tasks
    assert len(parts) > 1
    assert all(len(task.data.encode()) < TEXT_CALL_BYTES + 1_000 for task in catchup_env.text.tasks)
    assert len(json.loads(merged.data)["lines"]) == 2 * len(parts)  # a summary and a moment per part
    blocks, _ = catchup_env.backend.tables.query("app", f"USER#{ada.user_id}", f"SEGMENT#{done.transcript_id}#")
    assert len(blocks) > 1
    assert max(map(stored_bytes, blocks)) < ITEM_BYTES

    text = " ".join(word.text for word in words)
    pages = [catchup_env.backend.history.get_transcript(ada, done.transcript_id)]
    while cursor := pages[-1].next_cursor:
        pages.append(catchup_env.backend.history.get_transcript(ada, done.transcript_id, cursor))
    assert max(sent_bytes(msgspec.json.encode(page).decode()) for page in pages) <= LAMBDA_ANSWER_BYTES
    assert " ".join(segment.text for page in pages for segment in page.segments) == text
    assert [(interval.start_ms, interval.end_ms) for interval in pages[0].covered] == [(0, LONGEST_RANGE_MS)]
    for form in ("srt", "vtt", "txt", "json"):
        file = catchup_env.backend.history.export(ada, done.transcript_id, form)
        assert sent_bytes(file.content) <= LAMBDA_ANSWER_BYTES
    answer = catchup_env.ask(ada, "What was put off?", transcript_id=done.transcript_id)
    assert (answer.answered, answer.is_whole) == (True, False)
    catchup_env.backend.check_invariants(ada.user_id)


def stored_bytes(item: Item) -> int:
    """An upper bound of what DynamoDB counts: each number and list element takes a few bytes there too."""
    return len(msgspec.json.encode(item)) + 16 * sum(1 for segment in item["segments"] for _ in segment)
