"""Races on one catch-up: a second act runs completely between any two calls of the first, provider calls included."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from chalicelib.errors import ConflictError, NotFoundError, ProviderError
from tests.catchup.test_catchup_crashes import (
    finish_without_deleting_copy,
    let_job_expire,
    let_job_go_silent,
    lose_order_answer,
    order_transcript,
    queue_job,
    queue_session_job,
)
from tests.catchup.worker_env import CatchupScenario, Names
from tests.credits.test_ledger_races import all_at_once
from tests.engines import Engine
from tests.interleaving import interleave

pytestmark = pytest.mark.long

Act = Callable[[CatchupScenario], object]


def run_worker(scenario: CatchupScenario) -> None:
    with suppress(ProviderError):
        scenario.advance()


def run_late_worker(scenario: CatchupScenario) -> None:
    """Another worker after the claim has expired: the first was silent for longer than any call takes."""
    scenario.wait(scenario.catchup_env.rules.claim_seconds)
    run_worker(scenario)


def run_expiring_worker(scenario: CatchupScenario) -> None:
    scenario.wait(scenario.catchup_env.rules.abandon_after_seconds)
    run_worker(scenario)


def run_expiring_worker_and_deletion(scenario: CatchupScenario) -> None:
    run_expiring_worker(scenario)
    scenario.catchup_env.backend.history.delete_marked_segments()


def send_webhook_and_work(scenario: CatchupScenario) -> None:
    scenario.webhook()
    scenario.deliver()


def sweep_and_work(scenario: CatchupScenario) -> None:
    """The sweep runs as late as a worker may still be waiting for one answer."""
    scenario.wait(scenario.catchup_env.rules.claim_seconds - 1)
    scenario.sweep()
    scenario.deliver()


def sweep_late_and_work(scenario: CatchupScenario) -> None:
    scenario.wait(scenario.catchup_env.rules.first_check_seconds + 1)
    scenario.sweep()
    scenario.deliver()


STATES: dict[str, Act] = {
    "queued": queue_job,
    "queued for a session": queue_session_job,
    "ordered": order_transcript,
    "order without an answer": lose_order_answer,
    "silent": let_job_go_silent,
    "expired": let_job_expire,
    "done with a copy left": finish_without_deleting_copy,
}
ACTS: dict[str, Act] = {
    "worker": run_worker,
    "webhook": CatchupScenario.webhook,
    "webhook and its worker": send_webhook_and_work,
    "sweep and its worker": sweep_and_work,
}
# A worker that was silent for so long may make one more provider call before a write shows that it lost the job.
LATE_ACTS: dict[str, Act] = {
    "late worker": run_late_worker,
    "late sweep and its worker": sweep_late_and_work,
    "expiring worker": run_expiring_worker,
    "expiring worker and deletion": run_expiring_worker_and_deletion,
}
JOB_AGE_SECONDS = 10  # when its worker starts, so that the sweep is due before that worker's claim expires
RACES = [
    ("queued", "worker", "worker"),
    ("queued", "worker", "sweep and its worker"),
    ("queued for a session", "worker", "worker"),
    ("queued for a session", "worker", "sweep and its worker"),
    ("ordered", "worker", "worker"),
    ("ordered", "worker", "webhook"),
    ("ordered", "worker", "webhook and its worker"),
    ("ordered", "webhook and its worker", "worker"),
    ("ordered", "webhook and its worker", "webhook and its worker"),
    ("order without an answer", "worker", "webhook and its worker"),
    ("order without an answer", "worker", "worker"),
    ("silent", "sweep and its worker", "worker"),
    ("expired", "worker", "webhook and its worker"),
    ("expired", "worker", "worker"),
    ("done with a copy left", "worker", "webhook and its worker"),
]
LATE_RACES = [
    ("queued", "worker", "late worker"),
    ("queued", "worker", "late sweep and its worker"),
    ("queued for a session", "worker", "late sweep and its worker"),
    ("queued for a session", "worker", "late worker"),
    ("queued for a session", "worker", "expiring worker"),
    ("ordered", "worker", "late worker"),
    ("ordered", "worker", "expiring worker"),
    ("ordered", "worker", "expiring worker and deletion"),
]


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


def interleave_workers(engine: Engine, names: Names, state: str, first: str, second: str) -> int:
    def new_scenario() -> CatchupScenario:
        scenario = CatchupScenario.on(engine, names)
        STATES[state](scenario)
        scenario.wait(JOB_AGE_SECONDS)
        scenario.text.tasks.clear()
        if second in LATE_ACTS:
            scenario.recordings.check = scenario.text.check = lambda *_: None
        return scenario

    def check(scenario: CatchupScenario) -> None:
        if second in LATE_ACTS:
            scenario.check_the_end(max_orders=2)
        else:
            assert len(scenario.text.tasks) <= 1, "the text model was paid twice"
            scenario.check_the_end()
        scenario.check_every_token_is_booked()

    return interleave(
        new_scenario,
        ACTS[first],
        (ACTS | LATE_ACTS)[second],
        check,
        f"{state}, {first}, {second}",
        clean_up=CatchupScenario.settle_down,
    )


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("state", "first", "second"), RACES + LATE_RACES)
def test_an_interrupted_act_ends_the_job_once(
    state: str, first: str, second: str, engine: Engine, names: Names
) -> None:
    assert interleave_workers(engine, names, state, first, second) >= 2


@pytest.mark.soak
@pytest.mark.parametrize("state", STATES)
def test_every_act_between_the_calls_of_every_other_act(
    state: str, engine: Engine, names: Names, soak_counts: Counter[str]
) -> None:
    for first in ACTS:
        for second in ACTS | LATE_ACTS:
            interruptions = interleave_workers(engine, names, state, first, second)
            soak_counts.update({"interleavings of catch-ups": interruptions})


# Starts


@pytest.mark.parametrize("credits", [100, 10])
@pytest.mark.parametrize("key", ["the same key", "another key"])
def test_two_concurrent_starts_of_one_range_are_one_job(engine: Engine, names: Names, key: str, credits: int) -> None:
    answers: list[str] = []

    def start(scenario: CatchupScenario) -> None:
        answers.append(scenario.catchup_env.start(scenario.caller, scenario.job_id, **scenario.body).job_id)

    def start_too(scenario: CatchupScenario) -> None:
        job_id = scenario.job_id if key == "the same key" else f"{scenario.job_id}-2"
        answers.append(scenario.catchup_env.start(scenario.caller, job_id, **scenario.body).job_id)

    def check(scenario: CatchupScenario) -> None:
        (hold,) = scenario.books.open_holds
        assert answers == [hold.reference] * 2
        answers.clear()
        books = scenario.settle_down()
        assert [-entry.credits for entry in books.usage] == [10]
        assert len(scenario.recordings.orders) == len(scenario.text.tasks) == 1

    def new_scenario() -> CatchupScenario:
        answers.clear()
        return CatchupScenario.on(engine, names, credits)

    assert interleave(new_scenario, start, start_too, check, key, clean_up=CatchupScenario.settle_down) >= 2


@pytest.mark.parametrize("key", ["the same key", "another key"])
def test_many_starts_of_one_range_in_threads_are_one_job(engine: Engine, names: Names, key: str) -> None:
    scenario = CatchupScenario.on(engine, names)

    with all_at_once(6) as run:
        answers = run(
            lambda n: scenario.catchup_env.start(
                scenario.caller, scenario.job_id + (f"-{n}" if key == "another key" else ""), **scenario.body
            )
        )

    assert len({getattr(answer, "job_id", answer) for answer in answers}) == 1
    books = scenario.settle_down()
    assert [-entry.credits for entry in books.usage] == [10]
    assert len(scenario.recordings.orders) == 1


@pytest.mark.parametrize("first", ["a start", "a worker's end"])
def test_a_range_is_never_left_to_a_failed_job(engine: Engine, names: Names, first: str) -> None:
    """The same range is requested again while its job fails."""
    answers: list[str] = []

    def start_again(scenario: CatchupScenario) -> None:
        answers.append(scenario.catchup_env.start(scenario.caller, f"{scenario.job_id}-2", **scenario.body).job_id)

    def check(scenario: CatchupScenario) -> None:
        scenario.settle_down()
        job = scenario.catchup_env.catchups.get_status(scenario.caller, answers.pop())
        assert job.job_id == scenario.job_id or job.status == "done"
        again = scenario.catchup_env.start(scenario.caller, f"{scenario.job_id}-3", **scenario.body)
        scenario.settle_down()
        assert scenario.catchup_env.catchups.get_status(scenario.caller, again.job_id).status == "done"

    def new_scenario() -> CatchupScenario:
        answers.clear()
        scenario = CatchupScenario.on(engine, names)
        let_job_expire(scenario)
        return scenario

    acts: tuple[Act, Act] = (start_again, run_worker) if first == "a start" else (run_worker, start_again)
    assert interleave(new_scenario, *acts, check, first, clean_up=CatchupScenario.settle_down) >= 2


# Deleting


def delete_transcript(scenario: CatchupScenario) -> None:
    """The listener deletes the session's transcript unless a catch-up runs, and the sweep deletes its segments."""
    try:
        delete_at_rest(scenario)
    except ConflictError as refusal:
        assert refusal.details == {"reason": "catchup_running"}  # noqa: PT017 - any other refusal is wrong
    scenario.catchup_env.backend.history.delete_marked_segments()


