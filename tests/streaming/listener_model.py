"""What a listener's direct sessions must cost, in plain integers, from the rules as docs/streaming.md tells them.

All in seconds: a direct lease bills the clock; what is left of it is given back only out of the day's allowance.
"""

from dataclasses import dataclass, field

SHORTEST, DEFAULT, NEAR_END, RESUME_WITHIN, GRACE = 60, 600, 60, 86_400, 60
FREE_ALLOWANCE, PAID_ALLOWANCE = 1_800, 14_400
SECONDS_A_CREDIT = 6


class RefusedError(Exception):
    """The name of what the backend answers."""


def credits_for(seconds: int) -> int:
    return -(-seconds // SECONDS_A_CREDIT)


@dataclass
class Told:
    """A session: its running total, and the lease that runs or ran last."""

    wished: int
    state: str = "none"
    began: int = 0
    seconds: int = 0
    held: int = 0
    billed: int = 0
    charged: int = 0
    started: int = 0
    heard: int = 0
    """Where the last saved word ends, in seconds of the transcript; so are these."""
    covered: frozenset[int] = frozenset()

    @property
    def ends(self) -> int:
        return self.began + self.seconds

    @property
    def renew_after(self) -> int:
        return self.ends - NEAR_END


@dataclass
class ListenerModel:
    """One account. Each command returns nothing or raises RefusedError, having changed what it should."""

    available: int
    has_bought: bool = False
    is_blocked: bool = False
    sessions: dict[str, Told] = field(default_factory=dict)
    given_back: dict[int, int] = field(default_factory=dict)
    """Seconds by day."""
    sold: int = 0
    """Seconds of all tokens: what the provider may bill at worst."""

    @property
    def held(self) -> int:
        return sum(one.held for one in self.sessions.values())

    def allowance(self, now: int) -> int:
        whole = PAID_ALLOWANCE if self.has_bought else FREE_ALLOWANCE
        return max(0, whole - self.given_back.get(now // 86_400, 0))

    def start(self, name: str, asked: int | None, is_provider_down: bool, now: int) -> None:
        self._check_blocked()
        one = Told(asked or min(DEFAULT, max(SHORTEST, self.allowance(now) // 3)), started=now)
        self._lease(one, one.wished, now)
        if is_provider_down:
            self.available += one.held
            raise RefusedError("ProviderError")
        self.sold += one.seconds
        self.sessions[name] = one

    def renew(self, name: str, is_interrupted: bool, is_provider_down: bool, now: int) -> None:
        self._check_blocked()
        one = self.sessions[name]
        if one.state == "stopped" or now > one.ends + RESUME_WITHIN:
            raise RefusedError("ConflictError")
        if one.state == "active" and now < one.renew_after and not is_interrupted:
            raise RefusedError("ConflictError")
        before = (vars(one).copy(), self.available, dict(self.given_back))
        if one.state == "active":
            self._end(one, self.allowance(now), now, interrupted=is_interrupted)
        wished = min(one.wished, DEFAULT, max(SHORTEST, self.allowance(now) // 3))
        try:
            self._lease(one, wished, now)
        except RefusedError:
            vars(one).update(before[0])
            self.available, self.given_back = before[1], before[2]
            raise
        if is_provider_down:
            self.available += one.held
            one.held, one.state = 0, "lapsed"
            raise RefusedError("ProviderError")
        self.sold += one.seconds

    def save(self, name: str, end: int, now: int) -> None:
        self._check_blocked()
        one = self.sessions[name]
        if one.state == "stopped" or now > one.ends + RESUME_WITHIN:
            raise RefusedError("ConflictError")
        one.heard = max(one.heard, end)

    def stop(self, name: str, now: int) -> None:
        self._check_blocked()
        one = self.sessions[name]
        if one.state == "active":
            self._end(one, self.allowance(now), now)
        one.state = "stopped"

    def sweep(self, now: int) -> None:
        for one in self.sessions.values():
            if one.state == "active" and one.ends + GRACE <= now:
                self._end(one, 0, now, interrupted=True)
                one.state = "lapsed"

    def _lease(self, one: Told, wished: int, now: int) -> None:
        affordable = max(one.charged + self.available, 0) * SECONDS_A_CREDIT - one.billed
        if affordable < SHORTEST:
            raise RefusedError("InsufficientCreditsError")
        one.state, one.began, one.seconds = "active", now, min(wished, affordable)
        one.held = credits_for(one.billed + one.seconds) - one.charged
        self.available -= one.held

    def _end(self, one: Told, allowance: int, now: int, *, interrupted: bool = False) -> None:
        until = min(now, one.ends) - one.started
        heard = min(until, one.heard) if interrupted else until
        one.covered |= frozenset(range(max(one.began - one.started, 0), heard))
        passed = min(max(now - one.began, 0), one.seconds)
        back = min(one.seconds - passed, allowance)
        if back:
            self.given_back[now // 86_400] = self.given_back.get(now // 86_400, 0) + back
        one.billed += one.seconds - back
        charge = credits_for(one.billed) - one.charged
        one.charged += charge
        self.available += one.held - charge
        one.held = 0

    def _check_blocked(self) -> None:
        if self.is_blocked:
            raise RefusedError("AccountBlockedError")
