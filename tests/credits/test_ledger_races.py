"""Two commands at once on one account or session: first in every exact order, where the second command runs between
two calls of the first; then with threads, where the engine decides."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from chalicelib.errors import AppError, ConflictError, IdempotencyMismatchError, InsufficientCreditsError
from tests.credits.commands import (
    CHUNK,
    RENEW_LAPSED,
    start_expired_lease,
    start_lease_that_ends_soon,
    start_with_stale_chunk,
)
from tests.credits.money_env import FREE_CREDITS, PRICES, MoneyEnv, done_chunks
from tests.default_prices import live_credits
from tests.engines import Engine
from tests.fault_injection import retry_until_answered
from tests.interleaving import interleave, interrupt

pytestmark = pytest.mark.long

Names = tuple[str, str]
Act = Callable[[MoneyEnv], object]
renew, stop, sweep = MoneyEnv.renew, MoneyEnv.stop, MoneyEnv.sweep
STATES = {
    "near the end": start_lease_that_ends_soon,
    "over": start_expired_lease,
    "lapsed": RENEW_LAPSED.prepare,
    "stale": start_with_stale_chunk,
}
ACTS: dict[str, Act] = {
    "renew": lambda money_env: money_env.backend.streaming.renew(
        money_env.caller, money_env.session_id, interrupted=True
    ),
    "stop": stop,
    "sweep": sweep,
    "chunk 1": lambda money_env: money_env.send(1, 7.1),
    "chunk 2": lambda money_env: money_env.send(2, 3.2),
}
INTERLEAVINGS = [
    ("near the end", "renew", "renew"),
    ("near the end", "renew", "chunk 1"),
    ("near the end", "chunk 1", "renew"),
    ("near the end", "chunk 1", "stop"),
    ("near the end", "chunk 1", "chunk 1"),
    ("near the end", "stop", "chunk 1"),
    ("near the end", "stop", "renew"),
    ("over", "sweep", "renew"),
    ("over", "sweep", "stop"),
    ("over", "sweep", "sweep"),
    ("over", "renew", "sweep"),
    ("over", "stop", "sweep"),
    ("lapsed", "renew", "renew"),
    ("lapsed", "stop", "renew"),
    ("stale", "renew", "chunk 1"),
    ("stale", "stop", "chunk 1"),
    ("stale", "chunk 1", "chunk 1"),
    ("stale", "chunk 1", "renew"),
]


def interleave_commands(engine: Engine, names: Names, state: str, first: str, second: str) -> int:
    """`second` before each call of `first` in turn; how many calls there are."""

    def new_env() -> MoneyEnv:
        money_env = MoneyEnv.on(engine, names)
        STATES[state](money_env)
        return money_env

    def check(money_env: MoneyEnv) -> None:
        assert len(money_env.books().open_holds) <= 1
        money_env.check_the_end()

    label = f"{state}: {second} before a call of {first}"
    return interleave(new_env, allow_conflict(ACTS[first]), allow_conflict(ACTS[second]), check, label)


def allow_conflict(act: Act) -> Act:
    """The act, whose request may lose the race with a conflict."""

    def run(money_env: MoneyEnv) -> None:
        with suppress(ConflictError):
            act(money_env)

    return run


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("state", "first", "second"), INTERLEAVINGS)
def test_books_stay_exact_when_one_command_runs_inside_another(
    state: str, first: str, second: str, engine: Engine, names: Names
) -> None:
    assert interleave_commands(engine, names, state, first, second) >= 2


@pytest.mark.soak
@pytest.mark.parametrize("state", STATES)
def test_every_command_runs_between_the_calls_of_every_other(
    state: str, engine: Engine, names: Names, soak_counts: Counter[str]
) -> None:
    for first in ACTS:
        for second in ACTS:
            calls = interleave_commands(engine, names, state, first, second)
            soak_counts.update({"interleavings": calls, "operations": 6 * calls})


def test_a_stale_chunk_taken_over_during_a_renewal_is_billed(engine: Engine, names: Names) -> None:
    money_env = MoneyEnv.on(engine, names)
    start_with_stale_chunk(money_env)
    recogniser = money_env.recognisers[0]
    recogniser.script = [lambda: renew_now(money_env)]

    money_env.send(1, 7.1)

    assert done_chunks(money_env.books()) == {0: 12_500, 1: 7_100}
    money_env.check_the_end()


def test_a_renewal_notices_a_stale_chunk_that_is_taken_over_meanwhile(engine: Engine, names: Names) -> None:
    money_env = MoneyEnv.on(engine, names)
    start_with_stale_chunk(money_env)
    at_the_provider, answer_now, sent = threading.Event(), threading.Event(), []

    def wait_for_test() -> None:
        at_the_provider.set()
        assert answer_now.wait(timeout=30)

    money_env.recognisers[0].script = [wait_for_test]
    with ThreadPoolExecutor(1) as thread:

        def take_over(money_env: MoneyEnv) -> None:
            sent.append(thread.submit(money_env.send, 1, 7.1))
            assert at_the_provider.wait(timeout=30)

        assert interrupt(money_env, renew_now, take_over, at=1)
        answer_now.set()
        sent[0].result(timeout=30)

    assert done_chunks(money_env.books()) == {0: 12_500, 1: 7_100}
    money_env.check_the_end()


def renew_now(money_env: MoneyEnv) -> None:
    money_env.backend.streaming.renew(money_env.caller, money_env.session_id, interrupted=True)


def test_a_renewal_that_loses_credits_to_another_session_gets_a_shorter_lease(engine: Engine, names: Names) -> None:
    money_env = MoneyEnv.on(engine, names)
    start_lease_that_ends_soon(money_env)
    held, leases = [], []

    def renew_near_the_end(money_env: MoneyEnv) -> None:
        leases.append(money_env.backend.streaming.renew(money_env.caller, money_env.session_id, interrupted=False))

    def start_another(money_env: MoneyEnv) -> None:
        held.append(money_env.quiet.start(money_env.caller).credits_held)

    assert interrupt(money_env, renew_near_the_end, start_another, at=1)
    (lease,) = leases
    balance = money_env.books().balance
    assert held == [min(live_credits(600), FREE_CREDITS - live_credits(600))]
    assert (lease.credits_available, balance.available) == (0, 0)
    assert balance.held == held[0] + lease.credits_held == FREE_CREDITS - live_credits(12.5)


@contextmanager
def all_at_once(number: int) -> Iterator[Callable[[Callable[[int], object]], list[object]]]:
    """Runs a command in this many threads, which start together; results or errors, in order."""
    barrier = threading.Barrier(number)
    with ThreadPoolExecutor(number) as threads:

        def run(command: Callable[[int], object]) -> list[object]:
            def run_one(n: int) -> object:
                barrier.wait(timeout=30)
                try:
                    return retry_until_answered(lambda: command(n), lambda _: None, tries=200)
                except AppError as refused:
                    return refused

            return list(threads.map(run_one, range(number)))

        yield run


@pytest.mark.parametrize("lease_seconds", [None, 90])
def test_twenty_starts_at_once_never_hold_more_than_the_balance(
    engine: Engine, names: Names, lease_seconds: int | None
) -> None:
    money_env = MoneyEnv.on(engine, names)
    money_env.grant()

    with all_at_once(20) as run:
        answers = run(lambda _: money_env.quiet.start(money_env.caller, lease_seconds=lease_seconds))

    leases = [answer for answer in answers if not isinstance(answer, AppError)]
    assert all(isinstance(answer, InsufficientCreditsError) for answer in answers if isinstance(answer, AppError))
    balance = money_env.books().balance
    assert sum(lease.credits_held for lease in leases) == balance.held <= 200
    assert balance.available < PRICES.live_credits(60_000)
    assert all(lease.lease_seconds >= 60 for lease in leases)


def test_twenty_equal_starts_at_once_make_one_session(engine: Engine, names: Names) -> None:
    money_env = MoneyEnv.on(engine, names)
    money_env.grant()

    with all_at_once(20) as run:
        answers = run(lambda _: money_env.quiet.start(money_env.caller, money_env.session_id))

    assert all(answer == answers[0] for answer in answers)
    assert money_env.books().balance.held == live_credits(600)


@pytest.mark.parametrize("state", ["near the end", "lapsed"])
def test_of_two_renewals_at_once_one_makes_the_lease(engine: Engine, names: Names, state: str) -> None:
    money_env = MoneyEnv.on(engine, names)
    STATES[state](money_env)

    with all_at_once(2) as run:
        answers = run(
            lambda _: money_env.quiet.streaming.renew(money_env.caller, money_env.session_id, interrupted=False)
        )

    (lease,) = (answer for answer in answers if not isinstance(answer, AppError))
    assert money_env.books().balance.held == lease.credits_held
    assert money_env.session().lease_number == 2


@pytest.mark.parametrize(
    ("state", "acts"), [("over", ("stop", "sweep", "renew")), ("near the end", ("stop", "chunk 1"))]
)
def test_books_stay_exact_when_commands_race_to_end_a_lease(
    engine: Engine, names: Names, state: str, acts: tuple[str, ...]
) -> None:
    money_env = MoneyEnv.on(engine, names)
    STATES[state](money_env)

    with all_at_once(2 * len(acts)) as run:
        answers = run(lambda n: ACTS[acts[n % len(acts)]](money_env))

    assert all(isinstance(answer, ConflictError) for answer in answers if isinstance(answer, Exception))
    money_env.check_the_end()


def test_the_same_chunk_twice_at_once_is_one_call_and_one_charge(engine: Engine, names: Names) -> None:
    money_env = MoneyEnv.on(engine, names)
    CHUNK.prepare(money_env)
    at_the_provider, answer_now = threading.Event(), threading.Event()

    def wait_for_test() -> None:
        at_the_provider.set()
        assert answer_now.wait(timeout=30)

    money_env.recognisers[0].script = [wait_for_test]
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(money_env.send, 1, 7.1)
        assert at_the_provider.wait(timeout=30)
        with pytest.raises(ConflictError) as under_way:
            money_env.send(1, 7.1)
        with pytest.raises(IdempotencyMismatchError):
            money_env.send(1, 7.2)
        with pytest.raises(ConflictError) as stop_refused:
            money_env.stop()
        answer_now.set()
        answer = first.result(timeout=30)
    money_env.sent[1] = 7.1

    assert under_way.value.details["retry_after_seconds"] == 1
    assert stop_refused.value.details["retry_after_seconds"] == 1
    again = money_env.send(1, 7.1)
    assert (again.text, again.credits_used) == (answer.text, answer.credits_used)
    assert len(money_env.recognisers[0].received) == 2
    money_env.check_the_end()
