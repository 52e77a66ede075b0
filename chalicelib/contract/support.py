"""Admin: one user for support, and what was sold. Without any words: no title, no address of a page, no text."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from ..models.purchase_facts import DisputeState, RefundState
from .admin import AdminUser, LongCursor, Reason
from .audit import AdminActionItem
from .base import Day, RequestShape, ResponseShape, Time, one_of
from .payments import PurchaseItem

PURCHASE_STATES = ("open", "pending", "paid", "refunded", "disputed_lost", "failed", "expired")
RefundStateName = Annotated[str, one_of(*(state.name.lower() for state in RefundState))]
DisputeStateName = Annotated[str, one_of(*(state.name.lower() for state in DisputeState))]


class UserFigures(ResponseShape, kw_only=True):
    """A user in these days, both included. Money in micro-USD, except where the name says cents.

    Revenue: what was paid for purchases that began in these days, less what was returned of it since.
    Margin: revenue minus provider cost and payment fees. It counts at most the newest 100 purchases.
    """

    from_day: Day = field(name="from")
    to_day: Day = field(name="to")
    credits_used: int
    seconds: int
    uses: int
    revenue_cents: int
    provider_cost_micro_usd: int
    payment_fees_micro_usd: int
    margin_micro_usd: int


class UserHold(ResponseShape, kw_only=True):
    """What holds credits now. `reference`: the session or the purchase; empty for `work`, the rest in one sum."""

    kind: Annotated[str, one_of("session", "dispute", "work")]
    credits: int
    reference: str = ""


class UserDetail(AdminUser, kw_only=True):
    """`actions`: what administrators did to the user, the newest 50 first."""

    open_disputes: int
    holds: list[UserHold]
    figures: UserFigures
    actions: list[AdminActionItem]


class UserSession(ResponseShape, kw_only=True):
    """A live session, or the recording of a catch-up. `session_id`: of a live session."""

    transcript_id: str
    kind: Annotated[str, one_of("live", "catchup")]
    state: str
    started_at: Time
    seconds: int
    credits_used: int
    ended_at: Time = ""
    session_id: str = ""


class UserSessions(ResponseShape, kw_only=True):
    sessions: list[UserSession]
    next_cursor: str | None


class RefundItem(ResponseShape, kw_only=True):
    refund_id: str
    state: RefundStateName
    cents: int


class DisputeItem(ResponseShape, kw_only=True):
    dispute_id: str
    state: DisputeStateName
    cents: int


class SoldPurchase(PurchaseItem, kw_only=True):
    """A purchase as its seller sees it.

    `payment_url`: the payment in Stripe's dashboard, once there is one. `refundable_cents`: what was neither refunded,
    nor is on its way back, nor disputed.
    """

    user_id: str
    payment_id: str
    payment_url: str
    refundable_cents: int
    refunds: list[RefundItem]
    disputes: list[DisputeItem]


class SoldPurchases(ResponseShape, kw_only=True):
    purchases: list[SoldPurchase]
    next_cursor: str | None


class SoldPurchasesQuery(RequestShape, kw_only=True):
    """Purchases that began on these days, both included, at most 366. Default: the last thirty days.

    With `state` a page may be short, or empty although more follow.
    """

    from_day: date | None = field(default=None, name="from")
    to_day: date | None = field(default=None, name="to")
    state: Literal["open", "pending", "paid", "refunded", "disputed_lost", "failed", "expired"] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: LongCursor | None = None


class RefundPurchase(RequestShape, kw_only=True):
    """`cents`: without it, all that can be refunded."""

    reason: Reason
    cents: Annotated[int, Meta(ge=1, le=100_000_000)] | None = None


class RefundStarted(ResponseShape, kw_only=True):
    """The refund as Stripe has accepted it. Its credits are taken back once Stripe reports that it `succeeded`."""

    purchase_id: str
    refund_id: str
    state: RefundStateName
    cents: int
    action_id: str
