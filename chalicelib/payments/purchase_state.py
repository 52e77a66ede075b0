"""What a purchase is worth, from what is known of its payment. Pure rules.

A payment system tells facts in any order, any number of times and under many names. So nothing here counts events: what
is learned is put beside what is known, each fact only moving forward, and what the purchase is worth follows from all
facts together. Learning is therefore commutative, associative and idempotent; tests/payments/test_purchase_state.py holds it to that.
"""

from collections.abc import Mapping
from enum import IntEnum

from msgspec import Struct, field
from msgspec.structs import replace


class PaymentState(IntEnum):
    """How far the payment has come; a later one stands for good. Money that arrives after all counts as paid."""

    CREATING = 0
    OPEN = 1
    PENDING = 2
    EXPIRED = 3
    FAILED = 4
    PAID = 5


class RefundState(IntEnum):
    """Money on its way back, back, or failed to go back and so still ours."""

    PENDING = 0
    SUCCEEDED = 1
    FAILED = 2


class DisputeState(IntEnum):
    """Money that a bank has taken for now; that it gave back; that it keeps."""

    OPEN = 0
    WON = 1
    LOST = 2


class Refund(Struct, frozen=True):
    """One refund as it stands."""

    state: RefundState
    cents: int


class Dispute(Struct, frozen=True):
    """One dispute as it stands."""

    state: DisputeState
    cents: int


class PaymentFacts(Struct, frozen=True):
    """What is known of the payment of one purchase; refunds and disputes by the payment system's id."""

    payment: PaymentState = PaymentState.CREATING
    refunds: Mapping[str, Refund] = field(default_factory=dict)
    disputes: Mapping[str, Dispute] = field(default_factory=dict)

    def with_fact(self, fact: "PaymentFact") -> "PaymentFacts":
        """These facts and one more."""
        match fact:
            case PaymentState():
                return replace(self, payment=max(self.payment, fact))
            case RefundFact():
                return replace(self, refunds=_forward(self.refunds, fact.refund_id, fact.refund))
            case DisputeFact():
                return replace(self, disputes=_forward(self.disputes, fact.dispute_id, fact.dispute))


class RefundFact(Struct, frozen=True):
    refund_id: str
    refund: Refund


class DisputeFact(Struct, frozen=True):
    dispute_id: str
    dispute: Dispute


PaymentFact = PaymentState | RefundFact | DisputeFact


class PurchaseValue(Struct, frozen=True):
    """What a purchase has brought and what of it was taken back, in credits, both from its beginning.

    `returned_cents`: the money that went back, and made it so.
    """

    granted: int
    taken: int
    returned_cents: int = 0


class BookedAmounts(Struct, frozen=True):
    """What the ledger has booked of a purchase. `holds`: open dispute → credits it holds."""

    granted: int = 0
    taken: int = 0
    returned_cents: int = 0
    holds: Mapping[str, int] = field(default_factory=dict)


class LedgerChanges(Struct, frozen=True):
    """What the ledger has to book so that it agrees with the facts.

    `taken` may be below zero, where a refund failed after all. `opened`: dispute → credits to hold from now on.
    `ended`: dispute → what it held and how much of that is taken; the rest goes back.
    """

    granted: int = 0
    taken: int = 0
    returned_cents: int = 0
    opened: Mapping[str, int] = field(default_factory=dict)
    ended: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def available(self) -> int:
        """The change of what may be spent."""
        held_back = sum(held for held, _ in self.ended.values()) - sum(self.opened.values())
        return self.granted - self.taken + held_back

    @property
    def held(self) -> int:
        """The change of what is held."""
        return sum(self.opened.values()) - sum(held for held, _ in self.ended.values())

    @property
    def is_empty(self) -> bool:
        return not (self.granted or self.taken or self.returned_cents or self.opened or self.ended)


def purchase_value(facts: PaymentFacts, credits: int, cents: int) -> PurchaseValue:
    """What `credits` sold for `cents` are worth by these facts; all of it goes back when all money has.

    One cumulative figure for refunds and lost disputes together, so that neither rounding nor two names for one loss
    take too much: taken = floor(credits × money returned / money paid).
    """
    if facts.payment is not PaymentState.PAID:
        return PurchaseValue(0, 0)
    returned = sum(refund.cents for refund in facts.refunds.values() if refund.state is RefundState.SUCCEEDED)
    returned += sum(dispute.cents for dispute in facts.disputes.values() if dispute.state is DisputeState.LOST)
    returned = min(returned, cents)
    return PurchaseValue(credits, _share(returned, credits, cents), returned)


def ledger_changes(
    facts: PaymentFacts, booked: BookedAmounts, credits: int, cents: int, available: int
) -> LedgerChanges:
    """What is left to book of a purchase whose owner has `available` credits now.

    An open dispute holds what its money bought, less what was taken of the purchase before, as far as it is there:
    once, and never topped up. Where it is lost, what it held is taken first.
    """
    due = purchase_value(facts, credits, cents)
    granted, taken = due.granted - booked.granted, due.taken - booked.taken
    ended: dict[str, tuple[int, int]] = {}
    to_take = max(taken, 0)
    for dispute_id, held in booked.holds.items():
        state = facts.disputes[dispute_id].state
        if state is not DisputeState.OPEN:
            charged = min(held, to_take) if state is DisputeState.LOST else 0
            to_take -= charged
            ended[dispute_id] = (held, charged)
    left = available + granted - taken + sum(held for held, _ in ended.values())
    held_already = sum(held for dispute_id, held in booked.holds.items() if dispute_id not in ended)
    opened: dict[str, int] = {}
    if due.granted:
        for dispute_id, dispute in sorted(facts.disputes.items()):
            if dispute.state is DisputeState.OPEN and dispute_id not in booked.holds:
                wanted = min(_share(dispute.cents, credits, cents), credits - held_already) - due.taken
                opened[dispute_id] = max(0, min(left, wanted))
                left -= opened[dispute_id]
                held_already += opened[dispute_id]
    return LedgerChanges(granted, taken, due.returned_cents - booked.returned_cents, opened, ended)


def apply_changes(booked: BookedAmounts, done: LedgerChanges) -> BookedAmounts:
    """What is booked once the moves are done."""
    holds = {dispute_id: held for dispute_id, held in booked.holds.items() if dispute_id not in done.ended}
    returned_cents = booked.returned_cents + done.returned_cents
    return BookedAmounts(
        booked.granted + done.granted, booked.taken + done.taken, returned_cents, holds | dict(done.opened)
    )


def _share(part: int, credits: int, cents: int) -> int:
    """What a part of the money bought, which is never more than all."""
    return credits * min(part, cents) // cents


def _forward(known: Mapping[str, "Refund"] | Mapping[str, "Dispute"], name: str, said: "Refund | Dispute") -> dict:  # type: ignore[type-arg]
    """What is known of one refund or dispute moves forward only; of two figures for one state the larger stands."""
    there = known.get(name)
    if there is not None and (there.state, there.cents) >= (said.state, said.cents):
        return dict(known)
    return {**known, name: said}
