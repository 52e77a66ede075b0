"""Stripe's webhooks: signed by the SDK's own code, retried at growing intervals until the receiver responds with 2xx.

Source: docs.stripe.com/webhooks, read 2026-11. The number of attempts and their intervals are not published; these are
made up.
"""

import asyncio
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from stripe import WebhookSignature

from sandbox.stripe.account_clock import AccountClock
from sandbox.webhook_post import Poster

ALL_TYPES = "*"
REDIRECT_WAITS_SECONDS = 10
"""How long the hosted page waits for the first response before it redirects the customer, as at Stripe."""


@dataclass
class DeliverySettings:
    """How events are sent; tests change it."""

    url: str | None
    """The endpoint; None delivers nothing."""
    secret: str
    copies: int = 1
    """How often each event is sent at once under its one id."""
    twins: int = 0
    """How many further events report the same fact under ids of their own."""
    hold: bool = False
    """Events wait until they are released."""
    lose: list[str] = field(default_factory=list)
    """Types that are never sent, `*` for all: only the list of events contains them."""
    attempts: int = 10
    retry_seconds: float = 5
    """Until the second attempt, on the account's clock; doubled before each further one."""
    deadline_seconds: float = 10
    """For the receiver's response, in real seconds."""
    before_redirect: bool = True
    """The hosted page sends the event before it redirects the customer."""


@dataclass
class DeliveryAttempt:
    """`outcome`: delivered (2xx), failed (any other status), timeout or unreachable."""

    copy: int
    number: int
    at: float
    status: int | None
    outcome: str


@dataclass
class Delivery:
    """An event to deliver. `state`: no_endpoint, held, lost, sending, delivered or failed (given up)."""

    event: dict[str, Any]
    state: str
    attempts: list[DeliveryAttempt] = field(default_factory=list)
    copies: int = 0
    first_attempts: list[asyncio.Event] = field(default_factory=list)
    """One per copy; set once its first attempt has ended."""


class EventSender:
    """Sends events and records every attempt."""

    def __init__(self, url: str | None, secret: str, clock: AccountClock, poster: Poster):
        self._defaults = DeliverySettings(url, secret)
        self._clock, self._poster = clock, poster
        self._tasks: set[asyncio.Task[None]] = set()
        self.reset()

    def send(self, event: dict[str, Any]) -> None:
        """Send a new event according to the settings."""
        settings = self.settings
        delivery = self._deliveries[event["id"]] = Delivery(event, "no_endpoint")
        if settings.url is None:
            return
        if event["type"] in settings.lose or ALL_TYPES in settings.lose:
            delivery.state = "lost"
        elif settings.hold:
            delivery.state = "held"
        else:
            for _ in range(settings.copies):
                self._start(delivery)

    async def release(self, event_ids: list[str], concurrently: bool) -> None:
        """Send these events, held or not: each after the response to the previous one, or all at once."""
        deliveries = [self._deliveries[event_id] for event_id in event_ids]
        if concurrently:
            await asyncio.gather(*[first.wait() for first in [self._start(delivery) for delivery in deliveries]])
        else:
            for delivery in deliveries:
                await self._start(delivery).wait()

    async def wait_for_first_attempts(self, event_ids: list[str]) -> None:
        """Wait until the first attempts have ended, but at most REDIRECT_WAITS_SECONDS."""
        if not self.settings.before_redirect:
            return
        events = [first.wait() for event_id in event_ids for first in self._deliveries[event_id].first_attempts]
        try:
            async with asyncio.timeout(REDIRECT_WAITS_SECONDS):
                await asyncio.gather(*events)
        except TimeoutError:
            pass

    def held_event_ids(self) -> list[str]:
        """Ids of the held events, oldest first."""
        return [event_id for event_id, delivery in self._deliveries.items() if delivery.state == "held"]

    def is_delivered(self, event_id: str) -> bool:
        """Whether no delivery is pending: a receiver responded with 2xx, or there was no endpoint."""
        return self._deliveries[event_id].state in ("delivered", "no_endpoint")

    def report(self) -> list[dict[str, Any]]:
        """Every event, oldest first, with every attempt to send it."""
        return [
            {
                "id": event_id,
                "type": delivery.event["type"],
                "object_id": delivery.event["data"]["object"].get("id"),
                "state": delivery.state,
                "attempts": [asdict(attempt) for attempt in delivery.attempts],
            }
            for event_id, delivery in self._deliveries.items()
        ]

    def reset(self) -> None:
        """Cancel all deliveries, delete events and attempts, and restore the default settings."""
        for task in self._tasks:
            task.cancel()
        self.settings = replace(self._defaults, lose=[])
        self._deliveries: dict[str, Delivery] = {}

    def _start(self, delivery: Delivery) -> asyncio.Event:
        first = asyncio.Event()
        delivery.copies += 1
        delivery.first_attempts.append(first)
        if delivery.state != "delivered":
            delivery.state = "sending"
        task = asyncio.create_task(self._deliver(delivery, delivery.copies, first))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: first.set())  # Also if it was cancelled.
        return first

    async def _deliver(self, delivery: Delivery, copy: int, first: asyncio.Event) -> None:
        number = 1
        while True:
            at = self._clock.now()
            status, outcome = await self._post(delivery.event)
            delivery.attempts.append(DeliveryAttempt(copy, number, at, status, outcome))
            if outcome == "delivered":
                delivery.state = "delivered"
            first.set()
            if outcome == "delivered":
                return
            if number >= self.settings.attempts:
                break
            await self._clock.sleep_until(self._clock.now() + self.settings.retry_seconds * 2 ** (number - 1))
            number += 1
        if delivery.state == "sending":
            delivery.state = "failed"

    async def _post(self, event: dict[str, Any]) -> tuple[int | None, str]:
        settings = self.settings
        if settings.url is None:
            return None, "unreachable"
        # Indented like Stripe's own: a receiver that verifies a re-encoded body fails.
        body = json.dumps(event, indent=2)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": WebhookSignature.generate_signature_header(body, settings.secret),
        }
        status, outcome = await self._poster.post(settings.url, body.encode(), headers, settings.deadline_seconds)
        if status is None:
            return None, outcome
        return status, "delivered" if 200 <= status < 300 else "failed"
