"""The words of a session: which segments are kept, and how they are stored.

Each segment is judged by itself, so that an odd one does not keep the others out. A save is one transaction of its
block with the session. Two saves at once do not wait for each other; a save is placed by what its request saw when it
began, so it never replaces words whose save was answered before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from .. import contract
from ..errors import ConflictError, NotFoundError, UnavailableError
from ..models.sessions import Session
from ..models.transcripts import Segment
from ..repositories.sessions import record_save, session_from
from ..repositories.table import Tables, Write, WriteRefusedError
from ..repositories.transcripts import SEGMENT_OVERHEAD_BYTES, block_id_after, put_segments, update_live_transcript
from ..text import one_line
from .lease_rules import LeaseRules, covered_with_late_words

TRIES = 8
MAX_BLOCK_BYTES = 256 * 1024  # an item of DynamoDB holds 400 KB
MAX_TRANSCRIPT_BYTES = 3 * 1024 * 1024  # so that a whole transcript as JSON fits into Lambda's response of 6 MB
# What a session may keep: one full save, and more than anybody says in the time that it is billed for or running.
BASE_BYTES, BYTES_PER_MINUTE = MAX_BLOCK_BYTES, 16 * 1024
MAX_TEXT_CHARACTERS, MAX_SPEAKER_CHARACTERS = 20_000, 50
LATEST_MS = 2_592_000_000  # thirty days: a session can be resumed within a day, any number of times
CLOSED_MESSAGES = {
    "session_stopped": "This session was stopped. Its transcript is closed.",
    "resume_expired": "This session ended too long ago. Its transcript is closed.",
}


class SegmentSelection(Struct, frozen=True):
    """The segments that are stored, their size in bytes, and those that are not."""

    segments: list[Segment]
    size: int
    rejected: list[contract.RejectedSegment]

    @property
    def seqs(self) -> list[int]:
        return [segment.seq for segment in self.segments]


def select_segments(segments: Sequence[contract.SegmentInput], bytes_left: int) -> SegmentSelection:
    """Which segments fit into one block and into `bytes_left`; those without text are left out."""
    kept, rejected, size = [], [], 0
    for segment in filter(None, map(_readable, segments)):
        bytes_needed = len(segment.text.encode()) + len(segment.speaker.encode()) + SEGMENT_OVERHEAD_BYTES
        if size + bytes_needed > min(MAX_BLOCK_BYTES, bytes_left):
            reason = "save_full" if size + bytes_needed > MAX_BLOCK_BYTES else "words_limit"
            rejected.append(contract.RejectedSegment(seq=segment.seq, reason=reason))
        else:
            kept.append(segment)
            size += bytes_needed
    return SegmentSelection(kept, size, rejected)


def _readable(segment: contract.SegmentInput) -> Segment | None:
    """The segment as it is stored; None without text."""
    text = (segment.text or "")[:MAX_TEXT_CHARACTERS]
    if not text.strip():
        return None
    start_ms = _milliseconds(segment.start_ms)
    end_ms = max(start_ms, _milliseconds(segment.end_ms))
    return Segment(segment.seq, start_ms, end_ms, text, _speaker(segment.speaker))


def _milliseconds(time: float) -> int:
    return round(min(max(time, 0), LATEST_MS))


def _speaker(name: str | int | None) -> str:
    """The name on one line, cut where it is too long."""
    return one_line("" if name is None else str(name))[:MAX_SPEAKER_CHARACTERS]


def bytes_left_in_session(session: Session, now: int) -> int:
    """How many bytes of words the session may still keep."""
    allowed = BASE_BYTES + BYTES_PER_MINUTE * session.used_ms(now) // 60_000
    return max(0, min(allowed, MAX_TRANSCRIPT_BYTES) - session.saved_bytes)


def with_words(session: Session, selection: SegmentSelection, now: int) -> Session:
    """The session once these segments are stored."""
    saved = replace(
        session,
        last_saved_at=now,
        saves=session.saves + 1,
        saved_bytes=session.saved_bytes + selection.size,
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

    def new_block_id(self, session: Session) -> str:
        """The place of a save that begins now, with the session as it was just read."""
        return block_id_after(session.saves, self.new_ulid())

    def select(self, session: Session, segments: Sequence[contract.SegmentInput], sent_today: int) -> SegmentSelection:
        """Which segments are stored. Where the transcript is closed, none is."""
        if closed := self.rules.closed_reason(session, self.now()):
            unsaved = select_segments(segments, MAX_BLOCK_BYTES)
            seqs = [*unsaved.seqs, *(rejected.seq for rejected in unsaved.rejected)]
            return SegmentSelection([], 0, [contract.RejectedSegment(seq=seq, reason=closed) for seq in seqs])
        today = self.rules.words_bytes_per_day - sent_today
        return select_segments(segments, min(today, bytes_left_in_session(session, self.now())))

    def check_open(self, session: Session) -> None:
        """Raise ConflictError if no words of the session are accepted any more."""
        if closed := self.rules.closed_reason(session, self.now()):
            raise ConflictError(CLOSED_MESSAGES[closed], closed, state=session.state.value)

    def save(
        self, session: Session, segments: Sequence[contract.SegmentInput], sent_today: int
    ) -> tuple[Session, SegmentSelection]:
        """Store what can be stored; the session after it. Raises NotFoundError, UnavailableError.

        Another request may have changed the session since it was read: then it is judged again.
        """
        block_id = self.new_block_id(session)
        for _ in range(TRIES):
            selection = self.select(session, segments, sent_today)
            if not selection.segments:
                return session, selection
            saved = with_words(session, selection, self.now())
            room = session.saved_bytes + bytes_left_in_session(session, self.now()) - selection.size
            writes = [self.block(session, block_id, selection), record_save(session, saved, room)]
            if saved.covered_ms != session.covered_ms:
                writes.append(update_live_transcript(saved, ended_at=None))
            try:
                self.tables.transact(writes)
            except WriteRefusedError as refusal:
                if not refusal.refused[1]:
                    raise NotFoundError("There is no such session.") from refusal  # Its transcript was just deleted.
                session = session_from(refusal.refused[1])
            else:
                return saved, selection
        raise UnavailableError("The session is busy. Retry the request.")

    def block(self, session: Session, block_id: str, selection: SegmentSelection) -> Write:
        return put_segments(session.user_id, session.transcript_id, block_id, selection.segments)
