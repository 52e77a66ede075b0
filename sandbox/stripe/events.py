"""Stripe's events: what happened, as the object was then."""

import copy
from collections.abc import Iterable
from typing import Any

from sandbox.stripe import objects as shapes
from sandbox.stripe.account_clock import StripeClock
from sandbox.stripe.webhooks import Sender

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
"""All that happen here by themselves."""


class Events:
    """All events, oldest first; each is sent as it happens."""

    def __init__(self, clock: StripeClock, sender: Sender):
        self._clock, self._sender = clock, sender
        self._all: dict[str, shapes.Json] = {}

    def record(self, type: str, of: shapes.Json, livemode: bool = False) -> shapes.Json:
        """Note what happened to an object and send it, with as many twins as are ordered."""
        event = self._new(type, of, livemode)
        for _ in range(self._sender.settings.twins):
            self.twin(event)
        return event

    def twin(self, event: shapes.Json) -> shapes.Json:
        """The same fact once more, under another id."""
        return self._new(event["type"], event["data"]["object"], event["livemode"])

    def find(self, id: str) -> shapes.Json | None:
        """The event as the API shows it; None if there is none, or none any more."""
        event = self._all.get(id)
        return self._shown(event) if event and self._kept(event) else None

    def listed(self, types: Iterable[str] | None = None, delivered: bool | None = None) -> list[shapes.Json]:
        """Oldest first; of these types and so delivered, None for either."""
        return [
            self._shown(event)
            for event in self._all.values()
            if self._kept(event)
            and (types is None or event["type"] in types)
            and (delivered is None or self._sender.is_delivered(event["id"]) is delivered)
        ]

    def forget(self) -> None:
        self._all.clear()

    def _new(self, type: str, of: shapes.Json, livemode: bool) -> shapes.Json:
        event: dict[str, Any] = {
            "id": shapes.new_id("evt"),
            "object": "event",
            "api_version": shapes.API_VERSION,
            "created": int(self._clock.now()),
            "data": {"object": copy.deepcopy(of)},
            "livemode": livemode,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": type,
        }
        self._all[event["id"]] = event
        self._sender.send(event)
        return event

    def _kept(self, event: shapes.Json) -> bool:
        return bool(event["created"] > self._clock.now() - KEPT_SECONDS)

    def _shown(self, event: shapes.Json) -> shapes.Json:
        return event | {"pending_webhooks": 0 if self._sender.is_delivered(event["id"]) else 1}
