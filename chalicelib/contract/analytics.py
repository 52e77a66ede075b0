"""Usage and costs on the wire. Days are UTC; a range takes in both its ends."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from .shapes import Answer, Day, Request, Time

LongCursor = Annotated[str, Meta(min_length=1, max_length=500)]


class UsageQuery(Request):
    """Which days, both included, at most 366; the last thirty where nothing is said."""

    from_day: date | None = field(default=None, name="from")
    to_day: date | None = field(default=None, name="to")


class CostsQuery(UsageQuery):
    format: Literal["json", "csv"] = "json"
    cursor: LongCursor | None = None


# A user's own


class UsageSums(Answer):
    """`uses`: how many settlements there were, such as leases, catch-ups and questions."""

    credits: int
    seconds: int
    uses: int


class ServiceUsage(Answer):
    service: str
    credits: int
    seconds: int
    uses: int


class DayUsage(Answer):
    date: Day
    credits: int
    seconds: int
    uses: int
    services: list[ServiceUsage]


class Usage(Answer):
    """`days`: every day of the range, also those without use; `services`: every service we have."""

    from_day: Day = field(name="from")
    to_day: Day = field(name="to")
    totals: UsageSums
    services: list[ServiceUsage]
    days: list[DayUsage]


# The owner's


class CostSums(Answer):
    """Money in micro-USD. Margin: revenue less what providers and the payment service take.

    `credits_used` were spent by users, `credits_sold` and `credits_given` came in, `credits_taken_back` went again.
    """

    revenue_micro_usd: int
    provider_cost_micro_usd: int
    payment_fees_micro_usd: int
    margin_micro_usd: int
    credits_used: int
    credits_sold: int
    credits_given: int
    credits_taken_back: int
    seconds: int
    uses: int


class ServiceCost(Answer):
    """`value_micro_usd`: what the credits used would bring at the cheapest package's price."""

    service: str
    credits: int
    seconds: int
    uses: int
    cost_micro_usd: int
    value_micro_usd: int


class ModelCost(Answer):
    """What one model really did for one service."""

    service: str
    provider: str
    model: str
    uses: int
    seconds: int
    input_tokens: int
    output_tokens: int
    cost_micro_usd: int


class DayCost(Answer):
    date: Day
    sums: CostSums
    active_users: int
    services: list[ServiceCost]
    models: list[ModelCost]


class Outstanding(Answer):
    """Credits that users have and have not used, and the most they could be worth: at the dearest package's price."""

    credits: int
    liability_cents: int


class OpenHold(Answer):
    user_id: str
    hold_id: str
    kind: str
    credits: int
    made_at: Time
    due_at: str
    is_overdue: bool


class OpenHolds(Answer):
    """`open`: the oldest first, at most 100. `is_complete` is false where there were too many to count them all."""

    count: int
    credits: int
    overdue: int
    is_complete: bool
    open: list[OpenHold]


class LiveSeconds(Answer):
    """Of the live sessions whose extension said at its stop how long the provider's socket was open."""

    sessions: int
    billed_seconds: int
    client_reported_seconds: int
    difference_seconds: int


class Costs(Answer):
    """`counted_until`: the moment of the newest movement that is counted; totals run a moment behind."""

    from_day: Day = field(name="from")
    to_day: Day = field(name="to")
    counted_until: str
    totals: CostSums
    services: list[ServiceCost]
    models: list[ModelCost]
    days: list[DayCost]
    outstanding: Outstanding
    holds: OpenHolds
    live_seconds: LiveSeconds
