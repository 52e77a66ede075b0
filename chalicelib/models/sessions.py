"""Live sessions, their leases and chunks, and the credentials of sockets."""

from enum import StrEnum

from msgspec import Struct

from .field_kinds import Internal, Personal, Record
from .ledger import ModelUse


class SessionState(StrEnum):
    """`opening`: the lease is held, its token not handed out yet. `lapsed`: the lease expired and was ended by the
    sweep; the session can be resumed for a day."""

    OPENING = "opening"
    ACTIVE = "active"
    LAPSED = "lapsed"
    STOPPED = "stopped"


HASH_DIGITS = 32  # of a stored hash: those of one session differ well before
SHORTEST_BILLED_MS = 1_000  # of a relayed chunk: however short, it costs as many writes and requests


def billed_chunk_ms(audio_ms: int) -> int:
    """What a relayed chunk of this length is billed as."""
    return max(audio_ms, SHORTEST_BILLED_MS)


class InFlight(Struct, frozen=True):
    """A chunk that is with a provider: the attempt, its length and when it was reserved (epoch seconds)."""

    attempt: str
    audio_ms: int
    reserved_at: int

    @property
    def billed_ms(self) -> int:
        return billed_chunk_ms(self.audio_ms)


class TurnSettings(Struct, frozen=True):
    """When a provider ends a turn, where it can be told; None leaves it to the provider.

    `silence_ms`: the silence after a turn that seems complete; `max_silence_ms`: after any other. The turn seems
    complete from this confidence on.
    """

    silence_ms: Record[int | None] = None
    max_silence_ms: Record[int | None] = None
    confidence_thousandths: Record[int | None] = None


class Session(Struct, frozen=True):
    """A live session: one transcript, many leases, one running total.

    `done_ms` is the billed total, `rounded_up_ms` what it contains because short chunks are billed as more than they
    are; `charged` are the credits settled with earlier leases. Audio uses up a relayed lease: of
    what its hold covers, `free_ms` is unused, `inflight` is with providers and the rest is part of `done_ms`; `uses`
    is what the models did since the last settlement. Time uses up a direct lease. `covered_ms` are the intervals of
    the transcript that leases covered until now; `words_until_ms` is where the last saved word ends. `providers` are
    those of the stage that the client can speak.

    `saves` counts the saves that stored words, and `saved_bytes` their bytes. Of the last one, `saved_hash` is the hash
    of its segments, `left_out` the places in it of those that were rejected, and `saved_block` the number of its block.
    A chunk's request saw `saves_before_chunk` saves, no later one more: those may have been replaced by chunks.
    `next_seq` is above every `seq` that was saved or sent as a chunk, and never falls.
    """

    user_id: Internal[str]
    session_id: Record[str]
    transcript_id: Record[str]
    transport: Record[str]
    state: Record[SessionState]
    started_at: Record[int]
    lease_number: Record[int]
    lease_seconds: Record[int]
    requested_lease_seconds: Record[int]
    lease_started_at: Record[int]
    lease_expires_at: Record[int]
    held: Record[int]
    price_version: Record[str]
    free_ms: Record[int]
    inflight: Internal[tuple[InFlight, ...]] = ()
    done_ms: Record[int] = 0
    rounded_up_ms: Record[int] = 0
    settled_ms: Record[int] = 0
    charged: Record[int] = 0
    language: Personal[str] = ""
    key_terms: Personal[tuple[str, ...]] = ()
    sample_rate: Record[int] = 16_000
    turn: Record[TurnSettings] = TurnSettings()
    providers: Record[tuple[str, ...]] = ()
    body_hash: Internal[str] = ""
    last_reserved_at: Record[int] = 0
    provider: Record[str] = ""
    model: Record[str] = ""
    last_saved_at: Record[int] = 0
    saves: Record[int] = 0
    saved_bytes: Record[int] = 0
    saved_hash: Internal[str] = ""
    saved_block: Internal[int] = 0
    left_out: Internal[tuple[int, ...]] = ()
    saves_before_chunk: Internal[int] = 0
    next_seq: Record[int] = 0
    stopped_at: Record[int] = 0
    words_until_ms: Record[int] = 0
    covered_ms: Record[tuple[tuple[int, int], ...]] = ()
    client_reported_seconds: Record[int | None] = None  # reported by the provider to the client; never billed
    renewal: Internal[str] = ""  # the idempotency key of the last renewal, if it had one
    renewal_hash: Internal[str] = ""
    followed_renewals: Record[tuple[str, ...]] = ()  # how the keys of earlier renewals begin, newest last
    uses: Record[tuple[ModelUse, ...]] = ()

    @property
    def hold_id(self) -> str:
        """The hold of the current lease; known before it is made, so that any step can run twice.

        Named after the transcript: after a failed start, the same session id can start again.
        """
        return f"{self.transcript_id}:{self.lease_number}"

    @property
    def history_state(self) -> SessionState:
        """The state as the history has it: a session that waits for its token is active.

        Otherwise every lease would write its line of the history a second time, when the token has come.
        """
        return SessionState.ACTIVE if self.state is SessionState.OPENING else self.state

    @property
    def inflight_ms(self) -> int:
        """What the audio that is with providers will be billed as."""
        return sum(chunk.billed_ms for chunk in self.inflight)

    @property
    def audio_ms(self) -> int:
        """The length of what was transcribed."""
        return self.done_ms - self.rounded_up_ms

    def used_ms(self, now: int) -> int:
        """What was billed of the session until `now`, or is being used; epoch seconds."""
        if not self.is_direct:
            return self.done_ms + self.inflight_ms
        is_running = self.state is SessionState.ACTIVE
        running_seconds = min(now, self.lease_expires_at) - self.lease_started_at if is_running else 0
        return self.done_ms + max(0, running_seconds) * 1000

    @property
    def is_direct(self) -> bool:
        """Whether the extension is connected to the provider itself, so that use is measured by the clock."""
        return self.transport == "direct"

    @property
    def offset_ms(self) -> int:
        """Where audio that arrives now belongs in the transcript: after the relayed audio, or by the clock."""
        if self.is_direct:
            return max(0, self.lease_started_at - self.started_at) * 1000  # clocks of two Lambdas differ
        return self.audio_ms + sum(chunk.audio_ms for chunk in self.inflight)


