"""Live sessions on leases: hold the credits of a lease, follow on with the next one, settle what was used.

One lease is one hold and one entry. Whatever ends a lease (renewal, stop, sweep) does it in one transaction with the
session, stating what it saw; who comes second finds the lease ended and reads the outcome.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote_plus

import msgspec
from msgspec.structs import replace

from .. import contract
from ..errors import (
    ConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)
from ..models.accounts import Caller
from ..models.ledger import Balance, Charge
from ..models.sessions import Session, SessionState
from ..models.transcripts import Segment, Transcript
from ..pricing.price_files import Prices
from ..repositories.allowances import allowance_key, allowance_used, spending
from ..repositories.ledger import ExtraWriteRefusedError, HoldEndedError, Ledger
from ..repositories.sessions import moved_on, opening, saved, session, session_key
from ..repositories.table import Item, Tables, Write, WriteRefusedError
from ..repositories.transcripts import put_segments, put_transcript
from .lease_rules import HOLD_KIND, SERVICE, Ending, LeaseRules
from .leases import TRIES, Leases, stored

FOLLOWED_RENEWALS = 100  # of leases of ten minutes, those of 16 hours
DEFAULT_SAMPLE_RATE = 16_000
SEGMENT_OVERHEAD_BYTES = 100
MAX_SAVE_BYTES = 256 * 1024  # an item of DynamoDB holds 400 KB
MAX_KEY_TERMS_BYTES = 6_000  # as they stand in a socket's address: above 8 KB of those many servers do not answer
MAX_SAVED_BYTES = 3 * 1024 * 1024  # with its words in JSON a whole transcript fits an answer of Lambda, 6 MB
CAME_SECOND = (ExtraWriteRefusedError, HoldEndedError, WriteRefusedError)


@dataclass(frozen=True)
class Standing:
    """What one read tells of a caller and a session."""

    balance: Balance
    session: Session
    item: Item
    allowance_used_seconds: int


@dataclass(frozen=True)
class Streaming:
    """Start, renew, save, stop and sweep live sessions."""

    ledger: Ledger
    tables: Tables
    prices: Prices
    rules: LeaseRules
    leases: Leases
    relay_provider: str
    now: Callable[[], int]  # epoch seconds, UTC
    new_ulid: Callable[[], str]

    def start(self, caller: Caller, body: contract.Start, session_id: str, body_hash: str) -> contract.Lease:
        """Hold a lease and open the session.

        A shorter lease than wished is given where the balance affords no more. The same `session_id` again gets the
        first answer, if the body is the same. Raises InsufficientCreditsError when not even the shortest lease is paid
        for, ProviderError (nothing held, nothing left behind), IdempotencyMismatchError, AccountBlockedError,
        UnauthenticatedError.
        """
        if body.transport == "direct" and not self.leases.knows(body.language):
            raise InvalidRequestError("No live provider knows this language.", "language")
        if len(quote_plus(msgspec.json.encode(body.key_terms))) > MAX_KEY_TERMS_BYTES:
            raise InvalidRequestError("The key terms are too long for a socket's address: name fewer.", "key_terms")
        keys = [session_key(caller.user_id, session_id), allowance_key(caller.user_id, self.now())]
        balance, (earlier, allowance) = self.ledger.admit(caller, extra_keys=keys)
        allowance_seconds = self.rules.allowance_seconds(balance, allowance_used(allowance))
        available = balance.available
        for _ in range(TRIES):
            if earlier:
                return self.leases.kept_answer(earlier, body_hash, earlier["body_hash"], "first_answer")
            new = self._new(caller, body, session_id, body_hash, allowance_seconds)
            opened = self.rules.first(new, self.prices, available, self.now())
            answer = None if opened.is_direct else stored(self.leases.answer(opened, available - opened.held))
            extra_writes = [
                opening(opened, answer),
                put_transcript(caller.user_id, _history_line(opened, body)),
            ]
            try:
                self.ledger.hold(caller, self.rules.hold(opened), at=self.now(), extra_writes=extra_writes)
                return self.leases.handed_out(opened, available - opened.held)
            except ExtraWriteRefusedError:  # The same start was made before, or at this moment.
                earlier = self.tables.get(session_key(caller.user_id, session_id))
            except InsufficientCreditsError as refusal:
                available = int(refusal.details["available"] or 0)  # Another session was quicker: ask for less.
        raise UnavailableError("The account is busy with other sessions.")

    def renew(
        self, caller: Caller, session_id: str, interrupted: bool, renewal: str = "", body_hash: str = ""
    ) -> contract.Lease:
        """Settle the lease and hold the next one of the same session, in one write; or take up one that lapsed.

        `renewal` names the wish: the same one again gets the same lease, if the body is the same, until another one
        follows; then it is refused, for it must not end a lease that is not its own.
        """
        for _ in range(TRIES):
            seen = self._admitted(caller, session_id)
            is_open = seen.session.state is SessionState.OPENING
            if renewal and seen.session.renewal == renewal and (is_open or "renewal_answer" in seen.item):
                return self.leases.kept_answer(seen.item, body_hash, seen.session.renewal_hash, "renewal_answer")
            if renewal and renewal in seen.session.followed_renewals:
                raise ConflictError("This session was renewed again since this request.", "renewed_since")
            self.rules.check_renewable(seen.session, interrupted, self.now())
            ending = self._ending(seen, SessionState.ACTIVE, broke_off=interrupted)
            available = seen.balance.available + seen.session.held - ending.charge.credits
            allowance_seconds = self._allowance_seconds(seen) - ending.given_back_seconds
            wished = _wished(ending.session, renewal, body_hash)
            following = self.rules.following(wished, available, allowance_seconds, self.now())
            answer = None if following.is_direct else stored(self.leases.answer(following, available - following.held))
            extra_writes = [
                moved_on(seen.session, following, answer),
                self.leases.progress(following),
                *self._spent(seen, ending),
            ]
            try:
                if seen.session.state is SessionState.LAPSED:
                    if not self.ledger.hold(
                        caller, self.rules.hold(following), at=self.now(), extra_writes=extra_writes
                    ):
                        continue
                else:
                    ended, made = self.rules.hold(seen.session), self.rules.hold(following)
                    self.ledger.settle_and_hold(
                        caller, ended, ending.charge, made, at=self.now(), extra_writes=extra_writes
                    )
            except (*CAME_SECOND, InsufficientCreditsError):
                # A chunk, a stop, another renewal, the sweep or another session came first: read again, decide anew.
                continue
            return self.leases.handed_out(following, available - following.held)
        raise UnavailableError("The session is busy.")

    def save(self, caller: Caller, session_id: str, segments: list[contract.Segment]) -> contract.Saved:
        """Keep segments of the transcript; tell how long the lease still lasts and what to look out for."""
        seen = self._admitted(caller, session_id)
        current, now = seen.session, self.now()
        if current.state is SessionState.STOPPED or self.rules.is_too_late_to_resume(current, now):
            raise ConflictError(
                "This session was stopped. Its transcript is closed.", "session_stopped", state=current.state.value
            )
        if segments:
            kept = [Segment(s.seq, s.start_ms, s.end_ms, s.text, s.speaker) for s in segments]
            self._keep(current, kept)
        return contract.Saved(
            self.rules.seconds_left(current, now),
            self.rules.warnings(current, seen.balance, bool(segments), now),
        )

    def _keep(self, current: Session, segments: list[Segment]) -> None:
        size = sum(len(segment.text.encode()) + SEGMENT_OVERHEAD_BYTES for segment in segments)
        if size > MAX_SAVE_BYTES:
            raise TooLargeError(f"A save may hold {MAX_SAVE_BYTES} bytes of text at most.", max_bytes=MAX_SAVE_BYTES)
        block = put_segments(current.user_id, current.transcript_id, self.new_ulid(), segments)
        room = MAX_SAVED_BYTES - size
        words_until_ms = max(current.words_until_ms, *(segment.end_ms for segment in segments))
        try:
            self.tables.transact([block, saved(current, size, room, self.now(), words_until_ms)])
        except WriteRefusedError as refusal:
            if not refusal.refused.get(1):
                raise NotFoundError("There is no such session.") from refusal  # Its transcript was just deleted.
            raise TooLargeError("This transcript is full: start a new session.", max_bytes=MAX_SAVED_BYTES) from refusal

    def stop(self, caller: Caller, session_id: str, client_reported_seconds: int | None = None) -> contract.Stopped:
        """Settle the open lease and close the session. Again, or after the sweep: the same figures.

        What the client reports is kept beside our own figures and never billed.
        """
        for _ in range(TRIES):
            seen = self._admitted(caller, session_id)
            if seen.session.state is SessionState.STOPPED:
                return _stopped_answer(seen.session, seen.balance.available)
            self.rules.check_settled_down(seen.session, self.now())
            if self.rules.chunks_under_way(seen.session, self.now()):
                raise ConflictError(
                    "A chunk is still being recognised. Retry the request.", "still_running", retry_after_seconds=1
                )
            ending = self._ending(seen, SessionState.STOPPED)
            stopped = replace(ending.session, client_reported_seconds=client_reported_seconds)
            ending = replace(ending, session=stopped, charge=_told(ending.charge, stopped))
            try:
                self.leases.end(seen.session, ending, self._spent(seen, ending))
            except CAME_SECOND:
                continue
            back = seen.session.held - ending.charge.credits
            return _stopped_answer(stopped, seen.balance.available + back)
        raise UnavailableError("The session is busy.")

    # Sweeping

    def sweep(self) -> int:
        """End every lease whose time is over and whose client said nothing; how many were ended.

        Safe to run at any time, any number of times, also beside itself.
        """
        ended, failures = 0, []
        for hold in self.ledger.iter_due_holds(self.now()):
            if hold.kind != HOLD_KIND:
                continue
            try:
                ended += self.leases.abandon(hold, self.prices)
            except Exception as failure:  # noqa: BLE001 - one account that cannot be swept must not keep the others
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"{len(failures)} leases could not be ended, {ended} were", failures)
        return ended

    # Ending a lease

    def _ending(self, seen: Standing, state: SessionState, *, broke_off: bool = False) -> Ending:
        allowance_seconds = self._allowance_seconds(seen)
        return self.rules.ending(
            seen.session, state, allowance_seconds, self.now(), prices=self.prices, broke_off=broke_off
        )

    # Looking at a session

    def _admitted(self, caller: Caller, session_id: str) -> Standing:
        keys = [session_key(caller.user_id, session_id), allowance_key(caller.user_id, self.now())]
        balance, (item, allowance) = self.ledger.admit(caller, extra_keys=keys)
        if item is None:
            raise NotFoundError("There is no such session.")
        return Standing(balance, session(item), item, allowance_used(allowance))

    def _allowance_seconds(self, seen: Standing) -> int:
        return self.rules.allowance_seconds(seen.balance, seen.allowance_used_seconds)

    def _spent(self, seen: Standing, ending: Ending) -> list[Write]:
        """The day's allowance after this ending, if it gave anything back and nobody else took of it meanwhile."""
        if ending.given_back_seconds == 0:
            return []
        user_id, used = seen.session.user_id, seen.allowance_used_seconds
        return [spending(user_id, self.now(), ending.given_back_seconds, used)]

    def _new(
        self, caller: Caller, body: contract.Start, session_id: str, body_hash: str, allowance_seconds: int
    ) -> Session:
        now, is_direct = self.now(), body.transport == "direct"
        return Session(
            user_id=caller.user_id,
            session_id=session_id,
            transcript_id=self.new_ulid(),
            transport=body.transport,
            state=SessionState.OPENING,
            started_at=now,
            lease_number=0,
            lease_seconds=0,
            requested_lease_seconds=self.rules.wished_seconds(body.lease_seconds, is_direct, allowance_seconds),
            lease_started_at=now,
            lease_expires_at=now,
            held=0,
            price_version=self.prices.version,
            free_ms=0,
            language=body.language,
            key_terms=tuple(body.key_terms),
            sample_rate=body.sample_rate or DEFAULT_SAMPLE_RATE,
            body_hash=body_hash,
            provider="" if is_direct else self.relay_provider,
        )


