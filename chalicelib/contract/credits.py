"""Credits: balance, transactions and usage. Days are UTC; a range includes both its ends."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from .base import Day, PageQuery, RequestShape, ResponseShape, Time, one_of

TRANSACTION_KINDS = (
    "free_credits", "usage", "purchase", "clawback", "clawback_reversed", "admin_grant", "admin_clawback"
)  # fmt: skip
LifetimeGranted = Annotated[
    int,
    Meta(description="Free credits and what administrators gave, less what they took back. It can be below zero."),
]
LifetimePurchased = Annotated[
    int, Meta(description="What was bought, less what was taken back for refunds and disputes.")
]


class CreditBalance(ResponseShape, kw_only=True):
    available: int
    held: int
    lifetime_granted: LifetimeGranted
    lifetime_purchased: LifetimePurchased
    lifetime_used: int


class ModelUsage(ResponseShape, kw_only=True):
    provider: str
    model: str
    audio_ms: int
    input_tokens: int = 0
    output_tokens: int = 0


class Transaction(ResponseShape, kw_only=True):
    id: str
    kind: Annotated[str, one_of(*TRANSACTION_KINDS)]
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
    models: list[ModelUsage] = []


class Transactions(ResponseShape, kw_only=True):
    transactions: list[Transaction]
    next_cursor: str | None


class TransactionsQuery(PageQuery, kw_only=True):
    format: Literal["json", "csv"] = "json"


class UsageQuery(RequestShape, kw_only=True):
    """The range of days, both included, at most 366. Default: the last thirty days."""

    from_day: date | None = field(default=None, name="from")
    to_day: date | None = field(default=None, name="to")


class UsageTotals(ResponseShape, kw_only=True):
    """`uses`: the number of leases, catch-ups and questions."""

    credits: int
    seconds: int
    uses: int


class ServiceUsage(ResponseShape, kw_only=True):
    service: str
    credits: int
    seconds: int
    uses: int


class DayUsage(ResponseShape, kw_only=True):
    date: Day
    credits: int
    seconds: int
    uses: int
    services: list[ServiceUsage]


class Usage(ResponseShape, kw_only=True):
    """`days`: every day of the range, also those without use. `services`: every service."""

    from_day: Day = field(name="from")
    to_day: Day = field(name="to")
    totals: UsageTotals
    services: list[ServiceUsage]
    days: list[DayUsage]
