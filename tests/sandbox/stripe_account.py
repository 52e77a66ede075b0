"""Helpers for the tests of Stripe's stand-in: a seller's account, and a webhook endpoint."""

import time
from typing import Any

import httpx
import stripe

from tests.sandbox.receiver import Receiver

PACKAGE: dict[str, Any] = {
    "mode": "payment",
    "line_items": [
        {
            "price_data": {"currency": "usd", "unit_amount": 299, "product_data": {"name": "Starter, 500 credits"}},
            "quantity": 1,
        }
    ],
    "success_url": "http://127.0.0.1:9/bought?session={CHECKOUT_SESSION_ID}",
    "cancel_url": "http://127.0.0.1:9/cancelled",
    "metadata": {"purchase_id": "purchase-1"},
    "payment_intent_data": {"metadata": {"purchase_id": "purchase-1", "place": "payment"}},
    "client_reference_id": "ada",
    "customer_email": "ada@example.com",
    "allow_promotion_codes": False,
    "automatic_tax": {"enabled": False},
    "adaptive_pricing": {"enabled": False},
}
DELAYED = "us_bank_account"


class Account:
    """The seller's API client, and the sandbox's own routes."""

    def __init__(self, client: stripe.StripeClient, http: httpx.Client):
        self.client, self.http = client, http

    def create_session(self, key: str | None = None, **changes: Any) -> stripe.checkout.Session:
        """Create a session; a change of None omits a parameter."""
        params = {name: value for name, value in (PACKAGE | changes).items() if value is not None}
        return self.client.v1.checkout.sessions.create(params, {"idempotency_key": key} if key else None)

    def create_paid_session(self, **changes: Any) -> stripe.checkout.Session:
        """Create a session and pay it."""
        session = self.create_session(**changes)
        self.control(f"sessions/{session.id}/pay")
        return self.client.v1.checkout.sessions.retrieve(session.id)

    def control(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.http.post(f"/sandbox/stripe/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def update_settings(self, **changes: Any) -> dict[str, Any]:
        return self.control("orders", **changes)

    def control_error(self, path: str, **body: Any) -> tuple[int, str]:
        answer = self.http.post(f"/sandbox/stripe/{path}", json=body)
        return answer.status_code, answer.json()["error"]

    def events(self, **params: Any) -> list[str]:
        """Types of events as the API lists them, oldest first."""
        page = self.client.v1.events.list({"limit": 100, **params})
        return [event.type for event in reversed(page.data)]

    def deliveries(self) -> list[dict[str, Any]]:
        return self.http.get("/sandbox/stripe/deliveries").json()["deliveries"]

    def wait_for_deliveries(self, state: str, count: int) -> list[dict[str, Any]]:
        """Wait until `count` events are in a state."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            deliveries = [item for item in self.deliveries() if item["state"] == state]
            if len(deliveries) >= count:
                return deliveries
            time.sleep(0.02)
        raise AssertionError(f"not {count} events {state} in 20 s: {self.deliveries()}")

    def call_counts(self, service: str) -> dict[str, int]:
        return self.http.get("/sandbox/calls").json()["services"][service]


class WebhookEndpoint:
    """The events that the endpoint received, with signatures verified by the SDK."""

    def __init__(self, receiver: Receiver, client: stripe.StripeClient, secret: str):
        self.receiver, self._client, self._secret = receiver, client, secret

    def next(self) -> stripe.Event:
        received = self.receiver.next()
        return self._client.construct_event(received.body, received.headers["stripe-signature"], self._secret)

    def types(self, count: int) -> list[str]:
        """The types of the next `count` events."""
        return [self.next().type for _ in range(count)]
