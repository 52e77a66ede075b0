"""Stripe's events: what happened, with the object as it was at that time."""

import copy
from collections.abc import Iterable
from typing import Any

from sandbox.stripe import objects
from sandbox.stripe.account_clock import AccountClock
from sandbox.stripe.webhooks import EventSender

KEPT_SECONDS = 30 * 24 * 3600
TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
)
"""All types that occur without a test sending them."""


class Events:
    """All events, oldest first; each is sent when it happens."""

    def __init__(self, clock: AccountClock, sender: EventSender):
        self._clock, self._sender = clock, sender
        self._events: dict[str, objects.Json] = {}

    def record_event(self, type: str, of: objects.Json, livemode: bool = False) -> objects.Json:
        """Record what happened to an object and send it, with the configured number of twins."""
        event = self._create_event(type, of, livemode)
        for _ in range(self._sender.settings.twins):
            self.send_twin(event)
        return event

    def send_twin(self, event: objects.Json) -> objects.Json:
        """Send the same fact again under another id."""
        return self._create_event(event["type"], event["data"]["object"], event["livemode"])

    def find(self, id: str) -> objects.Json | None:
        """The event as the API returns it; None if there is none, or it is older than 30 days."""
        event = self._events.get(id)
        return self._event_json(event) if event and self._is_retained(event) else None

    def list_events(self, types: Iterable[str] | None = None, delivered: bool | None = None) -> list[objects.Json]:
        """Oldest first, optionally only of some types or with one delivery state."""
        return [
            self._event_json(event)
            for event in self._events.values()
            if self._is_retained(event)
            and (types is None or event["type"] in types)
            and (delivered is None or self._sender.is_delivered(event["id"]) is delivered)
        ]

    def reset(self) -> None:
        self._events.clear()

    def _create_event(self, type: str, of: objects.Json, livemode: bool) -> objects.Json:
        event: dict[str, Any] = {
            "id": objects.new_id("evt"),
            "object": "event",
            "api_version": objects.API_VERSION,
            "created": int(self._clock.now()),
            "data": {"object": copy.deepcopy(of)},
            "livemode": livemode,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": type,
        }
        self._events[event["id"]] = event
        self._sender.send(event)
        return event

    def _is_retained(self, event: objects.Json) -> bool:
        return bool(event["created"] > self._clock.now() - KEPT_SECONDS)

    def _event_json(self, event: objects.Json) -> objects.Json:
        return event | {"pending_webhooks": 0 if self._sender.is_delivered(event["id"]) else 1}
