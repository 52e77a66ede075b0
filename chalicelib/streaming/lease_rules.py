"""The arithmetic of leases: how long one may be, what it holds and used, when the next may follow. Pure rules.

A session's price is the running total over all its leases: a lease is charged the difference, so no way of splitting a
session changes what it costs.
"""

from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from ..dates import rfc3339
from ..errors import ConflictError, InsufficientCreditsError
from ..models.ledger import Balance, Charge, Hold, ModelUse
from ..models.sessions import InFlight, Session, SessionState
from ..pricing.price_files import Prices, load

HOLD_KIND = "stream"
SERVICE = "live"


class Ending(Struct, frozen=True):
    """A session whose lease has ended: how it stands, what is charged, and what the day's allowance gave back."""

    session: Session
    charge: Charge
    given_back_seconds: int


@dataclass(frozen=True)
class LeaseRules:
    """The settings of leases, in seconds. docs/streaming.md explains them. `now` is epoch seconds throughout."""

    default_seconds: int = 600
    shortest_seconds: int = 60
    renew_before_end_seconds: int = 60
    resume_within_seconds: int = 86_400
    sweep_grace_seconds: int = 60  # above the longest request (29 s), so that no chunk is under way when it runs
    opening_seconds: int = 60  # how long a held lease waits for its token to be recorded before it is swept
    chunk_stale_after_seconds: int = 35  # above the longest request too: its process is gone
    save_interval_seconds: int = 15
    no_audio_after_seconds: int = 60
    free_allowance_seconds: int = 1_800
    paid_allowance_seconds: int = 14_400

    # How long

    def wished_seconds(self, asked: int | None, is_direct: bool, allowance_seconds: int) -> int:
        """The lease to aim for. Unasked, a direct one is at most a third of what is left of the day's allowance, so
        that several ends before their time are given back whole and the later ones cost little."""
        if asked is not None:
            return asked
        if not is_direct:
            return self.default_seconds
        return min(self.default_seconds, max(self.shortest_seconds, allowance_seconds // 3))

    def allowance_seconds(self, balance: Balance, used_today_seconds: int) -> int:
        """What may still be given back today of direct leases that end early."""
        whole = self.paid_allowance_seconds if balance.purchased > 0 else self.free_allowance_seconds
        return max(0, whole - used_today_seconds)

    def first(self, new: Session, prices: Prices, available: int, now: int) -> Session:
        """`new` with its first lease, as long as wished or as `available` credits afford.

        Raises InsufficientCreditsError where that is less than the shortest lease.
        """
        return self._leased(new, prices, available, new.requested_lease_seconds, now)

    def following(self, ended: Session, available: int, allowance_seconds: int, now: int) -> Session:
        """The session with its next lease, once the last is settled and its rest given back to `available`."""
        wished = ended.requested_lease_seconds
        if ended.is_direct:
            wished = min(wished, self.wished_seconds(None, True, allowance_seconds))
        carried = replace(ended, inflight=self.chunks_under_way(ended, now))
        return self._leased(carried, load(ended.price_version), available, wished, now)

    def _leased(self, session: Session, prices: Prices, available: int, wished: int, now: int) -> Session:
        affordable = (prices.live_ms(max(session.charged + available, 0)) - session.done_ms) // 1000
        if affordable < self.shortest_seconds:
            required = prices.live_credits(session.done_ms + self.shortest_seconds * 1000) - session.charged
            raise InsufficientCreditsError(required, available)
        seconds = min(wished, affordable)
        if session.inflight_ms > seconds * 1000:
            raise ConflictError(
                "More audio is being recognised than the next lease covers. Retry the request.",
                "still_running",
                retry_after_seconds=1,
            )
        return replace(
            session,
            state=SessionState.OPENING if session.is_direct else SessionState.ACTIVE,
            lease_number=session.lease_number + 1,
            lease_seconds=seconds,
            lease_started_at=now,
            lease_expires_at=now + seconds,
            held=prices.live_credits(session.done_ms + seconds * 1000) - session.charged,
            free_ms=0 if session.is_direct else seconds * 1000 - session.inflight_ms,
        )

    # When

    def check_renewable(self, current: Session, interrupted: bool, now: int) -> None:
        """Raises ConflictError where the next lease may not follow now, and says when it may."""
        state = current.state
        if state is SessionState.STOPPED:
            raise ConflictError("This session was stopped. Start a new one.", "session_stopped", state=state.value)
        if self.is_too_late_to_resume(current, now):
            raise ConflictError(
                "This session ended too long ago. Start a new one.", "resume_expired", state=state.value
            )
        self.check_settled_down(current, now)
        used_up = not current.is_direct and current.free_ms <= self.renew_before_end_seconds * 1000
        near_end = now >= self.renew_after(current) or used_up
        if state is SessionState.ACTIVE and not near_end and not interrupted:
            raise ConflictError(
                "The lease is not near its end. Renew later, or set `interrupted` if the stream broke off.",
                "lease_open",
                renew_after=rfc3339(self.renew_after(current)),
                lease_expires_at=rfc3339(current.lease_expires_at),
            )

    def check_settled_down(self, current: Session, now: int) -> None:
        """Raises ConflictError while a live process is still handing out the lease."""
        if self.is_being_opened(current, now):
            raise ConflictError("The lease is being opened. Retry the request.", "lease_opening", retry_after_seconds=1)

    def is_being_opened(self, current: Session, now: int) -> bool:
        """Whether a live process may still be handing out the lease."""
        return current.state is SessionState.OPENING and now - current.lease_started_at < self.chunk_stale_after_seconds

    def is_too_late_to_resume(self, current: Session, now: int) -> bool:
        """Whether the session ended too long ago to be taken up again."""
        return now > current.lease_expires_at + self.resume_within_seconds

    def renew_after(self, current: Session) -> int:
        """From when on a renewal is taken without a reason."""
        return current.lease_expires_at - self.renew_before_end_seconds

    def _warned_seconds(self, current: Session) -> int:
        """How long before its end a lease is said to be ending: the time to follow it. Of a short direct one only its
        last third: renewing ends it, and without an allowance all of it is paid for."""
        if not current.is_direct:
            return self.renew_before_end_seconds
        return min(self.renew_before_end_seconds, current.lease_seconds // 3)

    # What

    def ending(
        self,
        current: Session,
        state: SessionState,
        allowance_seconds: int,
        now: int,
        *,
        prices: Prices,
        broke_off: bool = False,
    ) -> Ending:
        """The session once its lease has ended now, in `state`; `broke_off` if its stream is known not to have lasted.

        A relayed lease is charged the audio that was done. A direct one is charged from its start to now; the rest is
        given back only out of the day's allowance, because the extension can keep the socket open behind our back.
        `prices` tell what the provider costs now; the listener pays by the version the session began with.
        """
        done_ms, uses, given_back = current.done_ms, current.uses, 0
        if current.is_direct and current.state is SessionState.ACTIVE:
            unused = max(0, current.lease_expires_at - max(now, current.lease_started_at))
            given_back = min(unused, allowance_seconds)
            billed_ms = (current.lease_seconds - given_back) * 1000
            # A lease may outlive the price file that its provider's model was taken from.
            known = prices if current.model in prices.models else load(current.price_version)
            cost = known.cost_micro_usd(current.model, billed_ms)
            done_ms, uses = done_ms + billed_ms, (ModelUse(current.model, billed_ms, cost),)
        charge = Charge(
            credits=load(current.price_version).live_credits(done_ms) - current.charged,
            service=SERVICE,
            reference=current.session_id,
            audio_ms=done_ms - current.settled_ms,
            price_version=current.price_version,
            uses=uses,
        )
        ended = replace(
            current,
            state=state,
            done_ms=done_ms,
            settled_ms=done_ms,
            charged=current.charged + charge.credits,
            held=0,
            uses=(),
            covered_ms=_covered(current, now, broke_off=broke_off),
        )
        return Ending(ended, charge, given_back)

    def hold(self, current: Session) -> Hold:
        """The hold of the current lease, swept some time after the lease's end, or soon if its token never came."""
        sweep_at = current.lease_expires_at + self.sweep_grace_seconds
        if current.state is SessionState.OPENING:
            sweep_at = current.lease_started_at + self.opening_seconds
        return Hold(current.user_id, current.hold_id, current.held, HOLD_KIND, current.session_id, sweep_at)

    # Looking

    def chunks_under_way(self, current: Session, now: int) -> tuple[InFlight, ...]:
        """The chunks that a live process may still have with a provider; those of a dead one are stale."""
        return tuple(c for c in current.inflight if now - c.reserved_at < self.chunk_stale_after_seconds)

    def seconds_left(self, current: Session, now: int) -> int:
        """How long the lease lasts: until its time is over or its audio used up."""
        if current.state is not SessionState.ACTIVE:
            return 0
        by_clock = max(0, current.lease_expires_at - now)
        return by_clock if current.is_direct else min(by_clock, current.free_ms // 1000)

    def warnings(self, current: Session, balance: Balance, has_words: bool, now: int) -> list[str]:
        """What the extension should tell the listener, or act on."""
        another_minute = load(current.price_version).live_credits(self.shortest_seconds * 1000)
        last_audio_at = max(current.last_reserved_at, current.last_saved_at, current.lease_started_at)
        warnings = {
            "credits_low": balance.available < another_minute,
            "lease_ending": self.seconds_left(current, now) <= self._warned_seconds(current),
            "no_audio": not has_words and now - last_audio_at > self.no_audio_after_seconds,
        }
        return [name for name, applies in warnings.items() if applies]


def _covered(current: Session, now: int, *, broke_off: bool) -> tuple[tuple[int, int], ...]:
    """The stretches of a direct session that its leases covered, the open one included, none touching another.

    Of a stream that broke off only what was heard counts: to the end of the last saved word.
    """
    if not current.is_direct or current.state is not SessionState.ACTIVE:
        return current.covered_ms
    start_ms = current.offset_ms
    end_ms = (min(now, current.lease_expires_at) - current.started_at) * 1000
    if broke_off:
        end_ms = min(end_ms, current.words_until_ms)
    covered: list[tuple[int, int]] = []
    for start, end in sorted([*current.covered_ms, (start_ms, end_ms)] if start_ms < end_ms else current.covered_ms):
        if covered and start <= covered[-1][1]:
            covered[-1] = (covered[-1][0], max(covered[-1][1], end))
        else:
            covered.append((start, end))
    return tuple(covered)
