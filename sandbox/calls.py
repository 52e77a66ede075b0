"""The requests that the sandbox received: tests check here that a key, a header or a second attempt was really sent."""

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.requests import HTTPConnection

MAX_CALLS = 200


@dataclass
class Call:
    """One request. Only the names of its headers are kept, because one of the values is the key."""

    service: str
    method: str
    path: str
    header_names: list[str]
    fields: dict[str, Any] = field(default_factory=dict)
    """The fields of the body; of audio only its name, type and size in bytes."""
    idempotency_key: str | None = None
    """The only header value that is kept: it identifies a request and grants no access."""
    fault: str | None = None
    status: int | None = None
    """The HTTP status; for a socket, the code the sandbox closed it with. None while unanswered."""


class Calls:
    """Counts per service since the last reset, and the most recent calls in full."""

    def __init__(self) -> None:
        self._received: Counter[str] = Counter()
        self._recognised: Counter[str] = Counter()
        self._last: deque[Call] = deque(maxlen=MAX_CALLS)

    def record_call(self, service: str, request: HTTPConnection) -> Call:
        """Record a request or a socket on arrival; the caller adds its fields once the body is read."""
        call = Call(service, request.scope.get("method", "GET"), request.url.path, sorted(request.headers.keys()))
        self._received[service] += 1
        self._last.append(call)
        return call

    def record_work(self, service: str) -> None:
        """Record that a service did billable work: recognised audio, wrote text, created a session or a refund."""
        self._recognised[service] += 1

    def reset(self) -> None:
        self._received.clear()
        self._recognised.clear()
        self._last.clear()

    def report(self) -> dict[str, Any]:
        """`services`: counts by name. `last`: the most recent calls, oldest first."""
        services = {
            name: {"received": self._received[name], "recognised": self._recognised[name]}
            for name in sorted(self._received | self._recognised)
        }
        return {"services": services, "last": [asdict(call) for call in self._last]}
