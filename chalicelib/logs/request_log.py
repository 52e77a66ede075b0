"""What one request did: counted where it happens, told in one log line at its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """Counts and labels of the request that is running. `user` is a hash, never an id or an address."""

    aws_calls: int = 0
    provider_calls: int = 0
    credits_used: int = 0
    user: str = ""
    provider_failures: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)


_current: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def counting() -> Iterator[Tally]:
    """Count into a fresh tally until the block ends."""
    fresh = Tally()
    token = _current.set(fresh)
    try:
        yield fresh
    finally:
        _current.reset(token)


def tally() -> Tally:
    """The running request's tally; outside of one, a tally that nobody reads."""
    return _current.get() or Tally()


def count_aws_calls(client: Any) -> None:
    """Count every call of this boto3 client; its own retries are part of the call."""
    client.meta.events.register("before-call", _count_aws_call)


def _count_aws_call(**_: Any) -> None:
    tally().aws_calls += 1
