"""What happens to a lease besides its arithmetic: handing it out, taking it back, ending it. Used by streaming.py.

A direct lease is held first, then the provider is asked for its token, then the lease is recorded as running. A process
that dies between leaves a lease that is swept a minute later, unbilled, because nobody has its token.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import msgspec
from msgspec.structs import replace

from .. import contract
from ..dates import rfc3339
from ..errors import ConflictError, IdempotencyMismatchError, ProviderError, UnavailableError
from ..models.ledger import Hold
from ..models.sessions import LiveOptions, Session, SessionState, SocketCredential
from ..pricing.price_files import Prices, load
from ..repositories.ledger import ExtraWriteRefusedError, HoldEndedError, Ledger
from ..repositories.ledger_items import hold_recorded
from ..repositories.sessions import answer_name, erasing, moved_on, session, session_key
from ..repositories.table import Item, Tables, Write, WriteRefusedError
from ..repositories.transcripts import delete_transcript, update_live_transcript
from .lease_rules import SERVICE, Ending, LeaseRules

TRIES = 8


class LiveProvider(Protocol):
    """A provider that the extension opens a socket to."""

    def knows(self, language: str) -> bool:
        """Whether the provider has a live model for the language; empty means none in particular."""

    def ticket(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        """What opens one socket for at most `lease_seconds`. Raises ProviderError."""


@dataclass(frozen=True)
class Leases:
    """Leases on the tables and at the providers."""

    ledger: Ledger
    tables: Tables
    rules: LeaseRules
    live_providers: Sequence[LiveProvider]  # asked in this order until one answers
    now: Callable[[], int]  # epoch seconds, UTC

    def knows(self, language: str) -> bool:
        """Whether any live provider has the language."""
        return any(provider.knows(language) for provider in self.live_providers)

    def handed_out(self, opened: Session, available: int, begins_at: int | None = None) -> contract.Lease:
        """The lease with what opens its socket; a relayed lease needs nothing more.

        `begins_at`: when it begins, if later than it was held.
        """
        if not opened.is_direct:
            return self.answer(opened, available)
        try:
            ticket = self._ticket(opened)
        except Exception:
            # Where this fails too, the sweep does it a minute later; the first error matters more.
            with suppress(HoldEndedError, ExtraWriteRefusedError, UnavailableError):
                self.take_back(opened)
            raise
        seconds = min(opened.lease_seconds, ticket.longest_lease_seconds)
        started_at = opened.lease_started_at if begins_at is None else begins_at
        live = replace(
            opened,
            state=SessionState.ACTIVE,
            provider=ticket.provider,
            model=ticket.model,
            lease_seconds=seconds,
            lease_started_at=started_at,
            lease_expires_at=started_at + seconds,
        )
        answer = self.answer(live, available, ticket)
        recorded = moved_on(opened, live, stored(answer))
        try:
            self.tables.transact([recorded, hold_recorded(self.rules.hold(live)), self.progress(live)])
        except WriteRefusedError as refusal:  # So slow that the sweep took it back: nobody has this token.
            raise UnavailableError("Opening the lease took too long: start again.") from refusal
        return answer

    def _ticket(self, opened: Session) -> SocketCredential:
        options = LiveOptions(opened.language, opened.key_terms, opened.sample_rate)
        failure: ProviderError | None = None
        for provider in self.live_providers:
            if not provider.knows(opened.language):
                continue
            try:
                return provider.ticket(opened.lease_seconds, options)
            except ProviderError as error:
                failure = error
        raise failure or UnavailableError("No live provider is set up.")

    def kept_answer(self, item: Item, asked_hash: str, kept_hash: str, name: str) -> contract.Lease:
        """The answer that this wish got before, or would have got had its process not died.

        Raises ConflictError where it can be answered no more: its lease was ended, or followed by another, meanwhile.
        """
        if asked_hash != kept_hash:
            raise IdempotencyMismatchError("This Idempotency-Key came before with another body.")
        if name in item:
            return msgspec.json.decode(item[name], type=contract.Lease)
        current = session(item)
        # A running lease has its token. Another one for it would be a socket that nobody pays for.
        if current.state is not SessionState.OPENING or answer_name(current) != name:
            raise ConflictError(
                "This lease ended before its answer was ready.", "lease_over", state=current.state.value
            )
        self.rules.check_settled_down(current, self.now())
        return self.handed_out(current, self.ledger.balance(current.user_id).available, begins_at=self.now())

    def end(self, current: Session, ending: Ending, spent: list[Write]) -> None:
        """Settle the open lease, if there is one, and leave the session as `ending` says."""
        closed = replace(ending.session, free_ms=0, inflight=())
        extra_writes = [moved_on(current, closed), self.progress(closed), *spent]
        if current.state in (SessionState.ACTIVE, SessionState.OPENING):
            self.ledger.settle(self.rules.hold(current), ending.charge, at=self.now(), extra_writes=extra_writes)
        else:
            self.tables.transact(extra_writes)

    def abandon(self, hold: Hold, prices: Prices, *, at_once: bool = False) -> bool:
        """End the lease of this hold if its time is over, or `at_once`: nobody speaks for it. Whether it was ended.

        A direct lease is billed to its end either way, because its socket may stay open until then. At once does not
        mean beside a process that is opening the lease, or has a chunk of it with a provider: call again.
        """
        for _ in range(TRIES):
            item = self.tables.get(session_key(hold.user_id, hold.reference))
            current = session(item) if item else None
            if current is None or current.hold_id != hold.hold_id:
                return self._released(hold)
            if self._is_spoken_for(current, at_once):
                return False
            try:
                if current.state is SessionState.OPENING:
                    self.take_back(current)
                elif current.state is SessionState.ACTIVE:
                    # Nothing is given back, and only what was saved is known to be heard.
                    ending = self.rules.ending(
                        current, SessionState.LAPSED, 0, self.now(), prices=prices, broke_off=True
                    )
                    self.end(current, ending, [])
                else:
                    return self._released(hold)
                return True
            except HoldEndedError:
                return False
            except ExtraWriteRefusedError:
                continue
        return False

    def _is_spoken_for(self, current: Session, at_once: bool) -> bool:
        now = self.now()
        if not at_once:  # The index of open holds may be a moment behind: then this lease has only just begun.
            return self.rules.hold(current).sweep_at > now
        return self.rules.is_being_opened(current, now) or bool(self.rules.chunks_under_way(current, now))

    def _released(self, hold: Hold) -> bool:
        try:
            self.ledger.release(hold, at=self.now())
            return True
        except HoldEndedError:
            return False

    def take_back(self, opened: Session) -> None:
        """Undo a lease whose token never came: all of its hold goes back, and a session that was new is gone."""
        if opened.lease_number == 1:
            extra_writes = [erasing(opened), delete_transcript(opened.user_id, opened.transcript_id)]
        else:
            lapsed = replace(opened, state=SessionState.LAPSED, held=0)
            extra_writes = [moved_on(opened, lapsed), self.progress(lapsed)]
        self.ledger.release(self.rules.hold(opened), at=self.now(), extra_writes=extra_writes)

    def progress(self, current: Session) -> Write:
        ended = current.state in (SessionState.LAPSED, SessionState.STOPPED)
        return update_live_transcript(current, ended_at=self.now() if ended else None)

    def answer(self, current: Session, available: int, ticket: SocketCredential | None = None) -> contract.Lease:
        opened = {}
        if ticket:
            opened = {
                "websocket_url": ticket.websocket_url,
                "token": ticket.token,
                "token_expires_at": rfc3339(ticket.token_expires_at),
            }
        return contract.Lease(
            session_id=current.session_id,
            transcript_id=current.transcript_id,
            provider=current.provider,
            lease_seconds=current.lease_seconds,
            lease_expires_at=rfc3339(current.lease_expires_at),
            renew_after=rfc3339(self.rules.renew_after(current)),
            credits_held=current.held,
            credits_per_minute=load(current.price_version).services[SERVICE].credits_per_minute,
            credits_available=available,
            save_interval_seconds=self.rules.save_interval_seconds,
            offset_ms=current.offset_ms,
            **opened,
        )


def stored(answer: contract.Lease) -> str:
    return msgspec.json.encode(answer).decode()
