"""Catch-ups under crashes and lost answers at every call to tables, queue and providers."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from chalicelib.errors import AppError
from tests.catchup.worker_env import CatchupScenario, Names
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, no_faults

# A crash before a call is a crash after the previous call.
FAULTS = (Fault.CRASH_AFTER, Fault.LOST)
ALL_FAULTS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST, Fault.UNSENT)


def do_nothing(_: CatchupScenario) -> None: ...


def queue_job(scenario: CatchupScenario) -> None:
    scenario.start()
    scenario.catchup_env.queue.sent.clear()


def queue_session_job(scenario: CatchupScenario) -> None:
    scenario.use_session()
    queue_job(scenario)


def order_transcript(scenario: CatchupScenario) -> None:
    scenario.recordings.is_slow = True
    queue_job(scenario)
    scenario.advance()
    scenario.recordings.is_slow = False


def lose_order_answer(scenario: CatchupScenario) -> None:
    queue_job(scenario)
    scenario.fault_injector.use_plan(lambda _, operation: Fault.LOST if operation == "Submit" else None)
    scenario.advance()
    scenario.wait(61)


def let_job_expire(scenario: CatchupScenario) -> None:
    scenario.recordings.is_slow = True
    queue_job(scenario)
    scenario.advance()
    scenario.wait(scenario.catchup_env.rules.abandon_after_seconds)


def finish_without_deleting_copy(scenario: CatchupScenario) -> None:
    queue_job(scenario)
    scenario.fault_injector.use_plan(lambda _, operation: Fault.UNSENT if operation == "DeleteTranscript" else None)
    with suppress(AppError):
        scenario.advance()


def let_job_go_silent(scenario: CatchupScenario) -> None:
    queue_job(scenario)
    scenario.wait(61)


LONG = "a worker, from the order to the end"
COMMANDS: dict[str, tuple[Callable[[CatchupScenario], None], Callable[[CatchupScenario], None]]] = {
    "start": (do_nothing, CatchupScenario.start),
    LONG: (queue_job, CatchupScenario.advance),
    "a worker, for a session": (queue_session_job, CatchupScenario.advance),
    "a worker, once it is transcribed": (order_transcript, CatchupScenario.advance),
    "a worker, after an order whose answer was lost": (lose_order_answer, CatchupScenario.advance),
    "a worker, after the job has expired": (let_job_expire, CatchupScenario.advance),
    "a worker, once it is done": (finish_without_deleting_copy, CatchupScenario.advance),
    "a webhook": (order_transcript, CatchupScenario.webhook),
    "the sweep": (let_job_go_silent, CatchupScenario.sweep),
}


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.mark.long
@pytest.mark.sampled(4)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_at_any_call_loses_repeats_and_blocks_nothing(command: str, engine: Engine, names: Names) -> None:
    run_command(command, (0, Fault.CRASH_BEFORE), engine, names)
    assert run_with_each_fault(command, FAULTS, engine, names) >= 2 * len(FAULTS)


@pytest.mark.soak
@pytest.mark.parametrize("command", COMMANDS)
def test_every_fault_at_every_call(command: str, engine: Engine, names: Names, soak_counts: Counter[str]) -> None:
    soak_counts.update({"crash points in catch-ups": run_with_each_fault(command, ALL_FAULTS, engine, names)})


@pytest.mark.soak
@pytest.mark.parametrize("command", COMMANDS)
def test_two_faults_at_any_two_calls(command: str, engine: Engine, names: Names, soak_counts: Counter[str]) -> None:
    calls = run_command(command, None, engine, names)
    for first, _ in enumerate(calls):
        for second in range(first + 1, len(calls) + 4):
            for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER):
                run_command(command, (first, fault), engine, names, then=(second, fault))
                soak_counts.update({"pairs of crash points in catch-ups": 1})


@pytest.mark.soak
def test_a_fault_at_any_call_pays_a_long_summary_at_most_twice(
    engine: Engine, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its segments are stored in several items, and summarised in several calls and a last one over their summaries."""
    monkeypatch.setattr("chalicelib.repositories.transcripts.BLOCK_BYTES", 700)
    monkeypatch.setattr("chalicelib.pricing.text_budget.TEXT_CALL_BYTES", 500)
    all_calls = run_command(LONG, None, engine, names, max_reads=20)
    assert all_calls.count("TransactWriteItems") >= 1 + 2  # the blocks, and the settlement
    assert all_calls.count("Read") >= 3

    for number, operation in enumerate(all_calls):
        for fault in FAULTS:
            try:
                run_command(LONG, (number, fault), engine, names, max_reads=2 * all_calls.count("Read"))
            except BaseException as error:
                error.add_note(f"{fault} at call {number}, {operation}")
                raise


def run_with_each_fault(command: str, faults: tuple[Fault, ...], engine: Engine, names: Names) -> int:
    """Run the command with each fault at each of its calls; how many runs."""
    calls = run_command(command, None, engine, names)
    for number, _ in enumerate(calls):
        for fault in faults:
            try:
                run_command(command, (number, fault), engine, names)
            except BaseException as error:
                error.add_note(f"{fault} at call {number}, {calls[number]}")
                raise
    return len(calls) * len(faults)


def run_command(
    command: str,
    plan: tuple[int, Fault] | None,
    engine: Engine,
    names: Names,
    then: tuple[int, Fault] | None = None,
    max_reads: int = 2,
) -> list[str]:
    """Run the command with one fault or two, then until nothing is left to do; the calls of the command."""
    prepare, act = COMMANDS[command]
    scenario = CatchupScenario.on(engine, names)
    prepare(scenario)
    plans = dict([plan, *([then] if then else [])]) if plan else {}
    scenario.fault_injector.use_plan(lambda number, _: plans.get(number))
    with suppress(Crash, AppError, ExceptionGroup):
        act(scenario)
    calls = list(scenario.fault_injector.calls)
    if then:
        with suppress(Crash, AppError, ExceptionGroup):
            act(scenario)
    if act is CatchupScenario.start:
        scenario.fault_injector.use_plan(no_faults)
        scenario.insist(CatchupScenario.start)  # The extension retries with the same key.
    job = scenario.check_the_end()
    if not then:
        assert len(scenario.text.tasks) <= max_reads, "the text model was paid more often than the hold covers"
        assert job is None or (job.status == "failed") == (prepare is let_job_expire), "one fault failed the job"
    return calls
