"""Questions under crashes and lost answers at every call, and two at once: paid once, and one answer for one key."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from chalicelib import contract
from chalicelib.errors import AppError, ConflictError, ProviderRefusedError, UnavailableError
from chalicelib.repositories.questions import question_from, question_key
from chalicelib.transcripts.questions import STALE_AFTER_SECONDS, SWEEP_AFTER_SECONDS
from tests.catchup.test_catchup_crashes import ALL_FAULTS, FAULTS
from tests.catchup.test_catchup_races import interleave
from tests.catchup.worker_env import Names, Office
from tests.credits.test_ledger_races import all_at_once
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, insist, no_faults

PRICE, CREDITS = 5, 100


def ask(office: Office) -> contract.AskAnswer:
    body = contract.Ask(question="What was said?", session_id=office.body["session_id"])
    return office.catchup_env.assistant.ask(office.who, body, "key", "hash")


def sweep(office: Office) -> None:
    """The scheduler's next round makes up for one that failed."""
    with suppress(ExceptionGroup):
        office.catchup_env.assistant.sweep()


def asker(engine: Engine, names: Names, credits: int = CREDITS) -> Office:
    """A listener with a session's saved words and so many credits."""
    office = Office.on(engine, names, max(credits, 10))
    office.of_a_session()
    office.text.check = lambda: check_held(office)
    if credits < 10:
        office.catchup_env.assistant.ask(
            office.who, contract.Ask(question="?", session_id=office.body["session_id"]), "earlier", "hash"
        )
        office.text.tasks.clear()
    return office


def check_held(office: Office) -> None:
    """Before the text model is asked: an open hold pays for it."""
    (hold,) = office.quiet.open_holds(office.who.user_id)
    assert (hold.kind, hold.credits) == ("ask", PRICE)


def die_while_answering(office: Office) -> None:
    office.wire.under(lambda _, operation: Fault.CRASH_AFTER if operation == "Read" else None)
    with suppress(Crash):
        ask(office)
    office.wire.under(no_faults)


def check_the_end(office: Office, answers: list[contract.AskAnswer], *, is_insisted: bool) -> None:
    """The scheduler has come round: nothing is held, and the answer is paid once if it is kept, else not at all."""
    office.wire.under(no_faults)
    office.wait(SWEEP_AFTER_SECONDS)
    office.catchup_env.assistant.sweep()
    books = office.books
    books.check()
    assert books.open_holds == [], "credits are stuck"
    paid = [-entry.credits for entry in books.usage if entry.reference == "key"]
    item = office.quiet.tables.get(question_key(office.who.user_id, "key"))
    kept = question_from(item).answer if item else ""
    assert paid == ([PRICE] if kept else []), "an answer that is not kept was paid, or paid twice"
    assert kept or item is None, "the question is left without an answer"
    assert kept or not is_insisted
    if kept:
        answers = [*answers, ask(office)]
    assert all(answer == answers[0] for answer in answers), "one key, two answers"


# Crashes


def nothing(_: Office) -> None: ...


def dead(office: Office) -> None:
    die_while_answering(office)
    office.wait(STALE_AFTER_SECONDS)


def dead_for_long(office: Office) -> None:
    die_while_answering(office)
    office.wait(SWEEP_AFTER_SECONDS)


def refused(office: Office) -> None:
    office.text.script = [ProviderRefusedError("no")]


def answered(office: Office) -> None:
    ask(office)


COMMANDS: dict[str, tuple[Callable[[Office], object], Callable[[Office], object]]] = {
    "a question": (nothing, ask),
    "a question that the provider refuses": (refused, ask),
    "a question again": (answered, ask),
    "a question whose first attempt died": (dead, ask),
    "a question whose first attempt died long ago": (dead_for_long, ask),
    "the sweep": (dead_for_long, sweep),
}


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.mark.sampled(5)
@pytest.mark.parametrize("comes_again", [True, False])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_at_any_call_charges_nothing_twice_and_holds_nothing_for_ever(
    command: str, comes_again: bool, engine: Engine, names: Names
) -> None:
    lived(command, {0: Fault.CRASH_BEFORE}, comes_again, engine, names)
    assert with_faults(command, FAULTS, comes_again, engine, names) >= len(FAULTS)


@pytest.mark.soak
@pytest.mark.parametrize("command", COMMANDS)
def test_every_fault_at_any_two_calls(command: str, engine: Engine, names: Names, tally: Counter[str]) -> None:
    for comes_again in (True, False):
        tally.update({"crash points in questions": with_faults(command, ALL_FAULTS, comes_again, engine, names)})
        calls = lived(command, {}, comes_again, engine, names)
        for first, _ in enumerate(calls):
            for second in range(len(calls) + 4):
                for fault in ALL_FAULTS:
                    lived(command, {first: fault}, comes_again, engine, names, then={second: fault})
                    tally.update({"pairs of crash points in questions": 1})


