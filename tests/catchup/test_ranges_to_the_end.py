"""Catch-ups without an end: what is held, sent, charged, shown as uncovered, quoted, and found again."""

import msgspec
import pytest

from chalicelib import contract
from chalicelib.catchup.requested_range import LONGEST_RANGE_MS
from chalicelib.errors import InsufficientCreditsError, InvalidRequestError
from chalicelib.models.accounts import Caller
from chalicelib.models.catchup import Recording
from tests.catchup.catchup_env import CatchupEnv
from tests.default_prices import live_credits

URL = "https://media.example.com/talk.mp3"
MEDIARECORDER_BYTES = 14_859
MINUTE_MS = 60_000


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(200)


def spans(intervals: list[contract.Interval]) -> list[tuple[int, int]]:
    return [(interval.start_ms, interval.end_ms) for interval in intervals]


@pytest.mark.parametrize(
    ("size", "from_ms", "credits", "held", "to_ms"),
    [
        (MEDIARECORDER_BYTES, None, 200, 10, MINUTE_MS),  # 29.7 s at most, but never less than a minute
        (MEDIARECORDER_BYTES, 45_000, 200, 10, 45_000 + MINUTE_MS),
        (1, None, 10, 10, MINUTE_MS),
        (45_000, None, 200, 15, 90_000),  # 8 × 45,000 bits at 4,000 a second
        (45_000, 15_000, 200, 13, 90_000),
        (500 * 1024 * 1024, None, 200, 200, 20 * MINUTE_MS),
        (500 * 1024 * 1024, 5_000, 200, 200, 5_000 + 20 * MINUTE_MS),
        (500 * 1024 * 1024, None, 10_000, 6_000, LONGEST_RANGE_MS),
        (500 * 1024 * 1024, LONGEST_RANGE_MS - 1_000, 10_000, 1, LONGEST_RANGE_MS),
        (500 * 1024 * 1024, None, 17, 17, 102_000),
    ],
)
def test_an_upload_is_held_as_far_as_its_size_and_the_balance_reach(
    catchup_env: CatchupEnv, size: int, from_ms: int | None, credits: int, held: int, to_ms: int
) -> None:
    ada, catchup_env.uploads.bytes = catchup_env.backend.person(credits), size

    started = catchup_env.start(ada, upload_id=catchup_env.upload(ada), from_ms=from_ms)

    assert (started.credits_held, started.from_ms, started.to_ms) == (held, from_ms or 0, to_ms)
    assert catchup_env.backend.ledger.balance(ada.user_id).available == credits - held
    catchup_env.backend.check_invariants(ada.user_id)


@pytest.mark.parametrize(("credits", "held"), [(10, 10), (200, 200), (6_000, 6_000), (9_000, 6_000)])
def test_an_address_is_held_as_far_as_the_balance_reaches(catchup_env: CatchupEnv, credits: int, held: int) -> None:
    bob = catchup_env.backend.person(credits)

    assert catchup_env.start(bob, audio_url=URL).credits_held == held


@pytest.mark.parametrize("lease_seconds", [60, 120, 300])
def test_one_lease_of_each_open_session_is_left_alone(catchup_env: CatchupEnv, ada: Caller, lease_seconds: int) -> None:
    stopped = catchup_env.backend.start(ada, lease_seconds=60).session_id
    catchup_env.backend.streaming.stop(ada, stopped)
    catchup_env.backend.start(ada, lease_seconds=lease_seconds)
    catchup_env.backend.start(ada, lease_seconds=60)
    leases = live_credits(lease_seconds) + live_credits(60)

    started = catchup_env.start(ada, audio_url=URL)

    assert started.credits_held == 200 - 2 * leases
    assert catchup_env.backend.ledger.balance(ada.user_id).available == leases


def test_open_sessions_leave_at_least_a_minute(catchup_env: CatchupEnv) -> None:
    bob = catchup_env.backend.person(live_credits(600) + 15)
    catchup_env.backend.start(bob, lease_seconds=600)

    assert catchup_env.start(bob, audio_url=URL).credits_held == 10


def test_a_running_catchup_is_no_open_session(catchup_env: CatchupEnv, ada: Caller) -> None:
    catchup_env.start(ada, audio_url=URL, to_ms=MINUTE_MS)

    assert catchup_env.start(ada, audio_url=URL).credits_held == 190


def test_less_than_a_minute_is_not_begun(catchup_env: CatchupEnv) -> None:
    bob = catchup_env.backend.person(9)

    with pytest.raises(InsufficientCreditsError) as refusal:
        catchup_env.start(bob, audio_url=URL)

    assert refusal.value.details == {"required": 10, "available": 9}
    assert catchup_env.backend.holds(bob.user_id) == []


def test_a_range_that_begins_after_ten_hours_is_refused(catchup_env: CatchupEnv, ada: Caller) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        catchup_env.start(ada, audio_url=URL, from_ms=LONGEST_RANGE_MS)

    assert refusal.value.details == {"field": "from_ms"}


