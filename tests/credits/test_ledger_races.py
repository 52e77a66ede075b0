"""Two at once on one account or session. First laid out exactly: the second command comes between any two calls of the
first; then with threads, where the engine decides."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from chalicelib.errors import AppError, ConflictError, IdempotencyMismatchError, InsufficientCreditsError
from tests.credits.commands import CHUNK, RENEW_LAPSED, near_the_end, over, with_a_stale_chunk
from tests.credits.money_env import PRICES, World, done_chunks
from tests.engines import Engine
from tests.fault_injection import no_faults, retry_until_answered

Names = tuple[str, str]
Act = Callable[[World], object]
renew, stop, sweep = World.renew, World.stop, World.sweep
STATES = {"near the end": near_the_end, "over": over, "lapsed": RENEW_LAPSED.prepare, "stale": with_a_stale_chunk}
ACTS: dict[str, Act] = {
    "renew": lambda world: world.backend.streaming.renew(world.caller, world.session_id, interrupted=True),
    "stop": stop,
    "sweep": sweep,
    "chunk 1": lambda world: world.send(1, 7.1),
    "chunk 2": lambda world: world.send(2, 3.2),
}
TELLING = [
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


def interleave(engine: Engine, names: Names, state: str, first: str, second: str) -> int:
    """`second`, whole, before each call of `first` in turn; the number of places."""
    place = 0
    while True:
        world = World.on(engine, names)
        STATES[state](world)
        if not _with_second_at(place, world, ACTS[first], ACTS[second]):
            return place
        try:
            assert len(world.books().open_holds) <= 1
            world.check_the_end()
        except BaseException as error:
            error.add_note(f"{state}: {second} before call {place} of {first}")
            raise
        place += 1


def _with_second_at(place: int, world: World, first: Act, second: Act) -> bool:
    came = []

    def plan(number: int, _: str) -> None:
        if number == place and not came:
            came.append(True)
            with suppress(ConflictError):
                second(world)

    world.fault_injector.use_plan(plan)
    with suppress(ConflictError):
        first(world)
    world.fault_injector.use_plan(no_faults)
    return bool(came)


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("state", "first", "second"), TELLING)
def test_whatever_comes_between_leaves_exact_books(
    state: str, first: str, second: str, engine: Engine, names: Names
) -> None:
    assert interleave(engine, names, state, first, second) >= 2


@pytest.mark.soak
@pytest.mark.parametrize("state", STATES)
def test_every_command_between_the_calls_of_every_other(
    state: str, engine: Engine, names: Names, tally: Counter[str]
) -> None:
    for first in ACTS:
        for second in ACTS:
            places = interleave(engine, names, state, first, second)
            tally.update({"interleavings": places, "operations": 6 * places})


def test_a_stale_chunk_taken_over_during_a_renewal_is_billed(engine: Engine, names: Names) -> None:
    world = World.on(engine, names)
    with_a_stale_chunk(world)
    recogniser = world.recognisers[0]
    recogniser.script = [lambda: renew_now(world)]

    world.send(1, 7.1)

    assert done_chunks(world.books()) == {0: 12_500, 1: 7_100}
    world.check_the_end()


def test_a_renewal_notices_a_stale_chunk_that_is_taken_over_at_this_moment(engine: Engine, names: Names) -> None:
    world = World.on(engine, names)
    with_a_stale_chunk(world)
    at_the_provider, answer_now, sent = threading.Event(), threading.Event(), []

    def hold_on() -> None:
        at_the_provider.set()
        assert answer_now.wait(timeout=30)

    world.recognisers[0].script = [hold_on]
    with ThreadPoolExecutor(1) as thread:

        def take_over_before_the_write(number: int, _: str) -> None:
            if number == 1 and not sent:
                sent.append(thread.submit(world.send, 1, 7.1))
                assert at_the_provider.wait(timeout=30)

        world.fault_injector.use_plan(take_over_before_the_write)
        renew_now(world)
        answer_now.set()
        sent[0].result(timeout=30)

    assert done_chunks(world.books()) == {0: 12_500, 1: 7_100}
    world.check_the_end()


def renew_now(world: World) -> None:
    world.backend.streaming.renew(world.caller, world.session_id, interrupted=True)


def test_a_renewal_that_lost_its_credits_to_another_session_takes_a_shorter_lease(engine: Engine, names: Names) -> None:
    world = World.on(engine, names)
    near_the_end(world)
    world.fault_injector.use_plan(no_faults)
    taken = []

    def another_session_is_quicker(number: int, _: str) -> None:
        if number == 1 and not taken:
            taken.append(world.quiet.start(world.caller).credits_held)

    world.fault_injector.use_plan(another_session_is_quicker)

    lease = world.backend.streaming.renew(world.caller, world.session_id, interrupted=False)

    assert (taken, lease.credits_held, lease.credits_available) == ([100], 97, 0)
    assert world.books().balance.held == 197


@contextmanager
def all_at_once(number: int) -> Iterator[Callable[[Callable[[int], object]], list[object]]]:
    """Runs a command in so many threads, none before all are there; answers or errors, in order."""
    barrier = threading.Barrier(number)
    with ThreadPoolExecutor(number) as threads:

        def run(command: Callable[[int], object]) -> list[object]:
            def one(n: int) -> object:
                barrier.wait(timeout=30)
                try:
                    return retry_until_answered(lambda: command(n), lambda _: None, tries=200)
                except AppError as refused:
                    return refused

            return list(threads.map(one, range(number)))

        yield run


@pytest.mark.parametrize("lease_seconds", [None, 90])
def test_twenty_starts_at_once_hold_what_there_is_and_not_more(
    engine: Engine, names: Names, lease_seconds: int | None
) -> None:
    world = World.on(engine, names)
    world.grant()

    with all_at_once(20) as run:
        answers = run(lambda _: world.quiet.start(world.caller, lease_seconds=lease_seconds))

    leases = [answer for answer in answers if not isinstance(answer, AppError)]
    assert all(isinstance(answer, InsufficientCreditsError) for answer in answers if isinstance(answer, AppError))
    balance = world.books().balance
    assert sum(lease.credits_held for lease in leases) == balance.held <= 200
    assert balance.available < PRICES.live_credits(60_000)
    assert all(lease.lease_seconds >= 60 for lease in leases)


def test_twenty_equal_starts_at_once_are_one(engine: Engine, names: Names) -> None:
    world = World.on(engine, names)
    world.grant()

    with all_at_once(20) as run:
        answers = run(lambda _: world.quiet.start(world.caller, world.session_id))

    assert all(answer == answers[0] for answer in answers)
    assert world.books().balance.held == 100


@pytest.mark.parametrize("state", ["near the end", "lapsed"])
def test_of_two_renewals_at_once_one_makes_the_lease(engine: Engine, names: Names, state: str) -> None:
    world = World.on(engine, names)
    STATES[state](world)

    with all_at_once(2) as run:
        answers = run(lambda _: world.quiet.streaming.renew(world.caller, world.session_id, interrupted=False))

    (lease,) = (answer for answer in answers if not isinstance(answer, AppError))
    assert world.books().balance.held == lease.credits_held
    assert world.session().lease_number == 2


@pytest.mark.parametrize(
    ("state", "acts"), [("over", ("stop", "sweep", "renew")), ("near the end", ("stop", "chunk 1"))]
)
def test_those_who_race_for_the_end_of_a_lease_leave_exact_books(
    engine: Engine, names: Names, state: str, acts: tuple[str, ...]
) -> None:
    world = World.on(engine, names)
    STATES[state](world)

    with all_at_once(2 * len(acts)) as run:
        answers = run(lambda n: ACTS[acts[n % len(acts)]](world))

    assert all(isinstance(answer, ConflictError) for answer in answers if isinstance(answer, Exception))
    world.check_the_end()


def test_the_same_chunk_twice_at_once_is_one_call_and_one_charge(engine: Engine, names: Names) -> None:
    world = World.on(engine, names)
    CHUNK.prepare(world)
    at_the_provider, answer_now = threading.Event(), threading.Event()

    def hold_on() -> None:
        at_the_provider.set()
        assert answer_now.wait(timeout=30)

    world.recognisers[0].script = [hold_on]
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(world.send, 1, 7.1)
        assert at_the_provider.wait(timeout=30)
        with pytest.raises(ConflictError) as under_way:
            world.send(1, 7.1)
        with pytest.raises(IdempotencyMismatchError):
            world.send(1, 7.2)
        with pytest.raises(ConflictError) as stop_refused:
            world.stop()
        answer_now.set()
        answer = first.result(timeout=30)
    world.sent[1] = 7.1

    assert under_way.value.details["retry_after_seconds"] == 1
    assert stop_refused.value.details["retry_after_seconds"] == 1
    again = world.send(1, 7.1)
    assert (again.text, again.credits_used) == (answer.text, answer.credits_used)
    assert len(world.recognisers[0].heard) == 2
    world.check_the_end()
