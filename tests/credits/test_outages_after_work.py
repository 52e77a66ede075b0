"""A provider has done its work, and then the tables fail: what it did is booked, once, in whatever end it has."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest

from chalicelib.errors import AppError, UnavailableError
from chalicelib.logs.request_facts import collect_request_facts
from chalicelib.models.accounts import Caller
from chalicelib.repositories.bookings import TRIES
from tests.catchup.test_catchup_crashes import queue_session_job
from tests.catchup.worker_env import CatchupScenario, Names
from tests.credits.account_invariants import Books
from tests.engines import Engine
from tests.fakes import Backend, Clock
from tests.fault_injection import OUTAGES, Fault, FaultInjector, FaultyRecogniser, no_faults
from tests.transcripts.test_questions_crashes import PRICE, ask, session_scenario, sweep_late

Act = Callable[[CatchupScenario], object]
CALLS_AFTER_WORK = 5  # as many calls to the tables as the ends below make in all of their tries
USELESS: dict[str, object] = {"answered": "perhaps"}


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


def fail_after(work: str, faults: dict[int, Fault], fault_injector: FaultInjector) -> None:
    """Let these calls to the tables fail, of those that follow the first call of `work`, a provider's."""
    numbers = itertools.count()

    def plan(_: int, operation: str) -> Fault | None:
        if operation == work or work not in fault_injector.calls:
            return None
        return faults.get(next(numbers))

    fault_injector.use_plan(plan)


def act_undisturbed(fault_injector: FaultInjector, act: Callable[[], object]) -> None:
    """Something else happens meanwhile, none of whose calls fail."""
    plan, fault_injector.plan = fault_injector.plan, no_faults
    act()
    fault_injector.plan = plan


# Up to this many calls fail, at any places after the work: fewer than the tries of one booking.
FAILURES: list[dict[int, Fault]] = [
    dict(zip(places, faults, strict=True))
    for many in range(TRIES)
    for places in itertools.combinations(range(CALLS_AFTER_WORK), many)
    for faults in itertools.product(OUTAGES, repeat=many)
]


# Questions


def answer_late(scenario: CatchupScenario) -> None:
    """The sweep has released the hold before the answer arrives."""
    scenario.text.script = [lambda: act_undisturbed(scenario.fault_injector, lambda: sweep_late(scenario))]


def answer_uselessly(scenario: CatchupScenario) -> None:
    scenario.text.script = [USELESS]


def answer_uselessly_and_late(scenario: CatchupScenario) -> None:
    scenario.text.check = lambda: act_undisturbed(scenario.fault_injector, lambda: sweep_late(scenario))
    scenario.text.script = [USELESS]


def do_nothing(_: CatchupScenario) -> None: ...


@pytest.mark.long
@pytest.mark.parametrize("prepare", [do_nothing, answer_late, answer_uselessly, answer_uselessly_and_late])
def test_what_a_question_used_is_booked_once_though_calls_fail(engine: Engine, names: Names, prepare: Act) -> None:
    for faults in FAILURES:
        scenario = session_scenario(engine, names)
        prepare(scenario)
        answers = []
        fail_after("Read", faults, scenario.fault_injector)
        with suppress(AppError):
            answers.append(ask(scenario))
        scenario.fault_injector.use_plan(no_faults)
        sweep_late(scenario)

        scenario.check_every_token_is_booked()
        books = scenario.books
        books.check()
        assert books.open_holds == []
        paid = [-entry.credits for entry in books.usage if entry.reference == "key" and entry.credits]
        assert paid == [PRICE] * len(answers)
        assert len(answers) == (1 if prepare is do_nothing else 0), faults


