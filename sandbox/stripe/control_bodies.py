"""What tests may order of the sandbox's Stripe, as the JSON bodies of its control routes."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from sandbox.stripe.account_clock import MAX_ADVANCE_SECONDS

Count = Annotated[int, Meta(ge=0, le=100)]
OneOrMore = Annotated[int, Meta(ge=1, le=100)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Amount = Annotated[int, Meta(ge=1, le=99_999_999)]


class Order(Struct, forbid_unknown_fields=True):
    """An order with a misspelt field is refused: it would prove nothing."""


class Changes(Order):
    """Some settings; the rest stays. The names are those of `stripe_webhooks.Settings` after `webhook_`."""

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


class Advance(Order):
    """Let so much time pass at once."""

    advance_seconds: Annotated[float, Meta(ge=0, le=MAX_ADVANCE_SECONDS)]


class Pay(Order):
    """Pay as the hosted page would."""

    method: str = "card"


class Settle(Order):
    """End a delayed payment."""

    outcome: Literal["succeeded", "failed"]


class Which(Order):
    """A charge by its own id or that of its payment or session; exactly one of the three."""

    session: str | None = None
    payment_intent: str | None = None
    charge: str | None = None


class Refund(Which):
    """Give money back as from Stripe's dashboard; `amount` None for all that is left."""

    amount: Amount | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    status: Literal["succeeded", "pending"] | None = None


class StepRefund(Order):
    status: Literal["succeeded", "failed", "canceled"]


class Dispute(Which):
    """`amount` None for all that was not refunded."""

    amount: Amount | None = None
    status: Literal["needs_response", "warning_needs_response"] = "needs_response"
    reason: str = "fraudulent"


class StepDispute(Order):
    status: Literal["needs_response", "under_review", "warning_under_review", "won", "lost", "warning_closed"]


class Release(Order):
    """Send events: those named in their order, else all that are held, oldest first or shuffled by a seed."""

    events: list[str] | None = None
    shuffle: int | None = None
    together: bool = False


class Tell(Order):
    """Send an event that never happened, or not so."""

    type: Annotated[str, Meta(min_length=1)]
    object: dict[str, Any]
    livemode: bool = False
