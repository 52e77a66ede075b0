"""Transcripts: their segments, summaries and questions."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from .field_kinds import Internal, Personal, Record


class Word(Struct, frozen=True):
    """One recognised word; its times count from the beginning of its chunk or recording."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Recognition(Struct, frozen=True):
    """What a provider recognised. `model` is "provider/model"; `words` is empty if the provider returns no times."""

    text: str
    model: str
    words: tuple[Word, ...] = ()


class Segment(Struct, frozen=True):
    """A piece of a transcript. The last write of a `seq` wins."""

    seq: Record[int]
    start_ms: Record[int]
    end_ms: Record[int]
    text: Personal[str]
    speaker: Personal[str] = ""


class ChunkAttributes:
    """What a stored chunk of relayed audio has besides its reservation, once it is recognised.

    `words`, the times of the text, is unmarked: an export has the text.
    """

    state: Internal[str]
    text: Personal[str]
    words: list[Any]
    model: Internal[str]


class BlockAttributes:
    """A stored block of saved segments: as rows, or packed (repositories/packed_rows.py)."""

    segments: Personal[list[Any]]
    packed: Personal[bytes]


class Transcript(Struct, frozen=True):
    """A line of the history: a live session, or the recording of a catch-up.

    `recording_ms`: how long the recording of a catch-up is, where it was to be covered to its end; else 0.
    `share_hash`: of the address at which it is shared, if it is.
    """

    transcript_id: Record[str]
    kind: Record[str]
    started_at: Record[int]
    title: Personal[str] = ""
    source_url: Personal[str] = ""
    language: Personal[str] = ""
    session_id: Record[str] = ""
    state: Record[str] = ""
    ended_at: Record[int] = 0
    audio_ms: Record[int] = 0
    recording_ms: Record[int] = 0
    credits: Record[int] = 0
    covered_ms: Record[tuple[tuple[int, int], ...]] = ()
    share_hash: Internal[str] = ""
    shared_at: Record[int | None] = None


class Share(Struct, frozen=True):
    """The transcript that a shared address leads to."""

    user_id: Internal[str]
    transcript_id: Internal[str]


class SharedTranscript(Struct, frozen=True):
    """A part of a shared transcript, as its page shows it; the summaries are in the first part.

    `first`: the number of its first segment; `following`: that of the next part, 0 at the end.
    """

    title: str
    language: str
    started_at: int
    segments: Sequence[Segment]
    summaries: Sequence["Summary"]
    first: int
    following: int


class TranscriptAttributes:
    """What a stored line of the history has besides the fields of `Transcript`: how many catch-ups are done, and run.

    A running catch-up of a recording is not counted: its line is written when it is done.
    """

    catchups: Record[int]
    running_catchups: Internal[int]


class Moment(Struct, frozen=True):
    """A key moment: when it begins, and its subject."""

    start_ms: Record[int]
    title: Personal[str]


class Summary(Struct, frozen=True):
    """The summary of a range of a transcript."""

    transcript_id: Record[str]
    job_id: Record[str]
    from_ms: Record[int]
    to_ms: Record[int]
    text: Personal[str]
    moments: Personal[tuple[Moment, ...]]
    is_whole: Record[bool] = True  # False if text was left out because it was longer than the price covers


class Question(Struct, frozen=True):
    """A question about a transcript. `attempt` is the request that answers it; `answer` is empty until then."""

    question_id: Record[str]
    attempt: Internal[str]
    asked_at: Record[int]
    expires_at: Internal[int]
    body_hash: Internal[str]
    transcript_id: Record[str]
    answer: Personal[str] = ""
