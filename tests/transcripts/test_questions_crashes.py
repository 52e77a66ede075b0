"""Questions under crashes, lost answers and races: paid once, and one answer for one key."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from chalicelib import contract
from chalicelib.errors import AppError, ConflictError, ProviderRefusedError, UnavailableError
from chalicelib.repositories.questions import question_from, question_key
from chalicelib.transcripts.questions import STALE_AFTER_SECONDS, SWEEP_AFTER_SECONDS
from tests.catchup.test_catchup_crashes import ALL_FAULTS, FAULTS
from tests.catchup.worker_env import CatchupScenario, Names
from tests.credits.test_ledger_races import all_at_once
from tests.default_prices import QUESTION_CREDITS, live_credits
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, no_faults, retry_until_answered
from tests.interleaving import interleave
from tests.transcripts.test_questions import spend

PRICE, CREDITS = QUESTION_CREDITS, 100


def ask(scenario: CatchupScenario) -> contract.AskAnswer:
    body = contract.Ask(question="What was said?", session_id=scenario.body["session_id"])
    return scenario.catchup_env.questions.ask(scenario.caller, body, "key", "hash")


def sweep(scenario: CatchupScenario) -> None:
    """A failed sweep is made up for by the next one."""
    with suppress(ExceptionGroup):
        scenario.catchup_env.questions.sweep()


def session_scenario(engine: Engine, names: Names, credits: int = CREDITS) -> CatchupScenario:
    """A listener with a saved session and so many credits."""
    needed = max(credits, live_credits(60))  # no session is shorter than a minute
    scenario = CatchupScenario.on(engine, names, needed)
    scenario.use_session()
    scenario.text.check = lambda: check_held(scenario)
    if needed > credits:
        spend(scenario.catchup_env, scenario.caller, needed - credits)
    return scenario


def check_held(scenario: CatchupScenario) -> None:
    """Before the text model is called, an open hold must pay for it."""
    (hold,) = scenario.quiet.open_holds(scenario.caller.user_id)
    assert (hold.kind, hold.credits) == ("ask", PRICE)


def crash_while_answering(scenario: CatchupScenario) -> None:
    scenario.fault_injector.use_plan(lambda _, operation: Fault.CRASH_AFTER if operation == "Read" else None)
    with suppress(Crash):
        ask(scenario)
    scenario.fault_injector.use_plan(no_faults)


def check_the_end(scenario: CatchupScenario, answers: list[contract.AskAnswer], *, is_retried: bool) -> None:
    """After a sweep nothing is held, and the answer is paid once if it is stored, otherwise not at all."""
    scenario.fault_injector.use_plan(no_faults)
    scenario.wait(SWEEP_AFTER_SECONDS)
    scenario.catchup_env.questions.sweep()
    books = scenario.books
    books.check()
    assert books.open_holds == [], "credits are stuck"
    paid = [-entry.credits for entry in books.usage if entry.reference == "key" and entry.credits]
    item = scenario.quiet.tables.get(question_key(scenario.caller.user_id, "key"))
    stored_answer = question_from(item).answer if item else ""
    assert paid == ([PRICE] if stored_answer else []), "an answer that is not stored was paid, or paid twice"
    assert stored_answer or item is None, "the question is left without an answer"
    assert stored_answer or not is_retried
    if stored_answer:
        answers = [*answers, ask(scenario)]
    assert all(answer == answers[0] for answer in answers), "one key, two answers"


# Crashes


def do_nothing(_: CatchupScenario) -> None: ...


def crash_attempt(scenario: CatchupScenario) -> None:
    crash_while_answering(scenario)
    scenario.wait(STALE_AFTER_SECONDS)


def crash_attempt_long_ago(scenario: CatchupScenario) -> None:
    crash_while_answering(scenario)
    scenario.wait(SWEEP_AFTER_SECONDS)


def let_provider_refuse(scenario: CatchupScenario) -> None:
    scenario.text.script = [ProviderRefusedError("no")]


def answer_question(scenario: CatchupScenario) -> None:
    ask(scenario)


COMMANDS: dict[str, tuple[Callable[[CatchupScenario], object], Callable[[CatchupScenario], object]]] = {
    "a question": (do_nothing, ask),
    "a question that the provider refuses": (let_provider_refuse, ask),
    "a question again": (answer_question, ask),
    "a question whose first attempt died": (crash_attempt, ask),
    "a question whose first attempt died long ago": (crash_attempt_long_ago, ask),
    "the sweep": (crash_attempt_long_ago, sweep),
}


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.mark.long
@pytest.mark.sampled(5)
@pytest.mark.parametrize("is_repeated", [True, False])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_at_any_call_charges_at_most_once_and_leaves_no_hold(
    command: str, is_repeated: bool, engine: Engine, names: Names
) -> None:
    run_command(command, {0: Fault.CRASH_BEFORE}, is_repeated, engine, names)
    assert run_with_each_fault(command, FAULTS, is_repeated, engine, names) >= len(FAULTS)


@pytest.mark.soak
@pytest.mark.parametrize("command", COMMANDS)
def test_every_fault_at_any_two_calls(command: str, engine: Engine, names: Names, soak_counts: Counter[str]) -> None:
    for is_repeated in (True, False):
        soak_counts.update(
            {"crash points in questions": run_with_each_fault(command, ALL_FAULTS, is_repeated, engine, names)}
        )
        calls = run_command(command, {}, is_repeated, engine, names)
        for first, _ in enumerate(calls):
            for second in range(len(calls) + 4):
                for fault in ALL_FAULTS:
                    run_command(command, {first: fault}, is_repeated, engine, names, then={second: fault})
                    soak_counts.update({"pairs of crash points in questions": 1})


def run_with_each_fault(
    command: str, faults: tuple[Fault, ...], is_repeated: bool, engine: Engine, names: Names
) -> int:
    """Run the command with each fault at each of its calls; how many runs."""
    calls = run_command(command, {}, is_repeated, engine, names)
    for number, call in enumerate(calls):
        for fault in faults:
            try:
                run_command(command, {number: fault}, is_repeated, engine, names)
            except BaseException as error:
                error.add_note(f"{fault} at call {number}, {call}")
                raise
    return len(calls) * len(faults)


def run_command(
    command: str,
    plan: dict[int, Fault],
    is_repeated: bool,
    engine: Engine,
    names: Names,
    then: dict[int, Fault] | None = None,
) -> list[str]:
    """Run the command with these faults, once more with others, then to the end; the calls of the command."""
    prepare, act = COMMANDS[command]
    scenario = session_scenario(engine, names)
    prepare(scenario)
    answers = []
    calls: list[str] = []
    for faults in (plan, then):
        if faults is None:
            continue
        scenario.fault_injector.use_plan(lambda number, _, faults=faults: faults.get(number))
        with suppress(Crash, AppError):
            answers.append(act(scenario))
        calls = calls or list(scenario.fault_injector.calls)
        scenario.wait(1)
    if is_repeated:
        scenario.fault_injector.use_plan(no_faults)
        answers.append(retry_until_answered(lambda: ask(scenario), scenario.wait))
    check_the_end(scenario, [answer for answer in answers if answer], is_retried=is_repeated)
    return calls


# Races


def ask_late(scenario: CatchupScenario) -> object:
    """The same question when the first attempt's process should have ended, but has not."""
    scenario.wait(STALE_AFTER_SECONDS)
    return ask(scenario)


