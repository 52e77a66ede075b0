"""The time of the sandbox's Stripe account, which tests can advance; everything due by then happens at once."""

import asyncio

from sandbox.clock import Clock

MAX_ADVANCE_SECONDS = 400 * 24 * 3600


class AccountClock:
    """Epoch seconds. Signatures carry the real time instead, because receivers compare it with theirs."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._ahead_seconds = 0.0
        self._advanced = asyncio.Event()

    def now(self) -> float:
        return self._clock.now() + self._ahead_seconds

    def advance(self, seconds: float) -> None:
        self._ahead_seconds += seconds
        self._wake_sleepers()

    def reset(self) -> None:
        """Return to the sandbox's time."""
        self._ahead_seconds = 0.0
        self._wake_sleepers()

    async def sleep_until(self, at: float) -> None:
        while (seconds := at - self.now()) > 0:
            try:
                async with asyncio.timeout(self._clock.to_real_seconds(seconds)):
                    await self._advanced.wait()
            except TimeoutError:
                pass

    def _wake_sleepers(self) -> None:
        previous, self._advanced = self._advanced, asyncio.Event()
        previous.set()
