"""What one request did: counted where it happens, told in one log line at its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass
class RequestLog:
    """Counts and labels of the request that is running. `user` is a hash, never an id or an address."""

    aws_calls: int = 0
    provider_calls: int = 0
    credits_used: int = 0
    user: str = ""
    provider_failures: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)


_current: ContextVar[RequestLog | None] = ContextVar("tally", default=None)


@contextmanager
def collect_request_log() -> Iterator[RequestLog]:
    """Count into a fresh tally until the block ends."""
    fresh = RequestLog()
    token = _current.set(fresh)
    try:
        yield fresh
    finally:
        _current.reset(token)


def request_log() -> RequestLog:
    """The running request's tally; outside of one, a tally that nobody reads."""
    return _current.get() or RequestLog()


def count_aws_calls(client: Any) -> None:
    """Count every call of this boto3 client; its own retries are part of the call."""
    client.meta.events.register("before-call", _count_aws_call)


def _count_aws_call(**_: Any) -> None:
    request_log().aws_calls += 1
