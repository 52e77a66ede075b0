"""The value of a purchase is the same for every order, repetition and naming of the facts of its payment."""

import os
from collections import Counter

import pytest
from hypothesis import given, settings, strategies as st

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
from chalicelib.payments.refunds_and_disputes import apply_changes, ledger_changes, purchase_value

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
    """A balance that books ledger changes: what the ledger does, in two numbers."""

    def __init__(self, available: int = 0):
        self.facts, self.booked = PaymentFacts(), BookedAmounts()
        self.available, self.held = available, 0

    def receive_fact(self, fact: PaymentFact) -> LedgerChanges:
        self.facts = self.facts.with_fact(fact)
        changes = ledger_changes(self.facts, self.booked, CREDITS, CENTS, self.available)
        self.booked = apply_changes(self.booked, changes)
        self.available += changes.available_change
        self.held += changes.held_change
        return changes

    def check(self) -> None:
        value = purchase_value(self.facts, CREDITS, CENTS)
        assert (self.booked.granted, self.booked.clawed_back) == (value.granted, value.clawed_back)
        assert self.available + self.held == value.granted - value.clawed_back
        assert self.held == sum(self.booked.holds.values())
        assert 0 <= value.clawed_back <= value.granted <= CREDITS
        open_disputes = {
            name
            for name, dispute in self.facts.disputes.items()
            if dispute.state is DisputeState.OPEN and value.granted
        }
        assert set(self.booked.holds) == open_disputes


