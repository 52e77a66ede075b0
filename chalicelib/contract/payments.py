"""Payments: packages, checkout and the webhook of the payment service."""

from typing import Annotated

from msgspec import Meta, Struct

from .base import Cleaned, Identifier, RequestShape, ResponseShape, Time, describe_pattern, one_of
from .cleaning import EDGE, strip_edges

ReturnUrl = Annotated[
    str,
    Cleaned(by=strip_edges),
    Meta(
        min_length=1,
        max_length=2_000,
        pattern=describe_pattern(
            rf"^{EDGE}*[!-~]+{EDGE}*$(?!\n)",
            "Give the address of a page in printable ASCII characters. Percent-encode all others.",
        ),
    ),
]


class CreditPackage(ResponseShape, kw_only=True):
    id: str
    credits: int
    cents: int
    currency: str


class Packages(ResponseShape, kw_only=True):
    packages: list[CreditPackage]
    price_version: str


class Buy(RequestShape, kw_only=True):
    package_id: Identifier
    success_url: ReturnUrl | None = None
    cancel_url: ReturnUrl | None = None


class PaidQuery(Struct, kw_only=True):
    """`credits`: how many were paid for, to be shown. Other parameters are ignored: a buyer comes here by a link."""

    credits: str = ""


class PurchaseItem(ResponseShape, kw_only=True):
    """A purchase. `credits_added` says whether its credits came; money that went back is in `cents_returned`.

    `state`: once all of the money went back, `refunded`, or `disputed_lost` where a lost dispute took some of it.
    `checkout_url`: where it can still be paid.
    """

    purchase_id: str
    package_id: str
    state: Annotated[str, one_of("open", "pending", "paid", "refunded", "disputed_lost", "failed", "expired")]
    credits: int
    cents: int
    currency: str
    created_at: Time
    credits_added: int
    credits_taken_back: int
    cents_returned: int
    is_disputed: bool
    checkout_url: str = ""


class PurchasePage(ResponseShape, kw_only=True):
    purchases: list[PurchaseItem]
    next_cursor: str | None


class Checkout(ResponseShape, kw_only=True):
    """Send the buyer to `checkout_url`. `credits` are added when the payment is confirmed, maybe after the return."""

    purchase_id: str
    checkout_url: str
    checkout_session_id: str
    expires_at: Time
    credits: int
    cents: int
    currency: str


class StripeWebhookResult(ResponseShape, kw_only=True):
    """Whether the event was `applied`, or `ignored` and why."""

    received: bool
    outcome: Annotated[str, one_of("applied", "ignored")]
    reason: str = ""
