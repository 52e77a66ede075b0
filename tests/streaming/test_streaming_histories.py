"""Random histories of a listener's direct sessions, on the backend and on a plain model: both say the same."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chalicelib import contract
from chalicelib.dates import utc_date
from chalicelib.errors import AppError, ProviderError
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.sessions import session_from
from chalicelib.repositories.table import Tables, Write
from tests.credits.account_invariants import Books
from tests.credits.test_ledger_histories import PROFILE
from tests.engines import Engine
from tests.fakes import Backend, Clock, FakeLive
from tests.streaming.listener_model import FREE_ALLOWANCE, PAID_ALLOWANCE, ListenerModel, RefusedError

Names = tuple[str, str]
MOMENTS = ("now", "early", "near its end", "at its end", "late")
numbers = st.integers(0, 1_000)
lease_seconds = st.none() | st.sampled_from([60, 61, 90, 600, 1_000, 10_800])
down = st.sampled_from([False, False, False, True])


class LiveHistories(RuleBasedStateMachine):
    """A subclass names the engine."""

    engine: Engine
    names: Names
    counts: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.provider = FakeLive(self.clock)
        tables = Tables(self.engine.client, *self.names, pause=lambda _: None)
        self.backend = Backend.on(tables, self.clock, live=(self.provider,))
        self.counts["live histories"] += 1

    @initialize(credits=st.sampled_from([120, 2_000]))
    def begin(self, credits: int) -> None:
        self.caller = self.backend.person(credits)
        self.model = ListenerModel(credits)

    def run(self, real: Callable[[], Any], expected: Callable[[], Any]) -> None:
        self.counts["operations"] += 1
        outcome, expected_outcome = "done", "done"
        try:
            real()
        except AppError as error:
            outcome = type(error).__name__
        try:
            expected()
        except RefusedError as refused:
            expected_outcome = str(refused)
        assert outcome == expected_outcome
        self.provider.script.clear()

    def a_session(self, number: int) -> str:
        return sorted(self.model.sessions)[number % len(self.model.sessions)]

    @rule(requested=lease_seconds, is_down=down)
    def start(self, requested: int | None, is_down: bool) -> None:
        name = f"{len(self.model.sessions):02d}-{uuid.uuid4()}"
        self.provider.script = [ProviderError("down")] if is_down else []
        body = contract.Start(transport="direct", lease_seconds=requested)
        self.run(
            lambda: self.backend.streaming.start(self.caller, body, name, "hash"),
            lambda: self.model.start(name, requested, is_down, self.clock()),
        )

    @precondition(lambda self: self.model.sessions)
    @rule(number=numbers, moment=st.sampled_from(MOMENTS), is_interrupted=st.booleans(), is_down=down)
    def renew(self, number: int, moment: str, is_interrupted: bool, is_down: bool) -> None:
        name = self.a_session(number)
        ends, near = self.model.sessions[name].ends, self.model.sessions[name].renew_after
        at = {"now": 0, "early": near - 1, "near its end": near, "at its end": ends, "late": ends + 45}[moment]
        self.clock.at = max(self.clock.at, at)
        self.provider.script = [ProviderError("down")] if is_down else []
        self.run(
            lambda: self.check_lease(name, self.backend.streaming.renew(self.caller, name, is_interrupted)),
            lambda: self.model.renew(name, is_interrupted, is_down, self.clock()),
        )

    def check_lease(self, name: str, lease: contract.Lease) -> None:
        assert lease.offset_ms == max(self.clock() - self.model.sessions[name].started, 0) * 1_000
        assert lease.lease_seconds == self.provider.socket_credentials[-1][1]

    @precondition(lambda self: self.model.sessions)
    @rule(number=numbers, seconds_ago=st.integers(0, 60))
    def save(self, number: int, seconds_ago: int) -> None:
        name = self.a_session(number)
        end = max(self.clock() - self.model.sessions[name].started - seconds_ago, 0)
        words = [contract.SegmentInput(seq=number, start_ms=0, end_ms=end * 1_000, text="a few words")]
        self.run(
            lambda: self.backend.streaming.save(self.caller, name, words),
            lambda: self.model.save(name, end, self.clock()),
        )

    @precondition(lambda self: self.model.sessions)
    @rule(number=numbers)
    def stop(self, number: int) -> None:
        name = self.a_session(number)
        self.run(lambda: self.backend.streaming.stop(self.caller, name), lambda: self.model.stop(name, self.clock()))

    @rule()
    def sweep(self) -> None:
        self.run(self.backend.streaming.sweep, lambda: self.model.sweep(self.clock()))

    @rule(seconds=st.sampled_from([700, 11_000, 90_000]))
    def silence(self, seconds: int) -> None:
        self.clock.forward(seconds)
        self.sweep()

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.clock.forward(seconds)

    @rule(seconds=st.sampled_from([-90, -5, -1, 30]))
    def the_clock_is_set(self, seconds: int) -> None:
        self.clock.forward(seconds)

    @rule(credits=st.sampled_from([1, 10, 100, 2_000]), is_bought=st.booleans())
    def top_up(self, credits: int, is_bought: bool) -> None:
        guard = Guard.reference(self.caller.user_id, "payment", str(uuid.uuid4()))
        self.backend.ledger.grant(self.caller.user_id, credits, "purchase", guard, at=self.clock(), reason="a top-up")
        if is_bought:
            bought = Write(balance_key(self.caller.user_id), add={"purchased": credits, "version": 1})
            self.backend.tables.write(bought)
            self.model.has_bought = True
        self.model.available += credits

    @rule(is_blocked=st.sampled_from([True, False, False]))
    def block(self, is_blocked: bool) -> None:
        self.backend.ledger.set_blocked(self.caller.user_id, is_blocked)
        self.model.is_blocked = is_blocked

    @invariant()
    def the_books_are_those_of_the_model(self) -> None:
        books, model = Books.of(self.engine, self.names, self.caller.user_id), self.model
        books.check()
        assert (books.balance.available, books.balance.held) == (model.available, model.held_credits)
        items = [item for sk, item in books.app.items() if sk.startswith("SESSION#")]
        sessions = {session.session_id: session for session in map(session_from, items)}
        assert {
            name: (session.state, session.done_ms, session.charged, session.held) for name, session in sessions.items()
        } == {
            name: (lease.state, lease.billed * 1_000, lease.charged, lease.held)
            for name, lease in model.sessions.items()
        }
        for name, lease in model.sessions.items():
            stretches = sessions[name].covered_ms
            assert {at for start, end in stretches for at in range(start, end, 1_000)} == {
                s * 1_000 for s in lease.covered
            }
            assert all(before[1] < after[0] for before, after in pairwise(stretches))
        running = [lease for lease in model.sessions.values() if lease.state == "active"]
        assert len(books.open_holds) == len(running)
        used = {sk: item["used_seconds"] for sk, item in books.app.items() if sk.startswith("ALLOWANCE#")}
        assert used == {f"ALLOWANCE#{utc_date(day * 86_400)}": back for day, back in model.returned_seconds.items()}

    @invariant()
    def no_token_outlives_what_is_billed_held_or_allowed(self) -> None:
        possible = sum(seconds for _, seconds in self.provider.socket_credentials)
        billed = sum(lease.billed for lease in self.model.sessions.values())
        running = sum(lease.seconds for lease in self.model.sessions.values() if lease.state == "active")
        assert possible == self.model.sold <= billed + running + sum(self.model.returned_seconds.values())
        allowed = PAID_ALLOWANCE if self.model.has_bought else FREE_ALLOWANCE
        assert all(back <= allowed for back in self.model.returned_seconds.values())

    def teardown(self) -> None:
        """Leases and graces pass: nothing is stuck, and nothing is left to the sweeps of later histories."""
        self.clock.forward(20_000)
        self.sweep()
        self.the_books_are_those_of_the_model()
        books = Books.of(self.engine, self.names, self.caller.user_id)
        assert books.open_holds == []
        states = {item["state"] for sk, item in books.app.items() if sk.startswith("SESSION#")}
        assert states <= {"lapsed", "stopped"}


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


def run_live_histories(engine: Engine, names: Names, number: int, steps: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    machine = type("OnEngine", (LiveHistories,), {"engine": engine, "names": names, "counts": counts})
    run_state_machine_as_test(machine, settings=settings(max_examples=number, stateful_step_count=steps, **PROFILE))
    return counts


def test_live_histories_cost_what_the_model_says(engine: Engine, names: Names) -> None:
    assert run_live_histories(engine, names, 12, 14)["live histories"] >= 12


@pytest.mark.soak
def test_hundreds_of_live_histories_cost_what_the_model_says(
    engine: Engine, names: Names, soak_counts: Counter[str]
) -> None:
    soak_counts.update(run_live_histories(engine, names, 300, 25))
