"""Catch-ups under crashes and lost answers at every call to tables, queue and providers."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from chalicelib.errors import AppError
from tests.catchup.worker_env import Names, Office
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, no_faults

# A crash before a call is one after the call before it.
FAULTS = (Fault.CRASH_AFTER, Fault.LOST)
ALL_FAULTS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST, Fault.UNSENT)


def nothing(_: Office) -> None: ...


def queued(office: Office) -> None:
    office.start()
    office.catchup_env.queue.sent.clear()


def of_a_session(office: Office) -> None:
    office.of_a_session()
    queued(office)


def ordered(office: Office) -> None:
    office.recordings.is_slow = True
    queued(office)
    office.advance()
    office.recordings.is_slow = False


def ordered_without_an_answer(office: Office) -> None:
    queued(office)
    office.wire.under(lambda _, operation: Fault.LOST if operation == "Submit" else None)
    office.advance()
    office.wait(61)


def given_up(office: Office) -> None:
    office.recordings.is_slow = True
    queued(office)
    office.advance()
    office.wait(office.catchup_env.rules.abandon_after_seconds)


def done_but_not_forgotten(office: Office) -> None:
    queued(office)
    office.wire.under(lambda _, operation: Fault.UNSENT if operation == "Forget" else None)
    with suppress(AppError):
        office.advance()


def silent(office: Office) -> None:
    queued(office)
    office.wait(61)


LONG = "a worker, from order to end"
COMMANDS: dict[str, tuple[Callable[[Office], None], Callable[[Office], None]]] = {
    "start": (nothing, Office.start),
    LONG: (queued, Office.advance),
    "a worker, for a session": (of_a_session, Office.advance),
    "a worker, once it is transcribed": (ordered, Office.advance),
    "a worker, after an order without an answer": (ordered_without_an_answer, Office.advance),
    "a worker that gives up": (given_up, Office.advance),
    "a worker, once it is done": (done_but_not_forgotten, Office.advance),
    "a webhook": (ordered, Office.webhook),
    "the sweep": (silent, Office.sweep),
}


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.mark.sampled(4)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_at_any_call_loses_doubles_and_blocks_nothing(command: str, engine: Engine, names: Names) -> None:
    lived(command, (0, Fault.CRASH_BEFORE), engine, names)
    assert with_faults(command, FAULTS, engine, names) >= 2 * len(FAULTS)


@pytest.mark.soak
@pytest.mark.parametrize("command", COMMANDS)
def test_every_fault_at_every_call(command: str, engine: Engine, names: Names, tally: Counter[str]) -> None:
    tally.update({"crash points in catch-ups": with_faults(command, ALL_FAULTS, engine, names)})


@pytest.mark.soak
@pytest.mark.parametrize("command", COMMANDS)
def test_two_faults_at_any_two_calls(command: str, engine: Engine, names: Names, tally: Counter[str]) -> None:
    calls = lived(command, None, engine, names)
    for first, _ in enumerate(calls):
        for second in range(first + 1, len(calls) + 4):
            for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER):
                lived(command, (first, fault), engine, names, then=(second, fault))
                tally.update({"pairs of crash points in catch-ups": 1})


@pytest.mark.soak
def test_a_fault_at_any_call_for_a_long_recording_pays_its_summary_twice_at_most(
    engine: Engine, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words are stored in several items, and read in several pieces and once more together."""
    monkeypatch.setattr("chalicelib.repositories.transcripts.BLOCK_BYTES", 700)
    monkeypatch.setattr("chalicelib.pricing.text_budget.TEXT_CALL_BYTES", 500)
    whole = lived(LONG, None, engine, names, most_reads=20)
    assert whole.count("TransactWriteItems") >= 1 + 2  # the blocks, and the end
    assert whole.count("Read") >= 3

    for number, operation in enumerate(whole):
        for fault in FAULTS:
            try:
                lived(LONG, (number, fault), engine, names, most_reads=2 * whole.count("Read"))
            except BaseException as error:
                error.add_note(f"{fault} at call {number}, {operation}")
                raise


def with_faults(command: str, faults: tuple[Fault, ...], engine: Engine, names: Names) -> int:
    """Each fault at each call of the command in turn; how many."""
    calls = lived(command, None, engine, names)
    for number, _ in enumerate(calls):
        for fault in faults:
            try:
                lived(command, (number, fault), engine, names)
            except BaseException as error:
                error.add_note(f"{fault} at call {number}, {calls[number]}")
                raise
    return len(calls) * len(faults)


def lived(
    command: str,
    plan: tuple[int, Fault] | None,
    engine: Engine,
    names: Names,
    then: tuple[int, Fault] | None = None,
    most_reads: int = 2,
) -> list[str]:
    """The command with one fault, or two, what happens then, and the end of everything; its calls."""
    prepare, act = COMMANDS[command]
    office = Office.on(engine, names)
    prepare(office)
    plans = dict([plan, *([then] if then else [])]) if plan else {}
    office.wire.under(lambda number, _: plans.get(number))
    with suppress(Crash, AppError, ExceptionGroup):
        act(office)
    calls = list(office.wire.calls)
    if then:
        with suppress(Crash, AppError, ExceptionGroup):
            act(office)
    if act is Office.start:
        office.wire.under(no_faults)
        office.insist(Office.start)  # The extension asks again under the same key.
    job = office.check_the_end()
    if not then:
        assert len(office.text.tasks) <= most_reads, "the text model was paid more often than the hold covers"
        assert job is None or (job.status == "failed") == (prepare is given_up), "one fault failed the job"
    return calls
