"""Events of one purchase in any order, repeated, under other ids, with crashes: the credits follow from the facts."""

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
from chalicelib.models.purchase_facts import DisputeState, PaymentFact, PaymentFacts, PaymentState, RefundState
from chalicelib.repositories.table import Tables
from tests.credits.account_invariants import Books
from tests.engines import USE_CASE_ENGINES, Engine
from tests.fakes import Backend, Clock
from tests.fault_injection import TRANSIENT, Crash, Fault, FaultInjector, fail_call, no_faults
from tests.payments.payments_env import CENTS, CREDITS, THIRD_CENTS, PaymentsEnv, dispute, refund

Names = tuple[str, str]
EVENTS: dict[str, PaymentFact] = {
    "completed, unpaid": PaymentState.PENDING,
    "completed, paid": PaymentState.PAID,
    "async succeeded": PaymentState.PAID,
    "async failed": PaymentState.FAILED,
    "expired": PaymentState.EXPIRED,
    "a refund": refund("re_1", THIRD_CENTS),
    "another refund": refund("re_2", 100),
    "dispute opened": dispute("dp_1", DisputeState.OPEN, CENTS),
    "dispute won": dispute("dp_1", DisputeState.WON, CENTS),
    "dispute lost": dispute("dp_1", DisputeState.LOST, CENTS),
}
DISPUTED_CENTS = {"dp_1": CENTS, "dp_2": 250}
SEQUENCES = 2_550  # in a soak, different ones on each engine
CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
FAULTS = (*CRASHES, Fault.LOST, Fault.CONFLICT)
PAID = {"completed, paid", "async succeeded"}


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


class PaymentRun:
    """Payment use cases behind a fault injector, a buyer with one purchase, and a second backend without faults."""

    def __init__(self, engine: Engine, names: Names):
        self.engine, self.names, self.fault_injector = engine, names, FaultInjector()
        clock = Clock()
        self.payments_env = PaymentsEnv(Backend.on(self.fault_injector.tables(engine, names), clock))
        self.quiet = Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock)
        self.caller: Caller = self.quiet.person(1)
        self.purchase_id = self.payments_env.buy(self.caller)
        self.payments_env.payments.set_payment(self.purchase_id, PaymentState.OPEN)  # It has a payment from now on.

    def receive_fact(self, fact: PaymentFact, event_id: str) -> None:
        self.payments_env.receive_fact(self.purchase_id, fact, event_id)

    def check(self, received: set[str]) -> Books:
        """By the set of events alone: what was granted and clawed back, and what an open dispute holds."""
        books = Books.of(self.engine, self.names, self.caller.user_id)
        books.check_totals()
        granted = CREDITS if received & PAID else 0
        returned = THIRD_CENTS * ("a refund" in received) + 100 * ("another refund" in received)
        returned += CENTS * ("dispute lost" in received)
        clawed_back = granted * min(returned, CENTS) // CENTS
        by_kind: Counter[str] = Counter()
        for entry in books.entries:
            by_kind[entry.kind] += entry.credits
        assert by_kind["purchase"] == granted
        assert by_kind["clawback"] + by_kind["clawback_reversed"] == -clawed_back
        assert books.balance.purchased == granted - clawed_back
        is_disputed = granted > 0 and "dispute opened" in received and not received & {"dispute won", "dispute lost"}
        assert [hold.kind for hold in books.open_holds] == ["dispute"] * is_disputed
        assert books.balance.open_disputes == is_disputed
        if is_disputed:  # Refunds that came before it are not held again.
            assert CREDITS - clawed_back <= books.balance.held <= CREDITS
        return books


def random_events(seed: int) -> tuple[list[str], int]:
    """Up to seven events with repetitions, and the number of the write that fails."""
    chance = random.Random(seed)
    events = [chance.choice(list(EVENTS)) for _ in range(chance.randint(1, 7))]
    facts, writes = PaymentFacts(PaymentState.OPEN), 0
    for name in events:
        before, facts = facts, facts.with_fact(EVENTS[name])
        writes += facts != before
    return events, chance.randrange(writes)


def run_sequence(seed: int, fault: Fault, engine: Engine, names: Names) -> None:
    """One sequence with a fault at one of its writes. Events without a response are delivered again, as Stripe does."""
    events, place = random_events(seed)
    run = PaymentRun(engine, names)
    chance = random.Random(seed)
    writes: list[str] = []

    def plan(_: int, operation: str) -> Fault | None:
        if operation != "TransactWriteItems":
            return None
        writes.append(operation)
        return fault if len(writes) == place + 1 else None

    run.fault_injector.use_plan(plan)
    for number, name in enumerate(events):
        for copy in range(chance.randint(1, 2)):  # The same fact, under one or two event ids.
            for _ in range(3):
                with suppress(Crash, AppError):
                    run.receive_fact(EVENTS[name], f"evt_{seed}_{number}_{copy}")
                    break
            else:
                raise AssertionError("an event was not accepted in three deliveries")
    run.fault_injector.use_plan(no_faults)
    try:
        assert len(writes) > place, "the fault did not occur"
        run.check(set(events))
    except AssertionError as error:
        error.add_note(f"seed {seed}: {events}, {fault} at write {place}")
        raise


