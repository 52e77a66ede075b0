"""Calls to Stripe: checkouts, refunds, undelivered events. Only the stripe modules know its SDK and its JSON.

The SDK is imported when a payment route is first used. Measured facts about it: docs/payments.md.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import ProviderError, ProviderRefusedError, ProviderTimeoutError, ProviderUnavailableError, quantity
from ..logs.request_facts import request_facts
from ..models.purchase_facts import RefundFact
from ..models.purchases import CheckoutSession, PaymentUpdate, Purchase
from . import stripe_event_handlers
from .stripe_event_handlers import Event
from .stripe_objects import ListObject, RefundObject, checkout_session, convert, refund_fact_of

if TYPE_CHECKING:
    from stripe import StripeClient, StripeError

CONNECT_SECONDS, READ_SECONDS, TRIES = 3, 8, 2  # 22 s at most, of the gateway's 29


@dataclass(frozen=True)
class StripeGateway:
    """`webhook_secrets`: one, or two during a rotation. `api_base`: a stand-in instead of Stripe."""

    api_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    app_name: str
    stage: str
    methods: tuple[str, ...]
    api_base: str = ""
    client: "StripeClient | None" = field(default=None, init=False, repr=False)

    # Checkouts

    def open_checkout(self, purchase: Purchase) -> CheckoutSession:
        """The checkout of this purchase. Stripe returns the same one again for its idempotency key, for a day.

        Everything that would change the amount is switched off. Raises ProviderError; after ProviderRefusedError
        there is no checkout, after any other there may be one.
        """
        metadata = {
            "app": self.app_name,
            "stage": self.stage,
            "purchase_id": purchase.purchase_id,
            "user_id": purchase.user_id,
        }
        item = {
            "quantity": 1,
            "price_data": {
                "currency": purchase.currency,
                "unit_amount": purchase.cents,
                "product_data": {"name": quantity(purchase.credits, "credit")},
            },
        }
        params: dict[str, Any] = {
            "mode": "payment",
            "line_items": [item],
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
            "client_reference_id": purchase.purchase_id,
            "expires_at": purchase.checkout_expires_at,
            "success_url": purchase.success_url,
            "cancel_url": purchase.cancel_url,
            "allow_promotion_codes": False,
            "automatic_tax": {"enabled": False},
            "adaptive_pricing": {"enabled": False},
        }
        if self.methods:
            params["payment_method_types"] = list(self.methods)
        try:
            created = self._create_checkout(params, purchase.purchase_id)
        except ProviderError as failure:
            if not _is_stored_failure(failure.__cause__):
                raise
            # Stripe would repeat this failure for a day. No buyer has seen a checkout that may be behind it, and only
            # the checkout that is recorded in the purchase is ever shown, so a new key cannot sell anything twice.
            created = self._create_checkout(params, f"{purchase.purchase_id}:{uuid.uuid4()}")
        return checkout_session(created, self.app_name)

    def get_checkout(self, session_id: str) -> CheckoutSession:
        """The current state of a checkout, including a delayed payment that has failed since. Raises ProviderError."""
        params: Any = {"expand": ["payment_intent"]}
        found = self._call(lambda client: client.v1.checkout.sessions.retrieve(session_id, params))
        return checkout_session(found, self.app_name)

    def find_checkout(self, payment_id: str) -> CheckoutSession | None:
        """The checkout of a payment; None if the payment was made another way. Raises ProviderError."""
        params: Any = {"payment_intent": payment_id, "limit": 1}
        found = convert(self._call(lambda client: client.v1.checkout.sessions.list(params)), ListObject)
        return checkout_session(found.data[0], self.app_name) if found.data else None

    # Refunds

    def refund(self, purchase: Purchase, cents: int, refund_key: str) -> RefundFact:
        """The refund of a part of the payment. Stripe returns the same one again for its key, for a day.

        Stripe refuses to return more than what is left of the payment. Raises ProviderError; after
        ProviderRefusedError there is no refund, after any other there may be one: repeat it with the same key.
        """
        params: Any = {
            "payment_intent": purchase.payment_id,
            "amount": cents,
            "reason": "requested_by_customer",
            "metadata": {"app": self.app_name, "stage": self.stage, "purchase_id": purchase.purchase_id},
        }
        options: Any = {"idempotency_key": refund_key}
        created = self._call(lambda client: client.v1.refunds.create(params, options))
        fact = refund_fact_of(convert(created, RefundObject))
        if fact is None:
            raise ProviderError("The payment service returned an invalid response. Retry the request.")
        return fact

    # Events

    def verify_event(self, raw: bytes, signature: str) -> Event:
        """The event that Stripe signed. Raises only InvalidSignatureError."""
        return stripe_event_handlers.verify(raw, signature, self.webhook_secrets)

    def payment_update(self, event: Event) -> CheckoutSession | PaymentUpdate | None:
        """What the event reports about a payment; None if nothing. Raises ProviderError for an invalid object."""
        return stripe_event_handlers.payment_update(event, self.app_name)

    def list_undelivered_events(self, since: int, after: str = "") -> Iterator[Event]:
        """Events since then that were not delivered, newest first, beginning after event `after`.

        Raises ProviderError.
        """
        while True:
            params: dict[str, Any] = {
                "types": sorted(stripe_event_handlers.HANDLERS),
                "delivery_success": False,
                "created": {"gte": since},
                "limit": 100,
            }
            if after:
                params["starting_after"] = after
            response = self._call(lambda client, params=params: client.v1.events.list(params))  # type: ignore[misc]
            page = convert(response, ListObject)
            events = [convert(fields, Event) for fields in page.data]
            yield from events
            if not page.has_more or not events:
                return
            after = events[-1].id

    # Calling

    def _create_checkout(self, params: Any, idempotency_key: str) -> dict[str, Any]:
        options: Any = {"idempotency_key": idempotency_key}
        return self._call(lambda client: client.v1.checkout.sessions.create(params, options))

    def _call(self, call: "Callable[[StripeClient], Any]") -> dict[str, Any]:
        """The response of one call as a plain dict. Raises ProviderError or one of its kinds."""
        import stripe

        cause: stripe.StripeError | None = None
        for tries_left in reversed(range(TRIES)):
            request_facts().provider_calls += 1
            try:
                response = call(self._stripe())
                if isinstance(response, stripe.StripeObject):
                    fields: dict[str, Any] = response.to_dict()
                    return fields
                failure = ProviderError("The payment service returned an invalid response. Retry the request.")
                break
            except stripe.StripeError as error:
                failure, cause = _provider_error(error), error
                # A kept connection may have been closed while idle. Every call here may safely be made twice.
                is_connection_error = isinstance(error, stripe.APIConnectionError) and error.should_retry
                if not (tries_left and is_connection_error):
                    break
        request_facts().provider_failures.append(f"Stripe: {failure.log_note or failure.code}")
        raise failure from cause

    def _stripe(self) -> "StripeClient":
        if self.client is None:
            import stripe

            from .connections import ProviderSession

            stripe.enable_telemetry = False  # It would write an id into the home directory.
            client = stripe.StripeClient(
                self.api_key,
                base_addresses={"api": self.api_base} if self.api_base else {},
                max_network_retries=0,  # The SDK's own retries would also repeat a failure that is stored for its key.
                http_client=stripe.RequestsClient((CONNECT_SECONDS, READ_SECONDS), ProviderSession()),
            )
            object.__setattr__(self, "client", client)  # Built once per process, so that connections are reused.
            return client
        return self.client


def _is_stored_failure(error: BaseException | None) -> bool:
    """Whether Stripe repeated a failure of its own that it stores for the idempotency key, for a day."""
    headers = getattr(error, "headers", None) or {}
    return (getattr(error, "http_status", None) or 0) >= 500 and headers.get("idempotent-replayed") == "true"


def _provider_error(error: "StripeError") -> ProviderError:
    import requests
    import stripe

    status = error.http_status or 0
    note = f"status {status} {error.code or ''} {error.request_id or ''}".strip()
    if isinstance(error.__cause__, requests.Timeout) or status in (408, 504):
        return ProviderTimeoutError("The payment service did not respond in time. Retry the request.", note)
    if isinstance(error, stripe.RateLimitError) or status == 503:
        return ProviderUnavailableError("The payment service is overloaded. Retry the request.", 5, note)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        request_facts().notes["payment_alarm"] = "the payment service refuses our key"
        return ProviderError("The payment service is not available. Retry the request later.", note)
    if status == 409:
        return ProviderUnavailableError("The payment service is still processing this request. Retry it.", 2, note)
    if isinstance(error, stripe.IdempotencyError):  # Our parameters have changed since; the first checkout may exist.
        return ProviderError("The settings of this purchase have changed since it started. Start a new one.", note)
    if 400 <= status < 500:
        return ProviderRefusedError(
            "The payment service rejected the request. Start a new one, or contact support.", note
        )
    return ProviderError("The payment service failed. Retry the request.", note)
