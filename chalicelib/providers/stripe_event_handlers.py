"""Stripe's events: their signature, and the table that says for each type what it reports about a payment.

The state is always read from the event's object; an event's type only says what kind of object that is.
"""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from ..errors import InvalidSignatureError
from ..models.purchase_facts import (
    Dispute,
    DisputeFact,
    DisputeState,
    PaymentState,
)
from ..models.purchases import CheckoutSession, PaymentUpdate
from .stripe_objects import MAX_ID_LENGTH, DisputeObject, Id, RefundObject, checkout_session, convert, refund_fact_of

SIGNATURE_SECONDS = 300  # how far the time of a signature may differ from ours
# An inquiry (`warning_…`) moves no money. Only what a bank withdrew and may keep counts.
DISPUTE_STATES = {
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.OPEN,
    "won": DisputeState.WON,
    "prevented": DisputeState.WON,  # unless its money was withdrawn: `_dispute_state`
    "lost": DisputeState.LOST,
    "appeal_needs_response": DisputeState.LOST,
    "appeal_under_review": DisputeState.LOST,
}


class EventData(msgspec.Struct):
    object: dict[str, Any]


class Event(msgspec.Struct):
    """An event with a valid signature. `data.object` is the whole object that it is about, as it was then."""

    id: Id
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_LENGTH)]
    data: EventData
    livemode: bool = False


Update = CheckoutSession | PaymentUpdate | None  # None: nothing about a payment


def checkout(event: Event, app_name: str) -> Update:
    return checkout_session(event.data.object, app_name)


def failed_checkout(event: Event, app_name: str) -> Update:
    """The only event whose object does not show what happened: the session of a failed delayed payment is unpaid."""
    return replace(checkout_session(event.data.object, app_name), payment=PaymentState.FAILED)


def refund_fact(event: Event, _: str) -> Update:
    refund = convert(event.data.object, RefundObject)
    fact = refund_fact_of(refund)
    if fact is None or not refund.payment_intent:
        return None
    return PaymentUpdate(fact, refund.payment_intent, refund.amount, refund.currency, event.livemode)


def dispute_fact(event: Event, _: str) -> Update:
    dispute = convert(event.data.object, DisputeObject)
    if dispute.status not in DISPUTE_STATES or not dispute.payment_intent:
        return None
    fact = DisputeFact(dispute.id, Dispute(_dispute_state(dispute), dispute.amount))
    return PaymentUpdate(fact, dispute.payment_intent, dispute.amount, dispute.currency, event.livemode)


HANDLERS: dict[str, Callable[[Event, str], Update]] = {
    "checkout.session.completed": checkout,
    "checkout.session.async_payment_succeeded": checkout,
    "checkout.session.async_payment_failed": failed_checkout,
    "checkout.session.expired": checkout,
    "refund.created": refund_fact,
    "refund.updated": refund_fact,
    "refund.failed": refund_fact,
    "charge.dispute.created": dispute_fact,
    "charge.dispute.updated": dispute_fact,
    "charge.dispute.funds_withdrawn": dispute_fact,
    "charge.dispute.funds_reinstated": dispute_fact,
    "charge.dispute.closed": dispute_fact,
}
"""The types that the endpoint subscribes to (docs/payments.md); any other type is answered and ignored."""


def payment_update(event: Event, app_name: str) -> Update:
    """What the event reports about a payment; None if nothing. Raises ProviderError for an invalid object."""
    handler = HANDLERS.get(event.type)
    return handler(event, app_name) if handler else None


def verify(raw: bytes, signature: str, secrets: Sequence[str]) -> Event:
    """The event that Stripe signed with one of `secrets`. Raises InvalidSignatureError for any other input."""
    import stripe

    failure: Exception | None = None
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(raw.decode("utf-8"), signature, secret, SIGNATURE_SECONDS)
            _check_not_ahead(signature)
            return msgspec.json.decode(raw, type=Event)
        except (stripe.SignatureVerificationError, TypeError, ValueError, RecursionError) as error:
            failure = error  # TypeError: a signature that is not ASCII. ValueError: not UTF-8, JSON, or an event.
    raise InvalidSignatureError("This is not an event that the payment service signed.") from failure


def _check_not_ahead(signature: str) -> None:
    """The SDK rejects an old signature but accepts any time in the future. Raises ValueError."""
    signed_at = next(part for part in signature.split(",") if part.startswith("t="))
    if int(signed_at.removeprefix("t=")) > time.time() + SIGNATURE_SECONDS:
        raise ValueError("signed in the future")


def _dispute_state(dispute: DisputeObject) -> DisputeState:
    """A dispute is prevented in two ways: blocked, which moves no money, or resolved by returning the money.

    Money that was withdrawn and not reinstated tells the second. Money returned as a refund is reported as a refund.
    """
    is_withdrawn = sum(transaction.amount for transaction in dispute.balance_transactions or []) < 0
    return DisputeState.LOST if dispute.status == "prevented" and is_withdrawn else DISPUTE_STATES[dispute.status]