def _wished(before: Session, renewal: str, body_hash: str) -> Session:
    """The session that knows its new renewal, and still those before."""
    followed = before.followed_renewals
    if before.renewal and before.renewal != renewal:
        followed = (*followed, before.renewal)[-FOLLOWED_RENEWALS:]
    return replace(before, renewal=renewal, renewal_hash=body_hash, followed_renewals=followed)


def _told(charge: Charge, stopped: Session) -> Charge:
    """The charge with what the client says of the session's length, where it says so."""
    if stopped.client_reported_seconds is None:
        return charge
    return replace(charge, reported_ms=stopped.client_reported_seconds * 1000, reported_of_ms=stopped.done_ms)


def _stopped_answer(stopped: Session, available: int) -> contract.Stopped:
    return contract.Stopped(
        session_id=stopped.session_id,
        transcript_id=stopped.transcript_id,
        billed_seconds=-(-stopped.done_ms // 1000),
        credits_used=stopped.charged,
        credits_available=available,
    )


def _history_line(opened: Session, body: contract.Start) -> Transcript:
    return Transcript(
        transcript_id=opened.transcript_id,
        kind=SERVICE,
        started_at=opened.started_at,
        title=body.title,
        source_url=body.source_url,
        language=body.language,
        session_id=opened.session_id,
        state=opened.state.value,
    )
