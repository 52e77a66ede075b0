"""What a purchase is worth, given the facts known of its payment: the refund and dispute rules. Pure functions.

A payment system reports facts in any order, any number of times and under many event ids. So nothing here counts
events: facts are merged, each only moving forward (models/purchase_facts.py), and the value of the purchase follows
from all facts together. Merging is commutative, associative and idempotent; tests/payments/test_refunds_and_disputes.py
verifies that.
"""

from ..models.purchase_facts import (
    BookedAmounts,
    DisputeState,
    LedgerChanges,
    PaymentFacts,
    PaymentState,
    PurchaseValue,
)


def purchase_value(facts: PaymentFacts, credits: int, cents: int) -> PurchaseValue:
    """What a purchase of `credits` for `cents` is worth by these facts.

    Refunds and lost disputes share one cumulative figure, so that neither rounding nor one loss reported under two
    names claws back too much: clawed back = floor(credits × money returned / money paid).
    """
    if facts.payment is not PaymentState.PAID:
        return PurchaseValue(0, 0)
    returned = min(facts.refunded_cents + facts.lost_cents, cents)
    return PurchaseValue(credits, _share(returned, credits, cents), returned)


def ledger_changes(
    facts: PaymentFacts, booked: BookedAmounts, credits: int, cents: int, available: int
) -> LedgerChanges:
    """What remains to be booked for a purchase whose owner has `available` credits now.

    An open dispute holds the credits that its money bought, less what was clawed back before, as far as they are
    available: once, and never topped up. When it is lost, its hold is clawed back first.
    """
    value = purchase_value(facts, credits, cents)
    granted, clawed_back = value.granted - booked.granted, value.clawed_back - booked.clawed_back
    ended: dict[str, tuple[int, int]] = {}
    to_claw_back = max(clawed_back, 0)
    for dispute_id, held in booked.holds.items():
        state = facts.disputes[dispute_id].state
        if state is not DisputeState.OPEN:
            charged = min(held, to_claw_back) if state is DisputeState.LOST else 0
            to_claw_back -= charged
            ended[dispute_id] = (held, charged)
    still_available = available + granted - clawed_back + sum(held for held, _ in ended.values())
    held_already = sum(held for dispute_id, held in booked.holds.items() if dispute_id not in ended)
    opened: dict[str, int] = {}
    if value.granted:
        for dispute_id, dispute in sorted(facts.disputes.items()):
            if dispute.state is DisputeState.OPEN and dispute_id not in booked.holds:
                disputed = min(_share(dispute.cents, credits, cents), credits - held_already) - value.clawed_back
                opened[dispute_id] = max(0, min(still_available, disputed))
                still_available -= opened[dispute_id]
                held_already += opened[dispute_id]
    return LedgerChanges(granted, clawed_back, value.returned_cents - booked.returned_cents, opened, ended)


def apply_changes(booked: BookedAmounts, changes: LedgerChanges) -> BookedAmounts:
    """What is booked once the changes are written."""
    remaining = {dispute_id: held for dispute_id, held in booked.holds.items() if dispute_id not in changes.ended_holds}
    return BookedAmounts(
        booked.granted + changes.granted,
        booked.clawed_back + changes.clawed_back,
        booked.returned_cents + changes.returned_cents,
        remaining | dict(changes.opened_holds),
    )


def _share(part_cents: int, credits: int, cents: int) -> int:
    """The credits that a part of the money bought, rounded down; never more than all of them."""
    return credits * min(part_cents, cents) // cents
