"""Streaming: live sessions and relayed audio."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from .base import (
    ONE_LINE,
    Identifier,
    KeyTerm,
    Language,
    LeaseSeconds,
    Milliseconds,
    RequestShape,
    ResponseShape,
    SampleRate,
    Sequence,
    SourceUrl,
    Text,
    Time,
    Title,
    one_of,
)


class SegmentInput(RequestShape, kw_only=True):
    """One segment of the transcript to save."""

    seq: Sequence
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: Text
    speaker: Annotated[str, Meta(max_length=50, pattern=ONE_LINE)] = ""

    def __post_init__(self) -> None:
        if self.end_ms < self.start_ms:
            raise ValueError("`end_ms` must not be before `start_ms`.")


class Start(RequestShape, tag_field="action", tag="start", kw_only=True):
    transport: Literal["direct", "relay"] = "direct"
    language: Language = ""
    title: Title = ""
    source_url: SourceUrl = ""
    sample_rate: SampleRate | None = None
    lease_seconds: LeaseSeconds | None = None
    key_terms: Annotated[list[KeyTerm], Meta(max_length=100)] = []


class Renew(RequestShape, tag_field="action", tag="renew", kw_only=True):
    session_id: Identifier
    interrupted: bool = False


class Save(RequestShape, tag_field="action", tag="save", kw_only=True):
    session_id: Identifier
    segments: Annotated[list[SegmentInput], Meta(max_length=100)]


class Stop(RequestShape, tag_field="action", tag="stop", kw_only=True):
    session_id: Identifier
    provider_session_seconds: Annotated[int, Meta(ge=0, le=2_592_000)] | None = None


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
    websocket_url: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    token_expires_at: Time | UnsetType = UNSET


class Saved(ResponseShape, kw_only=True):
    seconds_left: int
    warnings: list[Annotated[str, one_of("credits_low", "lease_ending", "no_audio")]]


class Stopped(ResponseShape, kw_only=True):
    session_id: str
    transcript_id: str
    billed_seconds: int
    credits_used: int
    credits_available: int


class ChunkQuery(RequestShape, kw_only=True):
    seq: Sequence
    start_ms: Milliseconds | None = None
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
