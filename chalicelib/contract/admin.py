"""Admin: users and costs. Days are UTC; a range includes both its ends."""

from typing import Annotated, Literal

from msgspec import Meta, field

from .base import FILLED_LINE, Day, Identifier, RequestShape, ResponseShape, Time, describe_pattern
from .credits import LifetimeGranted, LifetimePurchased, UsageQuery

Reason = Annotated[str, Meta(min_length=1, max_length=200, pattern=FILLED_LINE)]
CreditChange = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
EmailStart = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        pattern=describe_pattern(
            r'^[^"\\\x00-\x1f\x7f]+$(?!\n)', "Give the start of an email address, without quotes or backslashes."
        ),
    ),
]
LongCursor = Annotated[str, Meta(min_length=1, max_length=500)]


class UsersQuery(RequestShape, kw_only=True):
    """`email`: the start of the address. Without `email` and `user_id`: all users, page by page.

    `only` those who are blocked, whose balance is below zero, or who never paid; such a page may be short or empty.
    """

    email: EmailStart | None = None
    user_id: Identifier | None = None
    only: Literal["blocked", "below_zero", "never_paid"] | None = None
    format: Literal["json", "csv"] = "json"
    limit: Annotated[int, Meta(ge=1, le=60)] = 50
    cursor: Annotated[str, Meta(min_length=1, max_length=4_000)] | None = None


class AdminUser(ResponseShape, kw_only=True):
    user_id: str
    email: str
    created_at: Time
    is_confirmed: bool
    is_blocked: bool
    available: int
    held: int
    lifetime_granted: LifetimeGranted
    lifetime_purchased: LifetimePurchased
    lifetime_used: int
    name: str = ""


class AdminUsers(ResponseShape, kw_only=True):
    users: list[AdminUser]
    next_cursor: str | None


class GiveCredits(RequestShape, kw_only=True):
    """A negative number of `credits` takes credits back. 0 is not allowed."""

    user_id: Identifier
    credits: CreditChange
    reason: Reason


class CreditsGiven(ResponseShape, kw_only=True):
    user_id: str
    credits: int
    available: int
    action_id: str


class BlockReason(RequestShape, kw_only=True):
    """Why the account is blocked or unblocked, for the record of administrators' actions."""

    reason: Reason


class BlockState(ResponseShape, kw_only=True):
    user_id: str
    is_blocked: bool


class EndShare(RequestShape, kw_only=True):
    """The address of a shared transcript as it was reported, or only what follows its last slash."""

    address: Annotated[str, Meta(min_length=1, max_length=2_000)]
    reason: Reason


class ShareEndedByAdmin(ResponseShape, kw_only=True):
    """Whose transcript it was."""

    user_id: str
    is_shared: bool


class CostsQuery(UsageQuery, kw_only=True):
    format: Literal["json", "csv"] = "json"
    cursor: LongCursor | None = None


class CostTotals(ResponseShape, kw_only=True):
    """Money in micro-USD. Margin: revenue minus provider cost and payment fees.

    `credits_used`: spent by users. `credits_sold`, `credits_given`: added. `credits_taken_back`: removed again.
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


class ServiceCost(ResponseShape, kw_only=True):
    """`value_micro_usd`: the used credits at the price of the cheapest package."""

    service: str
    credits: int
    seconds: int
    uses: int
    cost_micro_usd: int
    value_micro_usd: int


class ModelCost(ResponseShape, kw_only=True):
    """The use of one model for one service."""

    service: str
    provider: str
    model: str
    uses: int
    seconds: int
    input_tokens: int
    output_tokens: int
    cost_micro_usd: int


class DayCost(ResponseShape, kw_only=True):
    """`sums` is an earlier name of `totals`, kept for clients of version 0.2."""

    date: Day
    totals: CostTotals
    sums: CostTotals
    active_users: int
    services: list[ServiceCost]
    models: list[ModelCost]


class Outstanding(ResponseShape, kw_only=True):
    """Unused credits of all users, and their value at the price of the most expensive package."""

    credits: int
    liability_cents: int


class OpenHold(ResponseShape, kw_only=True):
    user_id: str
    hold_id: str
    kind: str
    credits: int
    made_at: Time
    due_at: str
    is_overdue: bool


class OpenHolds(ResponseShape, kw_only=True):
    """`open`: at most 100 holds, oldest first. `is_complete` is false if there were too many holds to count all."""

    count: int
    credits: int
    overdue: int
    is_complete: bool
    open: list[OpenHold]


class LiveSeconds(ResponseShape, kw_only=True):
    """Live sessions whose extension reported, when it stopped, how long the provider's socket was open.

    A report that is longer than its session counts as implausible and in no other figure.
    """

    sessions: int
    billed_seconds: int
    client_reported_seconds: int
    difference_seconds: int
    implausible_sessions: int
    implausible_seconds: int


class Costs(ResponseShape, kw_only=True):
    """`counted_until`: the time of the newest counted transaction; totals follow with a short delay."""

    from_day: Day = field(name="from")
    to_day: Day = field(name="to")
    counted_until: str
    totals: CostTotals
    services: list[ServiceCost]
    models: list[ModelCost]
    days: list[DayCost]
    outstanding: Outstanding
    holds: OpenHolds
    live_seconds: LiveSeconds
