"""Live sessions on leases: hold the credits of a lease, renew it, settle what was used.

One lease is one hold and one entry. Whatever ends a lease (renewal, stop, sweep) does so in one transaction with the
session, on the condition that the session is as it was read; the loser of a race reads again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

import msgspec
from msgspec.structs import replace

from .. import contract
from ..errors import (
    ConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    UnavailableError,
)
from ..models.accounts import Caller
from ..models.sessions import HASH_DIGITS, Session, SessionState
from ..pricing.price_files import Prices
from ..repositories.allowances import allowance_key, allowance_used_seconds
from ..repositories.ledger import ExtraWriteRefusedError, HoldEndedError, Ledger
from ..repositories.session_responses import put_response, put_start, start_key, with_labels
from ..repositories.sessions import (
    create_session,
    delete_open_session,
    list_open_sessions,
    put_open_session,
    session_from,
    session_key,
    update_session,
)
from ..repositories.table import Tables, WriteRefusedError
from ..repositories.transcripts import put_transcript
from .lease_rules import LeaseEnd, LeaseRules
from .leases import TRIES, Leases, encode_response
from .session_records import (
    SessionSnapshot,
    allowance_writes,
    check_exists,
    new_transcript,
    open_sessions_response,
    stopped_response,
    turn_settings,
    with_client_report,
    with_renewal,
)
from .words import Block, Words, with_words

DEFAULT_SAMPLE_RATE = 16_000
MAX_KEY_TERMS_BYTES = 6_000  # URL-encoded in the socket's address: many servers refuse addresses above 8 KB
LOST_RACE = (ExtraWriteRefusedError, HoldEndedError, WriteRefusedError)


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

        The lease is shorter than requested where the balance affords no more. A retry with the same `session_id` and
        body gets the first response. Raises InsufficientCreditsError when the balance does not cover the shortest
        lease, ProviderError (nothing is held or stored), IdempotencyMismatchError, AccountBlockedError,
        UnauthenticatedError.
        """
        if len(quote_plus(msgspec.json.encode(body.key_terms))) > MAX_KEY_TERMS_BYTES:
            raise InvalidRequestError(
                "The key terms are too long for the socket's address. Send fewer or shorter ones.", "key_terms"
            )
        keys = [session_key(caller.user_id, session_id), allowance_key(caller.user_id, self.now())]
        balance, (earlier, allowance) = self.ledger.admit(caller, extra_keys=keys)
        allowance_seconds = self.rules.allowance_seconds(balance, allowance_used_seconds(allowance))
        available, held = balance.available, balance.held
        for _ in range(TRIES):
            if earlier:
                return self.leases.repeat_start(earlier, body_hash)
            new = self._new_session(caller, body, session_id, body_hash, allowance_seconds, balance.is_buyer)
            opened = self.rules.first(new, self.prices, available, self.now(), held)
            response = (
                None if opened.is_direct else encode_response(self.leases.response(opened, available - opened.held))
            )
            extra_writes = [
                create_session(opened),
                put_start(opened, response),
                put_open_session(opened),
                put_transcript(caller.user_id, new_transcript(opened, body)),
            ]
            try:
                self.ledger.hold(caller, self.rules.hold(opened), at=self.now(), extra_writes=extra_writes)
                return self.leases.issue(opened, available - opened.held, is_buyer=balance.is_buyer)
            except ExtraWriteRefusedError:  # The same start was made before, or just now.
                earlier = self.tables.get(session_key(caller.user_id, session_id))
            except InsufficientCreditsError as refusal:
                # Another session held credits first: hold less.
                available, held = refusal.available, refusal.held
        raise UnavailableError("The account is busy with other sessions. Retry the request.")

    def renew(
        self, caller: Caller, session_id: str, interrupted: bool, renewal: str = "", body_hash: str = ""
    ) -> contract.Lease:
        """Settle the lease and hold the session's next one, in one transaction; or resume a session that lapsed.

        `renewal` is the idempotency key: a retry with the same body gets the same lease until another renewal
        follows. After that it is refused, because it must not end the later lease.
        """
        for _ in range(TRIES):
            snapshot = self._load(caller, session_id)
            if repeated := self.leases.repeat_renewal(snapshot, renewal, body_hash):
                return repeated
            self.rules.check_renewable(snapshot.session, interrupted, self.now())
            is_buyer = snapshot.balance.is_buyer
            if snapshot.session.is_direct:
                self.leases.live_providers.check(snapshot.session, is_buyer=is_buyer)
            ending = self._end_lease(snapshot, SessionState.ACTIVE, interrupted=interrupted)
            available = snapshot.balance.available + snapshot.session.held - ending.charge.credits
            allowance_seconds = self._allowance_seconds(snapshot) - ending.returned_seconds
            renewed = with_renewal(ending.session, renewal, body_hash)
            held = snapshot.balance.held - snapshot.session.held
            following = self.rules.next_lease(renewed, available, allowance_seconds, self.now(), held)
            response = (
                None
                if following.is_direct
                else encode_response(self.leases.response(following, available - following.held))
            )
            extra_writes = [
                update_session(snapshot.session, following, with_response=response is not None),
                self.leases.transcript_write(following),
                *([put_response(following, response)] if response else ()),
                *allowance_writes(snapshot, ending, self.now()),
            ]
            try:
                if snapshot.session.state is SessionState.LAPSED:
                    if not self.ledger.hold(
                        caller, self.rules.hold(following), at=self.now(), extra_writes=extra_writes
                    ):
                        continue
                else:
                    ended, made = self.rules.hold(snapshot.session), self.rules.hold(following)
                    self.ledger.settle_and_hold(
                        caller, ended, ending.charge, made, at=self.now(), extra_writes=extra_writes
                    )
            except (*LOST_RACE, InsufficientCreditsError):
                # A chunk, stop, renewal, sweep or another session changed something first: read and decide again.
                continue
            return self.leases.issue(following, available - following.held, is_buyer=is_buyer)
        raise UnavailableError("The session is busy. Retry the request.")

    def save(
        self,
        caller: Caller,
        session_id: str,
        segments: Sequence[contract.SegmentInput],
        sent_today: int = 0,
    ) -> contract.Saved:
        """Store segments of the transcript; return which, how long the lease still lasts, and warnings.

        Accepted for some time after a stop too, when it changes neither charge nor allowance.
        """
        balance, (item,) = self.ledger.admit(caller, extra_keys=[session_key(caller.user_id, session_id)])
        session = session_from(check_exists(item))
        self._words.check_open(session)
        session, selection = self._words.save(session, segments, sent_today)
        return contract.Saved(
            saved=selection.seqs,
            rejected=selection.rejected,
            seconds_left=self.rules.seconds_left(session, self.now()),
            warnings=self.rules.warnings(session, balance, bool(segments), self.now()),
        )

    def stop(
        self,
        caller: Caller,
        session_id: str,
        client_reported_seconds: int | None = None,
        segments: Sequence[contract.SegmentInput] = (),
        sent_today: int = 0,
    ) -> contract.Stopped:
        """Store the last words, settle the open lease and close the session, in one transaction.

        A repeat, also after the sweep, returns the same figures, and stores other words while they are accepted.
        The duration that the client reports is stored beside ours and never billed; an implausible one counts apart.
        """
        block: Block | None = None
        for _ in range(TRIES):
            snapshot = self._load(caller, session_id)
            session = snapshot.session
            if session.state is SessionState.STOPPED:
                _, selection = self._words.save(session, segments, sent_today)
                return stopped_response(session, snapshot.balance.available, selection.rejected)
            self.rules.check_not_opening(session, self.now())
            if self.rules.chunks_in_flight(session, self.now()):
                raise ConflictError(
                    "A chunk is still being recognised. Retry the request.", "still_running", retry_after_seconds=1
                )
            ending = self._end_lease(snapshot, SessionState.STOPPED)
            stopped = replace(ending.session, client_reported_seconds=client_reported_seconds, stopped_at=self.now())
            extra_writes = allowance_writes(snapshot, ending, self.now())
            extra_writes.append(delete_open_session(session.user_id, session.transcript_id))
            selection = self._words.select(session, segments, sent_today)
            if selection.size:
                block = block or self._words.new_block(session)
                extra_writes.append(self._words.block_write(session, block, selection))
                stopped = with_words(stopped, segments, selection, block, self.now())
            longest_seconds = self.rules.longest_socket_seconds(stopped, self.now())
            charge = with_client_report(ending.charge, stopped, longest_seconds)
            ending = replace(ending, session=stopped, charge=charge)
            try:
                self.leases.end(session, ending, extra_writes)
            except LOST_RACE:
                continue
            back = session.held - ending.charge.credits
            return stopped_response(stopped, snapshot.balance.available + back, selection.rejected)
        raise UnavailableError("The session is busy. Retry the request.")

    def open_sessions(self, caller: Caller) -> contract.OpenSessions:
        """The caller's sessions that run or can be resumed, newest first, at most 100."""
        self.ledger.admit(caller)
        found = list_open_sessions(self.tables, caller.user_id)
        return open_sessions_response([session for session in found if self.rules.is_open(session, self.now())])

    def sweep(self) -> int:
        """End every expired lease that its client did not end; return how many.

        Safe to run at any time, repeatedly and concurrently.
        """
        return self.leases.abandon_expired(self.prices)

    @property
    def _words(self) -> Words:
        return Words(self.tables, self.rules, self.now, self.new_ulid)

    def _end_lease(self, snapshot: SessionSnapshot, state: SessionState, *, interrupted: bool = False) -> LeaseEnd:
        allowance_seconds = self._allowance_seconds(snapshot)
        return self.rules.ending(
            snapshot.session, state, allowance_seconds, self.now(), prices=self.prices, interrupted=interrupted
        )

    def _load(self, caller: Caller, session_id: str) -> SessionSnapshot:
        user_id = caller.user_id
        keys = [session_key(user_id, session_id), start_key(user_id, session_id), allowance_key(user_id, self.now())]
        balance, (item, start, allowance) = self.ledger.admit(caller, extra_keys=keys)
        item = with_labels(check_exists(item), start)
        return SessionSnapshot(balance, session_from(item), item, allowance_used_seconds(allowance))

    def _allowance_seconds(self, snapshot: SessionSnapshot) -> int:
        return self.rules.allowance_seconds(snapshot.balance, snapshot.allowance_used_seconds)

    def _new_session(
        self,
        caller: Caller,
        body: contract.Start,
        session_id: str,
        body_hash: str,
        allowance_seconds: int,
        is_buyer: bool,
    ) -> Session:
        """The session before its first lease. Raises as `LiveProviders` does where no provider can serve it."""
        now, is_direct, live_providers = self.now(), body.transport == "direct", self.leases.live_providers
        new = Session(
            user_id=caller.user_id,
            session_id=session_id,
            transcript_id=self.new_ulid(),
            transport=body.transport,
            state=SessionState.OPENING,
            started_at=now,
            lease_number=0,
            lease_seconds=0,
            requested_lease_seconds=self.rules.requested_seconds(body.lease_seconds, is_direct, allowance_seconds),
            lease_started_at=now,
            lease_expires_at=now,
            held=0,
            price_version=self.prices.version,
            free_ms=0,
            language=body.language,
            key_terms=tuple(body.key_terms),
            sample_rate=body.sample_rate or DEFAULT_SAMPLE_RATE,
            turn=turn_settings(body.turn),
            providers=live_providers.narrow(body.providers, is_buyer=is_buyer) if is_direct else (),
            body_hash=body_hash[:HASH_DIGITS],
            provider="" if is_direct else self.relay_provider,
        )
        if is_direct:
            live_providers.check(new, is_buyer=is_buyer)
        return new