class SessionAttributes:
    """What a stored session has besides the fields of `Session`. `uses` is stored as `use_ms:…` and `use_cost:…`.

    Sessions that were stored before have the responses of their leases here.
    """

    first_answer: Internal[str]
    renewal_answer: Internal[str]


class SessionStartAttributes:
    """What is stored beside a session: its labels, and its first lease's response for retries of the same request."""

    key_terms: Personal[tuple[str, ...]]
    turn: Record[TurnSettings]
    response: Internal[str]


class SessionRenewalAttributes:
    """What is stored beside a session that was renewed: which lease is its current one, and that lease's response."""

    lease_number: Internal[int]
    response: Internal[str]


class OpenSessionAttributes:
    """The pointer to a session that was not stopped, by which `GET /transcription/sessions` finds it."""

    session_id: Internal[str]
    expires_at: Internal[int]


class AllowanceAttributes:
    """The stored early-stop allowance of a day."""

    used_seconds: Record[int]
    expires_at: Internal[int]


class LiveOptions(Struct, frozen=True):
    """What the listener chose for a live stream; each provider uses the options that it supports."""

    language: str = ""
    key_terms: tuple[str, ...] = ()
    sample_rate: int = 16_000
    turn: TurnSettings = TurnSettings()


class SocketCredential(Struct, frozen=True):
    """What the extension needs to open one socket at a provider. `model` is "provider/model"."""

    provider: str
    model: str
    websocket_url: str
    token: str
    token_expires_at: int
    longest_lease_seconds: int


class Reservation(Struct, frozen=True):
    """One relayed chunk that is being sent to a provider. `attempt` is the request that sends it.

    `saves_before`: how many saves of its session that request saw. The chunk replaces their words under its `seq`.
    """

    seq: Record[int]
    attempt: Internal[str]
    audio_ms: Internal[int]
    audio_hash: str
    reserved_at: Internal[int]
    start_ms: Record[int]
    saves_before: Internal[int] = 0

    @property
    def billed_ms(self) -> int:
        return billed_chunk_ms(self.audio_ms)