def delete_at_rest(scenario: CatchupScenario) -> None:
    """Delete the session's transcript: nothing refuses it while no catch-up runs."""
    (transcript,) = scenario.quiet.history.transcripts.page(scenario.caller.user_id, 100, None)[0]
    scenario.catchup_env.backend.history.delete(scenario.caller, transcript.transcript_id)


def check_kept_or_deleted(scenario: CatchupScenario) -> None:
    """A catch-up that began is done and paid, also if its transcript was deleted later; no call was for nothing."""
    books = scenario.settle_down()
    scenario.check_every_token_is_booked()
    charged = [-entry.credits for entry in books.usage if entry.service == "catchup_session"]
    scenario.quiet.history.delete_marked_segments()
    remaining = [sk for sk in scenario.books.app if sk.startswith(("SEGMENT#", "SUMMARY#", "TRANSCRIPT#", "SESSION#"))]
    if any(sk.startswith("TRANSCRIPT#") for sk in remaining):
        job = scenario.catchup_env.catchups.get_status(scenario.caller, scenario.job_id)
        assert (job.status, job.credits_used, charged) == ("done", 1, [1])
        delete_at_rest(scenario)
        return
    assert remaining == [], "something of a deleted transcript is left"
    assert len(scenario.text.tasks) == len(charged)
    with pytest.raises(NotFoundError):
        scenario.catchup_env.catchups.get_status(scenario.caller, scenario.job_id)


@pytest.mark.parametrize("first", ["a worker", "a listener who deletes", "a start"])
def test_a_transcript_is_deleted_before_or_after_its_catchup(engine: Engine, names: Names, first: str) -> None:
    def new_scenario() -> CatchupScenario:
        scenario = CatchupScenario.on(engine, names)
        (queue_session_job if first == "a worker" else CatchupScenario.use_session)(scenario)
        return scenario

    def start(scenario: CatchupScenario) -> None:
        with suppress(ConflictError, NotFoundError):
            scenario.start()

    acts: dict[str, tuple[Act, Act]] = {
        "a worker": (run_worker, delete_transcript),
        "a listener who deletes": (delete_transcript, start),
        "a start": (start, delete_transcript),
    }
    assert (
        interleave(new_scenario, *acts[first], check_kept_or_deleted, first, clean_up=CatchupScenario.settle_down) >= 2
    )
