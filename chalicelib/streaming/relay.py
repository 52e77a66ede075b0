"""Relayed audio: recognise one chunk and bill exactly its milliseconds, but a second at least.

The chunk's milliseconds are reserved inside the lease before a provider is called, billed in the transaction that
stores the words, and released if no provider recognises them. A process that dies in between leaves a reservation:
once that is stale, the same `seq` sent again takes it over, or the lease ends without billing it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, Protocol

from msgspec.structs import replace

from .. import contract
from ..errors import ConflictError, IdempotencyMismatchError, NotFoundError, ProviderError, UnavailableError
from ..models.accounts import Caller
from ..models.audio import Audio
from ..models.ledger import Charge, ModelUse
from ..models.sessions import Reservation, Session, SessionState
from ..models.transcripts import Recognition
from ..pricing.price_files import Prices, load
from ..repositories.bookings import retry_booking
from ..repositories.ledger import Ledger
from ..repositories.sessions import (
    RAISED_BY_CHUNKS,
    complete_chunk,
    has_outrun,
    is_completed,
    recognition_from,
    release_chunk,
    reservation_from,
    reserve_chunk,
    session_from,
    session_key,
)
from ..repositories.table import Item, Tables, WriteRefusedError
from .lease_rules import SERVICE


class Recogniser(Protocol):
    """A provider of speech recognition. `shortest_ms`: it refuses shorter audio."""

    shortest_ms: int

    def recognise(self, audio: Audio, language: str) -> Recognition:
        """The words of `audio`. Raises ProviderError."""


@dataclass(frozen=True)
class Relay:
    """Recognise one chunk of a relay session."""

    ledger: Ledger
    tables: Tables
    recognisers: Sequence[Recogniser]  # tried in this order
    prices: Prices  # what providers cost now; the listener pays by the session's own version
    stale_after_seconds: int
    now: Callable[[], int]
    new_id: Callable[[], str]

    def chunk(
        self, caller: Caller, session_id: str, seq: int, start_ms: int | None, audio: Audio
    ) -> tuple[contract.Chunk, bool]:
        """Recognise one chunk, charged once per `seq`; the same chunk sent again returns the same words for free.

        The second value tells whether the chunk is such a repetition, which needed no new work.

        Raises NotFoundError, ConflictError (not a relay session, stopped, lease ended or used up, chunk in flight),
        IdempotencyMismatchError (other audio under this `seq`), ProviderError (nothing charged).
        """
        session = self._load(caller, session_id)
        chunk = Reservation(
            seq=seq,
            attempt=self.new_id(),
            audio_ms=audio.duration_ms,
            audio_hash=audio.fingerprint,
            reserved_at=self.now(),
            start_ms=session.offset_ms if start_ms is None else start_ms,
            saves_before=session.saves,
        )
        if completed_item := self._reserve(session, chunk):
            recognition = _completed_recognition(completed_item, chunk.audio_hash)
            return _chunk_response(reservation_from(completed_item), recognition, session, session.done_ms), True
        try:
            recognition = _as_stored(self._recognise(session, audio))
            self._complete(session, chunk, recognition)
        except UnavailableError:
            raise  # The tables are unavailable: the reservation goes stale and is never billed.
        except Exception:
            self._release(session, chunk)
            raise
        return _chunk_response(chunk, recognition, session, session.done_ms + chunk.billed_ms), False

    def _load(self, caller: Caller, session_id: str) -> Session:
        _, (item,) = self.ledger.admit(caller, extra_keys=[session_key(caller.user_id, session_id)])
        if item is None:
            raise NotFoundError("There is no such session.")
        session = session_from(item)
        if session.transport != "relay":
            raise ConflictError(
                "This session streams directly to the provider. Send its audio there.",
                "wrong_transport",
                transport=session.transport,
            )
        return session

    def _reserve(self, session: Session, chunk: Reservation) -> Item | None:
        """Reserve the chunk; return the item of the same chunk recognised before, if there is one.

        A stale reservation of the same `seq` is taken over, and chunks of a higher `seq`, or of requests that saw more
        saves, may have been reserved meanwhile, so three tries are enough.
        """
        stale: Reservation | None = None
        for _ in range(3):
            try:
                self.tables.transact(reserve_chunk(session, chunk, stale))
                return None
            except WriteRefusedError as refusal:
                completed_item = refusal.refused.get(1)
                if not completed_item and 0 in refusal.refused:
                    stored = session_from(refusal.refused[0]) if refusal.refused[0] else None
                    if stored is None or stored.transcript_id != session.transcript_id:
                        # Just deleted; the session that its Idempotency-Key opened since is another one.
                        raise NotFoundError("There is no such session.") from refusal
                    if has_outrun(session, stored, chunk):
                        raised = {name: getattr(stored, name) for name in RAISED_BY_CHUNKS}
                        session = replace(session, **raised)
                        continue
                    _raise_refusal(session, chunk, stored)
                if not completed_item:
                    break  # The stale one was just released.
                if recognition_from(completed_item):
                    return completed_item
                stale = reservation_from(completed_item)
                if stale.audio_hash != chunk.audio_hash:
                    raise _mismatch(chunk.seq) from refusal
                if chunk.reserved_at - stale.reserved_at < self.stale_after_seconds:
                    break
        raise ConflictError(
            "This chunk is being recognised. Retry the request.", "still_running", seq=chunk.seq, retry_after_seconds=1
        )

    def _recognise(self, session: Session, audio: Audio) -> Recognition:
        failure: ProviderError | None = None
        for recogniser in self.recognisers:
            if audio.duration_ms < recogniser.shortest_ms:
                continue
            try:
                return recogniser.recognise(audio, session.language)
            except ProviderError as error:
                failure = error
        raise failure or ProviderError("No provider of speech recognition is configured.")

    def _release(self, session: Session, chunk: Reservation) -> None:
        # If this fails too, the reservation goes stale and is never billed; the first error matters more.
        with suppress(WriteRefusedError, UnavailableError):
            self.tables.transact(release_chunk(session, chunk))

    def _complete(self, session: Session, chunk: Reservation, recognition: Recognition) -> None:
        cost = self.prices.cost_micro_usd(recognition.model, chunk.audio_ms)
        writes = complete_chunk(session, chunk, recognition, cost)

        def bill() -> None:
            try:
                self.tables.transact(writes)
            except WriteRefusedError as refusal:
                if not is_completed(chunk, refusal.refused.get(1)):  # An earlier try was written.
                    raise

        try:
            retry_booking(bill, cost)
        except WriteRefusedError as refusal:
            self._book_lost(session, chunk, ModelUse(recognition.model, chunk.audio_ms, cost))
            if 0 in refusal.refused:
                raise ConflictError(
                    "This chunk took too long or its session ended. It was not charged. Send it again.", "chunk_expired"
                ) from refusal
            raise ConflictError(
                "This chunk took too long and was sent again. Retry the request.", "still_running", seq=chunk.seq
            ) from refusal

    def _book_lost(self, session: Session, chunk: Reservation, use: ModelUse) -> None:
        """Book what a provider recognised for a chunk that cannot be billed any more, as our cost at no credits."""
        cost = Charge(0, SERVICE, session.session_id, 0, session.price_version, (use,))
        self.ledger.book_cost(session.user_id, cost, f"{session.session_id}/{chunk.attempt}", at=self.now())


def _as_stored(recognition: Recognition) -> Recognition:
    """The recognition with confidences as precise as they are stored, so that a repeated chunk gets the same answer."""
    words = tuple(replace(word, confidence=round(word.confidence * 1000) / 1000) for word in recognition.words)
    return replace(recognition, words=words)


def _raise_refusal(session: Session, chunk: Reservation, stored: Session) -> NoReturn:
    """Raise the reason why the session, as it is stored, had no room for the chunk."""
    if stored.state is SessionState.STOPPED:
        raise ConflictError("This session was stopped. Start a new one.", "session_stopped", state=stored.state.value)
    if stored.state is SessionState.LAPSED or stored.lease_expires_at <= chunk.reserved_at:
        raise ConflictError("The lease has ended. Renew it.", "lease_over", state=stored.state.value)
    if stored.lease_number != session.lease_number:
        raise ConflictError(
            "The lease was renewed meanwhile. Send the chunk again.", "lease_changed", retry_after_seconds=1
        )
    if stored.free_ms >= chunk.billed_ms:
        raise ConflictError(
            "The session changed meanwhile. Send the chunk again.", "lease_changed", retry_after_seconds=1
        )
    raise ConflictError(
        "The rest of the lease is shorter than this chunk. Renew it.", "lease_used_up", free_ms=stored.free_ms
    )


def _completed_recognition(item: Item, audio_hash: str) -> Recognition:
    if reservation_from(item).audio_hash != audio_hash:
        raise _mismatch(item["seq"])
    recognition = recognition_from(item)
    if recognition is None:
        raise ValueError("the chunk is not recognised yet")
    return recognition


def _mismatch(seq: int) -> IdempotencyMismatchError:
    return IdempotencyMismatchError(f"Chunk {seq} was already sent with different audio.", seq=seq)


def _chunk_response(chunk: Reservation, recognition: Recognition, session: Session, done_ms: int) -> contract.Chunk:
    return contract.Chunk(
        seq=chunk.seq,
        text=recognition.text,
        words=[
            contract.ChunkWord(text=w.text, start_ms=w.start_ms, end_ms=w.end_ms, confidence=w.confidence)
            for w in recognition.words
        ],
        start_ms=chunk.start_ms,
        duration_ms=chunk.audio_ms,
        credits_used=load(session.price_version).live_credits(done_ms),
    )
