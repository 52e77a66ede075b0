"""What a listener's direct sessions must cost, in plain integers, by the rules of docs/streaming.md.

All in seconds: a direct lease bills the clock; its unused time is returned only from the day's allowance.
"""

from dataclasses import dataclass, field

from tests.default_prices import LIVE_PER_MINUTE

SHORTEST, DEFAULT, RENEW_BEFORE_END, RESUME_WITHIN, GRACE = 60, 600, 60, 86_400, 60
FREE_ALLOWANCE, PAID_ALLOWANCE = 1_800, 14_400


class RefusedError(Exception):
    """The error that the backend is expected to raise, by name."""


def credits_for(seconds: int) -> int:
    return -(-seconds * LIVE_PER_MINUTE // 60)


@dataclass
class ModelSession:
    """A session: its running total, and the lease that runs or ran last."""

    requested: int
    state: str = "none"
    began: int = 0
    seconds: int = 0
    held: int = 0
    billed: int = 0
    charged: int = 0
    started: int = 0
    recognised_until: int = 0
    """Where the last saved word ends, in seconds of the transcript, like `covered`."""
    covered: frozenset[int] = frozenset()

    @property
    def ends(self) -> int:
        return self.began + self.seconds

    @property
    def renew_after(self) -> int:
        return self.ends - RENEW_BEFORE_END


@dataclass
class ListenerModel:
    """One account. Each command returns nothing or raises RefusedError."""

    available: int
    has_bought: bool = False
    is_blocked: bool = False
    sessions: dict[str, ModelSession] = field(default_factory=dict)
    returned_seconds: dict[int, int] = field(default_factory=dict)
    """Seconds by day."""
    sold: int = 0
    """Seconds of all tokens: what the provider may bill at worst."""

    @property
    def held_credits(self) -> int:
        return sum(session.held for session in self.sessions.values())

    def allowance(self, now: int) -> int:
        whole = PAID_ALLOWANCE if self.has_bought else FREE_ALLOWANCE
        return max(0, whole - self.returned_seconds.get(now // 86_400, 0))

    def start(self, name: str, requested: int | None, is_provider_down: bool, now: int) -> None:
        self._check_blocked()
        session = ModelSession(requested or min(DEFAULT, max(SHORTEST, self.allowance(now) // 3)), started=now)
        self._lease(session, session.requested, now)
        if is_provider_down:
            self.available += session.held
            raise RefusedError("ProviderError")
        self.sold += session.seconds
        self.sessions[name] = session

    def renew(self, name: str, is_interrupted: bool, is_provider_down: bool, now: int) -> None:
        self._check_blocked()
        session = self.sessions[name]
        if session.state == "stopped" or now > session.ends + RESUME_WITHIN:
            raise RefusedError("ConflictError")
        if session.state == "active" and now < session.renew_after and not is_interrupted:
            raise RefusedError("ConflictError")
        before = (vars(session).copy(), self.available, dict(self.returned_seconds))
        if session.state == "active":
            self._end(session, self.allowance(now), now, interrupted=is_interrupted)
        requested = min(session.requested, DEFAULT, max(SHORTEST, self.allowance(now) // 3))
        try:
            self._lease(session, requested, now)
        except RefusedError:
            vars(session).update(before[0])
            self.available, self.returned_seconds = before[1], before[2]
            raise
        if is_provider_down:
            self.available += session.held
            session.held, session.state = 0, "lapsed"
            raise RefusedError("ProviderError")
        self.sold += session.seconds

    def save(self, name: str, end: int, now: int) -> None:
        self._check_blocked()
        session = self.sessions[name]
        if session.state == "stopped" or now > session.ends + RESUME_WITHIN:
            raise RefusedError("ConflictError")
        session.recognised_until = max(session.recognised_until, end)

    def stop(self, name: str, now: int) -> None:
        self._check_blocked()
        session = self.sessions[name]
        if session.state == "active":
            self._end(session, self.allowance(now), now)
        session.state = "stopped"

    def sweep(self, now: int) -> None:
        for session in self.sessions.values():
            if session.state == "active" and session.ends + GRACE <= now:
                self._end(session, 0, now, interrupted=True)
                session.state = "lapsed"

    def _lease(self, session: ModelSession, requested: int, now: int) -> None:
        affordable = max(session.charged + self.available, 0) * 60 // LIVE_PER_MINUTE - session.billed
        if affordable < SHORTEST:
            raise RefusedError("InsufficientCreditsError")
        session.state, session.began, session.seconds = "active", now, min(requested, affordable)
        session.held = credits_for(session.billed + session.seconds) - session.charged
        self.available -= session.held

    def _end(self, session: ModelSession, allowance: int, now: int, *, interrupted: bool = False) -> None:
        until = min(now, session.ends) - session.started
        recognised_until = min(until, session.recognised_until) if interrupted else until
        session.covered |= frozenset(range(max(session.began - session.started, 0), recognised_until))
        passed = min(max(now - session.began, 0), session.seconds)
        back = min(session.seconds - passed, allowance)
        if back:
            self.returned_seconds[now // 86_400] = self.returned_seconds.get(now // 86_400, 0) + back
        session.billed += session.seconds - back
        charge = credits_for(session.billed) - session.charged
        session.charged += charge
        self.available += session.held - charge
        session.held = 0

    def _check_blocked(self) -> None:
        if self.is_blocked:
            raise RefusedError("AccountBlockedError")
