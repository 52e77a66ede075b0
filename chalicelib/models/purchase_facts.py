"""What is known of the payment of a purchase, and what the ledger books for it, as plain data.

The rules that lead from one to the other are in payments/refunds_and_disputes.py.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Protocol, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace


class PaymentState(IntEnum):
    """The progress of a payment. The highest state counts, so money that arrives late still counts as paid."""

    CREATING = 0
    OPEN = 1
    PENDING = 2
    EXPIRED = 3
    FAILED = 4
    PAID = 5


class RefundState(IntEnum):
    """Money on its way back, returned, or not returned because the refund failed."""

    PENDING = 0
    SUCCEEDED = 1
    FAILED = 2


class DisputeState(IntEnum):
    """Money that the bank has withdrawn for now, has given back, or keeps."""

    OPEN = 0
    WON = 1
    LOST = 2


class Refund(Struct, frozen=True):
    """The latest known state of one refund."""

    state: RefundState
    cents: int


class Dispute(Struct, frozen=True):
    """The latest known state of one dispute."""

    state: DisputeState
    cents: int


class RefundFact(Struct, frozen=True):
    """A state of one refund, as the payment system reported it."""

    refund_id: str
    refund: Refund


class DisputeFact(Struct, frozen=True):
    """A state of one dispute, as the payment system reported it."""

    dispute_id: str
    dispute: Dispute


PaymentFact = PaymentState | RefundFact | DisputeFact


class PaymentFacts(Struct, frozen=True):
    """Everything known of the payment of one purchase; refunds and disputes by the payment system's id."""

    payment: PaymentState = PaymentState.CREATING
    refunds: Mapping[str, Refund] = field(default_factory=dict)
    disputes: Mapping[str, Dispute] = field(default_factory=dict)

    @property
    def refunded_cents(self) -> int:
        """The money of the payment that was refunded."""
        refunds = self.refunds.values() if self.payment is PaymentState.PAID else ()
        return sum(refund.cents for refund in refunds if refund.state is RefundState.SUCCEEDED)

    @property
    def lost_cents(self) -> int:
        """The money of the payment that lost disputes took."""
        disputes = self.disputes.values() if self.payment is PaymentState.PAID else ()
        return sum(dispute.cents for dispute in disputes if dispute.state is DisputeState.LOST)

    def with_fact(self, fact: PaymentFact) -> "PaymentFacts":
        """These facts and one more. Every fact only moves forward, so neither order nor repetition matters."""
        match fact:
            case PaymentState():
                return replace(self, payment=max(self.payment, fact))
            case RefundFact():
                return replace(self, refunds=_merge(self.refunds, fact.refund_id, fact.refund))
            case DisputeFact():
                return replace(self, disputes=_merge(self.disputes, fact.dispute_id, fact.dispute))


class PurchaseValue(Struct, frozen=True):
    """The credits that a purchase has granted and those clawed back from it, both counted from its beginning.

    `returned_cents`: the money that was returned, which is the reason for the claw-back.
    """

    granted: int
    clawed_back: int
    returned_cents: int = 0


class BookedAmounts(Struct, frozen=True):
    """What the ledger has booked for a purchase. `holds`: open dispute → credits that it holds, perhaps none."""

    granted: int = 0
    clawed_back: int = 0
    returned_cents: int = 0
    holds: Mapping[str, int] = field(default_factory=dict)


class LedgerChanges(Struct, frozen=True):
    """What the ledger still has to book so that it agrees with the facts.

    `clawed_back` is negative where a refund failed after it had succeeded. `opened_holds`: dispute → credits to hold
    from now on. `ended_holds`: dispute → (credits it held, how many of them are clawed back); the rest is released.
    """

    granted: int = 0
    clawed_back: int = 0
    returned_cents: int = 0
    opened_holds: Mapping[str, int] = field(default_factory=dict)
    ended_holds: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def available_change(self) -> int:
        """The change of the credits that can be spent."""
        return self.granted - self.clawed_back - self.held_change

    @property
    def held_change(self) -> int:
        """The change of the credits that disputes hold."""
        return sum(self.opened_holds.values()) - sum(held for held, _ in self.ended_holds.values())

    @property
    def is_empty(self) -> bool:
        return self == LedgerChanges()


class _Stateful(Protocol):
    @property
    def state(self) -> int: ...

    @property
    def cents(self) -> int: ...


Reported = TypeVar("Reported", bound=_Stateful)


def _merge(merged: Mapping[str, Reported], name: str, reported: Reported) -> dict[str, Reported]:
    """The refunds or disputes known so far and one report. States move forward; of two amounts the larger counts."""
    current = merged.get(name)
    if current is not None and (current.state, current.cents) >= (reported.state, reported.cents):
        return dict(merged)
    return {**merged, name: reported}
