"""Two at once on one direct session. First laid out exactly: the second command comes between any two calls of the
first, the provider's included; then with threads, where the engine decides."""

from collections import Counter
from collections.abc import Callable

import pytest

from chalicelib import contract
from chalicelib.errors import AppError, ConflictError, NotFoundError, UnavailableError
from chalicelib.repositories.ledger import Guard
from tests.credits.test_ledger_races import all_at_once
from tests.default_prices import live_credits
from tests.engines import Engine
from tests.interleaving import interleave
from tests.streaming.listener import (
    Listener,
    Names,
    abandon_while_opening,
    approach_lease_end,
    do_nothing,
    let_lease_expire,
    let_session_lapse,
    start_listening,
)

Act = Callable[[Listener], object]


def late_sweep(listener: Listener) -> None:
    """The scheduler, when whatever is being opened has taken too long."""
    listener.wait(61)
    listener.sweep()


STATES: dict[str, Act] = {
    "new": do_nothing,
    "listening": start_listening,
    "near the end": approach_lease_end,
    "over": let_lease_expire,
    "lapsed": let_session_lapse,
    "abandoned while opening": abandon_while_opening,
}
ACTS: dict[str, Act] = {
    "start": Listener.start,
    "renew": lambda listener: listener.renew(key="", interrupted=False),
    "interrupted": lambda listener: listener.renew(key=""),
    "renew by a key": lambda listener: listener.renew(key="one"),
    "renew by another key": lambda listener: listener.renew(key="two"),
    "save": Listener.save,
    "stop": Listener.stop,
    "sweep": Listener.sweep,
    "late sweep": late_sweep,
}
BY_A_KEY = ("start", "renew by a key")
TELLING = [
    ("new", "start", "start"),
    ("new", "start", "late sweep"),
    ("near the end", "renew", "renew"),
    ("near the end", "renew", "stop"),
    ("near the end", "renew", "late sweep"),
    ("listening", "renew by a key", "renew by a key"),
    ("listening", "renew by a key", "renew by another key"),
    ("listening", "interrupted", "interrupted"),
    ("listening", "stop", "stop"),
    ("listening", "save", "stop"),
    ("listening", "stop", "save"),
    ("over", "renew", "sweep"),
    ("over", "stop", "sweep"),
    ("over", "sweep", "renew"),
    ("over", "sweep", "sweep"),
    ("lapsed", "renew", "renew"),
    ("abandoned while opening", "start", "start"),
    ("abandoned while opening", "start", "interrupted"),
    ("abandoned while opening", "start", "stop"),
]


def interleave_commands(engine: Engine, names: Names, state: str, first: str, second: str) -> int:
    """`second` before each call of `first` in turn; how many calls there are."""
    responses: list[object] = []

    def new_listener() -> Listener:
        responses.clear()
        listener = Listener.on(engine, names)
        # A token may be requested while its hold is being ended. It costs nothing, because no client gets it.
        listener.providers[0].check = lambda _: None
        STATES[state](listener)
        return listener

    def check(listener: Listener) -> None:
        assert len(listener.books().open_holds) <= 1, "two leases of one session"
        if first == second and first in BY_A_KEY:
            assert all(response == responses[0] for response in responses), "one key, two leases"
        listener.check_the_end(every_answer_came=True)

    return interleave(
        new_listener,
        lambda listener: responses.extend(_answer(ACTS[first], listener)),
        lambda listener: responses.extend(_answer(ACTS[second], listener)),
        check,
        f"{state}: {second} before a call of {first}",
    )


def _answer(act: Act, listener: Listener) -> list[object]:
    """The answer, if there is one: who comes second may be told so, and who opens a lease too slowly gets none."""
    try:
        return [act(listener)]
    except (ConflictError, NotFoundError):
        return []
    except UnavailableError as error:
        if "took too long" not in error.message:
            raise
        return []


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("state", "first", "second"), TELLING)
def test_any_interleaving_leaves_exact_books(state: str, first: str, second: str, engine: Engine, names: Names) -> None:
    assert interleave_commands(engine, names, state, first, second) >= 2


