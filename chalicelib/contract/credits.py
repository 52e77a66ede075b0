"""Credits on the wire."""

from typing import Annotated, Literal

from msgspec import Meta

from .shapes import Answer, Identifier, PageQuery, Request, Time, one_of

MOVEMENTS = (
    "free_credits", "usage", "purchase", "clawback", "clawback_reversed", "admin_grant", "admin_clawback"
)  # fmt: skip
ReturnUrl = Annotated[str, Meta(min_length=1, max_length=2_000, pattern=r"^[!-~]+$(?!\n)")]


class CreditBalance(Answer):
    available: int
    held: int
    lifetime_granted: int
    lifetime_purchased: int
    lifetime_used: int


class ModelUse(Answer):
    provider: str
    model: str
    audio_ms: int
    input_tokens: int = 0
    output_tokens: int = 0


class Transaction(Answer):
    id: str
    kind: Annotated[str, one_of(*MOVEMENTS)]
    credits: int
    at: Time
    explanation: str
    service: str = ""
    session_id: str = ""
    job_id: str = ""
    purchase_id: str = ""
    cents: int = 0
    hold_id: str = ""
    credits_held: int = 0
    seconds: int = 0
    price_version: str = ""
    models: list[ModelUse] = []


class Transactions(Answer):
    transactions: list[Transaction]
    next_cursor: str | None


class TransactionsQuery(PageQuery):
    format: Literal["json", "csv"] = "json"


class PackageOut(Answer):
    id: str
    credits: int
    cents: int
    currency: str


class Packages(Answer):
    packages: list[PackageOut]
    price_version: str


class Buy(Request):
    package_id: Identifier
    success_url: ReturnUrl | None = None
    cancel_url: ReturnUrl | None = None


class Checkout(Answer):
    """Where to pay. `credits` come when the payment is in, which may be after the buyer is back."""

    purchase_id: str
    checkout_url: str
    checkout_session_id: str
    expires_at: Time
    credits: int
    cents: int
    currency: str


class Received(Answer):
    """What became of an event: `applied`, or `ignored` and why."""

    received: bool
    outcome: Annotated[str, one_of("applied", "ignored")]
    reason: str = ""
