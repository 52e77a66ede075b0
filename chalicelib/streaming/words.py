"""The words of a session: how many are kept, and how they are stored. Which those are is in segments.py.

A save is one transaction of its block with the session. Two saves at once do not wait for each other; a save is placed
by what its request saw when it began, so it never replaces words whose save was answered before.

A block holds only what its save added, so that a session never stores more bytes than it counts. Words that are stored
already are acknowledged.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct, UnsetType
from msgspec.structs import replace

from .. import contract
from ..errors import ConflictError, NotFoundError, UnavailableError
from ..models.sessions import HASH_DIGITS, Session
from ..repositories.daily_caps import claim_daily_amount
from ..repositories.sessions import record_save, session_from
from ..repositories.table import Tables, Write, WriteRefusedError
from ..repositories.transcripts import (
    numbered_block_id,
    put_segments,
    read_newest_segments,
    update_live_transcript,
)
from .lease_rules import LeaseRules, covered_with_late_words
from .segments import MAX_BLOCK_BYTES, MAX_SEGMENTS, SegmentSelection, places_of, select_segments

TRIES = 8
MAX_TRANSCRIPT_BYTES = 3 * 1024 * 1024  # so that a whole transcript as JSON fits into Lambda's response of 6 MB
# What a session may keep: one full save, and more than anybody says in the time that it is billed for or running.
BASE_BYTES, BYTES_PER_MINUTE = MAX_BLOCK_BYTES, 16 * 1024
COMPARISONS_PER_DAY = 100  # of an account; each reads up to 1 MB of its words
CLOSED_MESSAGES = {
    "session_stopped": "This session was stopped and its transcript is closed. Start a new one.",
    "resume_expired": "This session ended too long ago and its transcript is closed. Start a new one.",
}


class Block(Struct, frozen=True):
    """Where a save is stored."""

    number: int
    block_id: str


def _hash(segments: Sequence[contract.SegmentInput]) -> str:
    return hashlib.sha256(msgspec.json.encode(segments)).hexdigest()[:HASH_DIGITS]


def _stored_before(session: Session, segments: Sequence[contract.SegmentInput]) -> frozenset[int]:
    """The places of the segments that are stored already, where the last save had the same ones.

    Its block has the number of saves unless another ran at the same time, whose words may be above its own. A chunk
    whose request saw the save may have replaced them.
    """
    is_last = session.saved_block == session.saves > session.saves_before_chunk
    if not is_last or session.saved_hash[:HASH_DIGITS] != _hash(segments):
        return frozenset()
    return frozenset(range(min(len(segments), MAX_SEGMENTS))) - set(session.left_out)


def _has_seq_below(next_seq: int, segment: contract.RejectedSegment) -> bool:
    return segment.reason != "unreadable" and not isinstance(segment.seq, UnsetType) and segment.seq < next_seq


def bytes_left_in_session(session: Session, now: int) -> int:
    """How many bytes of words the session may still keep."""
    allowed = BASE_BYTES + BYTES_PER_MINUTE * session.used_ms(now) // 60_000
    return max(0, min(allowed, MAX_TRANSCRIPT_BYTES) - session.saved_bytes)


def with_words(
    session: Session,
    segments: Sequence[contract.SegmentInput],
    selection: SegmentSelection,
    block: Block,
    now: int,
) -> Session:
    """The session once this selection of the segments is stored."""
    saved = replace(
        session,
        last_saved_at=now,
        saves=session.saves + 1,
        saved_bytes=session.saved_bytes + selection.size,
        saved_hash=_hash(segments),
        saved_block=block.number,
        left_out=selection.left_out,
        next_seq=max(session.next_seq, *(segment.seq + 1 for segment in selection.segments)),
        words_until_ms=max(session.words_until_ms, *(segment.end_ms for segment in selection.segments)),
    )
    return replace(saved, covered_ms=covered_with_late_words(saved))


@dataclass(frozen=True)
class Words:
    """Stores the words of sessions. `sent_today`: the bytes that the account's earlier requests of this day had."""

    tables: Tables
    rules: LeaseRules
    now: Callable[[], int]  # epoch seconds, UTC
    new_ulid: Callable[[], str]

    def new_block(self, session: Session) -> Block:
        """The place of a save that begins now, with the session as it was just read."""
        number = session.saves + 1
        return Block(number, numbered_block_id(number, self.new_ulid()))

    def select(self, session: Session, segments: Sequence[contract.SegmentInput], sent_today: int) -> SegmentSelection:
        """Which segments are stored. Where the transcript is closed, none is.

        What does not fit is compared with what is stored before it is rejected: it may be the repeat of a save that
        others have followed.
        """
        closed = self.rules.closed_reason(session, self.now()) or ""
        today = self.rules.words_bytes_per_day - sent_today
        bytes_left = min(today, bytes_left_in_session(session, self.now()))
        stored = _stored_before(session, segments)
        selection = select_segments(segments, bytes_left, stored, closed)
        may_be_stored = any(_has_seq_below(session.next_seq, segment) for segment in selection.rejected)
        if stored or not may_be_stored or not self._claim_comparison(session.user_id):
            return selection
        newest = read_newest_segments(
            self.tables, session.user_id, session.transcript_id, after=session.saves_before_chunk
        )
        return select_segments(segments, bytes_left, places_of(newest, segments), closed)

    def _claim_comparison(self, user_id: str) -> bool:
        return claim_daily_amount(self.tables, f"repeats#{user_id}", 1, COMPARISONS_PER_DAY, self.now())

    def check_open(self, session: Session) -> None:
        """Raise ConflictError if no words of the session are accepted any more, or not yet."""
        self.rules.check_keeps_words(session)
        if closed := self.rules.closed_reason(session, self.now()):
            raise ConflictError(CLOSED_MESSAGES[closed], closed, state=session.state.value)

    def save(
        self, session: Session, segments: Sequence[contract.SegmentInput], sent_today: int
    ) -> tuple[Session, SegmentSelection]:
        """Store what can be stored; the session after it. Raises NotFoundError, UnavailableError.

        Another request may have changed the session since it was read: then it is judged again.
        """
        block = self.new_block(session)
        for _ in range(TRIES):
            selection = self.select(session, segments, sent_today)
            if not selection.size:
                return session, selection
            saved = with_words(session, segments, selection, block, self.now())
            room = session.saved_bytes + bytes_left_in_session(session, self.now()) - selection.size
            writes = [self.block_write(session, block, selection), record_save(session, saved, room)]
            if saved.covered_ms != session.covered_ms:
                writes.append(update_live_transcript(saved, ended_at=None))
            try:
                self.tables.transact(writes)
            except WriteRefusedError as refusal:
                current = session_from(refusal.refused[1]) if refusal.refused[1] else None
                if current is None or current.transcript_id != session.transcript_id:
                    # Its transcript was just deleted, and the session of the same Idempotency-Key is another one.
                    raise NotFoundError("There is no such session.") from refusal
                session = current
            else:
                return saved, selection
        raise UnavailableError("The session is busy. Retry the request.")

    def block_write(self, session: Session, block: Block, selection: SegmentSelection) -> Write:
        return put_segments(
            session.user_id,
            session.transcript_id,
            block.block_id,
            selection.segments,
            is_packed=self.rules.packs_words,
        )
