"""A model of the ledger in a few lines of plain Python, with which histories on the real one are compared."""

from dataclasses import dataclass, field

from chalicelib.models.ledger import HoldState


@dataclass
class ModelHold:
    credits: int
    sweep_at: int
    state: HoldState = HoldState.OPEN
    charged: int = 0


@dataclass
class Model:
    """One user. Each method returns what the ledger returns, or the name of the error that it raises."""

    available: int = 0
    used: int = 0
    version: int = 0
    blocked: bool = False
    signed_out_at: int = 0
    granted: dict[str, int] = field(default_factory=dict)
    holds: dict[str, ModelHold] = field(default_factory=dict)

    @property
    def held_credits(self) -> int:
        return sum(hold.credits for hold in self.holds.values() if hold.state is HoldState.OPEN)

    def grant(self, fact: str, credits: int) -> bool:
        if fact in self.granted:
            return False
        self.granted[fact] = credits
        self.available += credits
        self.version += 1
        return True

    def hold(self, auth_time_at: int, hold_id: str, credits: int, sweep_at: int) -> bool | str:
        if hold_id in self.holds:
            return False
        if refusal := self._refusal(auth_time_at, credits):
            return refusal
        self._make(hold_id, credits, sweep_at)
        self.version += 1
        return True

    def settle(self, hold_id: str, charge: int, audio_ms: int) -> str | None:
        if self._has_ended(hold_id):
            return "HoldEndedError"
        self._end(hold_id, charge, audio_ms)
        self.version += 1
        return None

    def settle_and_hold(
        self, auth_time_at: int, hold_id: str, charge: int, following: str, credits: int, sweep_at: int
    ) -> str | None:
        if self._has_ended(hold_id):
            return "HoldEndedError"
        returned = self.holds[hold_id].credits - charge
        if refusal := self._refusal(auth_time_at, credits - returned):
            return refusal
        self._end(hold_id, charge, audio_ms=charge)
        self._make(following, credits, sweep_at)
        self.version += 1
        return None

    def sweep(self, now: int) -> set[str]:
        """Release the due holds; their ids."""
        due_ids = {
            hold_id for hold_id, hold in self.holds.items() if hold.state is HoldState.OPEN and hold.sweep_at <= now
        }
        for hold_id in due_ids:
            self.settle(hold_id, 0, 0)
        return due_ids

    def sign_out(self, before_at: int) -> None:
        if before_at > self.signed_out_at:
            self.signed_out_at = before_at
            self.version += 1

    def set_blocked(self, blocked: bool) -> bool:
        if self.blocked is blocked:
            return False
        self.blocked = blocked
        self.version += 1
        return True

    def _refusal(self, auth_time_at: int, needed: int) -> str | None:
        if auth_time_at < self.signed_out_at:
            return "SignedOutError"
        if self.blocked:
            return "AccountBlockedError"
        return "InsufficientCreditsError" if self.available < needed else None

    def _has_ended(self, hold_id: str) -> bool:
        return hold_id not in self.holds or self.holds[hold_id].state is not HoldState.OPEN

    def _make(self, hold_id: str, credits: int, sweep_at: int) -> None:
        self.holds[hold_id] = ModelHold(credits, sweep_at)
        self.available -= credits

    def _end(self, hold_id: str, charge: int, audio_ms: int) -> None:
        hold = self.holds[hold_id]
        hold.state = HoldState.SETTLED if charge or audio_ms else HoldState.RELEASED
        hold.charged = charge
        self.available += hold.credits - charge
        self.used += charge
