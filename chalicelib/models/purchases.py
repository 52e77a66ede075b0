"""Purchases, and the facts of their payments."""

from msgspec import Struct, field

from ..payments.purchase_state import BookedAmounts, PaymentFact, PaymentFacts, PaymentState


class Purchase(Struct, frozen=True):
    """Credits that somebody wants to buy, or bought. What it sells stands here before the payment system is asked.

    `facts` is what is known of its payment, `booked` what the ledger made of it. `version` moves at each write.
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
    """A checkout at the payment system as it stands. `payment_id`: its payment, once there is one."""

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
    """A fact about a payment, and the money it speaks of."""

    fact: PaymentFact
    payment_id: str
    cents: int
    currency: str
    is_live: bool
