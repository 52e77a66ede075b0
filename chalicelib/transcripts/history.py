"""What was recorded: the list, newest first, one transcript whole or as a file, and deleting one."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from .. import contract
from ..cursors import Cursors
from ..dates import rfc3339
from ..errors import ConflictError, InvalidRequestError, NotFoundError, TooLargeError
from ..models.accounts import Caller
from ..models.sessions import SessionState
from ..models.transcripts import Segment, Summary, Transcript
from ..repositories.ledger import Ledger
from ..repositories.sessions import session, session_key
from ..repositories.table import Tables, WriteRefusedError
from ..repositories.transcripts import (
    TRANSCRIPT,
    Transcripts,
    delete_transcript_and_session,
    transcript_from,
    transcript_key,
)
from . import subtitles

PIECE = "PIECE#"
# A page of a transcript, and a file, must fit into what Lambda answers (6 MB, source: docs.aws.amazon.com/lambda,
# "Lambda quotas") with room for what stands around it, all counted as `_sent_bytes` counts.
MAX_ANSWER_BYTES = 6_000_000
MAX_PAGE_BYTES = 4_000_000
MAX_FILE_BYTES = 5_000_000
MAX_SUMMARIES = 20
# A filtered page looks at this many lines at most, however few match.
TRANSCRIPTS_PER_QUERY, QUERIES_PER_PAGE = 100, 3
TRANSCRIPTS_PER_RUN, PAGES_PER_TRANSCRIPT = 20, 50  # per run of the sweep
BEGINNING_AT, FOREVER_AT = -62_135_596_800, 253_402_300_799  # all times that RFC 3339 can write


@dataclass(frozen=True)
class TranscriptFile:
    """A transcript to save: its text, media type and name."""

    content: str
    content_type: str
    name: str


@dataclass(frozen=True)
class History:
    """A user's own transcripts."""

    ledger: Ledger
    tables: Tables
    transcripts: Transcripts
    cursors: Cursors
    now: Callable[[], int]  # epoch seconds, UTC

    def page(self, caller: Caller, query: contract.HistoryQuery) -> contract.HistoryPage:
        """One page, newest first; a filtered one may be short, or empty, and still have a next.

        Raises InvalidRequestError for a cursor that is not of this list with these filters.
        """
        begun = _begun(query)
        scope = (caller.user_id, query.kind or "", str(begun))
        after = self.cursors.decode(TRANSCRIPT, query.cursor, *scope)
        self.ledger.admit(caller)
        lines, last = self._matching(caller.user_id, query, begun, after)
        return contract.HistoryPage([_line(line) for line in lines], self.cursors.encode(TRANSCRIPT, last, *scope))

    def _matching(
        self, user_id: str, query: contract.HistoryQuery, begun: tuple[int, int] | None, after: str | None
    ) -> tuple[list[Transcript], str | None]:
        if query.kind is None and begun is None:
            return self.transcripts.page(user_id, query.limit, after)
        first_at, end_at = begun or (BEGINNING_AT, FOREVER_AT)
        found: list[Transcript] = []
        for _ in range(QUERIES_PER_PAGE):
            lines, after = self.transcripts.page(user_id, TRANSCRIPTS_PER_QUERY, after, begun)
            for line in lines:
                if query.kind in (None, line.kind) and first_at <= line.started_at < end_at:
                    found.append(line)
                    if len(found) == query.limit:
                        is_last = after is None and line is lines[-1]
                        return found, None if is_last else TRANSCRIPT + line.transcript_id
            if after is None:
                break
        return found, after

    def get_transcript(self, caller: Caller, transcript_id: str, cursor: str | None = None) -> contract.TranscriptWhole:
        """One transcript with the stretches of time that it covers, and those in between that it does not.

        Where its words do not fit into one answer, `cursor` leads on. Raises NotFoundError, InvalidRequestError.
        """
        scope = (caller.user_id, transcript_id)
        after = self.cursors.decode(PIECE, cursor, *scope)
        line, segments = self._read(caller, transcript_id)
        summaries = [] if after else self.transcripts.summaries(caller.user_id, transcript_id, MAX_SUMMARIES)
        around = _sent_bytes(msgspec.json.encode(_whole(line, segments, [], summaries, None)).decode())
        room = min(MAX_PAGE_BYTES, MAX_ANSWER_BYTES - around)
        page, last = _fitting(segments, int(after.removeprefix(PIECE)) if after else 0, room)
        following = self.cursors.encode(PIECE, f"{PIECE}{last}" if last else None, *scope)
        return _whole(line, segments, page, summaries, following)

    def export(self, caller: Caller, transcript_id: str, form: str) -> TranscriptFile:
        """The transcript as subtitles (`srt`, `vtt`), text or JSON. Raises NotFoundError, TooLargeError."""
        line, segments = self._read(caller, transcript_id)
        match form:
            case "srt":
                content, content_type = subtitles.write_srt(segments), "application/x-subrip"
            case "vtt":
                content, content_type = subtitles.write_vtt(segments), "text/vtt; charset=utf-8"
            case "txt":
                content, content_type = subtitles.write_txt(segments), "text/plain; charset=utf-8"
            case _:
                summaries = self.transcripts.summaries(caller.user_id, transcript_id, MAX_SUMMARIES)
                content = msgspec.json.encode(_whole(line, segments, segments, summaries, None)).decode()
                content_type = "application/json"
        if _sent_bytes(content) > MAX_FILE_BYTES:
            raise TooLargeError(
                "This transcript does not fit into one file: read it page by page.", max_bytes=MAX_FILE_BYTES
            )
        return TranscriptFile(content, content_type, f"transcript-{transcript_id}.{form}")

    def delete(self, caller: Caller, transcript_id: str) -> contract.TranscriptDeleted:
        """Forget the transcript and its session. It is gone at once; the sweep erases its words within minutes.

        Raises NotFoundError, or ConflictError while its session runs.
        """
        _, (item,) = self.ledger.admit(caller, extra_keys=[transcript_key(caller.user_id, transcript_id)])
        line = _found(item)
        held = self.tables.get(session_key(caller.user_id, line.session_id)) if line.session_id else None
        current = session(held) if held else None
        if current and current.state in (SessionState.OPENING, SessionState.ACTIVE):
            raise ConflictError("This session is running. Stop it first.", "session_running", state=current.state.value)
        try:
            self.tables.transact(delete_transcript_and_session(line, caller.user_id, current, self.now()))
        except WriteRefusedError as refusal:
            if 0 in refusal.refused:
                raise NotFoundError("There is no such transcript.") from refusal
            raise ConflictError("This session was just resumed. Stop it first.", "session_running") from refusal
        return contract.TranscriptDeleted(deleted=True)

    def delete_marked_segments(self) -> int:
        """Erase the words of deleted transcripts; how many are gone for good. Safe at any time, also beside itself."""
        return sum(
            self.transcripts.delete_segments(user_id, transcript_id, PAGES_PER_TRANSCRIPT)
            for user_id, transcript_id in self.transcripts.list_deleted(TRANSCRIPTS_PER_RUN)
        )

    def _read(self, caller: Caller, transcript_id: str) -> tuple[Transcript, list[Segment]]:
        _, (item,) = self.ledger.admit(caller, extra_keys=[transcript_key(caller.user_id, transcript_id)])
        return _found(item), self.transcripts.segments(caller.user_id, transcript_id)


