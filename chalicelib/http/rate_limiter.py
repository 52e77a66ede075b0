"""Counts each request once against the limit of its group, by the network it comes from or the user who makes it.

Most are counted before anything is done. Where the calls to the database are few, the count rides with the request's
own first read and write; a request that comes to its end without a write is counted then, and its answer kept back if
there is no room: it has spent nothing.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..errors import AppError, RateLimitedError, UnavailableError
from ..logs.request_log import request_log
from ..models.rate_limits import GROUPS, Limit
from ..repositories.rate_limits import Count, CountingTables, limit_key
from ..repositories.table import ItemKey

REMEMBERED = 1_000


@dataclass(frozen=True)
class RateLimiter:
    """`limits`: of each group. What a process saw last of a number is remembered: it can only have grown since."""

    tables: CountingTables
    limits: Mapping[str, Limit]
    identity_key: Callable[[], str]
    now_us: Callable[[], int]  # epoch microseconds, UTC
    seen: dict[ItemKey, int] = field(default_factory=dict, repr=False)

    def count(self, group: str, who: str) -> Count:
        """A request of `who`, a user's id or a network, not counted yet."""
        limit = self.limits[group]
        name = self._hashed(who) if GROUPS[group].by == "network" else who
        key = limit_key(group, limit, name)
        return Count(key, limit, self.now_us(), self.seen.get(key, 0))

    @contextmanager
    def counting(self, group: str, count: Count) -> Iterator[None]:
        """Do the request inside. Raises RateLimitedError, and UnavailableError where it must be counted and cannot."""
        rules = GROUPS[group]
        try:
            count.check()
            if rules.rides:
                with self.tables.taking_along(count):
                    yield from self._riding(count)
                return
            try:
                self.tables.count(count)
            except UnavailableError:
                if rules.must_count:
                    raise
                request_log().notes["limiter"] = "out of reach"
            yield
        finally:
            self._remember(count)

    def _riding(self, count: Count) -> Iterator[None]:
        try:
            yield
        except (RateLimitedError, UnavailableError):
            raise  # It found no room; or whether it was counted is not known, and the table would hardly say.
        except AppError:
            self._count_at_last(count)
            raise
        self._count_at_last(count)

    def _count_at_last(self, count: Count) -> None:
        if not count.is_made:
            self.tables.count(count)

    def _remember(self, count: Count) -> None:
        if len(self.seen) >= REMEMBERED:
            self.seen.clear()
        self.seen[count.key] = count.tat_us

    def _hashed(self, network: str) -> str:
        return hmac.new(self.identity_key().encode(), f"network\n{network}".encode(), hashlib.sha256).hexdigest()
