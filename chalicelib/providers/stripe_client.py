"""Stripe: checkouts, and what it tells about payments. No other file knows its SDK or its JSON.

The SDK is imported when a payment route is first used. Facts about it, measured: docs/payments.md.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec

from ..errors import (
    InvalidSignatureError,
    ProviderError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from ..logs.request_log import request_log
from ..models.purchases import CheckoutSession, PaymentNews, Purchase
from ..payments.purchase_state import Dispute, DisputeFact, DisputeState, Payment, Refund, RefundFact, RefundState

if TYPE_CHECKING:
    from stripe import StripeClient, StripeError

CONNECT_SECONDS, READ_SECONDS, TRIES = 3, 8, 2  # 22 s at most, of the gateway's 29
SIGNATURE_SECONDS = 300  # how far a signature's time may be from ours
# Stripe keeps a failure of its own as the answer to a key, for a day. Nobody has seen the checkout that may be behind
# it, so the next key may make another. Each request spends one key at most, and the same request goes the same way.
KEY_ENDINGS = ("", ":2", ":3", ":4", ":5", ":6", ":7", ":8")
LONGEST_ID = 255
EVENTS = {
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
}
"""What the endpoint subscribes to; other types are answered and ignored."""
REFUNDS = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
# An inquiry (`warning_…`) moves no money. Only what a bank took and may keep counts.
DISPUTES = {
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.OPEN,
    "won": DisputeState.WON,
    "prevented": DisputeState.WON,  # unless its money was withdrawn: `_dispute_state`
    "lost": DisputeState.LOST,
    "appeal_needs_response": DisputeState.LOST,
    "appeal_under_review": DisputeState.LOST,
}
FAILED_INTENTS = {"requires_payment_method", "canceled"}  # of a complete checkout: nobody can try again there
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)]
Cents = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Given = TypeVar("Given")


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


class MovedObject(msgspec.Struct):
    amount: Annotated[int, msgspec.Meta(ge=-(10**12), le=10**12)]


class DisputeObject(msgspec.Struct):
    id: Id
    amount: Cents
    currency: str
    status: str
    payment_intent: Id | None = None
    balance_transactions: list[MovedObject] | None = None


class Listed(msgspec.Struct):
    data: list[dict[str, Any]]
    has_more: bool = False


class EventData(msgspec.Struct):
    object: dict[str, Any]


class Event(msgspec.Struct):
    """An event whose signature is good. `object` is the whole thing it speaks of, as it was then."""

    id: Id
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)]
    data: EventData
    livemode: bool = False


@dataclass(frozen=True)
class StripeGateway:
    """`webhook_secrets`: one, or two while it is being rotated. `api_base`: a stand-in instead of Stripe."""

    api_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    app_name: str
    stage: str
    methods: tuple[str, ...]
    api_base: str = ""
    client: "StripeClient | None" = field(default=None, init=False, repr=False)

    # Checkouts

    def open(self, wanted: Purchase) -> CheckoutSession:
        """The checkout of this purchase: the same one however often it is asked for, for a day.

        Everything that would change what is paid is switched off. Raises ProviderError; after ProviderRefusedError
        there is no checkout, after any other there may be.
        """
        names = {
            "app": self.app_name,
            "stage": self.stage,
            "purchase_id": wanted.purchase_id,
            "user_id": wanted.user_id,
        }
        item = {
            "quantity": 1,
            "price_data": {
                "currency": wanted.currency,
                "unit_amount": wanted.cents,
                "product_data": {"name": f"{wanted.credits:,} credits"},
            },
        }
        params: Any = {
            "mode": "payment",
            "line_items": [item],
            "metadata": names,
            "payment_intent_data": {"metadata": names},
            "client_reference_id": wanted.purchase_id,
            "expires_at": wanted.checkout_expires_at,
            "success_url": wanted.success_url,
            "cancel_url": wanted.cancel_url,
            "allow_promotion_codes": False,
            "automatic_tax": {"enabled": False},
            "adaptive_pricing": {"enabled": False},
        }
        if self.methods:
            params["payment_method_types"] = list(self.methods)
        for ending in KEY_ENDINGS:
            options: Any = {"idempotency_key": wanted.purchase_id + ending}
            try:
                made = self._called(
                    lambda client, given=options: client.v1.checkout.sessions.create(params, given)  # type: ignore
                )
                break
            except ProviderError as failure:
                if ending == KEY_ENDINGS[-1] or not _is_kept(failure.__cause__):
                    raise
        return self.session_from(made)

    def session(self, session_id: str) -> CheckoutSession:
        """A checkout as it stands now, and whether a delayed payment has failed since. Raises ProviderError."""
        params: Any = {"expand": ["payment_intent"]}
        return self.session_from(self._called(lambda client: client.v1.checkout.sessions.retrieve(session_id, params)))

    def session_of(self, payment_id: str) -> CheckoutSession | None:
        """The checkout that a payment came from; None if it came otherwise. Raises ProviderError."""
        params: Any = {"payment_intent": payment_id, "limit": 1}
        listed = _converted(self._called(lambda client: client.v1.checkout.sessions.list(params)), Listed)
        return self.session_from(listed.data[0]) if listed.data else None

    def session_from(self, fields: dict[str, Any], event_type: str = "") -> CheckoutSession:
        """A checkout as Stripe writes it. Raises ProviderError for nonsense."""
        said = _converted(fields, SessionObject)
        names, intent = said.metadata or {}, said.payment_intent
        is_ours = names.get("app") == self.app_name
        return CheckoutSession(
            session_id=said.id,
            url=said.url or "",
            payment=_payment(said, event_type),
            payment_id=intent.id if isinstance(intent, IntentObject) else intent or "",
            cents=said.amount_total or 0,
            currency=said.currency or "",
            is_live=said.livemode,
            purchase_id=names.get("purchase_id", "") if is_ours else "",
            user_id=names.get("user_id", ""),
            stage=names.get("stage", ""),
        )

    # Events

    def verified_event(self, raw: bytes, signature: str) -> Event:
        """The event that Stripe signed. Raises InvalidSignatureError for whatever else came, and nothing else."""
        import stripe

        failure: Exception | None = None
        for secret in self.webhook_secrets:
            try:
                stripe.WebhookSignature.verify_header(raw.decode("utf-8"), signature, secret, SIGNATURE_SECONDS)
                _check_not_ahead(signature)
                return msgspec.json.decode(raw, type=Event)
            except (stripe.SignatureVerificationError, TypeError, ValueError, RecursionError) as error:
                failure = error  # TypeError: a signature that is not ASCII. ValueError: not UTF-8, JSON, or an event.
        raise InvalidSignatureError("This is not a signed event.") from failure

    def undelivered(self, since: int, after: str = "") -> Iterator[Event]:
        """Events that did not reach us since then, newest first, from the one next to `after`. Raises ProviderError."""
        while True:
            params: dict[str, Any] = {
                "types": sorted(EVENTS),
                "delivery_success": False,
                "created": {"gte": since},
                "limit": 100,
            }
            if after:
                params["starting_after"] = after
            answer = self._called(lambda client, asked=params: client.v1.events.list(asked))  # type: ignore[misc]
            listed = _converted(answer, Listed)
            events = [_converted(fields, Event) for fields in listed.data]
            yield from events
            if not listed.has_more or not events:
                return
            after = events[-1].id

    def news(self, event: Event) -> CheckoutSession | PaymentNews | None:
        """What the event tells about a payment; None if nothing. Raises ProviderError for nonsense."""
        if event.type not in EVENTS:
            return None
        fields = event.data.object
        if event.type.startswith("checkout."):
            return self.session_from(fields, event.type)
        if event.type.startswith("refund."):
            refund = _converted(fields, RefundObject)
            state = REFUNDS.get(refund.status or "pending")
            if state is None or not refund.payment_intent:
                return None
            known = RefundFact(refund.id, Refund(state, refund.amount))
            return PaymentNews(known, refund.payment_intent, refund.amount, refund.currency, event.livemode)
        dispute = _converted(fields, DisputeObject)
        if dispute.status not in DISPUTES or not dispute.payment_intent:
            return None
        fact = DisputeFact(dispute.id, Dispute(_dispute_state(dispute), dispute.amount))
        return PaymentNews(fact, dispute.payment_intent, dispute.amount, dispute.currency, event.livemode)

    def _called(self, call: "Callable[[StripeClient], Any]") -> dict[str, Any]:
        """One call's answer as a plain dict. Raises ProviderError or one of its kinds."""
        import stripe

        cause: stripe.StripeError | None = None
        for left in reversed(range(TRIES)):
            request_log().provider_calls += 1
            try:
                answer = call(self._stripe())
                if isinstance(answer, stripe.StripeObject):
                    fields: dict[str, Any] = answer.to_dict()
                    return fields
                failure = ProviderError("The payment service answered nonsense.")
                break
            except stripe.StripeError as error:
                failure, cause = _mapped(error), error
                # A connection that was kept while nothing happened may be dead. Every call may safely be made twice.
                if not (left and isinstance(error, stripe.APIConnectionError) and error.should_retry):
                    break
        request_log().provider_failures.append(f"Stripe: {failure.log_note or failure.code}")
        raise failure from cause

    def _stripe(self) -> "StripeClient":
        if self.client is None:
            import stripe

            stripe.enable_telemetry = False  # It would write an id into the home directory.
            made = stripe.StripeClient(
                self.api_key,
                base_addresses={"api": self.api_base} if self.api_base else {},
                max_network_retries=0,  # It would not tell a failure from one that is kept for its key.
                http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
            )
            object.__setattr__(self, "client", made)  # Built once per process: its connections are kept.
            return made
        return self.client