def merge_intervals(segments: Sequence[Segment | contract.Interval]) -> list[contract.Interval]:
    """The stretches that these cover, by time, none touching another."""
    covered: list[contract.Interval] = []
    for segment in sorted(segments, key=lambda s: s.start_ms):
        if covered and segment.start_ms <= covered[-1].end_ms:
            end_ms = max(covered[-1].end_ms, segment.end_ms)
            covered[-1] = contract.Interval(covered[-1].start_ms, end_ms)
        else:
            covered.append(contract.Interval(segment.start_ms, segment.end_ms))
    return covered


def _covered(line: Transcript, segments: Sequence[Segment]) -> list[contract.Interval]:
    """What leases covered, and what was saved of the time between them, so that no word stands in a gap.

    Words after that are those of a lease that runs: it will cover its pauses too.
    """
    if not line.covered_ms:
        return merge_intervals(segments)
    leased = [contract.Interval(*stretch) for stretch in line.covered_ms]
    return merge_intervals([*leased, *(segment for segment in segments if segment.end_ms <= leased[-1].end_ms)])


def uncovered_intervals(covered: list[contract.Interval]) -> list[contract.Interval]:
    """What lies between the beginning and the last covered moment without being covered."""
    starts = [0, *(interval.end_ms for interval in covered)]
    return [
        contract.Interval(start_ms, interval.start_ms)
        for start_ms, interval in zip(starts, covered, strict=False)
        if start_ms < interval.start_ms
    ]


