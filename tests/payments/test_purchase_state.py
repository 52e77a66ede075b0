"""What a purchase is worth: the same whatever order, repetition and naming its facts come in."""

import os
from collections import Counter

import pytest
from hypothesis import given, settings, strategies as st

from chalicelib.payments.purchase_state import apply_changes, ledger_changes, purchase_value
from chalicelib.models.purchase_facts import (
    BookedAmounts,
    Dispute,
    DisputeFact,
    DisputeState,
    LedgerChanges,
    PaymentFact,
    PaymentFacts,
    PaymentState,
    Refund,
    RefundFact,
    RefundState,
)

CREDITS, CENTS = 2_000, 999


def refund(name: str, cents: int, state: RefundState = RefundState.SUCCEEDED) -> RefundFact:
    return RefundFact(name, Refund(state, cents))


def dispute(name: str, state: DisputeState, cents: int = CENTS) -> DisputeFact:
    return DisputeFact(name, Dispute(state, cents))


EVENTS: dict[str, PaymentFact] = {
    "completed, unpaid": PaymentState.PENDING,
    "completed, paid": PaymentState.PAID,
    "async succeeded": PaymentState.PAID,
    "async failed": PaymentState.FAILED,
    "expired": PaymentState.EXPIRED,
    "a refund": refund("re_1", 333),
    "another refund": refund("re_2", 100),
    "dispute opened": dispute("dp_1", DisputeState.OPEN),
    "dispute won": dispute("dp_1", DisputeState.WON),
    "dispute lost": dispute("dp_1", DisputeState.LOST),
}


class Account:
    """A balance that books moves: what the ledger does, in two numbers."""

    def __init__(self, available: int = 0):
        self.facts, self.booked = PaymentFacts(), BookedAmounts()
        self.available, self.held = available, 0

    def hears(self, fact: PaymentFact) -> LedgerChanges:
        self.facts = self.facts.with_fact(fact)
        due = ledger_changes(self.facts, self.booked, CREDITS, CENTS, self.available)
        self.booked = apply_changes(self.booked, due)
        self.available += due.available
        self.held += due.held
        return due

    def check(self) -> None:
        due = purchase_value(self.facts, CREDITS, CENTS)
        assert (self.booked.granted, self.booked.taken) == (due.granted, due.taken)
        assert self.available + self.held == due.granted - due.taken
        assert self.held == sum(self.booked.holds.values())
        assert 0 <= due.taken <= due.granted <= CREDITS
        open_disputes = {
            name for name, one in self.facts.disputes.items() if one.state is DisputeState.OPEN and due.granted
        }
        assert set(self.booked.holds) == open_disputes


@pytest.mark.parametrize(
    ("facts", "granted", "taken"),
    [
        ([], 0, 0),
        ([PaymentState.PENDING], 0, 0),
        ([PaymentState.PAID], 2_000, 0),
        ([PaymentState.EXPIRED, PaymentState.PAID], 2_000, 0),
        ([PaymentState.PAID, PaymentState.FAILED], 2_000, 0),
        ([PaymentState.PAID, refund("re_1", 333)], 2_000, 666),
        ([PaymentState.PAID, refund("re_1", 333, RefundState.PENDING)], 2_000, 0),
        ([PaymentState.PAID, refund("re_1", 333), refund("re_1", 333, RefundState.FAILED)], 2_000, 0),
        ([PaymentState.PAID, refund("re_1", 1), refund("re_2", 1), refund("re_3", 1)], 2_000, 6),
        ([PaymentState.PAID, refund("re_1", 999)], 2_000, 2_000),
        ([PaymentState.PAID, dispute("dp_1", DisputeState.LOST)], 2_000, 2_000),
        ([PaymentState.PAID, refund("re_1", 500), dispute("dp_1", DisputeState.LOST)], 2_000, 2_000),
        ([PaymentState.PAID, dispute("dp_1", DisputeState.OPEN)], 2_000, 0),
        ([refund("re_1", 999)], 0, 0),
    ],
)
def test_what_it_is_worth(facts: list[PaymentFact], granted: int, taken: int) -> None:
    known = PaymentFacts()
    for fact in facts:
        known = known.with_fact(fact)

    due = purchase_value(known, CREDITS, CENTS)

    assert (due.granted, due.taken) == (granted, taken)


def test_a_dispute_holds_what_is_left_and_there() -> None:
    account = Account()
    account.hears(PaymentState.PAID)
    account.available -= 1_500  # spent
    account.hears(dispute("dp_1", DisputeState.OPEN))
    assert (account.available, account.held) == (0, 500)

    account.available += 300  # bought elsewhere: never topped up
    assert account.hears(dispute("dp_1", DisputeState.OPEN)).is_empty

    lost = account.hears(dispute("dp_1", DisputeState.LOST))
    assert lost.ended == {"dp_1": (500, 500)}
    assert (account.available, account.held) == (-1_200, 0)


def test_a_dispute_that_is_won_gives_back_all_of_it() -> None:
    account = Account()
    account.hears(PaymentState.PAID)
    account.hears(dispute("dp_1", DisputeState.OPEN))
    won = account.hears(dispute("dp_1", DisputeState.WON))

    assert won.ended == {"dp_1": (2_000, 0)}
    assert (account.available, account.held) == (2_000, 0)


def test_a_dispute_of_a_part_holds_that_part_and_not_what_was_taken_before() -> None:
    account = Account()
    account.hears(PaymentState.PAID)
    account.hears(refund("re_1", 333))
    account.hears(dispute("dp_1", DisputeState.OPEN, 500))

    assert account.held == 2_000 * 500 // 999 - 666
    lost = account.hears(dispute("dp_1", DisputeState.LOST, 500))
    assert (lost.taken, account.available, account.held) == (1_001, 2_000 - 666 - 1_001, 0)


