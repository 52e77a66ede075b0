"""The JSON bodies of the sandbox's own routes for Stripe."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from sandbox.stripe.account_clock import MAX_ADVANCE_SECONDS

Count = Annotated[int, Meta(ge=0, le=100)]
OneOrMore = Annotated[int, Meta(ge=1, le=100)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Amount = Annotated[int, Meta(ge=1, le=99_999_999)]


class ControlBody(Struct, forbid_unknown_fields=True):
    """A body with an unknown field is refused: a misspelt setting would have no effect."""


class SettingsBody(ControlBody):
    """Some settings; the others stay. Names are those of `webhooks.DeliverySettings` after `webhook_`."""

    webhook_url: str | UnsetType | None = UNSET
    webhook_secret: Annotated[str, Meta(min_length=1)] | UnsetType = UNSET
    webhook_copies: OneOrMore | UnsetType = UNSET
    webhook_twins: Count | UnsetType = UNSET
    webhook_hold: bool | UnsetType = UNSET
    webhook_lose: list[str] | UnsetType = UNSET
    webhook_attempts: OneOrMore | UnsetType = UNSET
    webhook_retry_seconds: Seconds | UnsetType = UNSET
    webhook_deadline_seconds: Seconds | UnsetType = UNSET
    webhook_before_redirect: bool | UnsetType = UNSET
    refund_status: Literal["succeeded", "pending"] | UnsetType = UNSET


class AdvanceBody(ControlBody):
    """Advance the time."""

    advance_seconds: Annotated[float, Meta(ge=0, le=MAX_ADVANCE_SECONDS)]


class PayBody(ControlBody):
    """Pay as on the hosted page."""

    method: str = "card"


class SettleBody(ControlBody):
    """End a delayed payment."""

    outcome: Literal["succeeded", "failed"]


class ChargeSelector(ControlBody):
    """A charge by its own id, its payment or its session; exactly one of the three."""

    session: str | None = None
    payment_intent: str | None = None
    charge: str | None = None


class RefundBody(ChargeSelector):
    """Refund as from Stripe's dashboard; `amount` None refunds the rest."""

    amount: Amount | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    status: Literal["succeeded", "pending"] | None = None


class RefundStatusBody(ControlBody):
    status: Literal["succeeded", "failed", "canceled"]


class DisputeBody(ChargeSelector):
    """`amount` None disputes everything that was not refunded."""

    amount: Amount | None = None
    status: Literal["needs_response", "warning_needs_response"] = "needs_response"
    reason: str = "fraudulent"


class DisputeStatusBody(ControlBody):
    status: Literal["needs_response", "under_review", "warning_under_review", "won", "lost", "warning_closed"]


class ReleaseBody(ControlBody):
    """Send the named events in that order, otherwise all held ones: oldest first, or shuffled by a seed."""

    events: list[str] | None = None
    shuffle: int | None = None
    concurrently: bool = False


class EventBody(ControlBody):
    """Send an event that never happened, or a false one."""

    type: Annotated[str, Meta(min_length=1)]
    object: dict[str, Any]
    livemode: bool = False