def _payment(said: SessionObject, event_type: str) -> Payment:
    if event_type == "checkout.session.async_payment_failed":
        return Payment.FAILED
    if said.status == "expired":
        return Payment.EXPIRED
    if said.status != "complete":
        return Payment.OPEN
    if said.payment_status == "paid":
        return Payment.PAID
    intent = said.payment_intent
    has_failed = isinstance(intent, IntentObject) and intent.status in FAILED_INTENTS
    return Payment.FAILED if has_failed else Payment.PENDING


def _dispute_state(said: DisputeObject) -> DisputeState:
    """A dispute is prevented in two ways: blocked, which moves nothing, or resolved by giving the money back.

    What was withdrawn and not given back tells them apart. Money that went back as a refund is told as one.
    """
    is_withdrawn = sum(moved.amount for moved in said.balance_transactions or []) < 0
    return DisputeState.LOST if said.status == "prevented" and is_withdrawn else DISPUTES[said.status]


def _check_not_ahead(signature: str) -> None:
    """The SDK refuses what was signed too long ago, but takes any time to come. Raises ValueError."""
    signed_at = next(part for part in signature.split(",") if part.startswith("t="))
    if int(signed_at.removeprefix("t=")) > time.time() + SIGNATURE_SECONDS:
        raise ValueError("signed in the future")