def sweep_late(scenario: CatchupScenario) -> None:
    scenario.wait(SWEEP_AFTER_SECONDS)
    sweep(scenario)


def sweep_late_and_ask(scenario: CatchupScenario) -> object:
    sweep_late(scenario)
    return ask(scenario)


RACES: dict[
    str,
    tuple[
        Callable[[CatchupScenario], object], Callable[[CatchupScenario], object], Callable[[CatchupScenario], object]
    ],
] = {
    "two equal questions": (do_nothing, ask, ask),
    "two equal questions after a crash": (crash_attempt, ask, ask),
    "a question and a late one": (do_nothing, ask, ask_late),
    "a question after a crash and a late one": (crash_attempt, ask, ask_late),
    "a question and the sweep": (do_nothing, ask, sweep_late),
    "a question after a crash and the sweep": (crash_attempt, ask, sweep_late),
    "a question, the sweep and another": (do_nothing, ask, sweep_late_and_ask),
    "the sweep and a question": (crash_attempt_long_ago, sweep, ask),
    "two sweeps": (crash_attempt_long_ago, sweep, sweep),
}


@pytest.mark.long
@pytest.mark.sampled(6)
@pytest.mark.parametrize("credits", [CREDITS, PRICE])
@pytest.mark.parametrize("race", RACES)
def test_concurrent_questions_get_one_answer_that_is_paid_once(
    race: str, credits: int, engine: Engine, names: Names
) -> None:
    prepare, first, second = RACES[race]
    answers: list[object] = []

    def new_scenario() -> CatchupScenario:
        answers.clear()
        scenario = session_scenario(engine, names, credits)
        prepare(scenario)
        if "late" in second.__name__:
            scenario.text.check = lambda: None
        return scenario

    def answering(act: Callable[[CatchupScenario], object]) -> Callable[[CatchupScenario], None]:
        def run(scenario: CatchupScenario) -> None:
            try:
                answers.append(act(scenario))
            except ConflictError as refusal:
                assert refusal.details == {"reason": "still_running", "retry_after_seconds": 2}  # noqa: PT017 - any other refusal is wrong
            except UnavailableError as error:
                assert "too long" in error.message  # noqa: PT017

        return run

    def check(scenario: CatchupScenario) -> None:
        answers.append(retry_until_answered(lambda: ask(scenario), scenario.wait))
        check_the_end(
            scenario, [answer for answer in answers if isinstance(answer, contract.AskAnswer)], is_retried=True
        )
        if prepare is do_nothing and credits == CREDITS:  # Otherwise answers went to a process that died, or before.
            scenario.check_every_token_is_booked()

    assert (
        interleave(new_scenario, answering(first), answering(second), check, race, clean_up=CatchupScenario.settle_down)
        >= 3
    )


@pytest.mark.parametrize("credits", [CREDITS, PRICE])
@pytest.mark.parametrize("prepare", [do_nothing, crash_attempt])
def test_equal_questions_in_threads_are_answered_once(
    credits: int, prepare: Callable[[CatchupScenario], None], engine: Engine, names: Names
) -> None:
    scenario = session_scenario(engine, names, credits)
    prepare(scenario)
    scenario.text.check = lambda: None

    with all_at_once(6) as run:
        answers = run(lambda _: ask(scenario))

    assert len({getattr(answer, "credits_available", answer) for answer in answers}) == 1
    check_the_end(scenario, [answer for answer in answers if isinstance(answer, contract.AskAnswer)], is_retried=True)
    assert len(scenario.text.tasks) <= 2  # the crashed attempt's, and one more
