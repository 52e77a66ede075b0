"""Transcripts: their words, summaries and questions."""

from msgspec import Struct


class Word(Struct, frozen=True):
    """One recognised word, in milliseconds of its own chunk or recording."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Recognition(Struct, frozen=True):
    """What a provider heard. `model` is "provider/model"; `words` may be empty where the provider times none."""

    text: str
    model: str
    words: tuple[Word, ...] = ()


class Segment(Struct, frozen=True):
    """A piece of transcript. The last write of a `seq` wins."""

    seq: int
    start_ms: int
    end_ms: int
    text: str
    speaker: str = ""


class Transcript(Struct, frozen=True):
    """One line of the history: a live session, or the recording that a catch-up listened to."""

    transcript_id: str
    kind: str
    started_at: int
    title: str = ""
    source_url: str = ""
    language: str = ""
    session_id: str = ""
    state: str = ""
    ended_at: int = 0
    audio_ms: int = 0
    credits: int = 0
    covered_ms: tuple[tuple[int, int], ...] = ()


class Moment(Struct, frozen=True):
    """A key moment: where it begins, and what it is about."""

    start_ms: int
    title: str


class Summary(Struct, frozen=True):
    """What somebody missed in a range of a transcript."""

    transcript_id: str
    job_id: str
    from_ms: int
    to_ms: int
    text: str
    moments: tuple[Moment, ...]
    is_whole: bool = True  # False where the words were more than the price covers, and some were left out


class Question(Struct, frozen=True):
    """One question. `attempt` names who is answering it; `answer` is empty until it is there."""

    question_id: str
    attempt: str
    asked_at: int
    expires_at: int
    body_hash: str
    transcript_id: str
    answer: str = ""
