"""The history on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, field

from ..models.catchup import JobState
from ..models.sessions import SessionState
from .catchup import KeyMoment
from .shapes import Answer, PageQuery, Request, Time, one_of

Moment = Annotated[datetime, Meta(tz=True)]


class HistoryQuery(PageQuery):
    """Which transcripts: of one kind, begun from `from` (included) to `to` (not included)."""

    kind: Literal["live", "catchup"] | None = None
    begun_from: Moment | None = field(default=None, name="from")
    begun_before: Moment | None = field(default=None, name="to")


class TranscriptQuery(Request):
    cursor: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


class ExportQuery(Request):
    format: Literal["srt", "vtt", "txt", "json"]


class HistoryLine(Answer):
    id: str
    kind: Annotated[str, one_of("live", "catchup")]
    state: Annotated[str, one_of(*SessionState, JobState.DONE)]
    started_at: Time
    duration_ms: int
    credits: int
    title: str = ""
    source_url: str = ""
    language: str = ""
    session_id: str = ""
    ended_at: Time = ""


class HistoryPage(Answer):
    items: list[HistoryLine]
    next_cursor: str | None


class SegmentOut(Answer):
    seq: int
    start_ms: int
    end_ms: int
    text: str
    speaker: str = ""


class Interval(Answer):
    start_ms: int
    end_ms: int


class SummaryOut(Answer):
    """What somebody missed in a range, as they once asked."""

    job_id: str
    from_ms: int
    to_ms: int
    summary: str
    key_moments: list[KeyMoment]
    is_whole: bool = True  # False where the words were more than the price covers


class TranscriptWhole(Answer):
    transcript: HistoryLine
    segments: list[SegmentOut]
    covered: list[Interval]
    uncovered: list[Interval]
    summaries: list[SummaryOut] = []
    next_cursor: str | None = None


class TranscriptDeleted(Answer):
    deleted: bool
