"""The live sessions that AssemblyAI would bill: for the time they are open, not for the audio sent.

Source: assemblyai.com/docs/billing-and-pricing, read 2026-11: a socket closed without `Terminate` leaves its session
open, and billed, until a limit ends it.
"""

import math
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.clock import Clock

MAX_SESSIONS = 1_000

Ending = Literal["terminated", "abandoned", "expired", "inactive", "error"]
"""`abandoned`: the client disconnected without `Terminate`. `expired`, `inactive`, `error`: AssemblyAI closed it."""


@dataclass
class BilledSession:
    """One session. Times are epoch seconds; `max_seconds` is the cap of the token that opened it."""

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
    """None while the socket is open. An abandoned session is closed only when a limit ends it."""
    close_code: int | None = None
    """The code with which the sandbox closed the socket; None if it did not."""

    @property
    def expires_at(self) -> float:
        return self.opened_at + self.max_seconds

    @property
    def ends_at(self) -> float:
        """When a limit ends the session, in epoch seconds."""
        if self.inactivity_seconds is None:
            return self.expires_at
        return min(self.expires_at, self.active_at + self.inactivity_seconds)

    def seconds_open(self, now: float) -> int:
        """How long the session has been open, rounded up to whole seconds."""
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
            "seconds_billed": self.seconds_open(now),
        }


class BilledSessions:
    """The most recent sessions, oldest first."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._sessions: deque[BilledSession] = deque(maxlen=MAX_SESSIONS)

    def open(self, model: str, max_seconds: int, inactivity_seconds: int | None) -> BilledSession:
        now = self._clock.now()
        session = BilledSession(model, max_seconds, inactivity_seconds, opened_at=now, active_at=now)
        self._sessions.append(session)
        return session

    def reset(self) -> None:
        """Delete all records; open sockets stay open."""
        self._sessions.clear()

    def report(self) -> dict[str, Any]:
        """All sessions; `seconds_billed` of an open session is its value so far."""
        now = self._clock.now()
        return {"now": round(now, 3), "sessions": [session.report(now) for session in self._sessions]}