@pytest.mark.parametrize(
    ("credits", "recording_ms", "from_ms", "used", "covered", "uncovered"),
    [
        (200, 2_000, 0, 1, [(0, 2_000)], []),
        (200, 120_000, 0, 20, [(0, 120_000)], []),
        (200, 120_000, 30_000, 15, [(30_000, 120_000)], [(0, 30_000)]),
        (10, 120_000, 0, 10, [(0, 60_000)], [(60_000, 120_000)]),
        (10, 120_000, 30_000, 10, [(30_000, 90_000)], [(0, 30_000), (90_000, 120_000)]),
    ],
)
def test_what_was_there_is_charged_and_what_was_cut_is_uncovered(
    catchup_env: CatchupEnv,
    credits: int,
    recording_ms: int,
    from_ms: int,
    used: int,
    covered: list[tuple[int, int]],
    uncovered: list[tuple[int, int]],
) -> None:
    ada = catchup_env.backend.person(credits)
    catchup_env.recordings.recording_ms = recording_ms
    catchup_env.recordings.words = tuple(w for w in catchup_env.recordings.words if w.end_ms <= recording_ms)

    started = catchup_env.start(ada, upload_id=catchup_env.upload(ada), from_ms=from_ms)
    catchup_env.work()
    done = catchup_env.catchups.get_status(ada, started.job_id)

    (order,) = catchup_env.recordings.orders
    assert (order.from_ms, order.to_ms) == (from_ms, started.to_ms)
    assert (done.status, done.credits_used, done.recording_ms) == ("done", used, recording_ms)
    assert (done.from_ms, done.to_ms) == covered[0]
    whole = catchup_env.backend.history.get_transcript(ada, done.transcript_id)
    assert (spans(whole.covered), spans(whole.uncovered)) == (covered, uncovered)
    assert [(summary.from_ms, summary.to_ms) for summary in whole.summaries] == covered
    assert all(segment.end_ms <= covered[0][1] for segment in whole.segments)
    assert catchup_env.backend.ledger.balance(ada.user_id).available == credits - used
    catchup_env.backend.check_invariants(ada.user_id)


@pytest.mark.parametrize("from_ms", [0, 30_000])
@pytest.mark.parametrize("credits", [10, 200])
@pytest.mark.parametrize("model", ["", "assemblyai/universal-2"])
def test_without_speech_the_end_is_where_the_provider_says(
    catchup_env: CatchupEnv, model: str, credits: int, from_ms: int
) -> None:
    """It does not say so where it had to detect the language: `model` is then empty, and nothing is charged."""
    ada = catchup_env.backend.person(credits)
    recording = Recording((), 60_000 if model else 0, model)
    catchup_env.recordings.recording = lambda _: recording  # type: ignore[method-assign]

    started = catchup_env.start(ada, audio_url=URL, from_ms=from_ms)
    catchup_env.work()
    done = catchup_env.catchups.get_status(ada, started.job_id)

    assert (done.status, done.summary) == ("done", "No words were recognised.")
    assert done.to_ms == (60_000 if model else started.to_ms)
    assert done.recording_ms == (60_000 if model else msgspec.UNSET)
    assert done.credits_used == ((60_000 - from_ms) // 6_000 if model else 0)
    catchup_env.backend.check_invariants(ada.user_id)


def test_a_range_with_an_end_does_not_say_what_comes_after_it(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = catchup_env.start(ada, audio_url=URL, to_ms=MINUTE_MS).job_id
    catchup_env.work()

    done = catchup_env.catchups.get_status(ada, job_id)

    assert not done.recording_ms
    assert catchup_env.backend.history.get_transcript(ada, done.transcript_id).uncovered == []


@pytest.mark.parametrize("is_address", [True, False])
def test_to_the_end_is_the_same_range_whatever_the_balance(
    catchup_env: CatchupEnv, ada: Caller, is_address: bool
) -> None:
    source = {"audio_url": URL} if is_address else {"upload_id": catchup_env.upload(ada)}
    first = catchup_env.start(ada, **source, from_ms=0)
    guard_credits = catchup_env.backend.ledger.balance(ada.user_id)
    assert (guard_credits.available, guard_credits.held) == (0, 200)

    joined = catchup_env.start(ada, **source)
    catchup_env.work()
    stored = catchup_env.start(ada, **source)
    with_an_end = catchup_env.start(ada, **source, to_ms=120_000)

    assert first.job_id == joined.job_id == stored.job_id != with_an_end.job_id
    assert (stored.status, stored.credits_used) == ("done", 20)
    assert catchup_env.backend.ledger.balance(ada.user_id).available == 180 - with_an_end.credits_held


@pytest.mark.parametrize(
    ("credits", "size", "quoted", "to_ms"),
    [
        (200, MEDIARECORDER_BYTES, 10, MINUTE_MS),
        (200, 45_000, 15, 90_000),
        (200, 10**9, 200, 20 * MINUTE_MS),
        (3, 10**9, 10, MINUTE_MS),
        (9_000, 10**9, 6_000, LONGEST_RANGE_MS),
    ],
)
def test_the_quote_says_the_most_that_it_can_cost(
    catchup_env: CatchupEnv, credits: int, size: int, quoted: int, to_ms: int
) -> None:
    ada, catchup_env.uploads.bytes = catchup_env.backend.person(credits), size
    body = contract.Catchup(upload_id=catchup_env.upload(ada), quote=True)

    quote = catchup_env.catchups.start(ada, body, "job", "hash", "https://api.example")

    assert isinstance(quote, contract.Quote)
    assert (quote.credits, quote.credits_available, quote.to_ms) == (quoted, credits, to_ms)
    assert catchup_env.backend.holds(ada.user_id) == []
