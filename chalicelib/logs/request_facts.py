"""What one request did: counted where it happens, and written in one log line at its end, by http/log_line.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec

from ..models.health import HealthNote


class RequestFacts(msgspec.Struct):
    """Counts and notes of the running request. `user` is a hash, never an id or an email address."""

    aws_calls: int = 0
    provider_calls: int = 0
    credits_used: int = 0
    user: str = ""
    provider_failures: list[str] = []
    failed_jobs: list[HealthNote] = []
    notes: dict[str, Any] = {}


_current: ContextVar[RequestFacts | None] = ContextVar("request_facts", default=None)


@contextmanager
def collect_request_facts() -> Iterator[RequestFacts]:
    """Collect the facts of a new request until the block ends."""
    collected = RequestFacts()
    token = _current.set(collected)
    try:
        yield collected
    finally:
        _current.reset(token)


def request_facts() -> RequestFacts:
    """The facts of the running request; outside a request, some that are never written."""
    return _current.get() or RequestFacts()


def count_aws_calls(client: Any) -> None:
    """Count every call of this boto3 client. A call and its retries count once."""
    client.meta.events.register("before-call", count_aws_call)


def count_aws_call(**_: Any) -> None:
    """Count one call to AWS."""
    request_facts().aws_calls += 1