def _is_kept(error: BaseException | None) -> bool:
    """Whether Stripe would answer the same key with this failure for a day."""
    headers = getattr(error, "headers", None) or {}
    return (getattr(error, "http_status", None) or 0) >= 500 and headers.get("idempotent-replayed") == "true"


def _mapped(error: "StripeError") -> ProviderError:
    import requests
    import stripe

    status = error.http_status or 0
    note = f"status {status} {error.code or ''} {error.request_id or ''}".strip()
    if isinstance(error.__cause__, requests.Timeout) or status in (408, 504):
        return ProviderTimeoutError("The payment service did not answer in time.", note)
    if isinstance(error, stripe.RateLimitError) or status == 503:
        return ProviderUnavailableError("The payment service is overloaded.", 5, note)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        request_log().notes["payment_alarm"] = "the payment service refuses our key"
        return ProviderError("The payment service is not available.", note)
    if status == 409:
        return ProviderUnavailableError("The payment service is still at it.", 2, note)
    if isinstance(error, stripe.IdempotencyError):  # What we send has changed since; the checkout may be there.
        return ProviderError("The payment service was asked for this otherwise before: start a new purchase.", note)
    if 400 <= status < 500:
        return ProviderRefusedError("The payment service refused the request.", note)
    return ProviderError("The payment service failed.", note)


def _converted(fields: Any, shape: "type[Given]") -> Given:
    try:
        return msgspec.convert(fields, shape)
    except msgspec.ValidationError as error:
        raise ProviderError("The payment service answered nonsense.") from error
