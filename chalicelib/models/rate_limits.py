"""The rule of rate limits, the generic cell rate algorithm (GCRA), and the groups of routes that share a limit.

One number is stored per caller and group, the theoretical arrival time (`tat`): the moment at which all used requests
have refilled. Each request advances it by one interval of the limit and is allowed while the result stays
within the window. Times are whole microseconds since the epoch.
"""

from typing import Literal

import msgspec

SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
MAX_REQUESTS = 1_000_000
# A deployed stage refuses limits above these: they would never be reached.
MAX_BURST_DEPLOYED, MAX_PER_SECOND_DEPLOYED = 10_000, 100
UNCOUNTED = frozenset({"open", "webhooks"})


class Limit(msgspec.Struct, frozen=True):
    """A burst of `requests`, which refills evenly over the window."""

    requests: int
    window: str

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """A limit as a setting writes it, such as `60/minute`. Raises ValueError, also for a limit of 0 requests."""
        number, _, window = text.partition("/")
        is_number = number.isascii() and number.isdigit() and len(number) <= len(str(MAX_REQUESTS))
        if not is_number or not 1 <= int(number) <= MAX_REQUESTS or window not in SECONDS:
            raise ValueError(f"1 to {MAX_REQUESTS} requests per second, minute, hour or day, as 60/minute")
        return cls(int(number), window)

    def __str__(self) -> str:
        return f"{self.requests}/{self.window}"

    @property
    def window_us(self) -> int:
        return SECONDS[self.window] * 1_000_000

    @property
    def interval_us(self) -> int:
        """The time in which the limit refills by one request."""
        return -(-self.window_us // self.requests)

    @property
    def is_strict(self) -> bool:
        """Whether the limit is low enough for a deployed stage."""
        is_slow = self.requests <= MAX_PER_SECOND_DEPLOYED * SECONDS[self.window]
        return is_slow and self.requests <= MAX_BURST_DEPLOYED

    def max_tat_us(self, now_us: int) -> int:
        """The latest arrival time at which one more request is allowed."""
        return now_us + (self.requests - 1) * self.interval_us

    def wait_us(self, tat_us: int, now_us: int) -> int:
        """Time until one more request is allowed; 0 if it is allowed now."""
        return max(0, tat_us - self.max_tat_us(now_us))

    def next_tat_us(self, tat_us: int, now_us: int) -> int:
        """The arrival time after one more request."""
        return max(tat_us, now_us) + self.interval_us

    def remaining(self, tat_us: int, now_us: int) -> int:
        """How many more requests are allowed at this moment."""
        free_us = self.requests * self.interval_us - max(0, tat_us - now_us)
        return max(0, free_us // self.interval_us)


class LimitGroup(msgspec.Struct, frozen=True):
    """Routes whose requests count against one limit.

    `must_count`: a request that cannot be counted is refused with 503; otherwise it passes uncounted.
    `counts_new_work`: false where new work is bounded by what it spends, so that only requests that do no new work are
    counted, after they were processed. `counts_bytes`: the bytes of its bodies are counted by user and day.
    """

    by: Literal["network", "user"]
    must_count: bool = True
    counts_new_work: bool = True
    counts_bytes: bool = False


GROUPS = {
    "register": LimitGroup("network"),
    "codes": LimitGroup("network"),
    "login": LimitGroup("network"),
    "reset": LimitGroup("network"),
    "refresh": LimitGroup("network", must_count=False),
    # Pages of shared transcripts: who has the address has no account.
    "shared": LimitGroup("network"),
    "account": LimitGroup("user", must_count=False),
    "reads": LimitGroup("user", must_count=False),
    # Whole transcripts, statements and exports, with answers of up to 5 MB, and lists of large items.
    "bulk_reads": LimitGroup("user"),
    "stream": LimitGroup("user", counts_bytes=True),
    # A relayed chunk is billed as one second at least, inside its lease.
    "audio": LimitGroup("user", counts_new_work=False),
    "spend": LimitGroup("user"),
    # Each form stores up to 500 MB for a day.
    "uploads": LimitGroup("user"),
    "admin": LimitGroup("user"),
}
