"""Events of one purchase in any order, doubled, renamed, with a crash anywhere: the credits are what the facts say."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from chalicelib import contract
from chalicelib.errors import AppError, ConflictError, IdempotencyMismatchError, InsufficientCreditsError
from chalicelib.models.accounts import Caller
from chalicelib.payments.purchase_state import DisputeState, Fact, Facts, Payment, RefundState
from chalicelib.repositories.table import Tables
from tests.credits.account_invariants import Books
from tests.engines import ENGINES, Engine
from tests.fakes import Backend, Clock
from tests.fault_injection import TRANSIENT, Crash, Fault, Wire, at, no_faults
from tests.payments.payments_env import PaymentsEnv, dispute, refund

Names = tuple[str, str]
CENTS, CREDITS = 999, 2_000
EVENTS: dict[str, Fact] = {
    "completed, unpaid": Payment.PENDING,
    "completed, paid": Payment.PAID,
    "async succeeded": Payment.PAID,
    "async failed": Payment.FAILED,
    "expired": Payment.EXPIRED,
    "a refund": refund("re_1", 333),
    "another refund": refund("re_2", 100),
    "dispute opened": dispute("dp_1", DisputeState.OPEN, CENTS),
    "dispute won": dispute("dp_1", DisputeState.WON, CENTS),
    "dispute lost": dispute("dp_1", DisputeState.LOST, CENTS),
}
DISPUTED_CENTS = {"dp_1": CENTS, "dp_2": 250}
SEQUENCES = 2_550  # in a soak, on each engine others
CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
FAULTS = (*CRASHES, Fault.LOST, Fault.CONFLICT)
PAID = {"completed, paid", "async succeeded"}


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


class Seller:
    """A shop on the wire, a buyer with one purchase, and a look at the books past the wire."""

    def __init__(self, engine: Engine, names: Names):
        self.engine, self.names, self.wire = engine, names, Wire()
        clock = Clock()
        self.payments_env = PaymentsEnv(Backend.on(self.wire.tables(engine, names), clock))
        self.quiet = Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock)
        self.who: Caller = self.quiet.person(1)
        self.purchase_id = self.payments_env.buy(self.who)
        self.payments_env.payments.moved(self.purchase_id, Payment.OPEN)  # It has a payment from now on.

    def hears(self, fact: Fact, event_id: str) -> None:
        self.payments_env.hears(self.purchase_id, fact, event_id)

    def check(self, heard: set[str]) -> Books:
        """By the set of events alone: what was granted and taken, and what an open dispute holds."""
        books = Books.of(self.engine, self.names, self.who.user_id)
        books.check_sums()
        granted = CREDITS if heard & PAID else 0
        returned = 333 * ("a refund" in heard) + 100 * ("another refund" in heard)
        returned += CENTS * ("dispute lost" in heard)
        taken = granted * min(returned, CENTS) // CENTS
        by_kind: Counter[str] = Counter()
        for entry in books.entries:
            by_kind[entry.kind] += entry.credits
        assert by_kind["purchase"] == granted
        assert by_kind["clawback"] + by_kind["clawback_reversed"] == -taken
        assert books.balance.purchased == granted - taken
        is_disputed = granted > 0 and "dispute opened" in heard and not heard & {"dispute won", "dispute lost"}
        assert [hold.kind for hold in books.open_holds] == ["dispute"] * is_disputed
        if is_disputed:  # Refunds that came before it are not held again.
            assert CREDITS - taken <= books.balance.held <= CREDITS
        return books


def a_sequence(seed: int) -> tuple[list[str], int]:
    """Up to seven events with repetitions, and which of the writes they make goes wrong."""
    chance = random.Random(seed)
    told = [chance.choice(list(EVENTS)) for _ in range(chance.randint(1, 7))]
    known, writes = Facts(Payment.OPEN), 0
    for name in told:
        before, known = known, known.learned(EVENTS[name])
        writes += known != before
    return told, chance.randrange(writes)


def live(seed: int, fault: Fault, engine: Engine, names: Names) -> None:
    """One sequence with a fault at one of its writes. What was not answered is delivered again, as Stripe does."""
    told, place = a_sequence(seed)
    seller = Seller(engine, names)
    chance = random.Random(seed)
    writes: list[str] = []

    def plan(_: int, operation: str) -> Fault | None:
        if operation != "TransactWriteItems":
            return None
        writes.append(operation)
        return fault if len(writes) == place + 1 else None

    seller.wire.under(plan)
    for number, name in enumerate(told):
        for copy in range(chance.randint(1, 2)):  # The same fact, under one or two event ids.
            for _ in range(3):
                with suppress(Crash, AppError):
                    seller.hears(EVENTS[name], f"evt_{seed}_{number}_{copy}")
                    break
            else:
                raise AssertionError("an event was not taken in three deliveries")
    seller.wire.under(no_faults)
    try:
        assert len(writes) > place, "the fault never struck"
        seller.check(set(told))
    except AssertionError as error:
        error.add_note(f"seed {seed}: {told}, {fault} at write {place}")
        raise


@pytest.mark.parametrize("fault", [*CRASHES, *TRANSIENT], ids=lambda fault: fault.name)
def test_a_purchase_cut_off_at_any_call_is_one_checkout_when_it_comes_again(
    engine: Engine, names: Names, fault: Fault
) -> None:
    for place in range(20):
        seller = Seller(engine, names)
        seller.wire.under(at(place, fault))
        with suppress(Crash, AppError):
            seller.payments_env.buy(seller.who, "starter", "key-" + seller.who.user_id)
        is_past_the_end = len(seller.wire.calls) <= place
        seller.wire.under(no_faults)

        told = [
            seller.payments_env.purchases.buy(
                seller.who, contract.Buy(package_id="starter"), "key-" + seller.who.user_id, "hash"
            )
            for _ in range(2)
        ]

        assert told[0] == told[1]
        assert told[0].checkout_session_id == f"cs_wish-{seller.who.user_id}"
        assert len(seller.payments_env.payments.sessions) == 2  # The seller's own, and this one.
        with pytest.raises(IdempotencyMismatchError):
            seller.payments_env.purchases.buy(
                seller.who, contract.Buy(package_id="power"), "key-" + seller.who.user_id, "other"
            )
        if is_past_the_end:
            break
    assert place >= 3


def test_sequences_of_events_with_a_fault_at_any_write(engine: Engine, names: Names) -> None:
    for seed in range(24):
        live(seed, FAULTS[seed % len(FAULTS)], engine, names)


@pytest.mark.soak
def test_thousands_of_sequences_of_events_with_a_crash(engine: Engine, names: Names, tally: Counter[str]) -> None:
    first = 1_000 + SEQUENCES * ENGINES.index(engine.name)
    for seed in range(first, first + SEQUENCES):
        live(seed, CRASHES[seed % 2], engine, names)
        tally.update({"sequences of payment events with a crash before or after a write": 1})


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", EVENTS)
def test_a_fault_at_every_call_of_every_event(name: str, engine: Engine, names: Names) -> None:
    before = ["completed, paid"] if name not in PAID else []
    if name in ("dispute won", "dispute lost"):
        before.append("dispute opened")
    calls = _with_fault(name, before, None, engine, names)
    for number in range(calls):
        for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST):
            _with_fault(name, before, (number, fault), engine, names)


def _with_fault(name: str, before: list[str], plan: tuple[int, Fault] | None, engine: Engine, names: Names) -> int:
    seller = Seller(engine, names)
    for earlier in before:
        seller.hears(EVENTS[earlier], earlier)
    seller.wire.under(lambda number, _: plan[1] if plan and number == plan[0] else None)
    with suppress(Crash, AppError):
        seller.hears(EVENTS[name], name)
    calls = len(seller.wire.calls)
    seller.wire.under(no_faults)
    seller.hears(EVENTS[name], name)
    seller.check({name, *before})
    return calls


class Histories(RuleBasedStateMachine):
    """Several purchases of one buyer, who spends between whatever happens to their payments."""

    engine: Engine
    names: Names

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.backend = Backend.on(Tables(self.engine.client, *self.names, pause=lambda _: None), self.clock)
        self.payments_env = PaymentsEnv(self.backend)
        self.who = self.backend.person(100)
        self.bought: list[str] = []
        self.returned: dict[str, dict[str, int]] = {}
        self.paid: set[str] = set()

    @rule()
    def buy(self) -> None:
        purchase_id = self.payments_env.buy(self.who)
        self.payments_env.payments.moved(purchase_id, Payment.OPEN)
        self.bought.append(purchase_id)
        self.returned[purchase_id] = {}

    def one(self, number: int) -> str:
        return self.bought[number % len(self.bought)]

    @precondition(lambda self: self.bought)
    @rule(number=st.integers(0, 9), payment=st.sampled_from(Payment))
    def a_payment_moves(self, number: int, payment: Payment) -> None:
        purchase_id = self.one(number)
        self.payments_env.hears(purchase_id, payment)
        if payment is Payment.PAID:
            self.paid.add(purchase_id)

    @precondition(lambda self: self.bought)
    @rule(number=st.integers(0, 9), name=st.integers(1, 3), cents=st.integers(1, CENTS), fails=st.booleans())
    def a_refund(self, number: int, name: int, cents: int, fails: bool) -> None:
        purchase_id, refund_id = self.one(number), f"re_{name}"
        known = self.returned[purchase_id]
        cents = abs(known.get(refund_id, cents))
        self.payments_env.hears(
            purchase_id, refund(refund_id, cents, RefundState.FAILED if fails else RefundState.SUCCEEDED)
        )
        if fails or known.get(refund_id, 0) < 0:
            known[refund_id] = -cents  # It failed, for good.
        else:
            known[refund_id] = cents

    @precondition(lambda self: self.bought)
    @rule(number=st.integers(0, 9), name=st.sampled_from(sorted(DISPUTED_CENTS)), state=st.sampled_from(DisputeState))
    def a_dispute(self, number: int, name: str, state: DisputeState) -> None:
        purchase_id, cents = self.one(number), DISPUTED_CENTS[name]
        self.payments_env.hears(purchase_id, dispute(name, state, cents))
        if state is DisputeState.LOST:
            self.returned[purchase_id][name] = cents

    @rule(seconds=st.integers(1, 100))
    def spend(self, seconds: int) -> None:
        with suppress(InsufficientCreditsError, ConflictError):
            lease = self.backend.start(self.who, lease_seconds=120)
            self.backend.send(self.who, lease.session_id, 0, seconds=min(seconds, lease.lease_seconds))
            self.clock.forward(1)
            self.backend.streaming.stop(self.who, lease.session_id)

    @invariant()
    def what_is_taken_is_exact(self) -> None:
        books = Books.of(self.engine, self.names, self.who.user_id)
        books.check_sums()
        net: Counter[str] = Counter()
        for entry in books.entries:
            if entry.kind in ("purchase", "clawback", "clawback_reversed"):
                net[entry.reference] += entry.credits
        for purchase_id in self.bought:
            returned = min(CENTS, sum(cents for cents in self.returned[purchase_id].values() if cents > 0))
            left = CREDITS - CREDITS * returned // CENTS if purchase_id in self.paid else 0
            assert net[purchase_id] == left


def run_histories(engine: Engine, names: Names, number: int, steps: int) -> None:
    machine = type("OnEngine", (Histories,), {"engine": engine, "names": names})
    profile = settings(
        max_examples=number,
        stateful_step_count=steps,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=profile)


def test_histories_of_payments_with_spending_between(engine: Engine, names: Names) -> None:
    run_histories(engine, names, 10, 12)


@pytest.mark.soak
def test_hundreds_of_histories_of_payments(engine: Engine, names: Names, tally: Counter[str]) -> None:
    run_histories(engine, names, 300, 25)
    tally.update({"histories of payments": 300})