def test_a_dispute_of_more_than_what_was_not_refunded_holds_the_rest() -> None:
    account = Account()
    account.hears(PaymentState.PAID)
    account.hears(refund("re_1", 499))
    account.hears(dispute("dp_1", DisputeState.OPEN))

    assert account.held == 2_000 - 2_000 * 499 // 999


def test_each_of_two_disputes_holds_its_own_part() -> None:
    account = Account()
    account.hears(PaymentState.PAID)
    account.hears(dispute("dp_1", DisputeState.OPEN, 300))
    account.hears(dispute("dp_2", DisputeState.OPEN, 300))

    assert account.held == 2 * (2_000 * 300 // 999)
    account.hears(dispute("dp_3", DisputeState.OPEN))
    assert account.held == 2_000


def test_a_balance_below_zero_gives_a_dispute_nothing_to_hold() -> None:
    account = Account()
    account.hears(PaymentState.PAID)
    account.available -= 2_000
    account.hears(refund("re_1", 333))
    assert account.available == -666

    assert account.hears(dispute("dp_1", DisputeState.OPEN)).opened == {"dp_1": 0}
    assert (account.available, account.held) == (-666, 0)


def walk(depth: int) -> Counter[str]:
    """Every sequence of events with repetitions up to this length; each is one step from the one before it."""
    counts: Counter[str] = Counter()
    events = list(EVENTS.values())

    def go(facts: PaymentFacts, booked: BookedAmounts, available: int, held: int, mask: int, left: int) -> None:
        for place, fact in enumerate(events):
            known = facts.with_fact(fact)
            seen = mask | 1 << place
            due = ledger_changes(known, booked, CREDITS, CENTS, available)
            done = apply_changes(booked, due)
            now_available, now_held = available + due.available, held + due.held
            granted, taken, least_held, most_held = DUE[seen]
            assert now_available + now_held == granted - taken
            assert (done.granted, done.taken) == (granted, taken)
            assert now_held == sum(done.holds.values())
            assert least_held <= now_held <= most_held
            counts["sequences"] += 1
            if left > 1:
                go(known, done, now_available, now_held, seen, left - 1)

    go(PaymentFacts(), BookedAmounts(), 0, 0, 0, depth)
    return counts


def _due(mask: int) -> tuple[int, int, int, int]:
    """By the set of events alone, written out apart from the code: what was granted and taken, and bounds of the hold.

    What an open dispute holds depends on which refunds came before it, which it does not hold again.
    """
    heard = {name for place, name in enumerate(EVENTS) if mask & 1 << place}
    if not heard & {"completed, paid", "async succeeded"}:
        return 0, 0, 0, 0
    returned = 333 * ("a refund" in heard) + 100 * ("another refund" in heard)
    if "dispute lost" in heard:
        returned += CENTS
    taken = CREDITS * min(returned, CENTS) // CENTS
    if "dispute opened" in heard and not heard & {"dispute won", "dispute lost"}:
        return CREDITS, taken, CREDITS - taken, CREDITS
    return CREDITS, taken, 0, 0


DUE = [_due(mask) for mask in range(1 << len(EVENTS))]


def test_every_sequence_of_events_up_to_four_leaves_what_the_set_of_them_says() -> None:
    depth = 4
    assert walk(depth)["sequences"] == sum(len(EVENTS) ** n for n in range(1, depth + 1))


@pytest.mark.soak
def test_every_sequence_of_events_up_to_seven(tally: Counter[str]) -> None:
    depth = int(os.environ.get("SEQUENCES", "7"))
    tally.update({f"sequences of payment events up to {depth} long": walk(depth)["sequences"]})


refunds = st.builds(
    lambda name, cents, state: refund(f"re_{name}", cents, state),
    st.integers(1, 4),
    st.integers(1, CENTS),
    st.sampled_from(RefundState),
)
disputes = st.builds(
    lambda name, cents, state: dispute(f"dp_{name}", state, cents),
    st.integers(1, 2),
    st.integers(1, 2 * CENTS),
    st.sampled_from(DisputeState),
)
facts = st.sampled_from(PaymentState) | refunds | disputes


@given(st.lists(facts, max_size=8), st.randoms(use_true_random=False))
@settings(derandomize=True, deadline=None)
def test_order_and_repetition_change_nothing(told: list[PaymentFact], random: "object") -> None:
    shuffled = told + told[:3]
    random.shuffle(shuffled)
    one, other = Account(), Account()
    for fact in told:
        one.hears(fact)
        one.check()
    for fact in shuffled:
        other.hears(fact)
        other.check()

    assert one.facts == other.facts
    assert one.available + one.held == other.available + other.held


@given(st.lists(st.tuples(facts, st.integers(0, 700)), max_size=10))
@settings(derandomize=True, deadline=None)
def test_with_spending_between_what_is_taken_is_exact_and_only_that_goes_below_zero(
    told: list[tuple[PaymentFact, int]],
) -> None:
    account, spent = Account(100), 0
    for fact, body in told:
        before = account.available
        due = account.hears(fact)
        assert account.available >= min(0, before) or due.taken > 0, "only what is taken goes below zero"
        spending = min(body, max(account.available, 0))
        account.available -= spending
        spent += spending
    due = purchase_value(account.facts, CREDITS, CENTS)
    assert account.available + account.held == 100 + due.granted - due.taken - spent
    assert account.held >= 0
