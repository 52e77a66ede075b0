"""Purchases, and what the payment system reports about them."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from .field_kinds import Internal, Personal, Record
from .purchase_facts import BookedAmounts, PaymentFact, PaymentFacts, PaymentState


class Purchase(Struct, frozen=True):
    """A purchase of credits. What it sells is stored before the payment system is called.

    `facts` is what is known of its payment, `booked` what the ledger booked of it (both stored as the fields of
    `PurchaseAttributes`). Every write increments `version`.
    """

    purchase_id: Record[str]
    user_id: Internal[str]
    package_id: Record[str]
    credits: Record[int]
    cents: Record[int]
    currency: Record[str]
    price_version: Record[str]
    is_live: Internal[bool]
    created_at: Record[int]
    checkout_expires_at: Internal[int]
    success_url: Personal[str] = ""
    cancel_url: Personal[str] = ""
    body_hash: str = ""
    checkout_session_id: Record[str] = ""
    checkout_url: Internal[str] = ""
    payment_id: Record[str] = ""
    facts: PaymentFacts = field(default_factory=PaymentFacts)
    booked: BookedAmounts = field(default_factory=BookedAmounts)
    version: Internal[int] = 1

    @property
    def facts_without_buyer(self) -> PaymentFacts:
        """The facts once the buyer's account is deleted: without a checkout the purchase has failed.

        Its buyer can no longer be sent to one. Money that arrives for it all the same is booked.
        """
        has_checkout = bool(self.checkout_session_id) or self.facts.payment > PaymentState.CREATING
        return self.facts if has_checkout else self.facts.with_fact(PaymentState.FAILED)


class PurchaseAttributes:
    """A stored purchase's `facts` and `booked`, flattened."""

    payment: Record[int]
    refunds: Record[Mapping[str, Any]]
    disputes: Record[Mapping[str, Any]]
    granted: Record[int]
    clawed_back: Record[int]
    returned_cents: Internal[int]
    holds: Internal[Mapping[str, int]]


class PurchasePointerAttributes:
    """The stored pointer from a user to a purchase."""

    purchase_id: Internal[str]


class CheckoutSession(Struct, frozen=True):
    """A checkout in the payment system. `payment_id`: its payment, once there is one."""

    session_id: str
    url: str
    payment: PaymentState
    payment_id: str
    cents: int
    currency: str
    is_live: bool
    purchase_id: str
    user_id: str
    stage: str


class PaymentUpdate(Struct, frozen=True):
    """A fact about a payment, and the amount of money that it is about."""

    fact: PaymentFact
    payment_id: str
    cents: int
    currency: str
    is_live: bool
