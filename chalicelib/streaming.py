"""Live sessions on leases: hold the credits of a lease, follow on with the next one, settle what was used.

One lease is one hold and one entry. Whatever ends a lease (renewal, stop, sweep) does it in one transaction with the
session, stating what it saw; who comes second finds the lease ended and reads the outcome.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from . import contract
from .errors import (
    ConflictError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from .leases import HOLD_KIND, SERVICE, LeaseRules, settled
from .models import Balance, Caller, Hold, Segment, Session, SessionState, Transcript
from .pricing import Prices, load
from .repositories.ledger import AlsoRefusedError, HoldEndedError, Ledger
from .repositories.sessions import moved_on, opening, session, session_key
from .repositories.table import Item, Tables, Write, WriteRefusedError
from .repositories.transcripts import segments_put, transcript_progress, transcript_put
from .times import rfc3339

TRANSPORTS = ("relay",)
TRIES = 8
CAME_SECOND = (AlsoRefusedError, HoldEndedError, WriteRefusedError)


@dataclass(frozen=True)
class Streaming:
    """Start, renew, save, stop and sweep live sessions."""

    ledger: Ledger
    tables: Tables
    prices: Prices
    rules: LeaseRules
    provider: str
    now: Callable[[], int]  # epoch seconds, UTC
    new_ulid: Callable[[], str]

    def start(self, caller: Caller, wish: contract.Start, session_id: str, body_hash: str) -> contract.Lease:
        """Hold a lease and open the session, in one write.

        A shorter lease than wished is given where the balance affords no more. The same `session_id` again gets the
        first answer, if the body is the same. Raises InsufficientCreditsError when not even the shortest lease is paid
        for, IdempotencyMismatchError, AccountBlockedError, UnauthenticatedError.
        """
        if wish.transport not in TRANSPORTS:
            raise InvalidRequestError(f"This server offers transport {', '.join(TRANSPORTS)}.", "transport")
        balance, (earlier,) = self.ledger.admit(caller, also=[session_key(caller.user_id, session_id)])
        available = balance.available
        for _ in range(TRIES):
            if earlier:
                return _first_answer(earlier, body_hash)
            opened = self.rules.first(
                self._new(caller, wish, session_id, body_hash), self.prices, available, self.now()
            )
            answer = self._lease_answer(opened, available - opened.held)
            line = transcript_put(caller.user_id, _history_line(opened, wish))
            also = [opening(opened, msgspec.json.encode(answer).decode()), line]
            try:
                if self.ledger.hold(caller, self.rules.hold(opened), at=self.now(), also=also):
                    return answer
                earlier = self.tables.get(session_key(caller.user_id, session_id))
            except InsufficientCreditsError as refusal:
                available = int(refusal.details["available"] or 0)  # Another session was quicker: ask for less.
        raise UnavailableError("The account is busy with other sessions.")

    def renew(self, caller: Caller, session_id: str, interrupted: bool) -> contract.Lease:
        """Settle the lease and hold the next one of the same session, in one write; or take up one that lapsed."""
        for _ in range(TRIES):
            balance, current = self._admitted(caller, session_id)
            self.rules.check_renewable(current, interrupted, self.now())
            charge = self.rules.charge(current)
            available = balance.available + current.held - charge.credits
            following = self.rules.following(current, available, self.now())
            also = [moved_on(current, following), self._progress(following)]
            try:
                if current.state is SessionState.LAPSED:
                    if not self.ledger.hold(caller, self.rules.hold(following), at=self.now(), also=also):
                        continue
                else:
                    ended, made = self.rules.hold(current), self.rules.hold(following)
                    self.ledger.settle_and_hold(caller, ended, charge, made, at=self.now(), also=also)
            except (*CAME_SECOND, InsufficientCreditsError):
                # A chunk, a stop, another renewal, the sweep or another session came first: read again, decide anew.
                continue
            return self._lease_answer(following, available - following.held)
        raise UnavailableError("The session is busy.")

    def save(self, caller: Caller, session_id: str, segments: list[contract.Segment]) -> contract.Saved:
        """Keep segments of the transcript; tell how long the lease still lasts and what to look out for."""
        balance, current = self._admitted(caller, session_id)
        if current.state is SessionState.STOPPED or self.rules.is_too_late_to_resume(current, self.now()):
            raise ConflictError("This session is over: its transcript is closed.", state=current.state.value)
        if segments:
            kept = [Segment(s.seq, s.start_ms, s.end_ms, s.text, s.speaker) for s in segments]
            self.tables.write(segments_put(caller.user_id, current.transcript_id, self.new_ulid(), kept))
        return contract.Saved(
            self.rules.seconds_left(current, self.now()), self.rules.warnings(current, balance, self.now())
        )

    def stop(self, caller: Caller, session_id: str, client_reported_seconds: int | None = None) -> contract.Stopped:
        """Settle the open lease and close the session. Again, or after the sweep: the same figures.

        What the client reports is kept beside our own figures and never billed.
        """
        for _ in range(TRIES):
            balance, current = self._admitted(caller, session_id)
            if current.state is SessionState.STOPPED:
                return _stopped_answer(current, balance.available)
            if self.rules.is_chunk_under_way(current, self.now()):
                raise ConflictError("A chunk is still being recognised: stop again.", retry_after_seconds=1)
            try:
                stopped = self._end(current, SessionState.STOPPED, client_reported_seconds)
            except CAME_SECOND:
                continue
            return _stopped_answer(stopped, balance.available + current.held - (stopped.charged - current.charged))
        raise UnavailableError("The session is busy.")

    def sweep(self) -> int:
        """End every lease whose time is over and whose client said nothing; how many were ended.

        Safe to run at any time, any number of times, also beside itself.
        """
        due = [hold for hold in self.ledger.due_holds(self.now()) if hold.kind == HOLD_KIND]
        ended, failures = 0, []
        for hold in due:
            try:
                ended += self._sweep(hold)
            except Exception as failure:  # noqa: BLE001 - one account that cannot be swept must not keep the others
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"{len(failures)} of {len(due)} leases could not be ended", failures)
        return ended

    def _sweep(self, hold: Hold) -> bool:
        for _ in range(TRIES):
            item = self.tables.get(session_key(hold.user_id, hold.reference))
            current = session(item) if item else None
            try:
                if current and current.hold_id == hold.hold_id and current.state is SessionState.ACTIVE:
                    self._end(current, SessionState.LAPSED)
                else:
                    self.ledger.release(hold, at=self.now())  # Its session was never recorded.
                return True
            except HoldEndedError:
                return False
            except AlsoRefusedError:
                continue
        return False

    def _end(self, current: Session, state: SessionState, client_reported_seconds: int | None = None) -> Session:
        """Settle the open lease, if there is one, and put the session into `state`."""
        charge = self.rules.charge(current)
        ended = replace(
            settled(current, charge),
            state=state,
            held=0,
            free_ms=0,
            inflight_ms=0,
            client_reported_seconds=client_reported_seconds,
        )
        also = [moved_on(current, ended), self._progress(ended)]
        if current.state is SessionState.ACTIVE:
            self.ledger.settle(self.rules.hold(current), charge, at=self.now(), also=also)
        else:
            self.tables.transact(also)
        return ended

    # Looking at a session

    def _admitted(self, caller: Caller, session_id: str) -> tuple[Balance, Session]:
        balance, (item,) = self.ledger.admit(caller, also=[session_key(caller.user_id, session_id)])
        if item is None:
            raise NotFoundError("There is no such session.")
        return balance, session(item)

    def _progress(self, current: Session) -> Write:
        ended = current.state is not SessionState.ACTIVE
        return transcript_progress(
            current.user_id,
            current.transcript_id,
            state=current.state.value,
            audio_ms=current.done_ms,
            credits=current.charged,
            ended_at=self.now() if ended else None,
        )

    def _new(self, caller: Caller, wish: contract.Start, session_id: str, body_hash: str) -> Session:
        now = self.now()
        return Session(
            user_id=caller.user_id,
            session_id=session_id,
            transcript_id=self.new_ulid(),
            transport=wish.transport,
            state=SessionState.ACTIVE,
            started_at=now,
            lease_number=0,
            lease_seconds=0,
            wished_lease_seconds=wish.lease_seconds or self.rules.default_seconds,
            lease_started_at=now,
            lease_expires_at=now,
            held=0,
            price_version=self.prices.version,
            free_ms=0,
            language=wish.language,
            body_hash=body_hash,
        )

    def _lease_answer(self, current: Session, available: int) -> contract.Lease:
        return contract.Lease(
            session_id=current.session_id,
            transcript_id=current.transcript_id,
            provider=self.provider,
            lease_seconds=current.lease_seconds,
            lease_expires_at=rfc3339(current.lease_expires_at),
            renew_after=rfc3339(self.rules.renew_after(current)),
            credits_held=current.held,
            credits_per_minute=load(current.price_version).services[SERVICE].credits_per_minute,
            credits_available=available,
            save_interval_seconds=self.rules.save_interval_seconds,
            offset_ms=current.offset_ms,
        )


def _first_answer(item: Item, body_hash: str) -> contract.Lease:
    if item["body_hash"] != body_hash:
        raise IdempotencyMismatchError("This Idempotency-Key came before with another body.")
    return msgspec.json.decode(item["opening_answer"], type=contract.Lease)


def _stopped_answer(stopped: Session, available: int) -> contract.Stopped:
    return contract.Stopped(
        session_id=stopped.session_id,
        transcript_id=stopped.transcript_id,
        billed_seconds=-(-stopped.done_ms // 1000),
        credits_used=stopped.charged,
        credits_available=available,
    )


def _history_line(opened: Session, wish: contract.Start) -> Transcript:
    return Transcript(
        transcript_id=opened.transcript_id,
        kind=SERVICE,
        started_at=opened.started_at,
        title=wish.title,
        source_url=wish.source_url,
        language=wish.language,
        session_id=opened.session_id,
        state=opened.state.value,
    )
