"""The providers' time, which tests may let pass faster than ours."""

import time


class Clock:
    """Epoch seconds that pass `scale` times as fast as real ones; with a scale of 1 they are real ones.

    All times and durations of a session are in these seconds: its cap, its inactivity, its pace, what it is billed.
    """

    def __init__(self, scale: float = 1):
        """Raises ValueError for a scale that lets no time pass."""
        if not 0 < scale <= 1000:
            raise ValueError(f"a time scale is a number above 0 and up to 1000, not {scale}")
        self._scale = scale
        self._started_at = time.time()
        self._started = time.monotonic()

    def now(self) -> float:
        return self._started_at + (time.monotonic() - self._started) * self._scale

    def real_seconds(self, seconds: float) -> float:
        """How long to wait until `seconds` of this clock have passed."""
        return seconds / self._scale
