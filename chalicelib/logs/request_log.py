"""What one request did: counted where it happens, and written in one log line at its end, by http/log_line.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass
class RequestLog:
    """Counts and notes of the running request. `user` is a hash, never an id or an email address."""

    aws_calls: int = 0
    provider_calls: int = 0
    credits_used: int = 0
    user: str = ""
    provider_failures: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)


_current: ContextVar[RequestLog | None] = ContextVar("request_log", default=None)


@contextmanager
def collect_request_log() -> Iterator[RequestLog]:
    """Collect into a new request log until the block ends."""
    collected = RequestLog()
    token = _current.set(collected)
    try:
        yield collected
    finally:
        _current.reset(token)


def request_log() -> RequestLog:
    """The log of the running request; outside a request, one that is never written."""
    return _current.get() or RequestLog()


def count_aws_calls(client: Any) -> None:
    """Count every call of this boto3 client. A call and its retries count once."""
    client.meta.events.register("before-call", _count_aws_call)


def _count_aws_call(**_: Any) -> None:
    request_log().aws_calls += 1
