"""A customer, a bank and an endpoint for the tests of the sandbox's Stripe."""

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
    """The seller's client and, behind its back, the sandbox's own routes."""

    def __init__(self, client: stripe.StripeClient, catchup_env: httpx.Client):
        self.client, self.catchup_env = client, catchup_env

    def sell(self, key: str | None = None, **changes: Any) -> stripe.checkout.Session:
        """An open session; a change of None leaves a parameter out."""
        params = {name: value for name, value in (PACKAGE | changes).items() if value is not None}
        return self.client.v1.checkout.sessions.create(params, {"idempotency_key": key} if key else None)

    def sold(self, **changes: Any) -> stripe.checkout.Session:
        """A session that was paid."""
        session = self.sell(**changes)
        self.control(f"sessions/{session.id}/pay")
        return self.client.v1.checkout.sessions.retrieve(session.id)

    def control(self, path: str, **order: Any) -> dict[str, Any]:
        answer = self.catchup_env.post(f"/sandbox/stripe/{path}", json=order)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def order(self, **changes: Any) -> dict[str, Any]:
        return self.control("orders", **changes)

    def refused(self, path: str, **order: Any) -> tuple[int, str]:
        answer = self.catchup_env.post(f"/sandbox/stripe/{path}", json=order)
        return answer.status_code, answer.json()["error"]

    def events(self, **params: Any) -> list[str]:
        """Types of events as the API lists them, oldest first."""
        listed = self.client.v1.events.list({"limit": 100, **params})
        return [event.type for event in reversed(listed.data)]

    def deliveries(self) -> list[dict[str, Any]]:
        return self.catchup_env.get("/sandbox/stripe/deliveries").json()["deliveries"]

    def delivered(self, state: str, count: int) -> list[dict[str, Any]]:
        """Waits until so many events are in a state."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            found = [one for one in self.deliveries() if one["state"] == state]
            if len(found) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(f"not {count} events {state} in 20 s: {self.deliveries()}")

    def calls(self, service: str) -> dict[str, int]:
        return self.catchup_env.get("/sandbox/calls").json()["services"][service]


class Hook:
    """What the endpoint got, its signatures checked by the SDK."""

    def __init__(self, receiver: Receiver, client: stripe.StripeClient, secret: str):
        self.receiver, self._client, self._secret = receiver, client, secret

    def next(self) -> stripe.Event:
        received = self.receiver.next()
        return self._client.construct_event(received.body, received.headers["stripe-signature"], self._secret)

    def types(self, count: int) -> list[str]:
        """The types of the next so many."""
        return [self.next().type for _ in range(count)]
