"""The arithmetic of leases: how long one lasts, what it holds and costs, when it may be renewed. Pure rules.

A session's price is the running total over all its leases, and a lease is charged the difference. So splitting
a session into leases never changes its price.
"""

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ..dates import rfc3339
from ..errors import ConflictError, InsufficientCreditsError
from ..models.ledger import Balance, Charge, Hold, HoldKind, ModelUse
from ..models.sessions import InFlight, Session, SessionState
from ..pricing.price_files import Prices, load

SERVICE = "live"


class LeaseEnd(Struct, frozen=True):
    """A session whose lease has ended, what is charged, and the seconds returned from the day's allowance."""

    session: Session
    charge: Charge
    returned_seconds: int


@dataclass(frozen=True)
class LeaseRules:
    """The settings of leases and of their words. docs/streaming.md explains them. `now` is epoch seconds throughout."""

    default_seconds: int = 300
    shortest_seconds: int = 60
    renew_before_end_seconds: int = 60
    resume_within_seconds: int = 86_400
    late_words_seconds: int = 120  # the provider sends its last turns after the message to end
    sweep_grace_seconds: int = 60  # above the longest request (29 s), so that no chunk is in flight when the sweep runs
    opening_seconds: int = 60  # how long a held lease waits for its token to be recorded before it is swept
    chunk_stale_after_seconds: int = 35  # above the longest request too: its process has ended
    hand_over_seconds: int = 10  # for which docs/streaming.md has two sockets open at a renewal
    save_interval_seconds: int = 15
    no_audio_after_seconds: int = 60
    free_allowance_seconds: int = 1_800
    paid_allowance_seconds: int = 14_400
    words_bytes_per_day: int = 8 * 1024 * 1024
    packs_words: bool = True

    def requested_seconds(self, requested: int | None, is_direct: bool, allowance_seconds: int) -> int:
        """The lease to hold. If none is requested, a direct one lasts at most a third of what is left of the day's
        allowance, so that several early stops are returned in full and later ones cost little."""
        if requested is not None:
            return requested
        if not is_direct:
            return self.default_seconds
        return min(self.default_seconds, max(self.shortest_seconds, allowance_seconds // 3))

    def allowance_seconds(self, balance: Balance, used_today_seconds: int) -> int:
        """What may still be returned today for direct leases that end early.

        The larger allowance is for buyers: an open dispute takes it away, like a claw-back of all that was bought.
        """
        whole = self.paid_allowance_seconds if balance.is_buyer else self.free_allowance_seconds
        return max(0, whole - used_today_seconds)

    def first(self, new: Session, prices: Prices, available: int, now: int, held: int = 0) -> Session:
        """`new` with its first lease, as long as requested or as `available` credits afford.

        `held`: what else the account holds. Raises InsufficientCreditsError if that is less than the shortest lease.
        """
        return self._with_lease(new, prices, available, new.requested_lease_seconds, now, held)

    def next_lease(self, ended: Session, available: int, allowance_seconds: int, now: int, held: int = 0) -> Session:
        """The session with its next lease; `available` includes what the settled lease returned, `held` does not."""
        wanted_seconds = ended.requested_lease_seconds
        if ended.is_direct:
            wanted_seconds = min(wanted_seconds, self.requested_seconds(None, True, allowance_seconds))
        carried = replace(ended, inflight=self.chunks_in_flight(ended, now))
        return self._with_lease(carried, load(ended.price_version), available, wanted_seconds, now, held)

    def _with_lease(
        self, session: Session, prices: Prices, available: int, wanted_seconds: int, now: int, held: int
    ) -> Session:
        affordable = (prices.live_ms(max(session.charged + available, 0)) - session.done_ms) // 1000
        if affordable < self.shortest_seconds:
            required = prices.live_credits(session.done_ms + self.shortest_seconds * 1000) - session.charged
            raise InsufficientCreditsError(required, available, held)
        seconds = min(wanted_seconds, affordable)
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

    def check_renewable(self, session: Session, interrupted: bool, now: int) -> None:
        """Raise ConflictError if the session cannot be renewed now; its details say when it can."""
        state = session.state
        if state is SessionState.STOPPED:
            raise ConflictError("This session was stopped. Start a new one.", "session_stopped", state=state.value)
        if self.is_too_late_to_resume(session, now):
            raise ConflictError(
                "This session ended too long ago. Start a new one.", "resume_expired", state=state.value
            )
        self.check_not_opening(session, now)
        used_up = not session.is_direct and session.free_ms <= self.renew_before_end_seconds * 1000
        is_ending = now >= self.renew_after(session) or used_up
        if state is SessionState.ACTIVE and not is_ending and not interrupted:
            raise ConflictError(
                "The lease is not near its end. Renew later, or set `interrupted` if the stream broke off.",
                "lease_open",
                renew_after=rfc3339(self.renew_after(session)),
                lease_expires_at=rfc3339(session.lease_expires_at),
            )

    def check_not_opening(self, session: Session, now: int) -> None:
        """Raise ConflictError while a live process may still be issuing the lease."""
        if self.is_being_opened(session, now):
            raise _lease_opening()

    def check_keeps_words(self, session: Session) -> None:
        """Raise ConflictError while the session may still be deleted, with its words, because it gets no token."""
        if session.state is SessionState.OPENING and session.lease_number == 1:
            raise _lease_opening()

    def is_being_opened(self, session: Session, now: int) -> bool:
        """Whether a live process may still be issuing the lease."""
        return session.state is SessionState.OPENING and now - session.lease_started_at < self.chunk_stale_after_seconds

    def is_too_late_to_resume(self, session: Session, now: int) -> bool:
        """Whether the session ended too long ago to be resumed."""
        return now > session.lease_expires_at + self.resume_within_seconds

    def is_open(self, session: Session, now: int) -> bool:
        """Whether the session runs or can be resumed."""
        return session.state is not SessionState.STOPPED and not self.is_too_late_to_resume(session, now)

    def closed_reason(self, session: Session, now: int) -> Literal["session_stopped", "resume_expired"] | None:
        """Why no words of the session are accepted any more; None while they are."""
        if session.state is SessionState.STOPPED:
            was_late = self.is_too_late_to_resume(session, session.stopped_at)
            return "session_stopped" if was_late or now > session.stopped_at + self.late_words_seconds else None
        return "resume_expired" if self.is_too_late_to_resume(session, now) else None

    def renew_after(self, session: Session) -> int:
        """When a renewal is accepted without an interruption."""
        return session.lease_expires_at - self.renew_before_end_seconds

    def _warning_seconds(self, session: Session) -> int:
        """How long before its end a lease is reported as ending. For a short direct lease only its last third:
        renewing ends it, and without an allowance it is billed in full."""
        if not session.is_direct:
            return self.renew_before_end_seconds
        return min(self.renew_before_end_seconds, session.lease_seconds // 3)

    def ending(
        self,
        session: Session,
        state: SessionState,
        allowance_seconds: int,
        now: int,
        *,
        prices: Prices,
        interrupted: bool = False,
    ) -> LeaseEnd:
        """End the session's lease now and set its `state`; `interrupted` if the stream broke off earlier.

        A relay lease is charged for the audio recognised. A direct one is charged from its start to now; the rest is
        returned only from the day's allowance, because the extension can keep its socket open unseen.
        `prices` give the provider's cost now; the listener pays by the version the session began with.
        """
        done_ms, uses, returned_seconds = session.done_ms, session.uses, 0
        if session.is_direct and session.state is SessionState.ACTIVE:
            unused = max(0, session.lease_expires_at - max(now, session.lease_started_at))
            returned_seconds = min(unused, allowance_seconds)
            billed_ms = (session.lease_seconds - returned_seconds) * 1000
            # A lease may outlive the price file that its provider's model was taken from.
            price_table = prices if session.model in prices.models else load(session.price_version)
            cost = price_table.cost_micro_usd(session.model, billed_ms)
            done_ms, uses = done_ms + billed_ms, (ModelUse(session.model, billed_ms, cost),)
        charge = Charge(
            credits=load(session.price_version).live_credits(done_ms) - session.charged,
            service=SERVICE,
            reference=session.session_id,
            audio_ms=done_ms - session.settled_ms,
            price_version=session.price_version,
            uses=uses,
        )
        ended = replace(
            session,
            state=state,
            done_ms=done_ms,
            settled_ms=done_ms,
            charged=session.charged + charge.credits,
            held=0,
            uses=(),
            covered_ms=_covered_intervals(session, now, interrupted=interrupted),
        )
        return LeaseEnd(ended, charge, returned_seconds)

    def hold(self, session: Session) -> Hold:
        """The hold of the current lease; swept some time after its end, or soon if it has no token."""
        sweep_at = session.lease_expires_at + self.sweep_grace_seconds
        if session.state is SessionState.OPENING:
            sweep_at = session.lease_started_at + self.opening_seconds
        return Hold(session.user_id, session.hold_id, session.held, HoldKind.STREAM, session.session_id, sweep_at)

    def chunks_in_flight(self, session: Session, now: int) -> tuple[InFlight, ...]:
        """The chunks that a live process may still have with a provider; older ones are stale."""
        return tuple(c for c in session.inflight if now - c.reserved_at < self.chunk_stale_after_seconds)

    def longest_socket_seconds(self, session: Session, now: int) -> int:
        """How long the sockets of the session can have been open by now, together.

        From its start, whose clock counts whole seconds, and twice as long while one lease is handed over to the next.
        """
        return now - session.started_at + 1 + (session.lease_number - 1) * self.hand_over_seconds

    def seconds_left(self, session: Session, now: int) -> int:
        """Seconds until the lease expires or its audio is used up."""
        if session.state is not SessionState.ACTIVE:
            return 0
        by_clock = max(0, session.lease_expires_at - now)
        return by_clock if session.is_direct else min(by_clock, session.free_ms // 1000)

    def warnings(self, session: Session, balance: Balance, has_segments: bool, now: int) -> list[str]:
        """What the extension should show the listener or act on."""
        another_minute = load(session.price_version).live_credits(self.shortest_seconds * 1000)
        last_audio_at = max(session.last_reserved_at, session.last_saved_at, session.lease_started_at)
        is_stopped = session.state is SessionState.STOPPED
        warnings = {
            "credits_low": balance.available < another_minute,
            "lease_ending": not is_stopped and self.seconds_left(session, now) <= self._warning_seconds(session),
            "no_audio": not is_stopped and not has_segments and now - last_audio_at > self.no_audio_after_seconds,
        }
        return [name for name, applies in warnings.items() if applies]


def _lease_opening() -> ConflictError:
    return ConflictError("The lease is being opened. Retry the request.", "lease_opening", retry_after_seconds=1)


def _covered_intervals(session: Session, now: int, *, interrupted: bool) -> tuple[tuple[int, int], ...]:
    """The intervals that the leases of a direct session covered, including the open one, merged.

    Of a stream that broke off only the part up to the end of the last saved word counts.
    """
    if not session.is_direct or session.state is not SessionState.ACTIVE:
        return session.covered_ms
    end_ms = (min(now, session.lease_expires_at) - session.started_at) * 1000
    if interrupted:
        end_ms = min(end_ms, session.words_until_ms)
    return _with_interval(session, end_ms)


def covered_with_late_words(session: Session) -> tuple[tuple[int, int], ...]:
    """The intervals that the session covers once words were saved after its last lease had ended."""
    if not session.is_direct or session.state in (SessionState.OPENING, SessionState.ACTIVE):
        return session.covered_ms
    ended_at = min(session.lease_expires_at, session.stopped_at or session.lease_expires_at)
    return _with_interval(session, min((ended_at - session.started_at) * 1000, session.words_until_ms))


def _with_interval(session: Session, end_ms: int) -> tuple[tuple[int, int], ...]:
    """The covered intervals with one of the last lease up to `end_ms`, merged."""
    start_ms = session.offset_ms
    covered: list[tuple[int, int]] = []
    for start, end in sorted([*session.covered_ms, (start_ms, end_ms)] if start_ms < end_ms else session.covered_ms):
        if covered and start <= covered[-1][1]:
            covered[-1] = (covered[-1][0], max(covered[-1][1], end))
        else:
            covered.append((start, end))
    return tuple(covered)
