"""Stripe's time in the sandbox, which tests may move ahead: what is due by then happens at once."""

import asyncio

from sandbox.clock import Clock

MAX_ADVANCE_SECONDS = 400 * 24 * 3600


class StripeClock:
    """Epoch seconds. Signatures bear the real time all the same: receivers compare it with theirs."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._ahead_seconds = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        return self._clock.now() + self._ahead_seconds

    def advance(self, seconds: float) -> None:
        self._ahead_seconds += seconds
        self._wake()

    def reset(self) -> None:
        """Back to the sandbox's time."""
        self._ahead_seconds = 0.0
        self._wake()

    async def sleep_until(self, at: float) -> None:
        while (seconds := at - self.now()) > 0:
            try:
                async with asyncio.timeout(self._clock.real_seconds(seconds)):
                    await self._moved.wait()
            except TimeoutError:
                pass

    def _wake(self) -> None:
        waited, self._moved = self._moved, asyncio.Event()
        waited.set()