@pytest.mark.parametrize("last", OUTAGES)
def test_an_outage_through_all_tries_charges_nothing_that_is_not_stored(
    engine: Engine, names: Names, last: Fault
) -> None:
    """The limit: nothing can be booked then, and the log line says what was lost."""
    scenario = session_scenario(engine, names)
    fail_after("Read", dict.fromkeys(range(TRIES - 1), Fault.UNSENT) | {TRIES - 1: last}, scenario.fault_injector)
    with collect_request_facts() as facts, pytest.raises(UnavailableError):
        ask(scenario)
    scenario.fault_injector.use_plan(no_faults)
    tokens_booked = [use.input_tokens for entry in scenario.books.usage for use in entry.uses]

    assert tokens_booked == ([1_000] if last is Fault.LOST else [])
    assert facts.notes["unbooked_micro_usd"] > 0
    scenario.wait(36)
    answer = ask(scenario)
    assert len(scenario.text.tasks) == (1 if last is Fault.LOST else 2)
    assert (answer.credits_used, [-e.credits for e in scenario.books.usage if e.reference == "key"]) == (PRICE, [PRICE])


# Summaries


@pytest.mark.long
@pytest.mark.parametrize("summary", [{}, {"summary": ""}])
def test_what_a_summary_used_is_booked_once_though_calls_fail(
    engine: Engine, names: Names, summary: dict[str, object]
) -> None:
    for faults in FAILURES:
        scenario = CatchupScenario.on(engine, names)
        queue_session_job(scenario)
        scenario.text.script = [summary] if summary else []
        fail_after("Read", faults, scenario.fault_injector)
        with suppress(AppError):
            scenario.advance()
        scenario.settle_down()

        scenario.check_every_token_is_booked()


def finish_elsewhere(scenario: CatchupScenario) -> None:
    """Another worker completes the job: the first was silent until its claim had expired."""
    scenario.wait(scenario.catchup_env.rules.claim_seconds)
    scenario.advance()


@pytest.mark.parametrize("later", [None, *itertools.product(range(2, 6), OUTAGES)], ids=str)
@pytest.mark.parametrize("first", OUTAGES)
def test_a_use_whose_claim_is_lost_between_two_tries_is_booked_once(
    engine: Engine, names: Names, first: Fault, later: tuple[int, Fault] | None
) -> None:
    """The first try may have been written, and the worker that went on has booked it with the job.

    `later`: another call that fails, while that is found out and booked.
    """
    scenario = CatchupScenario.on(engine, names)
    queue_session_job(scenario)
    numbers = itertools.count()

    def plan(_: int, operation: str) -> Fault | None:
        if operation == "Read" or "Read" not in scenario.fault_injector.calls:
            return None
        number = next(numbers)
        if number == 1:
            act_undisturbed(scenario.fault_injector, lambda: finish_elsewhere(scenario))
        return first if number == 0 else later[1] if later and number == later[0] else None

    scenario.fault_injector.use_plan(plan)
    with suppress(UnavailableError):
        scenario.advance()
    scenario.settle_down()

    assert len(scenario.text.tasks) == 2
    scenario.check_every_token_is_booked()


# Relayed audio


def stop_late(backend: Backend, caller: Caller, session_id: str) -> None:
    backend.clock.forward(36)
    backend.streaming.stop(caller, session_id)


@pytest.mark.long
def test_what_a_chunk_cost_is_booked_once_though_calls_fail(engine: Engine, names: Names) -> None:
    for faults, is_late in itertools.product(FAILURES, [False, True]):
        fault_injector, clock = FaultInjector(), Clock()
        recogniser = FaultyRecogniser(fault_injector=fault_injector)
        backend = Backend.on(fault_injector.tables(engine, names), clock, (recogniser,))
        caller = backend.person(100)
        session_id = backend.start(caller, str(uuid.uuid4())).session_id
        if is_late:  # The session has ended before the words arrive.
            stop = partial(stop_late, backend, caller, session_id)
            recogniser.script = [partial(act_undisturbed, fault_injector, stop)]
        fail_after("Recognise", faults, fault_injector)
        words = []
        with suppress(AppError):
            words.append(backend.send(caller, session_id, 0, seconds=2))
        fault_injector.use_plan(no_faults)
        clock.forward(36)
        backend.streaming.stop(caller, session_id)

        books = Books.of(engine, names, caller.user_id)
        books.check()
        recognised = [use.audio_ms for entry in books.usage for use in entry.uses]
        assert recognised == [2_000], f"{faults}, late: {is_late}"
        assert [-entry.credits for entry in books.usage if entry.credits] == [1] * len(words)
