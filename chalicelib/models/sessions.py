"""Live sessions, and what opens a socket."""

from enum import StrEnum

from msgspec import Struct

from .ledger import ModelUse


class SessionState(StrEnum):
    """`opening`: the lease is held but its token is not out yet. `lapsed`: the lease ended unspoken for and was swept;
    the session may be taken up again for a day."""

    OPENING = "opening"
    ACTIVE = "active"
    LAPSED = "lapsed"
    STOPPED = "stopped"


class InFlight(Struct, frozen=True):
    """A chunk that is with a provider: who works on it, how long it is, and since when."""

    attempt: str
    audio_ms: int
    reserved_at: int


class Session(Struct, frozen=True):
    """A live session: one transcript, many leases, one running total.

    `done_ms` is the billed total, `charged` the credits settled with earlier leases. A relayed lease is used up by its
    audio: of what its hold covers, `free_ms` is unused, `inflight` is with providers and the rest is part of
    `done_ms`; `uses` is what the models did since the last settlement. A direct lease is used up by the clock.
    `covered_ms` are the stretches of the transcript that leases covered until now; `heard_until_ms` is where the last
    of the saved words ends.
    """

    user_id: str
    session_id: str
    transcript_id: str
    transport: str
    state: SessionState
    started_at: int
    lease_number: int
    lease_seconds: int
    requested_lease_seconds: int
    lease_started_at: int
    lease_expires_at: int
    held: int
    price_version: str
    free_ms: int
    inflight: tuple[InFlight, ...] = ()
    done_ms: int = 0
    settled_ms: int = 0
    charged: int = 0
    language: str = ""
    key_terms: tuple[str, ...] = ()
    sample_rate: int = 16_000
    body_hash: str = ""
    last_reserved_at: int = 0
    provider: str = ""
    model: str = ""
    last_saved_at: int = 0
    words_until_ms: int = 0
    covered_ms: tuple[tuple[int, int], ...] = ()
    client_reported_seconds: int | None = None  # what the extension says the provider told it; never billed
    renewal: str = ""  # the idempotency key of the last renewal, if it had one
    renewal_hash: str = ""
    followed_renewals: tuple[str, ...] = ()  # the keys of those before it, newest last
    uses: tuple[ModelUse, ...] = ()

    @property
    def hold_id(self) -> str:
        """The hold of the current lease; known before it is taken, so any step may run twice.

        Named after the transcript: a start that was taken back may be made again under the same session id.
        """
        return f"{self.transcript_id}:{self.lease_number}"

    @property
    def inflight_ms(self) -> int:
        """The audio that is with providers."""
        return sum(chunk.audio_ms for chunk in self.inflight)

    @property
    def is_direct(self) -> bool:
        """Whether the extension talks to the provider itself, so that only the clock tells what is used."""
        return self.transport == "direct"

    @property
    def offset_ms(self) -> int:
        """Where audio that comes now stands in the transcript: after what was relayed, or by the clock."""
        if self.is_direct:
            return max(0, self.lease_started_at - self.started_at) * 1000  # clocks of two Lambdas differ
        return self.done_ms + self.inflight_ms


class LiveOptions(Struct, frozen=True):
    """What the listener wants of a live stream; each provider passes on what it knows."""

    language: str = ""
    key_terms: tuple[str, ...] = ()
    sample_rate: int = 16_000


class SocketCredential(Struct, frozen=True):
    """What lets the extension open one socket at a provider. `model` is "provider/model"."""

    provider: str
    model: str
    websocket_url: str
    token: str
    token_expires_at: int
    longest_lease_seconds: int


class Reservation(Struct, frozen=True):
    """One relayed chunk on its way to a provider. `attempt` names who is working on it."""

    seq: int
    attempt: str
    audio_ms: int
    audio_hash: str
    reserved_at: int
    start_ms: int
