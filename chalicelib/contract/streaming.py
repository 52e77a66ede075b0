"""Streaming: live sessions and relayed audio."""

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from ..models.rounding import round_half_up
from .base import (
    Cleaned,
    Identifier,
    KeyTerm,
    Language,
    LeaseSeconds,
    OrNull,
    ProviderNames,
    ReportedSeconds,
    RequestShape,
    ResponseShape,
    SampleRate,
    Sequence,
    SilenceMs,
    SourceUrl,
    Time,
    Title,
    one_of,
)

# What vendors and their users put where a time, a text or a name belongs.
Scalar = str | float | bool | None
KEY_TERMS = "Names and rare words that the provider of a direct session should recognise. Relayed audio ignores them."
CHUNK_START = (
    "Where the chunk begins in the transcript, in milliseconds; rounded, and put between 0 and 30 days. Without it: at "
    "the length of all audio sent before it, whatever `start_ms` that audio had."
)
# Of a stop, which takes any number: a body of 4 MB may have two million, and their memory is bounded.
MOST_READ_SEGMENTS = 20_000
LATEST_CHUNK_MS = 2_592_000_000  # thirty days


class SegmentInput(RequestShape, kw_only=True, forbid_unknown_fields=False):
    """One segment of the transcript to save. No value of its fields keeps the other segments out.

    Times are rounded and put between 0 and 30 days; a start that is no number is 0, such an end is the start. A text is
    cut after 20,000 characters, and a number is read as text. A segment without text is ignored, and so are unknown
    fields. A segment whose `seq` or text cannot be read is rejected as `unreadable`.
    """

    seq: Annotated[Any, Meta(description="A whole number from 0 to 9,999,999,999.")] = None
    start_ms: Annotated[Any, Meta(description="Milliseconds.")] = None
    end_ms: Annotated[Any, Meta(description="Milliseconds.")] = None
    text: Annotated[Any, Meta(description="What was said.")] = None
    speaker: Annotated[Any, Meta(description="Who said it.")] = ""


def read_segments(sent: Any) -> list[SegmentInput]:
    """The first 20,000 segments as they were sent.

    What is no object is one whose text cannot be read, and null one without text.
    """
    return [_read_segment(segment) for segment in (sent[:MOST_READ_SEGMENTS] if isinstance(sent, list) else [sent])]


def _read_segment(sent: Any) -> SegmentInput:
    if isinstance(sent, SegmentInput):
        return sent
    return SegmentInput() if sent is None else SegmentInput(text=[])


class Turn(RequestShape, kw_only=True):
    """When the provider ends a turn, where it can be told; what is left out is the provider's own."""

    silence_ms: SilenceMs | None = None
    max_silence_ms: SilenceMs | None = None
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_silence_ms is not None and (self.silence_ms or 0) > self.max_silence_ms:
            raise ValueError("`max_silence_ms` must not be below `silence_ms`.")


class Start(RequestShape, tag_field="action", tag="start", kw_only=True):
    transport: OrNull[Literal["direct", "relay"]] = "direct"
    language: OrNull[Language] = ""
    title: OrNull[Title] = ""
    source_url: OrNull[SourceUrl] = ""
    sample_rate: SampleRate | None = None
    lease_seconds: LeaseSeconds | None = None
    key_terms: Annotated[OrNull[Annotated[list[KeyTerm], Meta(max_length=100)]], Meta(description=KEY_TERMS)] = []
    providers: ProviderNames | None = None
    turn: Turn | None = None


class Renew(RequestShape, tag_field="action", tag="renew", kw_only=True):
    session_id: Identifier
    interrupted: OrNull[bool] = False


if TYPE_CHECKING:
    Segments = list[SegmentInput]
    LastSegments = list[SegmentInput]
else:
    AnySegment = SegmentInput | Scalar | list[Any]
    Segments = Annotated[list[AnySegment], Cleaned(by=read_segments), Meta(max_length=100)]
    # Whatever is sent with a stop, the session is settled.
    LastSegments = Annotated[list[AnySegment] | SegmentInput | Scalar, Cleaned(by=read_segments)]


class Save(RequestShape, tag_field="action", tag="save", kw_only=True):
    session_id: Identifier
    segments: Segments


class Stop(RequestShape, tag_field="action", tag="stop", kw_only=True):
    session_id: Identifier
    segments: OrNull[LastSegments] = []
    provider_session_seconds: ReportedSeconds | None = None


StreamAction = Start | Renew | Save | Stop


class Lease(ResponseShape, kw_only=True):
    session_id: str
    transcript_id: str
    provider: str
    lease_seconds: int
    lease_expires_at: Time
    renew_after: Time
    credits_held: int
    credits_per_minute: int
    credits_available: int
    save_interval_seconds: int
    offset_ms: int
    next_seq: int
    websocket_url: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    token_expires_at: Time | UnsetType = UNSET


class RejectedSegment(ResponseShape, kw_only=True):
    """A segment that was not stored, and why. `index`: its place in the list, from 0, where its `seq` is unreadable."""

    seq: int | UnsetType = UNSET
    index: int | UnsetType = UNSET
    reason: Annotated[str, one_of("save_full", "words_limit", "session_stopped", "resume_expired", "unreadable")]


class Saved(ResponseShape, kw_only=True):
    """`saved`: the `seq` of each segment that was stored. A segment without text is in neither list."""

    saved: list[int]
    rejected: list[RejectedSegment]
    seconds_left: int
    warnings: list[Annotated[str, one_of("credits_low", "lease_ending", "no_audio")]]


class Stopped(ResponseShape, kw_only=True):
    session_id: str
    transcript_id: str
    billed_seconds: int
    credits_used: int
    credits_available: int
    rejected: list[RejectedSegment]


class OpenSession(ResponseShape, kw_only=True):
    """A session that was not stopped. A `lapsed` one holds nothing and can be resumed."""

    session_id: str
    transcript_id: str
    state: Annotated[str, one_of("opening", "active", "lapsed")]
    next_seq: int
    credits_held: int
    lease_expires_at: Time


class OpenSessions(ResponseShape, kw_only=True):
    """Newest first; at most 100."""

    sessions: list[OpenSession]


def place_chunk(milliseconds: float) -> int:
    """Where a chunk begins as whole milliseconds, from 0 to 30 days. Raises ValueError."""
    if math.isnan(milliseconds):
        raise ValueError("Send a number of milliseconds, such as 12500.")
    return round_half_up(min(max(0, milliseconds), LATEST_CHUNK_MS))


if TYPE_CHECKING:
    ChunkStart = int  # what `Cleaned` leaves of a number
else:
    ChunkStart = Annotated[float, Cleaned(by=place_chunk), Meta(description=CHUNK_START)]


class ChunkQuery(RequestShape, kw_only=True):
    seq: Sequence
    start_ms: ChunkStart | None = None
    sample_rate: SampleRate | None = None
    channels: Literal[1, 2] | None = None


class ChunkWord(ResponseShape, kw_only=True):
    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Chunk(ResponseShape, kw_only=True):
    seq: int
    text: str
    words: list[ChunkWord]
    start_ms: int
    duration_ms: int
    credits_used: int
