"""Uploads, catch-ups and questions on the wire."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from ..models.catchup import JobState
from .shapes import Answer, Identifier, Language, Milliseconds, Request, Time, Title, one_of

MediaType = Annotated[str, Meta(max_length=100, pattern=r"^(audio|video)/[a-z0-9][a-z0-9.+-]*$(?!\n)")]
Question = Annotated[str, Meta(min_length=1, max_length=1_000, pattern=r"\S")]


class NewUpload(Request):
    content_type: MediaType


class Upload(Answer):
    """A form to send by POST as multipart: all `fields` first, the `file` last."""

    upload_id: str
    url: str
    fields: dict[str, str]
    expires_at: Time
    max_bytes: int


class Catchup(Request):
    """A range of one source: an upload, a public address, or a live session's saved words."""

    upload_id: Identifier | None = None
    audio_url: Annotated[str, Meta(min_length=1, max_length=2_000)] | None = None
    session_id: Identifier | None = None
    from_ms: Milliseconds | None = None
    to_ms: Milliseconds | None = None
    minutes: Annotated[int, Meta(ge=1, le=600)] | None = None
    language: Language = ""
    title: Title = ""
    quote: bool = False


class Quote(Answer):
    """What the range would cost at most; nothing was held."""

    credits: int
    credits_available: int
    from_ms: int
    to_ms: int
    price_version: str


class KeyMoment(Answer):
    start_ms: int
    title: str


class JobError(Answer):
    code: str
    message: str


class CatchupJob(Answer):
    """A catch-up: what it costs and how far it is; when done, what was missed."""

    job_id: str
    status: Annotated[str, one_of(*(state for state in JobState if state is not JobState.SUBMITTING))]
    progress: int
    from_ms: int
    to_ms: int
    credits_held: int
    credits_used: int
    created_at: Time
    transcript_id: str = ""
    session_id: str = ""
    summary: str | UnsetType = UNSET
    key_moments: list[KeyMoment] | UnsetType = UNSET
    summary_is_whole: bool | UnsetType = UNSET
    error: JobError | UnsetType = UNSET


class Ask(Request):
    question: Question
    transcript_id: Identifier | None = None
    session_id: Identifier | None = None


class Quoted(Answer):
    start_ms: int
    end_ms: int
    text: str
    speaker: str = ""


class AskAnswer(Answer):
    """An answer from the transcript alone, with the moments it rests on; none of these where it does not say it."""

    answered: bool
    answer: str
    quotes: list[Quoted]
    transcript_id: str
    credits_used: int
    credits_available: int
    is_whole: bool = True  # False where the transcript was too long to be read whole for this question


class WebhookQuery(Request):
    job: Identifier


class TranscriptEnded(Struct):
    """What a provider says; it may say more, which is not looked at."""

    transcript_id: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[0-9A-Za-z_-]+$(?!\n)")]
    status: str = ""


class Notified(Answer):
    received: bool
