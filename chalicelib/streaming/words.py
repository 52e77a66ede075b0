"""The words of a session: which segments are kept, and how they are stored.

Each segment is judged by itself, so that an odd one does not keep the others out. A save is one transaction of its
block with the session. Two saves at once do not wait for each other; a save is placed by what its request saw when it
began, so it never replaces words whose save was answered before.

A block holds only what its save added, so that a session never stores more bytes than it counts. Words that are stored
already are acknowledged.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from .. import contract
from ..errors import ConflictError, NotFoundError, UnavailableError
from ..models.sessions import Session
from ..models.text import one_line
from ..models.transcripts import Segment
from ..repositories.daily_caps import claim_daily_amount
from ..repositories.sessions import record_save, session_from
from ..repositories.table import Tables, Write, WriteRefusedError
from ..repositories.transcripts import (
    SEGMENT_OVERHEAD_BYTES,
    numbered_block_id,
    put_segments,
    read_newest_segments,
    update_live_transcript,
)
from .lease_rules import LeaseRules, covered_with_late_words

TRIES = 8
MAX_BLOCK_BYTES = 256 * 1024  # an item of DynamoDB holds 400 KB
MAX_TRANSCRIPT_BYTES = 3 * 1024 * 1024  # so that a whole transcript as JSON fits into Lambda's response of 6 MB
# What a session may keep: one full save, and more than anybody says in the time that it is billed for or running.
BASE_BYTES, BYTES_PER_MINUTE = MAX_BLOCK_BYTES, 16 * 1024
MAX_TEXT_CHARACTERS, MAX_SPEAKER_CHARACTERS = 20_000, 50
COMPARISONS_PER_DAY = 100  # of an account; each reads up to 1 MB of its words
LATEST_MS = 2_592_000_000  # thirty days: a session can be resumed within a day, any number of times
CLOSED_MESSAGES = {
    "session_stopped": "This session was stopped and its transcript is closed. Start a new one.",
    "resume_expired": "This session ended too long ago and its transcript is closed. Start a new one.",
}


class SegmentSelection(Struct, frozen=True):
    """The `segments` to store, of `size` bytes, and those that are not stored.

    `seqs`: of all that are stored once these are, in the order of the request. `left_out`: where those that are not are
    in the request.
    """

    segments: list[Segment]
    size: int
    seqs: list[int]
    rejected: list[contract.RejectedSegment]
    left_out: tuple[int, ...]


class Block(Struct, frozen=True):
    """Where a save is stored."""

    number: int
    block_id: str


def select_segments(
    segments: Sequence[contract.SegmentInput], bytes_left: int, stored: frozenset[int] = frozenset(), closed: str = ""
) -> SegmentSelection:
    """Which segments are stored, of what fits into one block and into `bytes_left`; those without text are ignored.

    `stored`: the places of those that are stored already. Neither they nor what they replace in this request are stored
    again. `closed`: why no other is stored.
    """
    readable = _readable_segments(segments)
    last_stored = {segment.seq: place for place, segment in readable.items() if place in stored}
    call_bytes = sum(_stored_bytes(segment) for place, segment in readable.items() if place in stored)
    new, seqs, rejected, left_out, size = [], [], [], [], 0
    for place, segment in readable.items():
        if place <= last_stored.get(segment.seq, -1):
            seqs.append(segment.seq)
            continue
        segment_bytes = _stored_bytes(segment)
        is_call_full = call_bytes + segment_bytes > MAX_BLOCK_BYTES
        if closed or is_call_full or size + segment_bytes > bytes_left:
            reason = closed or ("save_full" if is_call_full else "words_limit")
            rejected.append(contract.RejectedSegment(seq=segment.seq, reason=reason))
            left_out.append(place)
        else:
            new.append(segment)
            seqs.append(segment.seq)
            call_bytes += segment_bytes
            size += segment_bytes
    return SegmentSelection(new, size, seqs, rejected, tuple(left_out))


def places_of(stored: Mapping[int, Segment], segments: Sequence[contract.SegmentInput]) -> frozenset[int]:
    """The places of the segments that are stored as they are sent. `stored`: by `seq`."""
    readable = _readable_segments(segments).items()
    return frozenset(place for place, segment in readable if stored.get(segment.seq) == segment)


def _hash(segments: Sequence[contract.SegmentInput]) -> str:
    return hashlib.sha256(msgspec.json.encode(segments)).hexdigest()


def _stored_before(session: Session, segments: Sequence[contract.SegmentInput]) -> frozenset[int]:
    """The places of the segments that are stored already, where the last save had the same ones.

    Its block has the number of saves unless another ran at the same time, whose words may be above its own.
    """
    if session.saved_block != session.saves or session.saved_hash != _hash(segments):
        return frozenset()
    return frozenset(range(len(segments))) - set(session.left_out)


def _readable_segments(segments: Sequence[contract.SegmentInput]) -> dict[int, Segment]:
    """The segments that have text, as they are stored, by their places."""
    return {place: segment for place, segment in enumerate(map(_readable, segments)) if segment}


def _stored_bytes(segment: Segment) -> int:
    return len(segment.text.encode()) + len(segment.speaker.encode()) + SEGMENT_OVERHEAD_BYTES


def _readable(segment: contract.SegmentInput) -> Segment | None:
    """The segment as it is stored; None without text."""
    text = _text(segment.text)[:MAX_TEXT_CHARACTERS]
    if not text.strip():
        return None
    start_ms = _milliseconds(segment.start_ms, 0)
    end_ms = max(start_ms, _milliseconds(segment.end_ms, start_ms))
    return Segment(segment.seq, start_ms, end_ms, text, one_line(_text(segment.speaker))[:MAX_SPEAKER_CHARACTERS])


def _milliseconds(time: contract.Scalar, otherwise: int) -> int:
    """The time, put between 0 and 30 days; `otherwise` where there is none."""
    try:
        number = math.nan if time is None or isinstance(time, bool) else float(time)
    except ValueError:
        return otherwise
    return otherwise if math.isnan(number) else round(min(max(number, 0), LATEST_MS))


def _text(value: contract.Scalar) -> str:
    """A text or number as text; anything else says nothing."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


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
        may_be_stored = any(segment.seq < session.next_seq for segment in selection.rejected)
        if stored or today <= 0 or not may_be_stored or not self._claim_comparison(session.user_id):
            return selection
        newest = read_newest_segments(self.tables, session.user_id, session.transcript_id)
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
        return put_segments(session.user_id, session.transcript_id, block.block_id, selection.segments)
