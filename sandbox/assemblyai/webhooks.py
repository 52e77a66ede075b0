"""AssemblyAI's webhooks: up to ten attempts, ten seconds apart, until the receiver responds with 2xx or 4xx.

Source: assemblyai.com/docs/pre-recorded-audio/webhooks, read 2026-11.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.assemblyai.transcript_options import Webhook
from sandbox.clock import Clock
from sandbox.webhook_post import Poster

ATTEMPTS = 10


@dataclass
class WebhookSettings:
    """How webhooks are sent; tests change it."""

    copies: int = 1
    """How often each webhook is sent; 0 for never."""
    before_answer: bool = False
    """Send it before responding to the call that creates the transcript."""
    retry_seconds: float = 10
    """Between attempts, on the sandbox's clock."""
    deadline_seconds: float = 10
    """For the receiver's response, in real seconds."""


@dataclass
class WebhookAttempt:
    """`outcome`: delivered (2xx), refused (4xx: no further attempt), failed (others), timeout or unreachable.

    `began_at`, `ended_at`: epoch seconds of the sandbox's clock.
    """

    transcript_id: str
    url: str
    copy: int
    number: int
    status: int | None
    outcome: str
    began_at: float
    ended_at: float


class WebhookSender:
    """Sends webhooks and records every attempt."""

    def __init__(self, clock: Clock, poster: Poster):
        self.settings = WebhookSettings()
        self._clock = clock
        self._attempts: list[WebhookAttempt] = []
        self._poster = poster

    async def deliver(
        self, webhook: Webhook, transcript_id: str, status: str, copy: int, on_attempt: Callable[[int | None], None]
    ) -> None:
        """Attempt a delivery until it ends; `on_attempt` receives each status, None without a response."""
        for number in range(1, ATTEMPTS + 1):
            began_at = self._clock.now()
            received_status, outcome = await self._post(webhook, {"transcript_id": transcript_id, "status": status})
            response = (received_status, outcome, began_at, self._clock.now())
            self._attempts.append(WebhookAttempt(transcript_id, webhook.url, copy, number, *response))
            on_attempt(received_status)
            if outcome in ("delivered", "refused"):
                return
            if number < ATTEMPTS:
                await asyncio.sleep(self._clock.to_real_seconds(self.settings.retry_seconds))

    def attempts(self) -> list[dict[str, Any]]:
        """Every attempt, oldest first."""
        return [asdict(attempt) for attempt in self._attempts]

    def reset(self) -> None:
        """Delete all attempts and restore the default settings."""
        self.settings = WebhookSettings()
        self._attempts.clear()

    async def _post(self, webhook: Webhook, body: dict[str, str]) -> tuple[int | None, str]:
        headers = {"Content-Type": "application/json"}
        if webhook.header_name is not None and webhook.header_value is not None:
            headers[webhook.header_name] = webhook.header_value
        seconds = self.settings.deadline_seconds
        status, outcome = await self._poster.post(webhook.url, json.dumps(body).encode(), headers, seconds)
        if status is None:
            return None, outcome
        if 200 <= status < 300:
            return status, "delivered"
        return status, "refused" if 400 <= status < 500 else "failed"
