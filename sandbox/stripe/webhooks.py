"""Stripe's webhook sender: signed by the SDK's own code, tried again ever later until somebody answers 2xx.

Source: docs.stripe.com/webhooks, read 2026-11. How often and how far apart is not published; these numbers are ours.
"""

import asyncio
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from stripe import WebhookSignature

from sandbox.stripe.account_clock import StripeClock
from sandbox.webhook_post import Poster

ALL_TYPES = "*"
REDIRECT_WAITS_SECONDS = 10
"""How long the hosted page waits for the first answer before it sends the customer back, as Stripe does."""


@dataclass
class Settings:
    """How events go out; tests change it."""

    url: str | None
    """None: there is no endpoint, and nothing to deliver."""
    secret: str
    copies: int = 1
    """How often each is sent, at once, under its one id."""
    twins: int = 0
    """How many further events tell the same fact under ids of their own."""
    hold: bool = False
    """Events wait until they are released."""
    lose: list[str] = field(default_factory=list)
    """Types that are never sent, `*` for all: only the list of events knows them."""
    attempts: int = 10
    retry_seconds: float = 5
    """Until the second attempt, in the sandbox's time; doubled before each further one."""
    deadline_seconds: float = 10
    """For the receiver's answer, in real time."""
    before_redirect: bool = True
    """The hosted page lets the endpoint hear of a payment before it sends the customer back."""


@dataclass
class Attempt:
    """`outcome`: delivered (2xx), failed (any other answer), timeout or unreachable."""

    copy: int
    number: int
    at: float
    status: int | None
    outcome: str


@dataclass
class Delivery:
    """An event on its way. `state`: no_endpoint, held, lost, sending, delivered or failed (given up)."""

    event: dict[str, Any]
    state: str
    attempts: list[Attempt] = field(default_factory=list)
    copies: int = 0
    firsts: list[asyncio.Event] = field(default_factory=list)
    """By copy; set once its first attempt has ended."""


class Sender:
    """Sends events and remembers every attempt."""

    def __init__(self, url: str | None, secret: str, clock: StripeClock, poster: Poster):
        self._defaults = Settings(url, secret)
        self._clock, self._poster = clock, poster
        self._tasks: set[asyncio.Task[None]] = set()
        self.forget()

    def send(self, event: dict[str, Any]) -> None:
        """Send a new event as the settings say."""
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

    async def release(self, event_ids: list[str], together: bool) -> None:
        """Send these, held or not, in this order: each once the one before was answered, or all at once."""
        deliveries = [self._deliveries[event_id] for event_id in event_ids]
        if together:
            await asyncio.gather(*[first.wait() for first in [self._start(delivery) for delivery in deliveries]])
        else:
            for delivery in deliveries:
                await self._start(delivery).wait()

    async def heard(self, event_ids: list[str]) -> None:
        """Wait until the first attempts of these have ended, but not for ever."""
        if not self.settings.before_redirect:
            return
        firsts = [first.wait() for event_id in event_ids for first in self._deliveries[event_id].firsts]
        try:
            async with asyncio.timeout(REDIRECT_WAITS_SECONDS):
                await asyncio.gather(*firsts)
        except TimeoutError:
            pass

    def held(self) -> list[str]:
        """Ids of the events that wait, oldest first."""
        return [event_id for event_id, delivery in self._deliveries.items() if delivery.state == "held"]

    def is_delivered(self, event_id: str) -> bool:
        """Whether nobody waits for it any more: it was answered with 2xx, or there was no endpoint."""
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

    def forget(self) -> None:
        """Forget events, attempts and settings; nothing is sent any more."""
        for task in self._tasks:
            task.cancel()
        self.settings = replace(self._defaults, lose=[])
        self._deliveries: dict[str, Delivery] = {}

    def _start(self, delivery: Delivery) -> asyncio.Event:
        first = asyncio.Event()
        delivery.copies += 1
        delivery.firsts.append(first)
        if delivery.state != "delivered":
            delivery.state = "sending"
        task = asyncio.create_task(self._deliver(delivery, delivery.copies, first))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: first.set())  # Also when it is cancelled.
        return first

    async def _deliver(self, delivery: Delivery, copy: int, first: asyncio.Event) -> None:
        number = 1
        while True:
            at = self._clock.now()
            status, outcome = await self._post(delivery.event)
            delivery.attempts.append(Attempt(copy, number, at, status, outcome))
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
        # Indented as Stripe's own are: a receiver that signs a body of its own making finds out.
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
