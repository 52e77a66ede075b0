"""Transcripts: history, export, deletion and questions."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from ..models.catchup import JobState
from ..models.sessions import SessionState
from .base import Identifier, OrNull, PageQuery, RequestShape, ResponseShape, Time, Title, describe_pattern, one_of
from .catchup import KeyMoment

Moment = Annotated[datetime, Meta(tz=True)]
Question = Annotated[str, Meta(max_length=1_000, pattern=describe_pattern(r"\S", "Ask a question in words."))]


class HistoryQuery(PageQuery, kw_only=True):
    """Filters: transcripts of one kind, started from `from` (included) to `to` (excluded)."""

    kind: Literal["live", "catchup"] | None = None
    started_from: Moment | None = field(default=None, name="from")
    started_before: Moment | None = field(default=None, name="to")


class HistoryItem(ResponseShape, kw_only=True):
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
    shared_at: Time = ""


class HistoryPage(ResponseShape, kw_only=True):
    items: list[HistoryItem]
    next_cursor: str | None


class TranscriptQuery(RequestShape, kw_only=True):
    cursor: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


class TranscriptSegment(ResponseShape, kw_only=True):
    seq: int
    start_ms: int
    end_ms: int
    text: str
    speaker: str = ""


class Interval(ResponseShape, kw_only=True):
    start_ms: int
    end_ms: int


class TranscriptSummary(ResponseShape, kw_only=True):
    """The summary of an earlier catch-up of a range."""

    job_id: str
    from_ms: int
    to_ms: int
    summary: str
    key_moments: list[KeyMoment]
    is_whole: bool = True  # False if the range has more text than the price covers


class TranscriptDetail(ResponseShape, kw_only=True):
    transcript: HistoryItem
    segments: list[TranscriptSegment]
    covered: list[Interval]
    uncovered: list[Interval]
    summaries: list[TranscriptSummary] = []
    next_cursor: str | None = None


class SearchQuery(PageQuery, kw_only=True):
    """`q`: words, which a transcript must all have, and "quoted phrases"."""

    q: Annotated[str, Meta(min_length=1, max_length=200)]


class SearchSnippet(ResponseShape, kw_only=True):
    """The text of the transcript around a match, in three parts, as it was saved."""

    before: str
    match: str
    after: str


class SearchResult(ResponseShape, kw_only=True):
    """A transcript with all that was searched for, and its first moment; without one, only the title matches."""

    transcript_id: str
    started_at: Time
    snippet: SearchSnippet
    title: str = ""
    start_ms: int | None = None
    seq: int | None = None
    speaker: str = ""


class SearchPage(ResponseShape, kw_only=True):
    items: list[SearchResult]
    next_cursor: str | None


class SharedAddress(ResponseShape, kw_only=True):
    """The secret address of a shared transcript. It is returned only once: sharing again makes another one."""

    url: str
    shared_at: Time


class ShareEnded(ResponseShape, kw_only=True):
    ended: bool


class SharedPageQuery(Struct, kw_only=True):
    """`part`: the number of the segment with which a later part of a long transcript begins."""

    part: str = ""


class ExportQuery(RequestShape, kw_only=True):
    format: Literal["srt", "vtt", "txt", "json"]


class UpdateTranscript(RequestShape, kw_only=True):
    """The changes to a transcript. An empty title, or null, removes the title."""

    title: OrNull[Title]

    def __post_init__(self) -> None:
        self.title = self.title or ""
        super().__post_init__()


class TranscriptDeleted(ResponseShape, kw_only=True):
    deleted: bool


class Ask(RequestShape, kw_only=True):
    question: Question
    transcript_id: Identifier | None = None
    session_id: Identifier | None = None


class QuotedMoment(ResponseShape, kw_only=True):
    start_ms: int
    end_ms: int
    text: str
    speaker: str = ""


class AskAnswer(ResponseShape, kw_only=True):
    """An answer from the transcript alone, with the moments that it is based on.

    `answered` is false, and `quotes` empty, if the transcript does not answer the question.
    """

    answered: bool
    answer: str
    quotes: list[QuotedMoment]
    transcript_id: str
    credits_used: int
    credits_available: int
    is_whole: bool = True  # False if the transcript was too long to be read as a whole
