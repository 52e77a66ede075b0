"""Catch-up: uploads, summaries of a range, and the webhook of the provider."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from ..models.catchup import JobState
from .base import (
    Cleaned,
    Identifier,
    MediaType,
    OrNull,
    RecordingLanguage,
    RequestShape,
    ResponseShape,
    RoundedMilliseconds,
    Time,
    Title,
    describe_pattern,
    one_of,
)
from .cleaning import strip_edges

TRANSCRIPT_ID = describe_pattern(
    r"^[0-9A-Za-z_-]+$(?!\n)", "Give the transcript's id: letters, digits, hyphens, underscores."
)


class NewUpload(RequestShape, kw_only=True):
    content_type: MediaType


class Upload(ResponseShape, kw_only=True):
    """A form for a multipart POST to `url`: all `fields` first, the `file` last."""

    upload_id: str
    url: str
    fields: dict[str, str]
    expires_at: Time
    max_bytes: int


class Catchup(RequestShape, kw_only=True):
    """A range of one source: an upload, a public address, or the saved captions of a live session.

    Without `to_ms`, the range of an upload or of an address goes to the end, as far as the balance reaches.
    """

    upload_id: Identifier | None = None
    audio_url: Annotated[str, Cleaned(by=strip_edges), Meta(min_length=1, max_length=2_000)] | None = None
    session_id: Identifier | None = None
    from_ms: RoundedMilliseconds | None = None
    to_ms: RoundedMilliseconds | None = None
    minutes: Annotated[int, Meta(ge=1, le=600)] | None = None
    language: OrNull[RecordingLanguage] = ""
    title: OrNull[Title] = ""
    quote: bool = False


class Quote(ResponseShape, kw_only=True):
    """The most that the range would cost. No credits were held.

    If the same range of the same unchanged source was requested before, `credits` is 0, `job_id` is the catch-up that
    the request would return, and `is_stored` says whether that is done: otherwise the request joins it.
    """

    credits: int
    credits_available: int
    from_ms: int
    to_ms: int
    price_version: str
    is_stored: bool
    job_id: str = ""


class KeyMoment(ResponseShape, kw_only=True):
    start_ms: int
    title: str


class JobError(ResponseShape, kw_only=True):
    code: str
    message: str


class CatchupJob(ResponseShape, kw_only=True):
    """A catch-up: its status, its cost and, when it is done, the summary.

    Of a range to the end, `to_ms` is first how far the hold reaches. Once the recording is transcribed, `to_ms` is
    where the covered range ends, and `recording_ms` where the recording does; not so if the provider does not say how
    long a recording without speech is.
    """

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
    recording_ms: int | UnsetType = UNSET
    summary: str | UnsetType = UNSET
    key_moments: list[KeyMoment] | UnsetType = UNSET
    summary_is_whole: bool | UnsetType = UNSET
    error: JobError | UnsetType = UNSET


class WebhookQuery(RequestShape, kw_only=True):
    job: Identifier


class TranscriptEnded(Struct, kw_only=True):
    """The provider's notification. Other fields are ignored."""

    transcript_id: Annotated[str, Meta(min_length=1, max_length=100, pattern=TRANSCRIPT_ID)]
    status: str = ""


class WebhookReceipt(ResponseShape, kw_only=True):
    received: bool
