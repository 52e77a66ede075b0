"""Counts each request once against the limit of its group, by user id or, before sign-in, by network.

A request is counted before anything is done, in a write of its own. One group is counted afterwards: an accepted new
chunk of relayed audio is not counted, because its lease bounds it, while a refused, repeated or failed one is counted
once that is certain, and is answered 429 if the limit allows no more. A caller whom this process knows to be over the
limit is refused before anything is done, in every group.

models/rate_limits.py holds the limits and their arithmetic, repositories/rate_limits.py counts.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ..errors import AppError, RateLimitedError, UnavailableError
from ..logs.request_facts import request_facts
from ..models.rate_limits import GROUPS, Limit
from ..repositories.rate_limits import RateLimits, RequestCount, limit_key
from ..repositories.table import ItemKey

MAX_REMEMBERED = 1_000


@dataclass(frozen=True)
class RateLimiter:
    """`limits`: by group. `remembered`: the arrival times that this process saw last, which can only have grown."""

    rate_limits: RateLimits
    limits: Mapping[str, Limit]
    identity_key: Callable[[], str]
    now_us: Callable[[], int]  # epoch microseconds, UTC
    remembered: dict[ItemKey, int] = field(default_factory=dict, repr=False)

    def new_count(self, group: str, identity: str) -> RequestCount:
        """A request, not counted yet. `identity`: a user id or a network."""
        limit = self.limits[group]
        key = limit_key(group, limit, self._hash(identity) if GROUPS[group].by == "network" else identity)
        return RequestCount(key, limit, self.now_us(), self.remembered.get(key, 0))

    @contextmanager
    def counting(self, group: str, count: RequestCount) -> Iterator[None]:
        """Process the request inside. Raises RateLimitedError, or UnavailableError if it must be counted and cannot."""
        try:
            if count.wait_seconds:
                raise over_limit_error(count)
            if GROUPS[group].counts_new_work:
                self._count_first(group, count)
                yield
            else:
                yield from self._counting_afterwards(count)
        finally:
            self._remember(count)

    def _count_first(self, group: str, count: RequestCount) -> None:
        try:
            self._count(count)
        except UnavailableError:
            if GROUPS[group].must_count:
                raise
            request_facts().notes["limiter"] = "unavailable"

    def _counting_afterwards(self, count: RequestCount) -> Iterator[None]:
        try:
            yield
        except UnavailableError:
            raise  # Our own failure. The table would hardly take the count either.
        except AppError:
            self._count(count)
            raise
        except Exception:
            with suppress(AppError):  # The log has to name the bug, not the limit.
                self._count(count)
            raise
        if not count.is_exempt:
            self._count(count)

    def _count(self, count: RequestCount) -> None:
        if not self.rate_limits.count(count):
            raise over_limit_error(count)

    def _remember(self, count: RequestCount) -> None:
        if len(self.remembered) >= MAX_REMEMBERED:
            self.remembered.clear()
        self.remembered[count.key] = count.tat_us

    def _hash(self, network: str) -> str:
        return hmac.new(self.identity_key().encode(), f"network\n{network}".encode(), hashlib.sha256).hexdigest()


def over_limit_error(count: RequestCount) -> RateLimitedError:
    """The 429 for a request that must wait; its headers say how the caller stands."""
    count.is_current = True
    seconds = count.wait_seconds
    return RateLimitedError(
        f"Too many requests. Retry in {seconds} s.", retry_after_seconds=seconds, limit=str(count.limit)
    )
