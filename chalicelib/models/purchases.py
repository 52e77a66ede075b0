"""Purchases, and what the payment system reports about them."""

from msgspec import Struct, field

from .purchase_facts import BookedAmounts, PaymentFact, PaymentFacts, PaymentState


class Purchase(Struct, frozen=True):
    """Credits that a user is buying or has bought. It is written before the payment system is called.

    `facts`: what is known of its payment. `booked`: what the ledger has booked for it. `version` rises at each write.
    """

    purchase_id: str
    user_id: str
    package_id: str
    credits: int
    cents: int
    currency: str
    price_version: str
    is_live: bool
    created_at: int
    checkout_expires_at: int
    success_url: str
    cancel_url: str
    body_hash: str = ""
    checkout_session_id: str = ""
    checkout_url: str = ""
    payment_id: str = ""
    facts: PaymentFacts = field(default_factory=PaymentFacts)
    booked: BookedAmounts = field(default_factory=BookedAmounts)
    version: int = 1


class CheckoutSession(Struct, frozen=True):
    """The current state of a checkout at the payment system. `payment_id` is empty until it has a payment."""

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