def _begun(query: contract.HistoryQuery) -> tuple[int, int] | None:
    """From which second, and before which. Raises InvalidRequestError where that is no time at all."""
    if query.begun_from is None and query.begun_before is None:
        return None
    first_at = math.ceil(query.begun_from.timestamp()) if query.begun_from else BEGINNING_AT
    end_at = math.ceil(query.begun_before.timestamp()) if query.begun_before else FOREVER_AT
    if end_at <= first_at:
        raise InvalidRequestError("`to` must be after `from`.", "to")
    return first_at, end_at


def _found(item: dict[str, object] | None) -> Transcript:
    if item is None or "started_at" not in item:
        raise NotFoundError("There is no such transcript.")
    return transcript_from(item)


def _sent_bytes(text: str) -> int:
    """How many bytes the text takes in Lambda's answer.

    That is JSON in ASCII, so a quote takes two and a Cyrillic letter six (source: aws-lambda-python-runtime-interface-
    client, lambda_runtime_marshaller.py; it leaves letters as they are from Python 3.12 on).
    """
    return len(json.dumps(text))


def _fitting(segments: Sequence[Segment], first: int, room: int) -> tuple[Sequence[Segment], int | None]:
    """As many segments from number `first` on as `room` bytes hold, one at least, and the number of the next if any."""
    size = 0
    for number in range(first, len(segments)):
        size += _sent_bytes(msgspec.json.encode(_piece(segments[number])).decode())
        if size > room and number > first:
            return segments[first:number], number
    return segments[first:], None


def _whole(
    line: Transcript,
    segments: Sequence[Segment],
    page: Sequence[Segment],
    summaries: Sequence[Summary],
    following: str | None,
) -> contract.TranscriptWhole:
    covered = _covered(line, segments)
    return contract.TranscriptWhole(
        transcript=_line(line),
        segments=[_piece(segment) for segment in page],
        covered=covered,
        uncovered=uncovered_intervals(covered),
        summaries=[_summary(made) for made in summaries],
        next_cursor=following,
    )


def _piece(segment: Segment) -> contract.SegmentOut:
    return contract.SegmentOut(segment.seq, segment.start_ms, segment.end_ms, segment.text, segment.speaker)


def _summary(made: Summary) -> contract.SummaryOut:
    moments = [contract.KeyMoment(moment.start_ms, moment.title) for moment in made.moments]
    return contract.SummaryOut(made.job_id, made.from_ms, made.to_ms, made.text, moments, made.is_whole)


def _line(line: Transcript) -> contract.HistoryLine:
    return contract.HistoryLine(
        id=line.transcript_id,
        kind=line.kind,
        state=line.state,
        started_at=rfc3339(line.started_at),
        duration_ms=line.audio_ms,
        credits=line.credits,
        title=line.title,
        source_url=line.source_url,
        language=line.language,
        session_id=line.session_id,
        ended_at=rfc3339(line.ended_at) if line.ended_at else "",
    )