def with_faults(command: str, faults: tuple[Fault, ...], comes_again: bool, engine: Engine, names: Names) -> int:
    """Each fault at each call of the command in turn; how many."""
    calls = lived(command, {}, comes_again, engine, names)
    for number, call in enumerate(calls):
        for fault in faults:
            try:
                lived(command, {number: fault}, comes_again, engine, names)
            except BaseException as error:
                error.add_note(f"{fault} at call {number}, {call}")
                raise
    return len(calls) * len(faults)


def lived(
    command: str,
    plan: dict[int, Fault],
    comes_again: bool,
    engine: Engine,
    names: Names,
    then: dict[int, Fault] | None = None,
) -> list[str]:
    """The command with these faults, once more with others, what happens then, and the end of everything; its calls."""
    prepare, act = COMMANDS[command]
    office = asker(engine, names)
    prepare(office)
    answers = []
    calls: list[str] = []
    for faults in (plan, then):
        if faults is None:
            continue
        office.wire.under(lambda number, _, faults=faults: faults.get(number))
        with suppress(Crash, AppError):
            answers.append(act(office))
        calls = calls or list(office.wire.calls)
        office.wait(1)
    if comes_again:
        office.wire.under(no_faults)
        answers.append(insist(lambda: ask(office), office.wait))
    check_the_end(office, [one for one in answers if one], is_insisted=comes_again)
    return calls


# Two at once


def late_ask(office: Office) -> object:
    """The same question when the first one's process is surely gone, and yet it is not."""
    office.wait(STALE_AFTER_SECONDS)
    return ask(office)


def late_sweep(office: Office) -> None:
    office.wait(SWEEP_AFTER_SECONDS)
    sweep(office)


def late_sweep_and_ask(office: Office) -> object:
    late_sweep(office)
    return ask(office)


RACES: dict[str, tuple[Callable[[Office], object], Callable[[Office], object], Callable[[Office], object]]] = {
    "two equal questions": (nothing, ask, ask),
    "two equal questions after a crash": (dead, ask, ask),
    "a question and a late one": (nothing, ask, late_ask),
    "a question after a crash and a late one": (dead, ask, late_ask),
    "a question and the sweep": (nothing, ask, late_sweep),
    "a question after a crash and the sweep": (dead, ask, late_sweep),
    "a question, the sweep and another": (nothing, ask, late_sweep_and_ask),
    "the sweep and a question": (dead_for_long, sweep, ask),
    "two sweeps": (dead_for_long, sweep, sweep),
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("credits", [CREDITS, PRICE])
@pytest.mark.parametrize("race", RACES)
def test_whatever_comes_between_the_answer_is_one_and_paid_once(
    race: str, credits: int, engine: Engine, names: Names
) -> None:
    prepare, first, second = RACES[race]
    answers: list[object] = []

    def office_of() -> Office:
        answers.clear()
        office = asker(engine, names, credits)
        prepare(office)
        if "late" in second.__name__ or second is late_sweep:
            office.text.check = lambda: None
        return office

    def answering(act: Callable[[Office], object]) -> Callable[[Office], None]:
        def run(office: Office) -> None:
            try:
                answers.append(act(office))
            except ConflictError as refusal:
                assert refusal.details == {"reason": "still_running", "retry_after_seconds": 2}  # noqa: PT017 - any other refusal is wrong
            except UnavailableError as error:
                assert "too long" in error.message  # noqa: PT017

        return run

    def check(office: Office) -> None:
        answers.append(insist(lambda: ask(office), office.wait))
        check_the_end(office, [one for one in answers if isinstance(one, contract.AskAnswer)], is_insisted=True)

    assert interleave(office_of, answering(first), answering(second), check, race) >= 3


@pytest.mark.parametrize("credits", [CREDITS, PRICE])
@pytest.mark.parametrize("prepare", [nothing, dead])
def test_equal_questions_in_threads_are_one(
    credits: int, prepare: Callable[[Office], None], engine: Engine, names: Names
) -> None:
    office = asker(engine, names, credits)
    prepare(office)
    office.text.check = lambda: None

    with all_at_once(6) as run:
        answers = run(lambda _: ask(office))

    assert len({getattr(answer, "credits_available", answer) for answer in answers}) == 1
    check_the_end(office, [one for one in answers if isinstance(one, contract.AskAnswer)], is_insisted=True)
    assert len(office.text.tasks) <= 2  # the dead one's, and one more