@pytest.mark.parametrize(
    ("facts", "granted", "clawed_back"),
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
def test_the_value_of_a_purchase_follows_from_its_facts(
    facts: list[PaymentFact], granted: int, clawed_back: int
) -> None:
    merged = PaymentFacts()
    for fact in facts:
        merged = merged.with_fact(fact)

    value = purchase_value(merged, CREDITS, CENTS)

    assert (value.granted, value.clawed_back) == (granted, clawed_back)


def test_a_dispute_holds_what_is_available_and_is_never_topped_up() -> None:
    account = Account()
    account.receive_fact(PaymentState.PAID)
    account.available -= 1_500  # spent
    account.receive_fact(dispute("dp_1", DisputeState.OPEN))
    assert (account.available, account.held) == (0, 500)

    account.available += 300  # bought elsewhere: never topped up
    assert account.receive_fact(dispute("dp_1", DisputeState.OPEN)).is_empty

    lost = account.receive_fact(dispute("dp_1", DisputeState.LOST))
    assert lost.ended_holds == {"dp_1": (500, 500)}
    assert (account.available, account.held) == (-1_200, 0)


def test_a_won_dispute_releases_its_whole_hold() -> None:
    account = Account()
    account.receive_fact(PaymentState.PAID)
    account.receive_fact(dispute("dp_1", DisputeState.OPEN))
    won = account.receive_fact(dispute("dp_1", DisputeState.WON))

    assert won.ended_holds == {"dp_1": (2_000, 0)}
    assert (account.available, account.held) == (2_000, 0)


def test_a_dispute_of_a_part_holds_that_part_less_what_was_clawed_back() -> None:
    account = Account()
    account.receive_fact(PaymentState.PAID)
    account.receive_fact(refund("re_1", 333))
    account.receive_fact(dispute("dp_1", DisputeState.OPEN, 500))

    assert account.held == 2_000 * 500 // 999 - 666
    lost = account.receive_fact(dispute("dp_1", DisputeState.LOST, 500))
    assert (lost.clawed_back, account.available, account.held) == (1_001, 2_000 - 666 - 1_001, 0)


def test_a_dispute_of_more_than_the_unrefunded_part_holds_that_part() -> None:
    account = Account()
    account.receive_fact(PaymentState.PAID)
    account.receive_fact(refund("re_1", 499))
    account.receive_fact(dispute("dp_1", DisputeState.OPEN))

    assert account.held == 2_000 - 2_000 * 499 // 999


def test_each_of_two_disputes_holds_its_own_part() -> None:
    account = Account()
    account.receive_fact(PaymentState.PAID)
    account.receive_fact(dispute("dp_1", DisputeState.OPEN, 300))
    account.receive_fact(dispute("dp_2", DisputeState.OPEN, 300))

    assert account.held == 2 * (2_000 * 300 // 999)
    account.receive_fact(dispute("dp_3", DisputeState.OPEN))
    assert account.held == 2_000


def test_a_dispute_holds_nothing_of_a_balance_below_zero() -> None:
    account = Account()
    account.receive_fact(PaymentState.PAID)
    account.available -= 2_000
    account.receive_fact(refund("re_1", 333))
    assert account.available == -666

    assert account.receive_fact(dispute("dp_1", DisputeState.OPEN)).opened_holds == {"dp_1": 0}
    assert (account.available, account.held) == (-666, 0)


def walk(depth: int) -> Counter[str]:
    """Every sequence of events with repetitions up to this length; each is one step from the one before it."""
    counts: Counter[str] = Counter()
    events = list(EVENTS.values())

    def go(facts: PaymentFacts, booked: BookedAmounts, available: int, held: int, mask: int, left: int) -> None:
        for place, fact in enumerate(events):
            new_facts = facts.with_fact(fact)
            new_mask = mask | 1 << place
            changes = ledger_changes(new_facts, booked, CREDITS, CENTS, available)
            new_booked = apply_changes(booked, changes)
            new_available, new_held = available + changes.available_change, held + changes.held_change
            granted, clawed_back, min_held, max_held = EXPECTED[new_mask]
            assert new_available + new_held == granted - clawed_back
            assert (new_booked.granted, new_booked.clawed_back) == (granted, clawed_back)
            assert new_held == sum(new_booked.holds.values())
            assert min_held <= new_held <= max_held
            counts["sequences"] += 1
            if left > 1:
                go(new_facts, new_booked, new_available, new_held, new_mask, left - 1)

    go(PaymentFacts(), BookedAmounts(), 0, 0, 0, depth)
    return counts


def _expected_amounts(mask: int) -> tuple[int, int, int, int]:
    """By the set of events alone, independent of the code: credits granted and clawed back, and bounds of the hold.

    What an open dispute holds depends on the refunds before it, which it does not hold again.
    """
    received = {name for place, name in enumerate(EVENTS) if mask & 1 << place}
    if not received & {"completed, paid", "async succeeded"}:
        return 0, 0, 0, 0
    returned = 333 * ("a refund" in received) + 100 * ("another refund" in received)
    if "dispute lost" in received:
        returned += CENTS
    clawed_back = CREDITS * min(returned, CENTS) // CENTS
    if "dispute opened" in received and not received & {"dispute won", "dispute lost"}:
        return CREDITS, clawed_back, CREDITS - clawed_back, CREDITS
    return CREDITS, clawed_back, 0, 0


EXPECTED = [_expected_amounts(mask) for mask in range(1 << len(EVENTS))]


def test_every_sequence_of_up_to_four_events_books_what_their_set_determines() -> None:
    depth = 4
    assert walk(depth)["sequences"] == sum(len(EVENTS) ** n for n in range(1, depth + 1))


@pytest.mark.soak
def test_every_sequence_of_up_to_seven_events_books_what_their_set_determines(soak_counts: Counter[str]) -> None:
    depth = int(os.environ.get("SEQUENCES", "7"))
    soak_counts.update({f"sequences of payment events up to {depth} long": walk(depth)["sequences"]})


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
def test_order_and_repetition_change_nothing(reported: list[PaymentFact], random: "object") -> None:
    shuffled = reported + reported[:3]
    random.shuffle(shuffled)
    account, other = Account(), Account()
    for fact in reported:
        account.receive_fact(fact)
        account.check()
    for fact in shuffled:
        other.receive_fact(fact)
        other.check()

    assert account.facts == other.facts
    assert account.available + account.held == other.available + other.held


@given(st.lists(st.tuples(facts, st.integers(0, 700)), max_size=10))
@settings(derandomize=True, deadline=None)
def test_with_spending_between_only_a_claw_back_makes_the_balance_negative(
    steps: list[tuple[PaymentFact, int]],
) -> None:
    account, spent = Account(100), 0
    for fact, attempted in steps:
        before = account.available
        changes = account.receive_fact(fact)
        assert account.available >= min(0, before) or changes.clawed_back > 0, "only a claw-back goes below zero"
        spending = min(attempted, max(account.available, 0))
        account.available -= spending
        spent += spending
    value = purchase_value(account.facts, CREDITS, CENTS)
    assert account.available + account.held == 100 + value.granted - value.clawed_back - spent
    assert account.held >= 0
