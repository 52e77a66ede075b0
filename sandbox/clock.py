"""The time of the providers, which tests can make run faster than real time."""

import time


class Clock:
    """Epoch seconds that pass `scale` times as fast as real seconds.

    All times of a session are in these seconds: its cap, its inactivity timeout, its pace and its billed duration.
    """

    def __init__(self, scale: float = 1):
        """Raises ValueError for a scale outside 0 to 1000."""
        if not 0 < scale <= 1000:
            raise ValueError(f"the time scale must be above 0 and at most 1000, not {scale}")
        self._scale = scale
        self._started_at = time.time()
        self._started = time.monotonic()

    def now(self) -> float:
        return self._started_at + (time.monotonic() - self._started) * self._scale

    def to_real_seconds(self, seconds: float) -> float:
        """The real seconds in which `seconds` of this clock pass."""
        return seconds / self._scale
