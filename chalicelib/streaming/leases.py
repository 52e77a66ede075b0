"""Leases on the tables and at the providers: issue one, cancel it, end it. The arithmetic is in lease_rules.py.

A direct lease is held first, then the provider creates its token, then the lease is recorded as running. A process that
dies in between leaves a lease that is swept after a minute, unbilled, because no client has its token.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from .. import contract
from ..dates import rfc3339
from ..errors import ConflictError, IdempotencyMismatchError, UnavailableError
from ..models.ledger import Hold, HoldKind
from ..models.sessions import HASH_DIGITS, Session, SessionState, SocketCredential
from ..pricing.price_files import Prices, load
from ..repositories.ledger import ExtraWriteRefusedError, HoldEndedError, Ledger
from ..repositories.ledger_items import cost_writes, reschedule_sweep
from ..repositories.session_responses import (
    delete_responses,
    first_response,
    put_response,
    renewal_key,
    renewal_response,
    start_key,
    with_labels,
)
from ..repositories.sessions import (
    delete_open_session,
    delete_session,
    session_from,
    session_key,
    update_session,
)
from ..repositories.table import Item, Tables, Write, WriteRefusedError
from ..repositories.transcripts import delete_transcript, update_live_transcript
from .lease_rules import SERVICE, LeaseEnd, LeaseRules
from .live_providers import LiveProviders
from .session_records import SessionSnapshot, has_followed

TRIES = 8


@dataclass(frozen=True)
class Leases:
    """Issues, cancels and ends leases."""

    ledger: Ledger
    tables: Tables
    rules: LeaseRules
    live_providers: LiveProviders
    now: Callable[[], int]  # epoch seconds, UTC

    def issue(self, opened: Session, available: int, *, is_buyer: bool, begins_at: int | None = None) -> contract.Lease:
        """Create the socket credential of a held direct lease and record the lease as running; a relay lease is ready.

        `begins_at`: when the lease begins, if later than it was held. Raises ProviderError (the lease is cancelled),
        UnavailableError.
        """
        if not opened.is_direct:
            return self.response(opened, available)
        try:
            credential = self.live_providers.create_socket_credential(opened, is_buyer=is_buyer)
        except Exception:
            # If this fails too, the sweep cancels the lease a minute later; the first error matters more.
            with suppress(HoldEndedError, ExtraWriteRefusedError, UnavailableError):
                self.cancel_opening(opened)
            raise
        seconds = min(opened.lease_seconds, credential.longest_lease_seconds)
        started_at = opened.lease_started_at if begins_at is None else begins_at
        live = replace(
            opened,
            state=SessionState.ACTIVE,
            provider=credential.provider,
            model=credential.model,
            lease_seconds=seconds,
            lease_started_at=started_at,
            lease_expires_at=started_at + seconds,
        )
        for _ in range(TRIES):
            response = self.response(live, available, credential)
            recorded = update_session(opened, live, with_response=True)
            writes = [
                recorded,
                reschedule_sweep(self.rules.hold(live)),
                put_response(live, encode_response(response)),
            ]
            try:
                self.tables.transact(writes)
                return response
            except WriteRefusedError as refusal:
                next_seq = session_from(refusal.refused[0]).next_seq if refusal.refused.get(0) else opened.next_seq
                if next_seq == opened.next_seq:
                    break  # So slow that the sweep cancelled it: no client has this token.
                # Words were saved while the provider created the token: the answer must not lead back before them.
                opened, live = replace(opened, next_seq=next_seq), replace(live, next_seq=next_seq)
        raise UnavailableError("Opening the lease took too long. Start again.")

    def repeat_start(self, item: Item, body_hash: str) -> contract.Lease:
        """The response of the start that opened the session in `item`. Raises as `_repeat` does."""
        start = self.tables.get(start_key(item["user_id"], item["session_id"]))
        session = session_from(with_labels(item, start))
        return self._repeat(session, first_response(item, start), body_hash, session.body_hash, is_start=True)

    def repeat_renewal(self, snapshot: SessionSnapshot, renewal: str, body_hash: str) -> contract.Lease | None:
        """The response of this renewal of the session, if it was made before; None if it is new, or failed.

        Raises as `_repeat` does; ConflictError where another renewal followed it.
        """
        session = snapshot.session
        if renewal and session.renewal == renewal:
            stored = self.tables.get(renewal_key(session.user_id, session.session_id))
            response = renewal_response(snapshot.item, stored)
            if response or session.state is SessionState.OPENING:
                return self._repeat(session, response, body_hash, session.renewal_hash, is_start=False)
        if renewal and has_followed(session, renewal):
            raise ConflictError(
                "This session was renewed again since this request. Use the newest lease.", "renewed_since"
            )
        return None

    def _repeat(
        self, session: Session, response: str | None, body_hash: str, stored_hash: str, *, is_start: bool
    ) -> contract.Lease:
        """The response that an earlier try of this request got, or would have got had its process not died.

        `response`: what is stored of it. Raises IdempotencyMismatchError; ConflictError where its lease was ended or
        renewed meanwhile.
        """
        if body_hash[:HASH_DIGITS] != stored_hash[:HASH_DIGITS]:
            raise IdempotencyMismatchError("This Idempotency-Key was already used with different parameters.")
        if response:
            # Words may have been saved since: a client that went on at the old number would replace them.
            stored = msgspec.json.decode(response)
            return msgspec.convert(stored | {"next_seq": session.next_seq}, contract.Lease)
        # A running lease has its token. A second token would open a socket that is not paid for.
        if session.state is not SessionState.OPENING or is_start != (session.lease_number == 1):
            raise ConflictError(
                "This lease ended before its answer was ready. Start again with a new Idempotency-Key.",
                "lease_over",
                state=session.state.value,
            )
        self.rules.check_not_opening(session, self.now())
        balance = self.ledger.balance(session.user_id)
        return self.issue(session, balance.available, is_buyer=balance.is_buyer, begins_at=self.now())

    def end(self, session: Session, ending: LeaseEnd, others: list[Write]) -> None:
        """Settle the open lease, if there is one, and store the session as `ending` has it, with `others`.

        Without one there is nothing to charge, but a client's report is booked.
        """
        closed = replace(ending.session, free_ms=0, inflight=())
        extra_writes = [update_session(session, closed), self.transcript_write(closed), *others]
        if session.state in (SessionState.ACTIVE, SessionState.OPENING):
            self.ledger.settle(self.rules.hold(session), ending.charge, at=self.now(), extra_writes=extra_writes)
        else:
            if ending.charge.has_report:
                fact = f"{session.transcript_id}/report"
                extra_writes += cost_writes(session.user_id, ending.charge, self.now(), fact)
            self.tables.transact(extra_writes)

    def abandon_expired(self, prices: Prices) -> int:
        """End every expired lease; return how many. Raises ExceptionGroup after all were tried."""
        ended, failures = 0, []
        for hold in self.ledger.iter_due_holds(self.now()):
            if hold.kind != HoldKind.STREAM:
                continue
            try:
                ended += self.abandon(hold, prices)
            except Exception as failure:  # noqa: BLE001 - one account that fails must not block the others
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"{len(failures)} leases could not be ended, {ended} were", failures)
        return ended

    def abandon(self, hold: Hold, prices: Prices, *, at_once: bool = False) -> bool:
        """End the lease of this hold if it has expired, or `at_once`; return whether it was ended.

        A direct lease is billed to its end either way, because its socket may stay open until then. Even at once, a
        lease is not ended while a process opens it or has a chunk of it with a provider: call again.
        """
        for _ in range(TRIES):
            item = self.tables.get(session_key(hold.user_id, hold.reference))
            session = session_from(item) if item else None
            if session is None or session.hold_id != hold.hold_id:
                return self._release(hold)
            if self._is_in_use(session, at_once):
                return False
            try:
                if session.state is SessionState.OPENING:
                    self.cancel_opening(session)
                elif session.state is SessionState.ACTIVE:
                    # Nothing is returned, and only saved text counts as covered.
                    ending = self.rules.ending(
                        session, SessionState.LAPSED, 0, self.now(), prices=prices, interrupted=True
                    )
                    self.end(session, ending, [])
                else:
                    return self._release(hold)
                return True
            except HoldEndedError:
                return False
            except ExtraWriteRefusedError:
                continue
        return False

    def _is_in_use(self, session: Session, at_once: bool) -> bool:
        now = self.now()
        if not at_once:  # The index of open holds may lag: then this lease has only just begun.
            return self.rules.hold(session).sweep_at > now
        return self.rules.is_being_opened(session, now) or bool(self.rules.chunks_in_flight(session, now))

    def _release(self, hold: Hold) -> bool:
        try:
            self.ledger.release(hold, at=self.now())
            return True
        except HoldEndedError:
            return False

    def cancel_opening(self, opened: Session) -> None:
        """Undo a lease without a token: release its whole hold, and delete the session if this was its first lease."""
        if opened.lease_number == 1:
            extra_writes = [
                delete_session(opened),
                delete_open_session(opened.user_id, opened.transcript_id),
                delete_transcript(opened.user_id, opened.transcript_id),
                *delete_responses(opened),
            ]
        else:
            lapsed = replace(opened, state=SessionState.LAPSED, held=0)
            extra_writes = [update_session(opened, lapsed), self.transcript_write(lapsed)]
        self.ledger.release(self.rules.hold(opened), at=self.now(), extra_writes=extra_writes)

    def transcript_write(self, session: Session) -> Write:
        ended = session.state in (SessionState.LAPSED, SessionState.STOPPED)
        return update_live_transcript(session, ended_at=self.now() if ended else None)

    def response(self, session: Session, available: int, credential: SocketCredential | None = None) -> contract.Lease:
        opened = {}
        if credential:
            opened = {
                "websocket_url": credential.websocket_url,
                "token": credential.token,
                "token_expires_at": rfc3339(credential.token_expires_at),
            }
        return contract.Lease(
            session_id=session.session_id,
            transcript_id=session.transcript_id,
            provider=session.provider,
            lease_seconds=session.lease_seconds,
            lease_expires_at=rfc3339(session.lease_expires_at),
            renew_after=rfc3339(self.rules.renew_after(session)),
            credits_held=session.held,
            credits_per_minute=load(session.price_version).services[SERVICE].credits_per_minute,
            credits_available=available,
            save_interval_seconds=self.rules.save_interval_seconds,
            offset_ms=session.offset_ms,
            next_seq=session.next_seq,
            **opened,
        )


def encode_response(response: contract.Lease) -> str:
    return msgspec.json.encode(response).decode()
