"""A user's transcripts: the list, newest first, one transcript with its segments or as a file, and its deletion."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from .. import contract
from ..cursors import Cursors
from ..dates import rfc3339
from ..errors import ConflictError, InvalidRequestError, NotFoundError, TooLargeError, UnavailableError
from ..models.accounts import Caller
from ..models.downloads import Download
from ..models.sessions import SessionState
from ..models.text import file_stem
from ..models.transcripts import Segment, Summary, Transcript
from ..repositories.ledger import Ledger
from ..repositories.sessions import session_from, session_key
from ..repositories.table import Item, Tables, WriteRefusedError
from ..repositories.transcripts import (
    RUNNING_CATCHUPS,
    TRANSCRIPT,
    Transcripts,
    delete_transcript_and_session,
    existing_transcript_from,
    rename_transcript,
    transcript_key,
)
from . import subtitles
from .coverage import covered_intervals, uncovered_intervals
from .paging import take_segments

SEGMENT_CURSOR = "PIECE#"
# A page of a transcript, and a file, must fit into a response of Lambda (6 MB, source: docs.aws.amazon.com/lambda,
# "Lambda quotas") together with what is around it, all counted by `_response_bytes`.
MAX_ANSWER_BYTES = 6_000_000
MAX_PAGE_BYTES = 4_000_000
MAX_FILE_BYTES = 5_000_000
MAX_LIST_BYTES = 100_000  # of a page of the list: titles and addresses may be long
MAX_SUMMARIES = 20
# A filtered page reads at most this many transcripts, however few match.
TRANSCRIPTS_PER_QUERY, QUERIES_PER_PAGE = 100, 3
DELETE_TRIES = 5
TRANSCRIPTS_PER_RUN, PAGES_PER_TRANSCRIPT = 20, 50  # what one run of the sweep deletes
EARLIEST, LATEST = -62_135_596_800, 253_402_300_799  # epoch seconds: all times that RFC 3339 can write
NO_TRANSCRIPT = "There is no transcript with this id."


@dataclass(frozen=True)
class History:
    """A user's own transcripts."""

    ledger: Ledger
    tables: Tables
    transcripts: Transcripts
    cursors: Cursors
    now: Callable[[], int]  # epoch seconds, UTC

    def page(self, caller: Caller, query: contract.HistoryQuery) -> contract.HistoryPage:
        """One page, newest first; it may be short, a filtered one even empty, and still have a next page.

        Raises InvalidRequestError for a cursor of another list or of other filters.
        """
        period = _period(query)
        scope = (caller.user_id, query.kind or "", str(period))
        after = self.cursors.decode(TRANSCRIPT, query.cursor, *scope)
        self.ledger.admit(caller)
        transcripts, last = self._find_matching(caller.user_id, query, period, after)
        lines: list[contract.HistoryItem] = []
        size = 0
        for transcript in transcripts:
            line = _history_line(transcript)
            size += len(msgspec.json.encode(line))
            if lines and size > MAX_LIST_BYTES:
                last = TRANSCRIPT + lines[-1].id
                break
            lines.append(line)
        return contract.HistoryPage(items=lines, next_cursor=self.cursors.encode(TRANSCRIPT, last, *scope))

    def _find_matching(
        self, user_id: str, query: contract.HistoryQuery, period: tuple[int, int] | None, after: str | None
    ) -> tuple[list[Transcript], str | None]:
        if query.kind is None and period is None:
            return self.transcripts.page(user_id, query.limit, after)
        first_at, end_at = period or (EARLIEST, LATEST)
        matching: list[Transcript] = []
        size = 0
        for _ in range(QUERIES_PER_PAGE):
            transcripts, after = self.transcripts.page(user_id, TRANSCRIPTS_PER_QUERY, after, period)
            size += sum(len(f"{transcript.title}{transcript.source_url}".encode()) for transcript in transcripts)
            for transcript in transcripts:
                if query.kind in (None, transcript.kind) and first_at <= transcript.started_at < end_at:
                    matching.append(transcript)
                    if len(matching) == query.limit:
                        is_last = after is None and transcript is transcripts[-1]
                        return matching, None if is_last else TRANSCRIPT + transcript.transcript_id
            if after is None or size > MAX_LIST_BYTES:
                break
        return matching, after

    def get_transcript(
        self, caller: Caller, transcript_id: str, cursor: str | None = None
    ) -> contract.TranscriptDetail:
        """One transcript, with the intervals of time that it covers and those that it does not.

        Where its segments do not fit into one answer, `cursor` reads the next page. Raises NotFoundError,
        InvalidRequestError.
        """
        scope = (caller.user_id, transcript_id)
        after = self.cursors.decode(SEGMENT_CURSOR, cursor, *scope)
        transcript, segments = self._read(caller, transcript_id)
        summaries = [] if after else self.transcripts.summaries(caller.user_id, transcript_id, MAX_SUMMARIES)
        frame = msgspec.json.encode(_transcript_answer(transcript, segments, [], summaries, None)).decode()
        max_bytes = min(MAX_PAGE_BYTES, MAX_ANSWER_BYTES - _response_bytes(frame))
        first = int(after.removeprefix(SEGMENT_CURSOR)) if after else 0
        page, following = take_segments(segments, first, max_bytes, _segment_bytes)
        last = f"{SEGMENT_CURSOR}{following}" if following else None
        next_cursor = self.cursors.encode(SEGMENT_CURSOR, last, *scope)
        return _transcript_answer(transcript, segments, page, summaries, next_cursor)

    def export(self, caller: Caller, transcript_id: str, file_format: str) -> Download:
        """The transcript as subtitles (`srt`, `vtt`), text or JSON. Raises NotFoundError, TooLargeError."""
        transcript, segments = self._read(caller, transcript_id)
        match file_format:
            case "srt":
                content, content_type = subtitles.write_srt(segments), "application/x-subrip"
            case "vtt":
                content, content_type = subtitles.write_vtt(segments), "text/vtt; charset=utf-8"
            case "txt":
                content, content_type = subtitles.write_txt(segments), "text/plain; charset=utf-8"
            case _:
                summaries = self.transcripts.summaries(caller.user_id, transcript_id, MAX_SUMMARIES)
                answer = _transcript_answer(transcript, segments, segments, summaries, None)
                content, content_type = msgspec.json.encode(answer).decode(), "application/json"
        if _response_bytes(content) > MAX_FILE_BYTES:
            message = "This transcript is too long for one file. Read it page by page instead."
            raise TooLargeError(message, max_bytes=MAX_FILE_BYTES)
        stem = file_stem(transcript.title) or f"transcript-{transcript_id}"
        return Download(content, content_type, f"{stem}.{file_format}")

    def rename(self, caller: Caller, transcript_id: str, title: str) -> contract.HistoryItem:
        """The transcript with another title; an empty one removes it. Raises NotFoundError."""
        _, (item,) = self.ledger.admit(caller, extra_keys=[transcript_key(caller.user_id, transcript_id)])
        transcript = _check_exists(item)
        try:
            self.tables.write(rename_transcript(caller.user_id, transcript_id, title))
        except WriteRefusedError as refusal:
            raise NotFoundError(NO_TRANSCRIPT) from refusal
        return _history_line(replace(transcript, title=title))

    def delete(self, caller: Caller, transcript_id: str) -> contract.TranscriptDeleted:
        """Delete the transcript and its session. It disappears at once; the sweep deletes its segments within minutes.

        Raises NotFoundError, or ConflictError while its session or a catch-up of it runs.
        """
        for _ in range(DELETE_TRIES):
            if self._try_to_delete(caller, transcript_id):
                return contract.TranscriptDeleted(deleted=True)
        raise UnavailableError("The transcript is busy with other requests. Retry the request.")

    def _try_to_delete(self, caller: Caller, transcript_id: str) -> bool:
        """Whether it is deleted; not, where its line changed at this moment: the next try says why it may not be."""
        _, (item,) = self.ledger.admit(caller, extra_keys=[transcript_key(caller.user_id, transcript_id)])
        transcript = _check_deletable(item)
        session_id = transcript.session_id
        session_item = self.tables.get(session_key(caller.user_id, session_id)) if session_id else None
        current = session_from(session_item) if session_item else None
        if current and current.state in (SessionState.OPENING, SessionState.ACTIVE):
            raise ConflictError("This session is running. Stop it first.", "session_running", state=current.state.value)
        try:
            self.tables.transact(delete_transcript_and_session(transcript, caller.user_id, current, self.now()))
        except WriteRefusedError as refusal:
            if 0 not in refusal.refused:
                raise ConflictError("This session was just resumed. Stop it first.", "session_running") from refusal
            return False
        return True

    def delete_marked_segments(self) -> int:
        """Delete the segments of deleted transcripts; how many transcripts are finished.

        Safe to call at any time, also concurrently.
        """
        return sum(
            self.transcripts.delete_segments(user_id, transcript_id, PAGES_PER_TRANSCRIPT)
            for user_id, transcript_id in self.transcripts.list_deleted(TRANSCRIPTS_PER_RUN)
        )

    def _read(self, caller: Caller, transcript_id: str) -> tuple[Transcript, list[Segment]]:
        _, (item,) = self.ledger.admit(caller, extra_keys=[transcript_key(caller.user_id, transcript_id)])
        return _check_exists(item), self.transcripts.segments(caller.user_id, transcript_id)


