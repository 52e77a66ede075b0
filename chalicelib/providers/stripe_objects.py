"""Stripe's objects as far as this service reads them, and a checkout session as our own model.

Fields and their values: docs.stripe.com/api. Unknown fields are ignored; a wrong type is an invalid response.
"""

from typing import Annotated, Any, Literal, TypeVar

import msgspec

from ..errors import ProviderError
from ..models.purchase_facts import PaymentState, Refund, RefundFact, RefundState
from ..models.purchases import CheckoutSession

MAX_ID_LENGTH = 255
REFUND_STATES = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
FAILED_INTENTS = {"requires_payment_method", "canceled"}  # of a complete checkout, where nobody can pay again
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_LENGTH)]
Cents = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Shape = TypeVar("Shape")


class IntentObject(msgspec.Struct):
    id: Id
    status: str = ""


class SessionObject(msgspec.Struct):
    id: Id
    status: Literal["open", "complete", "expired"] | None = None
    payment_status: str = "unpaid"
    url: str | None = None
    payment_intent: Id | IntentObject | None = None
    amount_total: Cents | None = None
    currency: str | None = None
    livemode: bool = False
    metadata: dict[str, str] | None = None


class RefundObject(msgspec.Struct):
    id: Id
    amount: Cents
    currency: str
    status: str | None = None
    payment_intent: Id | None = None


class BalanceTransactionObject(msgspec.Struct):
    amount: Annotated[int, msgspec.Meta(ge=-(10**12), le=10**12)]


class DisputeObject(msgspec.Struct):
    id: Id
    amount: Cents
    currency: str
    status: str
    payment_intent: Id | None = None
    balance_transactions: list[BalanceTransactionObject] | None = None


class ListObject(msgspec.Struct):
    data: list[dict[str, Any]]
    has_more: bool = False


def convert(fields: Any, shape: type[Shape]) -> Shape:
    """The fields as this shape. Raises ProviderError for an invalid response."""
    try:
        return msgspec.convert(fields, shape)
    except msgspec.ValidationError as error:
        raise ProviderError("The payment service returned an invalid response. Retry the request.") from error


def checkout_session(fields: dict[str, Any], app_name: str) -> CheckoutSession:
    """A checkout session; without a purchase id where another application made it. Raises ProviderError."""
    session = convert(fields, SessionObject)
    metadata, intent = session.metadata or {}, session.payment_intent
    is_own = metadata.get("app") == app_name
    return CheckoutSession(
        session_id=session.id,
        url=session.url or "",
        payment=_payment_state(session),
        payment_id=intent.id if isinstance(intent, IntentObject) else intent or "",
        cents=session.amount_total or 0,
        currency=session.currency or "",
        is_live=session.livemode,
        purchase_id=metadata.get("purchase_id", "") if is_own else "",
        user_id=metadata.get("user_id", ""),
        stage=metadata.get("stage", ""),
    )


def _payment_state(session: SessionObject) -> PaymentState:
    if session.status == "expired":
        return PaymentState.EXPIRED
    if session.status != "complete":
        return PaymentState.OPEN
    if session.payment_status == "paid":
        return PaymentState.PAID
    intent = session.payment_intent
    has_failed = isinstance(intent, IntentObject) and intent.status in FAILED_INTENTS
    return PaymentState.FAILED if has_failed else PaymentState.PENDING


def refund_fact_of(refund: RefundObject) -> RefundFact | None:
    """What the object reports; None for a state that this service does not know."""
    state = REFUND_STATES.get(refund.status or "pending")
    return None if state is None else RefundFact(refund.id, Refund(state, refund.amount))
