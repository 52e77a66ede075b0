"""The shapes on the wire: what a request may say and what an answer says. docs/api.md explains them.

Every field is bounded here, so that nothing oversized reaches a use case. Unknown fields are refused.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

# Python's `$` also stands before a last line break; `$(?!\n)` is the end in Python and in JSON Schema.
Text = Annotated[str, Meta(min_length=1, max_length=2_000)]
Email = Annotated[
    str, Meta(min_length=3, max_length=128, pattern=r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}$(?!\n)")
]
Password = Annotated[str, Meta(min_length=10, max_length=256)]
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z-]+$(?!\n)")]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f<>]+$(?!\n)")]
Token = Annotated[str, Meta(min_length=1, max_length=8_192)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z-]+$(?!\n)")]
# The languages that speech models of this kind know (those of Whisper), with or without a region.
LANGUAGES = (
    "af|am|ar|as|az|ba|be|bg|bn|bo|br|bs|ca|cs|cy|da|de|el|en|es|et|eu|fa|fi|fo|fr|gl|gu|ha|haw|he|hi|hr|ht|hu|hy|id|is"
    "|it|ja|jw|ka|kk|km|kn|ko|la|lb|ln|lo|lt|lv|mg|mi|mk|ml|mn|mr|ms|mt|my|ne|nl|nn|no|oc|pa|pl|ps|pt|ro|ru|sa|sd|si|sk"
    "|sl|sn|so|sq|sr|su|sv|sw|ta|te|tg|th|tk|tl|tr|tt|uk|ur|uz|vi|yi|yo|yue|zh"
)
Language = Annotated[str, Meta(max_length=10, pattern=rf"^(({LANGUAGES})(-[A-Z]{{2}})?)?$(?!\n)")]
Title = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
SourceUrl = Annotated[
    str, Meta(max_length=2_000, pattern=r"^https?://[^\s/?#@\\\x00-\x1f\x7f]+([/?#][^\s\x00-\x1f\x7f]*)?$(?!\n)")
]
Milliseconds = Annotated[int, Meta(ge=0, le=86_400_000)]
Sequence = Annotated[int, Meta(ge=0, le=9_999_999)]
KeyTerm = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$")]
LeaseSeconds = Annotated[int, Meta(ge=60, le=10_800)]
SampleRate = Literal[8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]


class Request(Struct, forbid_unknown_fields=True):
    """A body or query that a client sends."""

    def __repr__(self) -> str:
        """Without a value: some are passwords and tokens, and a repr ends up in logs."""
        return f"{type(self).__name__}(…)"


class Answer(Struct, omit_defaults=True):
    """A body that we send. A field that does not apply is left out."""

    def __repr__(self) -> str:
        """Without a value, as of a request."""
        return f"{type(self).__name__}(…)"


# Accounts


class Register(Request):
    email: Email
    password: Password
    name: Name = ""


class Confirm(Request):
    email: Email
    code: Code


class ResendCode(Request):
    email: Email


class Login(Request):
    email: Email
    password: Annotated[str, Meta(min_length=1, max_length=256)]


class Refresh(Request):
    refresh_token: Token


class Nothing(Request):
    """A body that may be left out, or be `{}`."""


class CreditSummary(Answer):
    available: int
    held: int


class User(Answer):
    user_id: str
    email: str
    created_at: str
    credits: CreditSummary
    name: str = ""
    groups: list[str] = []


class Tokens(Answer):
    token: str
    access_token: str
    expires_in: int
    token_type: str
    refresh_token: str | UnsetType = UNSET


class Registered(Answer):
    user: User
    confirmation_required: bool
    free_credits: int
    free_credits_reason: str = ""
    token: str | UnsetType = UNSET
    access_token: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET
    expires_in: int | UnsetType = UNSET
    token_type: str | UnsetType = UNSET


class Confirmed(Answer):
    confirmed: bool
    free_credits: int
    free_credits_reason: str = ""


class CodeSent(Answer):
    sent: bool


class LoggedIn(Answer):
    token: str
    access_token: str
    expires_in: int
    token_type: str
    user: User
    refresh_token: str | UnsetType = UNSET


class LoggedOut(Answer):
    signed_out: bool


# Streaming


class Segment(Request):
    """A piece of transcript that the extension saves."""

    seq: Sequence
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: Text
    speaker: Annotated[str, Meta(max_length=50, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")] = ""

    def __post_init__(self) -> None:
        if self.end_ms < self.start_ms:
            raise ValueError("`end_ms` is before `start_ms`")


class Start(Request, tag_field="action", tag="start"):
    transport: Literal["direct", "relay"] = "direct"
    language: Language = ""
    title: Title = ""
    source_url: SourceUrl = ""
    sample_rate: SampleRate | None = None
    lease_seconds: LeaseSeconds | None = None
    key_terms: Annotated[list[KeyTerm], Meta(max_length=100)] = []


class Renew(Request, tag_field="action", tag="renew"):
    session_id: Identifier
    interrupted: bool = False


class Save(Request, tag_field="action", tag="save"):
    session_id: Identifier
    segments: Annotated[list[Segment], Meta(max_length=100)]


class Stop(Request, tag_field="action", tag="stop"):
    session_id: Identifier
    provider_session_seconds: Annotated[int, Meta(ge=0, le=86_400)] | None = None


StreamAction = Start | Renew | Save | Stop


class ChunkQuery(Request):
    seq: Sequence
    start_ms: Milliseconds | None = None
    sample_rate: SampleRate | None = None
    channels: Literal[1, 2] | None = None


class Lease(Answer):
    session_id: str
    transcript_id: str
    provider: str
    lease_seconds: int
    lease_expires_at: str
    renew_after: str
    credits_held: int
    credits_per_minute: int
    credits_available: int
    save_interval_seconds: int
    offset_ms: int
    websocket_url: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    token_expires_at: str | UnsetType = UNSET


class Saved(Answer):
    seconds_left: int
    warnings: list[str]


class Stopped(Answer):
    session_id: str
    transcript_id: str
    billed_seconds: int
    credits_used: int
    credits_available: int


class ChunkWord(Answer):
    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Chunk(Answer):
    seq: int
    text: str
    words: list[ChunkWord]
    start_ms: int
    duration_ms: int
    credits_used: int


# Credits


class CreditBalance(Answer):
    available: int
    held: int
    lifetime_granted: int
    lifetime_purchased: int
    lifetime_used: int


class PageQuery(Request):
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


class ModelUse(Answer):
    provider: str
    model: str
    audio_ms: int


class Transaction(Answer):
    id: str
    kind: str
    credits: int
    at: str
    explanation: str
    service: str = ""
    session_id: str = ""
    hold_id: str = ""
    credits_held: int = 0
    seconds: int = 0
    price_version: str = ""
    models: list[ModelUse] = []


class Transactions(Answer):
    transactions: list[Transaction]
    next_cursor: str | None


# History


class HistoryLine(Answer):
    id: str
    kind: str
    state: str
    started_at: str
    duration_ms: int
    credits: int
    title: str = ""
    source_url: str = ""
    language: str = ""
    session_id: str = ""
    ended_at: str = ""


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


class TranscriptWhole(Answer):
    transcript: HistoryLine
    segments: list[SegmentOut]
    covered: list[Interval]
    uncovered: list[Interval]


class Health(Answer):
    status: str
    stage: str
    build: str
