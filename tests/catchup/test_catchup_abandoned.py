"""A catch-up that is given up: what the provider did for it is booked, its user pays nothing, and no copy is left."""

from collections.abc import Callable

import pytest

from chalicelib.errors import ProviderDeniedError, ProviderError, ProviderFailedError, ProviderRefusedError
from chalicelib.models.accounts import Caller
from chalicelib.models.catchup import JobState
from chalicelib.models.ledger import Entry
from tests.catchup.catchup_env import CatchupEnv, FakeRecordings
from tests.default_prices import PRICES

RANGE_MS = 60_000
DEAREST_COST = PRICES.audio_cost_micro_usd("catchup", "", RANGE_MS)


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(200)


def raise_failed() -> None:
    raise ProviderFailedError("The file does not hold audio.")


def transcribe_half(recordings: FakeRecordings) -> None:
    recordings.is_slow, recordings.recording_ms = False, RANGE_MS // 2


def start_slow(catchup_env: CatchupEnv, caller: Caller) -> str:
    """A catch-up that the provider has accepted and not transcribed."""
    catchup_env.recordings.is_slow = True
    job_id = catchup_env.start(caller, upload_id=catchup_env.upload(caller), to_ms=RANGE_MS).job_id
    catchup_env.work()
    return job_id


def usage(catchup_env: CatchupEnv, caller: Caller) -> list[Entry]:
    return [entry for entry in catchup_env.backend.entries(caller.user_id) if entry.kind == "usage"]


def abandon(catchup_env: CatchupEnv, job_id: str) -> JobState | None:
    catchup_env.backend.clock.forward(catchup_env.rules.abandon_after_seconds)
    return catchup_env.worker.advance(job_id)


@pytest.mark.parametrize(
    ("script", "cost"),
    [
        ([], DEAREST_COST),
        ([ProviderRefusedError("There is no such transcript.")], DEAREST_COST),
        ([raise_failed], 0),
    ],
)
def test_work_in_progress_costs_us_the_whole_range_and_failed_work_nothing(
    script: list[Exception | Callable[[], None]], cost: int, catchup_env: CatchupEnv, ada: Caller
) -> None:
    job_id = start_slow(catchup_env, ada)
    catchup_env.recordings.script = script

    assert abandon(catchup_env, job_id) is JobState.FAILED

    booked = [(entry.credits, entry.cost_micro_usd) for entry in usage(catchup_env, ada)]
    assert booked == ([(0, cost)] if cost else [])
    assert catchup_env.recordings.deleted == ["transcript-1"]
    assert catchup_env.backend.ledger.balance(ada.user_id).held == 0


def test_a_transcript_that_is_ready_costs_us_what_was_transcribed(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = start_slow(catchup_env, ada)
    transcribe_half(catchup_env.recordings)

    assert abandon(catchup_env, job_id) is JobState.FAILED

    (entry,) = usage(catchup_env, ada)
    expected = PRICES.cost_micro_usd(catchup_env.recordings.model, RANGE_MS // 2)
    assert (entry.credits, entry.cost_micro_usd) == (0, expected)


def test_an_order_whose_answer_was_lost_is_found_booked_and_deleted(catchup_env: CatchupEnv, ada: Caller) -> None:
    submit = catchup_env.recordings.submit

    def lose_answer(order: object) -> str:
        submit(order)  # type: ignore[arg-type]
        raise ProviderError("The answer was lost.")

    catchup_env.recordings.submit = lose_answer  # type: ignore[assignment,method-assign]
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=RANGE_MS).job_id
    catchup_env.work()

    assert abandon(catchup_env, job_id) is JobState.FAILED

    assert len(usage(catchup_env, ada)) == 1
    assert catchup_env.recordings.deleted == ["transcript-1"]


@pytest.mark.parametrize("error", [ProviderError("no answer"), ProviderDeniedError("The key is wrong.")])
def test_a_silent_provider_delays_the_end_for_some_hours(
    error: Exception, catchup_env: CatchupEnv, ada: Caller
) -> None:
    job_id = start_slow(catchup_env, ada)
    catchup_env.recordings.script = [error]
    assert abandon(catchup_env, job_id) is JobState.TRANSCRIBING
    assert catchup_env.backend.ledger.balance(ada.user_id).held == 10

    catchup_env.recordings.script = [error]
    assert abandon(catchup_env, job_id) is JobState.FAILED

    assert [entry.cost_micro_usd for entry in usage(catchup_env, ada)] == [DEAREST_COST]
    assert catchup_env.backend.ledger.balance(ada.user_id).held == 0
