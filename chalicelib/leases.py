"""The arithmetic of leases: how long one may be, what it holds and used, when the next may follow. Pure rules.

A session's price is the running total over all its leases: a lease is charged the difference, so no way of splitting a
session changes what it costs.
"""

from dataclasses import dataclass, replace

from .errors import ConflictError, InsufficientCreditsError
from .models import Balance, Charge, Hold, Session, SessionState
from .pricing import Prices, load
from .times import rfc3339

HOLD_KIND = "stream"
SERVICE = "live"


@dataclass(frozen=True)
class LeaseRules:
    """The settings of leases, in seconds. docs/streaming.md explains them. `now` is epoch seconds throughout."""

    default_seconds: int = 600
    shortest_seconds: int = 60
    renew_before_end_seconds: int = 60
    resume_within_seconds: int = 86_400
    sweep_grace_seconds: int = 60  # above the longest request (29 s), so that no chunk is under way when it runs
    chunk_stale_after_seconds: int = 35  # above the longest request too: its process is gone
    save_interval_seconds: int = 15
    no_audio_after_seconds: int = 60

    def first(self, new: Session, prices: Prices, available: int, now: int) -> Session:
        """`new` with its first lease, as long as wished or as `available` credits afford.

        Raises InsufficientCreditsError where that is less than the shortest lease.
        """
        return self._leased(new, prices, available, now)

    def following(self, current: Session, available: int, now: int) -> Session:
        """The session with its next lease, once what was used is settled and given back to `available`."""
        after = settled(current, self.charge(current))
        inflight_ms = current.inflight_ms if self.is_chunk_under_way(current, now) else 0
        return self._leased(replace(after, inflight_ms=inflight_ms), load(current.price_version), available, now)

    def _leased(self, session: Session, prices: Prices, available: int, now: int) -> Session:
        affordable = (prices.live_ms(max(session.charged + available, 0)) - session.done_ms) // 1000
        if affordable < self.shortest_seconds:
            required = prices.live_credits(session.done_ms + self.shortest_seconds * 1000) - session.charged
            raise InsufficientCreditsError(required, available)
        seconds = min(session.wished_lease_seconds, affordable)
        if session.inflight_ms > seconds * 1000:
            raise ConflictError("More audio is being recognised than the next lease covers.", retry_after_seconds=1)
        return replace(
            session,
            state=SessionState.ACTIVE,
            lease_number=session.lease_number + 1,
            lease_seconds=seconds,
            lease_started_at=now,
            lease_expires_at=now + seconds,
            held=prices.live_credits(session.done_ms + seconds * 1000) - session.charged,
            free_ms=seconds * 1000 - session.inflight_ms,
        )

    def check_renewable(self, current: Session, interrupted: bool, now: int) -> None:
        """Raises ConflictError where the next lease may not follow now, and says when it may."""
        state = current.state
        if state is SessionState.STOPPED:
            raise ConflictError("This session has been stopped: start a new one.", state=state.value)
        if self.is_too_late_to_resume(current, now):
            raise ConflictError("This session ended too long ago: start a new one.", state=state.value)
        near_end = now >= self.renew_after(current) or current.free_ms <= self.renew_before_end_seconds * 1000
        if state is SessionState.ACTIVE and not near_end and not interrupted:
            raise ConflictError(
                "The lease is not near its end: renew later, or say that the stream was interrupted.",
                renew_after=rfc3339(self.renew_after(current)),
                lease_expires_at=rfc3339(current.lease_expires_at),
            )

    def charge(self, current: Session) -> Charge:
        """What the open lease used: the difference of the session's running total."""
        return Charge(
            credits=load(current.price_version).live_credits(current.done_ms) - current.charged,
            service=SERVICE,
            reference=current.session_id,
            audio_ms=current.done_ms - current.settled_ms,
            price_version=current.price_version,
            uses=current.uses,
        )

    def hold(self, current: Session) -> Hold:
        """The hold of the current lease, swept some time after the lease's end."""
        sweep_at = current.lease_expires_at + self.sweep_grace_seconds
        return Hold(current.user_id, current.hold_id, current.held, HOLD_KIND, current.session_id, sweep_at)

    def is_chunk_under_way(self, current: Session, now: int) -> bool:
        """Whether a live process may still have a chunk with a provider."""
        return current.inflight_ms > 0 and now - current.last_reserved_at < self.chunk_stale_after_seconds

    def is_too_late_to_resume(self, current: Session, now: int) -> bool:
        """Whether the session ended too long ago to be taken up again."""
        return now > current.lease_expires_at + self.resume_within_seconds

    def renew_after(self, current: Session) -> int:
        """From when on a renewal is taken without a reason."""
        return current.lease_expires_at - self.renew_before_end_seconds

    def seconds_left(self, current: Session, now: int) -> int:
        """How long the lease lasts: until its time is over or its audio used up."""
        if current.state is not SessionState.ACTIVE:
            return 0
        return max(0, min(current.lease_expires_at - now, current.free_ms // 1000))

    def warnings(self, current: Session, balance: Balance, now: int) -> list[str]:
        """What the extension should tell the listener, or act on."""
        another_minute = load(current.price_version).live_credits(self.shortest_seconds * 1000)
        last_audio_at = max(current.last_reserved_at, current.lease_started_at)
        warnings = {
            "credits_low": balance.available < another_minute,
            "lease_ending": self.seconds_left(current, now) <= self.renew_before_end_seconds,
            "no_audio": now - last_audio_at > self.no_audio_after_seconds,
        }
        return [name for name, applies in warnings.items() if applies]


def settled(current: Session, charge: Charge) -> Session:
    """The session once `charge` is booked."""
    return replace(
        current, charged=current.charged + charge.credits, settled_ms=current.settled_ms + charge.audio_ms, uses=()
    )
