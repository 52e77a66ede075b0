"""How many requests somebody may make: the generic cell rate algorithm (GCRA), and who is counted how.

What is kept of a caller and a group of routes is one number, the theoretical arrival time (`tat`): when all that was
used is earned back. Each request moves it on by one interval of the limit, and passes while that stays within the
window. Microseconds of epoch time, whole numbers.
"""

from dataclasses import dataclass
from typing import Literal

SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
MOST_REQUESTS = 1_000_000
# Above these a limit limits nobody.
MOST_AT_ONCE_DEPLOYED, MOST_PER_SECOND_DEPLOYED = 10_000, 100
UNCOUNTED = frozenset({"open", "webhooks"})


@dataclass(frozen=True)
class Limit:
    """So many requests at once, earned back evenly over the window."""

    requests: int
    window: str

    @classmethod
    def read(cls, words: str) -> "Limit":
        """A limit as a setting writes it, such as `60/minute`. Raises ValueError, also for a limit of nothing."""
        number, _, window = words.partition("/")
        is_number = number.isascii() and number.isdigit() and len(number) <= len(str(MOST_REQUESTS))
        if not is_number or not 1 <= int(number) <= MOST_REQUESTS or window not in SECONDS:
            raise ValueError(f"1 to {MOST_REQUESTS} requests per second, minute, hour or day, as 60/minute")
        return cls(int(number), window)

    def __str__(self) -> str:
        return f"{self.requests}/{self.window}"

    @property
    def window_us(self) -> int:
        return SECONDS[self.window] * 1_000_000

    @property
    def interval_us(self) -> int:
        """In which time one request is earned back."""
        return -(-self.window_us // self.requests)

    @property
    def is_strict(self) -> bool:
        """Whether it would be noticed on a deployed stage."""
        is_slow = self.requests <= MOST_PER_SECOND_DEPLOYED * SECONDS[self.window]
        return is_slow and self.requests <= MOST_AT_ONCE_DEPLOYED

    def latest_us(self, now_us: int) -> int:
        """The latest arrival time with which one more request passes."""
        return now_us + (self.requests - 1) * self.interval_us

    def wait_us(self, tat_us: int, now_us: int) -> int:
        """How long until one more request passes; 0 if it does now."""
        return max(0, tat_us - self.latest_us(now_us))

    def after(self, tat_us: int, now_us: int) -> int:
        """The arrival time once one more request has passed."""
        return max(tat_us, now_us) + self.interval_us

    def remaining(self, tat_us: int, now_us: int) -> int:
        """How many more requests pass at this moment."""
        free_us = self.requests * self.interval_us - max(0, tat_us - now_us)
        return max(0, free_us // self.interval_us)


@dataclass(frozen=True)
class Group:
    """Routes whose requests count together.

    `rides`: counted by the request's own first write, for want of a call to spare. `must_count`: a request that cannot
    be counted is refused; else it passes.
    """

    by: Literal["network", "user"]
    rides: bool = False
    must_count: bool = True


GROUPS = {
    "register": Group("network"),
    "codes": Group("network"),
    "login": Group("network"),
    "reset": Group("network"),
    "refresh": Group("network", must_count=False),
    "account": Group("user", must_count=False),
    "reads": Group("user", must_count=False),
    "stream": Group("user", rides=True),
    "audio": Group("user", rides=True),
    "spend": Group("user", rides=True),
    "admin": Group("user"),
}
