"""The live sessions AssemblyAI would bill: by the time from opening to closing, not by the audio sent.

Source: assemblyai.com/docs/billing-and-pricing, read 2026-11: a socket closed without `Terminate` leaves its session
open and billed until a limit ends it.
"""

import math
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.clock import Clock

KEPT_SESSIONS = 1_000

Ending = Literal["terminated", "abandoned", "expired", "inactive", "error"]
"""`abandoned`: the socket went without `Terminate`. `expired`, `inactive`, `error`: AssemblyAI closed it."""


@dataclass
class Session:
    """Times are epoch seconds. `max_seconds` is the cap of the token that opened it."""

    model: str
    max_seconds: int
    inactivity_seconds: int | None
    opened_at: float
    active_at: float
    """When the client last sent anything."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    audio_seconds: float = 0
    disconnected_at: float | None = None
    closed_at: float | None = None
    ending: Ending | None = None
    """None while somebody listens. An abandoned session is closed only when a limit ends it."""
    close_code: int | None = None
    """What the sandbox closed the socket with; None where it did not."""

    @property
    def expires_at(self) -> float:
        return self.opened_at + self.max_seconds

    @property
    def ends_at(self) -> float:
        """When a limit ends it if nothing else does."""
        if self.inactivity_seconds is None:
            return self.expires_at
        return min(self.expires_at, self.active_at + self.inactivity_seconds)

    def seconds(self, now: float) -> int:
        """How long it has been open; a started second counts."""
        return math.ceil((now if self.closed_at is None else self.closed_at) - self.opened_at)

    def close(self, ending: Ending, at: float, close_code: int | None) -> None:
        self.ending, self.closed_at, self.disconnected_at, self.close_code = ending, at, at, close_code

    def abandon(self, at: float) -> None:
        self.ending, self.disconnected_at = "abandoned", at

    def report(self, now: float) -> dict[str, Any]:
        if self.ending == "abandoned" and self.closed_at is None and now >= self.ends_at:
            self.closed_at = self.ends_at
        return {
            "id": self.id,
            "model": self.model,
            "max_seconds": self.max_seconds,
            "inactivity_seconds": self.inactivity_seconds,
            "opened_at": round(self.opened_at, 3),
            "disconnected_at": None if self.disconnected_at is None else round(self.disconnected_at, 3),
            "closed_at": None if self.closed_at is None else round(self.closed_at, 3),
            "ending": self.ending,
            "close_code": self.close_code,
            "audio_seconds": round(self.audio_seconds, 3),
            "seconds_billed": self.seconds(now),
        }


class Sessions:
    """The last sessions, oldest first."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._last: deque[Session] = deque(maxlen=KEPT_SESSIONS)

    def open(self, model: str, max_seconds: int, inactivity_seconds: int | None) -> Session:
        now = self._clock.now()
        session = Session(model, max_seconds, inactivity_seconds, opened_at=now, active_at=now)
        self._last.append(session)
        return session

    def forget(self) -> None:
        """Forget them all; sockets that are open go on."""
        self._last.clear()

    def report(self) -> dict[str, Any]:
        """`seconds_billed` so far for those still open."""
        now = self._clock.now()
        return {"now": round(now, 3), "sessions": [session.report(now) for session in self._last]}