@pytest.mark.parametrize("fault", [*CRASHES, *TRANSIENT], ids=lambda fault: fault.name)
def test_a_purchase_interrupted_at_any_call_has_one_checkout_after_a_retry(
    engine: Engine, names: Names, fault: Fault
) -> None:
    for place in range(20):
        run = PaymentRun(engine, names)
        run.fault_injector.use_plan(fail_call(place, fault))
        with suppress(Crash, AppError):
            run.payments_env.buy(run.caller, "starter", "key-" + run.caller.user_id)
        is_past_the_end = len(run.fault_injector.calls) <= place
        run.fault_injector.use_plan(no_faults)

        checkouts = [
            run.payments_env.purchases.buy(
                run.caller, contract.Buy(package_id="starter"), "key-" + run.caller.user_id, "hash"
            )
            for _ in range(2)
        ]

        assert checkouts[0] == checkouts[1]
        assert checkouts[0].checkout_session_id == f"cs_key-{run.caller.user_id}"
        assert len(run.payments_env.payments.sessions) == 2  # The one of the run, and this one.
        with pytest.raises(IdempotencyMismatchError):
            run.payments_env.purchases.buy(
                run.caller, contract.Buy(package_id="power"), "key-" + run.caller.user_id, "other"
            )
        if is_past_the_end:
            break
    assert place >= 3


def test_sequences_of_events_with_a_fault_at_any_write(engine: Engine, names: Names) -> None:
    for seed in range(24):
        run_sequence(seed, FAULTS[seed % len(FAULTS)], engine, names)


@pytest.mark.soak
def test_thousands_of_sequences_of_events_with_a_crash(engine: Engine, names: Names, soak_counts: Counter[str]) -> None:
    first = 1_000 + SEQUENCES * USE_CASE_ENGINES.index(engine.name)
    for seed in range(first, first + SEQUENCES):
        run_sequence(seed, CRASHES[seed % 2], engine, names)
        soak_counts.update({"sequences of payment events with a crash before or after a write": 1})


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
    run = PaymentRun(engine, names)
    for earlier in before:
        run.receive_fact(EVENTS[earlier], earlier)
    run.fault_injector.use_plan(lambda number, _: plan[1] if plan and number == plan[0] else None)
    with suppress(Crash, AppError):
        run.receive_fact(EVENTS[name], name)
    calls = len(run.fault_injector.calls)
    run.fault_injector.use_plan(no_faults)
    run.receive_fact(EVENTS[name], name)
    run.check({name, *before})
    return calls


class Histories(RuleBasedStateMachine):
    """Several purchases of one buyer, who spends credits between the events of their payments."""

    engine: Engine
    names: Names

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.backend = Backend.on(Tables(self.engine.client, *self.names, pause=lambda _: None), self.clock)
        self.payments_env = PaymentsEnv(self.backend)
        self.caller = self.backend.person(100)
        self.purchase_ids: list[str] = []
        self.returned: dict[str, dict[str, int]] = {}
        self.paid: set[str] = set()

    @rule()
    def buy(self) -> None:
        purchase_id = self.payments_env.buy(self.caller)
        self.payments_env.payments.set_payment(purchase_id, PaymentState.OPEN)
        self.purchase_ids.append(purchase_id)
        self.returned[purchase_id] = {}

    def purchase_id(self, number: int) -> str:
        return self.purchase_ids[number % len(self.purchase_ids)]

    @precondition(lambda self: self.purchase_ids)
    @rule(number=st.integers(0, 9), payment=st.sampled_from(PaymentState))
    def a_payment_moves(self, number: int, payment: PaymentState) -> None:
        purchase_id = self.purchase_id(number)
        self.payments_env.receive_fact(purchase_id, payment)
        if payment is PaymentState.PAID:
            self.paid.add(purchase_id)

    @precondition(lambda self: self.purchase_ids)
    @rule(number=st.integers(0, 9), name=st.integers(1, 3), cents=st.integers(1, CENTS), fails=st.booleans())
    def a_refund(self, number: int, name: int, cents: int, fails: bool) -> None:
        purchase_id, refund_id = self.purchase_id(number), f"re_{name}"
        refunds = self.returned[purchase_id]
        cents = abs(refunds.get(refund_id, cents))
        self.payments_env.receive_fact(
            purchase_id, refund(refund_id, cents, RefundState.FAILED if fails else RefundState.SUCCEEDED)
        )
        if fails or refunds.get(refund_id, 0) < 0:
            refunds[refund_id] = -cents  # It failed, which is final.
        else:
            refunds[refund_id] = cents

    @precondition(lambda self: self.purchase_ids)
    @rule(number=st.integers(0, 9), name=st.sampled_from(sorted(DISPUTED_CENTS)), state=st.sampled_from(DisputeState))
    def a_dispute(self, number: int, name: str, state: DisputeState) -> None:
        purchase_id, cents = self.purchase_id(number), DISPUTED_CENTS[name]
        self.payments_env.receive_fact(purchase_id, dispute(name, state, cents))
        if state is DisputeState.LOST:
            self.returned[purchase_id][name] = cents

    @rule(seconds=st.integers(1, 100))
    def spend(self, seconds: int) -> None:
        with suppress(InsufficientCreditsError, ConflictError):
            lease = self.backend.start(self.caller, lease_seconds=120)
            self.backend.send(self.caller, lease.session_id, 0, seconds=min(seconds, lease.lease_seconds))
            self.clock.forward(1)
            self.backend.streaming.stop(self.caller, lease.session_id)

    @invariant()
    def claw_backs_are_exact(self) -> None:
        books = Books.of(self.engine, self.names, self.caller.user_id)
        books.check_totals()
        net: Counter[str] = Counter()
        for entry in books.entries:
            if entry.kind in ("purchase", "clawback", "clawback_reversed"):
                net[entry.reference] += entry.credits
        for purchase_id in self.purchase_ids:
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


@pytest.mark.long
def test_histories_of_payments_with_spending_between(engine: Engine, names: Names) -> None:
    run_histories(engine, names, 10, 12)


@pytest.mark.soak
def test_hundreds_of_histories_of_payments(engine: Engine, names: Names, soak_counts: Counter[str]) -> None:
    run_histories(engine, names, 300, 25)
    soak_counts.update({"histories of payments": 300})
