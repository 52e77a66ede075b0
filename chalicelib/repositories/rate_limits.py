"""Rate limits in the app table: `LIMIT#<group>#<limit>#<identity>` / `TAT`. Rule: chalicelib/models/rate_limits.py.

DynamoDB's expressions have no max(), so a request is counted by one of two conditional writes: for an idle caller the
arrival time restarts from now, for a busy one it advances. The wrong guess is refused and returns the stored item, and
then the other write is right, because the arrival time only grows. However many requests arrive at once, exactly as
many are allowed as the rule says.

Where bytes are counted, the same write adds those of the request to `bytes:<day>`, for the use case to decide by.
"""

from ..dates import DAY_SECONDS, utc_date
from ..errors import UnavailableError
from ..models.rate_limits import Limit
from .conditions import Attr
from .table import Item, ItemKey, Path, Tables, Write, WriteRefusedError

KEPT_SECONDS = 3_600  # after the arrival time and the window, or the day, have passed
MAX_ATTEMPTS = 3  # The guess, the other write, and once more where the item expired between them.


def limit_key(group: str, limit: Limit, identity: str) -> ItemKey:
    """The key contains the limit itself, so that a changed setting starts a new count."""
    return ItemKey("app", f"LIMIT#{group}#{limit}#{identity}", "TAT")


class RequestCount:
    """One request to be counted against a limit.

    `tat_us` is the arrival time as last seen: the stored one is the same or later. `is_exempt`: the request did new
    work in a group that does not count it. `body_bytes`: the size of its body, None where it is not counted;
    `day_bytes`: what the caller sent on this UTC day, this request included.
    """

    def __init__(self, key: ItemKey, limit: Limit, now_us: int, tat_us: int = 0):
        self.key, self.limit, self.now_us, self.tat_us = key, limit, now_us, tat_us
        self.is_current = self.is_counted = self.is_exempt = False
        self.body_bytes: int | None = None
        self.day_bytes = 0

    def update_from(self, item: Item | None) -> None:
        """Take over the stored arrival time."""
        self.tat_us = item["tat_us"] if item else 0
        self.is_current = True

    @property
    def wait_seconds(self) -> int:
        """For how long the arrival time allows no further request; 0: it allows this one."""
        return -(-self.limit.wait_us(self.tat_us, self.now_us) // 1_000_000)

    def conditional_write(self) -> Write:
        """The write that counts the request, on condition that `tat_us` is a right guess and the limit allows it."""
        tat_us = self.limit.next_tat_us(self.tat_us, self.now_us)
        needed_until = tat_us // 1_000_000 + self.limit.window_us // 1_000_000
        added, dropped = {}, []
        if self.body_bytes is not None:
            now = self.now_us // 1_000_000
            added[_bytes_of(now)] = self.body_bytes
            dropped.append(_bytes_of(now - DAY_SECONDS))
            needed_until = max(needed_until, now - now % DAY_SECONDS + DAY_SECONDS)
        kept: dict[Path, int] = {"expires_at": needed_until + KEPT_SECONDS}
        stored_tat = Attr("tat_us")
        if self.tat_us <= self.now_us:
            is_idle = stored_tat.not_exists() | stored_tat.lte(self.now_us)
            return Write(self.key, put_in=kept | {"tat_us": tat_us}, add=added, drop=dropped, when=is_idle)
        is_busy = stored_tat.is_between(self.now_us + 1, self.limit.max_tat_us(self.now_us))
        added["tat_us"] = self.limit.interval_us
        return Write(self.key, add=added, put_in=kept, drop=dropped, when=is_busy)

    def mark_counted(self, written: Item) -> None:
        """Advance the arrival time as the write did. `written`: the attributes that it wrote."""
        if self.body_bytes is not None:
            self.day_bytes = written.get(_bytes_of(self.now_us // 1_000_000), 0)
        self.tat_us = self.limit.next_tat_us(self.tat_us, self.now_us)
        self.is_current = self.is_counted = True


class RateLimits:
    """The stored arrival times."""

    def __init__(self, tables: Tables):
        self._tables = tables

    def count(self, count: RequestCount) -> bool:
        """Count a request with one conditional write, two if the guess was wrong; False if the limit allows no more.

        Raises UnavailableError if the table cannot be reached.
        """
        for _ in range(MAX_ATTEMPTS):
            try:
                written = self._tables.write(count.conditional_write(), returns_changes=True)
            except WriteRefusedError as refusal:
                count.update_from(refusal.refused[0])
                if count.wait_seconds:
                    return False
            else:
                count.mark_counted(written)
                return True
        raise UnavailableError("The limit is busy with other requests. Retry the request.")


def _bytes_of(at: int) -> str:
    return f"bytes:{utc_date(at)}"
