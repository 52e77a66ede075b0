"""Random histories of one account, on the ledger and on a model of it: after every step both agree."""

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from chalicelib.errors import AppError
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Charge, Hold
from chalicelib.repositories.ledger import Guard, HoldEndedError, Ledger
from chalicelib.repositories.table import Tables
from tests.credits.account_invariants import Books
from tests.credits.ledger_model import Model
from tests.default_prices import PRICE_VERSION
from tests.engines import Engine

START_AT = 1_795_400_000
credits_of_a_hold = st.integers(0, 130)
numbers = st.integers(0, 1_000)
PROFILE = {
    "deadline": None,
    "database": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.generate],
}


class Histories(RuleBasedStateMachine):
    """A subclass names the engine."""

    engine: Engine
    names: tuple[str, str]
    counts: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(Tables(self.engine.client, *self.names, pause=lambda _: None))
        self.user_id, self.model, self.now = str(uuid.uuid4()), Model(version=1), START_AT
        self.ledger.open_account(self.user_id)
        self.commands: list[Callable[[], None]] = []
        self.counts["histories"] += 1

    def run(self, real: Callable[[], Any], expected: Callable[[], Any]) -> None:
        """Give a command to both, and remember it so that it can be repeated."""

        def command() -> None:
            self.counts["operations"] += 1
            assert _outcome(real) == expected()

        self.commands.append(command)
        command()

    def caller(self) -> Caller:
        return Caller(self.user_id, self.now, "ada@example.com")

    def a_hold(self, number: int) -> tuple[str, Hold] | None:
        if not self.model.holds:
            return None
        name = sorted(self.model.holds)[number % len(self.model.holds)]
        hold = self.model.holds[name]
        return name, Hold(self.user_id, name, hold.credits, "stream", "s", hold.sweep_at)

    @rule(fact=st.integers(0, 5), credits=st.integers(1, 200))
    def grant(self, fact: int, credits: int) -> None:
        guard, at = Guard.reference(self.user_id, "payment", str(fact)), self.now
        self.run(
            lambda: self.ledger.grant(self.user_id, credits, "purchase", guard, at=at, reason="r"),
            lambda: self.model.grant(str(fact), credits),
        )

    @rule(credits=credits_of_a_hold, lasts=st.integers(0, 50))
    def hold(self, credits: int, lasts: int) -> None:
        self.make_hold(f"h{len(self.commands):03d}", credits, lasts)

    @precondition(lambda self: self.model.holds)
    @rule(number=numbers, credits=credits_of_a_hold)
    def hold_again(self, number: int, credits: int) -> None:
        self.make_hold(self.a_hold(number)[0], credits, 10)

    def make_hold(self, name: str, credits: int, lasts: int) -> None:
        caller, at = self.caller(), self.now
        hold = Hold(self.user_id, name, credits, "stream", "s", at + lasts)
        self.run(
            lambda: self.ledger.hold(caller, hold, at=at),
            lambda: self.model.hold(caller.auth_time_at, name, credits, at + lasts),
        )

    @precondition(lambda self: self.model.holds)
    @rule(number=numbers, part=st.fractions(0, 1), audio_ms=st.integers(0, 3))
    def settle(self, number: int, part: Any, audio_ms: int) -> None:
        name, hold = self.a_hold(number)
        charge, at = int(hold.credits * part), self.now
        self.run(
            lambda: self.ledger.settle(hold, _charge(charge, audio_ms), at=at),
            lambda: self.model.settle(name, charge, audio_ms),
        )

    @precondition(lambda self: self.model.holds)
    @rule(number=numbers)
    def release(self, number: int) -> None:
        name, hold = self.a_hold(number)
        at = self.now
        self.run(lambda: self.ledger.release(hold, at=at), lambda: self.model.settle(name, 0, 0))

    @precondition(lambda self: self.model.holds)
    @rule(number=numbers, part=st.fractions(0, 1), credits=credits_of_a_hold)
    def settle_and_hold(self, number: int, part: Any, credits: int) -> None:
        name, hold = self.a_hold(number)
        charge, at, caller = int(hold.credits * part), self.now, self.caller()
        following = Hold(self.user_id, f"h{len(self.commands):03d}", credits, "stream", "s", at + 30)
        self.run(
            lambda: self.ledger.settle_and_hold(caller, hold, _charge(charge, charge), following, at=at),
            lambda: self.model.settle_and_hold(
                caller.auth_time_at, name, charge, following.hold_id, credits, following.sweep_at
            ),
        )

    @rule()
    def sweep(self) -> None:
        self.run(lambda: self.release_due_holds(self.now), lambda: self.model.sweep(self.now))

    def release_due_holds(self, now: int) -> set[str]:
        due = [hold for hold in self.ledger.iter_due_holds(now) if hold.user_id == self.user_id]
        for hold in due:
            self.ledger.release(hold, at=now)
        return {hold.hold_id for hold in due}

    @rule()
    def sign_out(self) -> None:
        before_at = self.now + 1
        self.run(lambda: self.ledger.sign_out(self.user_id, before_at), lambda: self.model.sign_out(before_at))

    @rule(blocked=st.sampled_from([True, False, False]))
    def block(self, blocked: bool) -> None:
        self.run(lambda: self.ledger.set_blocked(self.user_id, blocked), lambda: self.model.set_blocked(blocked))

    @precondition(lambda self: self.commands)
    @rule(number=numbers)
    def repeat_any_earlier_command(self, number: int) -> None:
        self.commands[number % len(self.commands)]()

    @rule(seconds=st.integers(1, 60))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @invariant()
    def books_equal_those_of_the_model(self) -> None:
        books, model = Books.of(self.engine, self.names, self.user_id), self.model
        books.check()
        balance = books.balance
        assert (balance.available, balance.held, balance.used) == (model.available, model.held_credits, model.used)
        assert (balance.version, balance.blocked) == (model.version, model.blocked)
        assert (balance.granted, balance.signed_out_at) == (sum(model.granted.values()), model.signed_out_at)
        assert {name: (hold.credits, hold.state, hold.charged) for name, hold in books.holds.items()} == {
            name: (hold.credits, hold.state, hold.charged) for name, hold in model.holds.items()
        }

    def teardown(self) -> None:
        """Leave no open hold to the sweeps of later histories."""
        for hold in Books.of(self.engine, self.names, self.user_id).open_holds:
            self.ledger.release(hold, at=self.now)


def _charge(credits: int, audio_ms: int) -> Charge:
    return Charge(credits, "live", "s", audio_ms, PRICE_VERSION)


def _outcome(real: Callable[[], Any]) -> Any:
    try:
        return real()
    except (AppError, HoldEndedError) as error:
        return type(error).__name__


def run_histories(engine: Engine, names: tuple[str, str], number: int, steps: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    machine = type("OnEngine", (Histories,), {"engine": engine, "names": names, "counts": counts})
    run_state_machine_as_test(machine, settings=settings(max_examples=number, stateful_step_count=steps, **PROFILE))
    return counts


def test_histories_leave_the_books_of_the_model(engine: Engine, names: tuple[str, str]) -> None:
    assert run_histories(engine, names, 25, 12)["histories"] >= 25


@pytest.mark.soak
def test_hundreds_of_histories_leave_the_books_of_the_model(
    engine: Engine, names: tuple[str, str], soak_counts: Counter[str]
) -> None:
    counts = run_histories(engine, names, 260, 20)
    assert counts["histories"] >= 260
    soak_counts.update(counts)