@pytest.mark.soak
@pytest.mark.parametrize("state", STATES)
def test_every_command_interleaved_with_every_other(
    state: str, engine: Engine, names: Names, soak_counts: Counter[str]
) -> None:
    for first in ACTS:
        for second in ACTS:
            places = interleave_commands(engine, names, state, first, second)
            soak_counts.update({"interleavings of direct sessions": places, "operations": 4 * places})


# With threads


def test_two_equal_concurrent_starts_are_one_socket(engine: Engine, names: Names) -> None:
    listener = Listener.on(engine, names)

    with all_at_once(6) as run:
        answers = run(lambda _: listener.start())

    assert all(answer == answers[0] for answer in answers)
    assert len(listener.providers[0].socket_credentials) == len(listener.sockets()) == 1
    listener.check_the_end(every_answer_came=True)


def test_concurrent_renewals_with_one_key_are_one_socket(engine: Engine, names: Names) -> None:
    listener = Listener.on(engine, names)
    start_listening(listener)

    with all_at_once(6) as run:
        answers = run(lambda _: listener.renew())

    assert all(answer == answers[0] for answer in answers)
    assert len(listener.providers[0].socket_credentials) == len(listener.sockets()) == 2
    listener.check_the_end(every_answer_came=True)


@pytest.mark.parametrize("state", ["near the end", "lapsed"])
def test_of_concurrent_renewals_without_a_key_one_wins(engine: Engine, names: Names, state: str) -> None:
    listener = Listener.on(engine, names)
    STATES[state](listener)

    with all_at_once(6) as run:
        answers = run(lambda _: listener.renew(key="", interrupted=False))

    (lease,) = (answer for answer in answers if not isinstance(answer, AppError))
    assert isinstance(lease, contract.Lease)
    assert all(isinstance(answer, ConflictError) for answer in answers if answer is not lease)
    assert listener.books().balance.held == lease.credits_held
    listener.check_the_end(every_answer_came=True)


@pytest.mark.parametrize(
    ("state", "acts"),
    [
        ("over", ("stop", "sweep", "renew")),
        ("near the end", ("stop", "renew", "save")),
        ("listening", ("stop", "renew by a key", "renew by another key")),
        ("abandoned while opening", ("start", "interrupted", "stop", "sweep")),
    ],
)
def test_racing_writers_of_a_lease_leave_exact_books(
    engine: Engine, names: Names, state: str, acts: tuple[str, ...]
) -> None:
    listener = Listener.on(engine, names)
    listener.providers[0].check = lambda _: None
    STATES[state](listener)

    with all_at_once(2 * len(acts)) as run:
        answers = run(lambda n: _answer(ACTS[acts[n % len(acts)]], listener))

    assert all(isinstance(answer, list) for answer in answers)
    listener.check_the_end(every_answer_came=True)


def test_concurrent_stops_return_the_same_bill(engine: Engine, names: Names) -> None:
    listener = Listener.on(engine, names)
    start_listening(listener)

    with all_at_once(6) as run:
        answers = run(lambda _: listener.stop())

    bills = {(answer.billed_seconds, answer.credits_used) for answer in answers if isinstance(answer, contract.Stopped)}
    assert bills == {(100, live_credits(100))}
    listener.check_the_end(every_answer_came=True)


def test_sessions_that_stop_concurrently_share_one_allowance(engine: Engine, names: Names) -> None:
    """Six that would give back 599 s each: the day has 1,800."""
    listener = Listener.on(engine, names)
    guard = Guard.reference(listener.caller.user_id, "test", "more")
    listener.quiet.ledger.grant(listener.caller.user_id, 600, "test", guard, at=listener.backend.clock(), reason="more")
    body = {"transport": "direct", "lease_seconds": 600}
    sessions = [listener.quiet.start(listener.caller, **body).session_id for _ in range(6)]
    listener.wait(1)

    with all_at_once(6) as run:
        answers = run(lambda n: listener.backend.streaming.stop(listener.caller, sessions[n]))

    billed = [answer.billed_seconds for answer in answers if isinstance(answer, contract.Stopped)]
    assert (len(billed), sum(billed)) == (6, 3_600 - 1_800)
    books = listener.books()
    books.check()
    assert books.open_holds == []
