"""Rate limits in the app table: `LIMIT#<group>#<limit>#<who>` / `TAT`. The rule is chalicelib/models/rate_limits.py.

DynamoDB's expressions know no max(), so counting is one of two conditional writes: for a caller at rest the arrival
time starts from now, for a busy one it moves on. The wrong one is refused with the item as it is, and then the other
is right, because the arrival time only grows. Each passes exactly as many requests as the rule, however many at once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from boto3.dynamodb.conditions import Attr

from ..errors import RateLimitedError, UnavailableError
from ..models.rate_limits import Limit
from .table import Item, ItemKey, Path, Tables, Write, WriteRefusedError

KEPT_SECONDS = 3_600  # after it has no meaning any more
TRIES = 3  # The guess, the other one, and once more where the item expired between them.


def limit_key(group: str, limit: Limit, who: str) -> ItemKey:
    """With the limit's own words, so that a changed setting counts anew."""
    return ItemKey("app", f"LIMIT#{group}#{limit}#{who}", "TAT")


class Count:
    """One request on its way into a limit's number.

    `tat_us` is the arrival time as far as it is known: the true one is the same or later.
    """

    def __init__(self, key: ItemKey, limit: Limit, now_us: int, tat_us: int = 0):
        self.key, self.limit, self.now_us, self.tat_us = key, limit, now_us, tat_us
        self.is_known = self.is_made = False

    def see(self, item: Item | None) -> None:
        """Know the number as it lies in the table. Raises RateLimitedError."""
        self.tat_us = item["tat_us"] if item else 0
        self.check()
        self.is_known = True

    def check(self) -> None:
        """Raises RateLimitedError where what is known leaves no room."""
        if wait_us := self.limit.wait_us(self.tat_us, self.now_us):
            self.is_known = True
            seconds = -(-wait_us // 1_000_000)
            message = f"Too many requests: try again in {seconds} s."
            raise RateLimitedError(message, retry_after_seconds=seconds, limit=str(self.limit))

    def write(self) -> Write:
        """Count the request, if there is room and the number is as far as it is taken to be."""
        moved_us = self.limit.after(self.tat_us, self.now_us)
        kept: dict[Path, int] = {"expires_at": moved_us // 1_000_000 + self.limit.window_us // 1_000_000 + KEPT_SECONDS}
        tat = Attr("tat_us")
        if self.tat_us <= self.now_us:
            at_rest = tat.not_exists() | tat.lte(self.now_us)
            return Write(self.key, put_in=kept | {"tat_us": moved_us}, when=at_rest)
        busy = tat.between(self.now_us + 1, self.limit.latest_us(self.now_us))
        return Write(self.key, add={"tat_us": self.limit.interval_us}, put_in=kept, when=busy)

    def made(self) -> None:
        self.tat_us = self.limit.after(self.tat_us, self.now_us)
        self.is_known = self.is_made = True


_riding: ContextVar[Count | None] = ContextVar("riding", default=None)


class CountingTables(Tables):
    """Tables whose reads and transactions can take a request's count along, so that it costs no call of its own."""

    def count(self, count: Count) -> None:
        """Count a request by a write of its own. Raises RateLimitedError, UnavailableError."""
        for _ in range(TRIES):
            try:
                self.write(count.write())
                return count.made()
            except WriteRefusedError as refusal:
                count.see(refusal.refused[0])
        raise UnavailableError("The limit is busy with other requests.")

    @contextmanager
    def taking_along(self, count: Count) -> Iterator[None]:
        """Inside, the first read of many items looks at the count, and the first transaction makes it."""
        token = _riding.set(count)
        try:
            yield
        finally:
            _riding.reset(token)

    def get_many(self, keys: Sequence[ItemKey]) -> list[Item | None]:
        """As in Tables. Raises RateLimitedError where the count that rides finds no room."""
        count = _riding.get()
        if count is None or count.is_known:
            return super().get_many(keys)
        *found, item = super().get_many([*keys, count.key])
        count.see(item)
        return found

    def transact(self, writes: Sequence[Write]) -> None:
        """As in Tables. Raises RateLimitedError, with nothing written, where the count that rides finds no room."""
        count = _riding.get()
        if count is None or count.is_made:
            return super().transact(writes)
        for _ in range(TRIES):
            try:
                super().transact([*writes, count.write()])
                return count.made()
            except WriteRefusedError as refusal:
                own = {place: item for place, item in refusal.refused.items() if place < len(writes)}
                if len(writes) in refusal.refused:
                    count.see(refusal.refused[len(writes)])
                if own:
                    raise WriteRefusedError(own) from refusal
        raise UnavailableError("The limit is busy with other requests.")