def _period(query: contract.HistoryQuery) -> tuple[int, int] | None:
    """From which second, and before which; None without a filter. Raises InvalidRequestError if it is empty."""
    if query.started_from is None and query.started_before is None:
        return None
    first_at = math.ceil(query.started_from.timestamp()) if query.started_from else EARLIEST
    end_at = math.ceil(query.started_before.timestamp()) if query.started_before else LATEST
    if end_at <= first_at:
        raise InvalidRequestError("`to` must be after `from`.", "to")
    return first_at, end_at


def _check_exists(item: Item | None) -> Transcript:
    transcript = existing_transcript_from(item)
    if transcript is None:
        raise NotFoundError(NO_TRANSCRIPT)
    return transcript


def _check_deletable(item: Item | None) -> Transcript:
    transcript = _check_exists(item)
    if item and item.get(RUNNING_CATCHUPS, 0) > 0:
        message = "A catch-up of this transcript is running. Delete the transcript when it has ended."
        raise ConflictError(message, "catchup_running")
    return transcript


def _response_bytes(text: str) -> int:
    """How many bytes the text takes in Lambda's response.

    That is JSON in ASCII, so a quote takes two and a Cyrillic letter six (source: aws-lambda-python-runtime-interface-
    client, lambda_runtime_marshaller.py; it leaves letters as they are from Python 3.12 on).
    """
    return len(json.dumps(text))


