"""AssemblyAI's webhook sender: at most ten attempts, ten seconds apart, until somebody answers 2xx or 4xx.

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
class Settings:
    """How webhooks go out; tests change it."""

    copies: int = 1
    """How often each is sent; 0 for never."""
    before_answer: bool = False
    """Sent before the call that creates the transcript is answered."""
    retry_seconds: float = 10
    """Between attempts, in the sandbox's time."""
    deadline_seconds: float = 10
    """For the receiver's answer, in real time."""


@dataclass
class Attempt:
    """`outcome`: delivered (2xx), refused (4xx: given up), failed (other answers), timeout or unreachable."""

    transcript_id: str
    url: str
    copy: int
    number: int
    status: int | None
    outcome: str


class Sender:
    """Sends webhooks and remembers every attempt."""

    def __init__(self, clock: Clock, poster: Poster):
        self.settings = Settings()
        self._clock = clock
        self._attempts: list[Attempt] = []
        self._poster = poster

    async def deliver(
        self, webhook: Webhook, transcript_id: str, status: str, copy: int, attempted: Callable[[int | None], None]
    ) -> None:
        """Attempt until delivered, refused or given up; `attempted` hears the status of each, None for no answer."""
        for number in range(1, ATTEMPTS + 1):
            answered, outcome = await self._post(webhook, {"transcript_id": transcript_id, "status": status})
            self._attempts.append(Attempt(transcript_id, webhook.url, copy, number, answered, outcome))
            attempted(answered)
            if outcome in ("delivered", "refused"):
                return
            if number < ATTEMPTS:
                await asyncio.sleep(self._clock.real_seconds(self.settings.retry_seconds))

    def attempts(self) -> list[dict[str, Any]]:
        """Every attempt, oldest first."""
        return [asdict(attempt) for attempt in self._attempts]

    def forget(self) -> None:
        """Forget attempts and settings."""
        self.settings = Settings()
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
