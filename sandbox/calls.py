"""What the sandbox was asked: tests read from here that a key, a header or a second attempt was really sent."""

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.requests import HTTPConnection

KEPT_CALLS = 200


@dataclass
class Call:
    """One request: the names of its headers, never their values, since one of them is the key."""

    service: str
    method: str
    path: str
    header_names: list[str]
    fields: dict[str, Any] = field(default_factory=dict)
    """What the body said; of audio only its name, type and size in bytes."""
    idempotency_key: str | None = None
    """The one header whose value is told: it names a request and opens nothing."""
    fault: str | None = None
    status: int | None = None
    """Of a socket the code it was closed with here; None while unanswered."""


class Calls:
    """Counts per service since the last reset, and the last calls in full."""

    def __init__(self) -> None:
        self._received: Counter[str] = Counter()
        self._recognised: Counter[str] = Counter()
        self._last: deque[Call] = deque(maxlen=KEPT_CALLS)

    def received(self, service: str, request: HTTPConnection) -> Call:
        """Note a request or a socket as it arrives; its fields follow once the body is read."""
        call = Call(service, request.scope.get("method", "GET"), request.url.path, sorted(request.headers.keys()))
        self._received[service] += 1
        self._last.append(call)
        return call

    def recognised(self, service: str) -> None:
        """Note that audio was recognised, text written, a session or a refund made: not merely answered again."""
        self._recognised[service] += 1

    def reset(self) -> None:
        self._received.clear()
        self._recognised.clear()
        self._last.clear()

    def report(self) -> dict[str, Any]:
        """`services`: counts by name; `last`: calls, oldest first."""
        services = {
            name: {"received": self._received[name], "recognised": self._recognised[name]}
            for name in sorted(self._received | self._recognised)
        }
        return {"services": services, "last": [asdict(call) for call in self._last]}
