"""Relayed audio: one chunk in, its words out, exactly its milliseconds billed.

The chunk's milliseconds are reserved inside the lease before a provider is asked, billed in the same write that keeps
the words, and given back if no provider can do it. A process that dies between leaves a reservation: after it is stale
the same `seq` may be sent again and takes it over, or the lease ends without billing it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, Protocol

from .. import contract
from ..errors import ConflictError, IdempotencyMismatchError, NotFoundError, ProviderError, UnavailableError
from ..models.accounts import Caller
from ..models.sessions import Reservation, Session, SessionState
from ..models.transcripts import Recognition
from ..pricing.price_files import Prices, load
from ..repositories.ledger import Ledger
from ..repositories.sessions import completing, giving_back, recognition, reservation, reserving, session, session_key
from ..repositories.table import Item, Tables, WriteRefusedError
from .audio import Audio


class Recogniser(Protocol):
    """A provider of speech recognition."""

    def recognise(self, audio: Audio, language: str) -> Recognition:
        """The words of `audio`. Raises ProviderError."""


@dataclass(frozen=True)
class Relay:
    """Recognise one chunk of a relay session."""

    ledger: Ledger
    tables: Tables
    recognisers: Sequence[Recogniser]  # asked in this order until one answers
    prices: Prices  # what providers cost now; what the listener pays is the session's own version
    stale_after_seconds: int
    now: Callable[[], int]
    new_id: Callable[[], str]

    def chunk(
        self, caller: Caller, session_id: str, seq: int, start_ms: int | None, audio: Audio
    ) -> tuple[contract.Chunk, bool]:
        """The words of one chunk, charged once per `seq`; the same chunk again gets the same words, free.

        The second value tells whether the chunk is such a repetition, which needed no new work.

        Raises NotFoundError, ConflictError (not a relay session, stopped, lease over or used up, chunk under way),
        IdempotencyMismatchError (other audio under this `seq`), ProviderError (nothing charged).
        """
        current = self._session(caller, session_id)
        chunk = Reservation(
            seq=seq,
            attempt=self.new_id(),
            audio_ms=audio.duration_ms,
            audio_hash=audio.fingerprint,
            reserved_at=self.now(),
            start_ms=current.offset_ms if start_ms is None else start_ms,
        )
        if earlier := self._reserve(current, chunk):
            return _answer(reservation(earlier), _done(earlier, chunk.audio_hash), current, current.done_ms), True
        try:
            heard = self._recognised(current, audio)
            self._complete(current, chunk, heard)
        except UnavailableError:
            raise  # The tables are out of reach: what was reserved goes stale and is never billed.
        except Exception:
            self._give_back(current, chunk)
            raise
        return _answer(chunk, heard, current, current.done_ms + chunk.audio_ms), False

    def _session(self, caller: Caller, session_id: str) -> Session:
        _, (item,) = self.ledger.admit(caller, extra_keys=[session_key(caller.user_id, session_id)])
        if item is None:
            raise NotFoundError("There is no such session.")
        current = session(item)
        if current.transport != "relay":
            raise ConflictError(
                "This session streams directly to the provider.", "wrong_transport", transport=current.transport
            )
        return current

    def _reserve(self, current: Session, chunk: Reservation) -> Item | None:
        """Reserve the chunk; the item of an earlier one that is done, if there is one.

        A stale reservation of the same `seq` is taken over, so two tries are enough.
        """
        stale: Reservation | None = None
        for _ in range(2):
            try:
                self.tables.transact(reserving(current, chunk, stale))
                return None
            except WriteRefusedError as refusal:
                earlier = refusal.refused.get(1)
                if not earlier and 0 in refusal.refused:
                    self._refuse(current, chunk, refusal.refused[0])
                if not earlier:
                    break  # The stale one was given back at this moment.
                if recognition(earlier):
                    return earlier
                stale = reservation(earlier)
                if stale.audio_hash != chunk.audio_hash:
                    raise _mismatch(chunk.seq) from refusal
                if chunk.reserved_at - stale.reserved_at < self.stale_after_seconds:
                    break
        raise ConflictError(
            "This chunk is being recognised. Retry the request.", "still_running", seq=chunk.seq, retry_after_seconds=1
        )

    def _refuse(self, current: Session, chunk: Reservation, item: Item) -> NoReturn:
        """Say why the session had no room for the chunk, as it stood at that moment."""
        now = session(item)
        if now.state is SessionState.STOPPED:
            raise ConflictError("This session was stopped.", "session_stopped", state=now.state.value)
        if now.state is SessionState.LAPSED or now.lease_expires_at <= chunk.reserved_at:
            raise ConflictError("The lease has ended. Renew it.", "lease_over", state=now.state.value)
        if now.lease_number != current.lease_number:
            raise ConflictError(
                "The lease was renewed meanwhile. Send the chunk again.", "lease_changed", retry_after_seconds=1
            )
        if now.free_ms >= chunk.audio_ms:
            raise ConflictError(
                "The session changed meanwhile. Send the chunk again.", "lease_changed", retry_after_seconds=1
            )
        raise ConflictError(
            "The rest of the lease is shorter than this chunk. Renew it.", "lease_used_up", free_ms=now.free_ms
        )

    def _recognised(self, current: Session, audio: Audio) -> Recognition:
        failure: ProviderError | None = None
        for recogniser in self.recognisers:
            try:
                return recogniser.recognise(audio, current.language)
            except ProviderError as error:
                failure = error
        raise failure or ProviderError("No provider of speech recognition is set up.")

    def _give_back(self, current: Session, chunk: Reservation) -> None:
        # Where this fails too, the reservation goes stale and is never billed; the first error matters more.
        with suppress(WriteRefusedError, UnavailableError):
            self.tables.transact(giving_back(current, chunk))

    def _complete(self, current: Session, chunk: Reservation, heard: Recognition) -> None:
        cost = self.prices.cost_micro_usd(heard.model, chunk.audio_ms)
        try:
            self.tables.transact(completing(current, chunk, heard, cost))
        except WriteRefusedError as refusal:
            if 0 in refusal.refused:
                raise ConflictError(
                    "This chunk took too long or its session ended. It was not charged.", "chunk_expired"
                ) from refusal
            raise ConflictError(
                "This chunk took too long and was sent again. Retry the request.", "still_running", seq=chunk.seq
            ) from refusal


def _done(item: Item, audio_hash: str) -> Recognition:
    if reservation(item).audio_hash != audio_hash:
        raise _mismatch(item["seq"])
    heard = recognition(item)
    if heard is None:
        raise ValueError("the chunk is not done")
    return heard


def _mismatch(seq: int) -> IdempotencyMismatchError:
    return IdempotencyMismatchError(f"Chunk {seq} came before with other audio.", seq=seq)


def _answer(chunk: Reservation, heard: Recognition, current: Session, done_ms: int) -> contract.Chunk:
    return contract.Chunk(
        seq=chunk.seq,
        text=heard.text,
        words=[
            contract.ChunkWord(text=w.text, start_ms=w.start_ms, end_ms=w.end_ms, confidence=w.confidence)
            for w in heard.words
        ],
        start_ms=chunk.start_ms,
        duration_ms=chunk.audio_ms,
        credits_used=load(current.price_version).live_credits(done_ms),
    )