def _segment_bytes(segment: Segment) -> int:
    return _response_bytes(msgspec.json.encode(_segment_answer(segment)).decode())


def _transcript_answer(
    transcript: Transcript,
    segments: Sequence[Segment],
    page: Sequence[Segment],
    summaries: Sequence[Summary],
    next_cursor: str | None,
) -> contract.TranscriptDetail:
    covered = covered_intervals(transcript, segments)
    return contract.TranscriptDetail(
        transcript=_history_line(transcript),
        segments=[_segment_answer(segment) for segment in page],
        covered=covered,
        uncovered=uncovered_intervals(covered, transcript.recording_ms),
        summaries=[_summary_answer(summary) for summary in summaries],
        next_cursor=next_cursor,
    )


def _segment_answer(segment: Segment) -> contract.TranscriptSegment:
    return contract.TranscriptSegment(
        seq=segment.seq, start_ms=segment.start_ms, end_ms=segment.end_ms, text=segment.text, speaker=segment.speaker
    )


def _summary_answer(summary: Summary) -> contract.TranscriptSummary:
    moments = [contract.KeyMoment(start_ms=moment.start_ms, title=moment.title) for moment in summary.moments]
    return contract.TranscriptSummary(
        job_id=summary.job_id,
        from_ms=summary.from_ms,
        to_ms=summary.to_ms,
        summary=summary.text,
        key_moments=moments,
        is_whole=summary.is_whole,
    )


def _history_line(transcript: Transcript) -> contract.HistoryItem:
    return contract.HistoryItem(
        id=transcript.transcript_id,
        kind=transcript.kind,
        state=transcript.state,
        started_at=rfc3339(transcript.started_at),
        duration_ms=transcript.audio_ms,
        credits=transcript.credits,
        title=transcript.title,
        source_url=transcript.source_url,
        language=transcript.language,
        session_id=transcript.session_id,
        ended_at=rfc3339(transcript.ended_at) if transcript.ended_at else "",
        shared_at=rfc3339(transcript.shared_at) if transcript.shared_at else "",
    )
