"""Stand-ins for a clock and providers, and the streaming use cases on real tables."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chalicelib import contract
from chalicelib.cursors import Cursors
from chalicelib.errors import AppError
from chalicelib.ids import ulid
from chalicelib.models.accounts import Caller
from chalicelib.models.audio import Audio
from chalicelib.models.ledger import Entry, Hold, HoldState
from chalicelib.models.sessions import LiveOptions, SocketCredential
from chalicelib.models.transcripts import Recognition, Word
from chalicelib.repositories.ledger import Guard, Ledger
from chalicelib.repositories.table import Tables
from chalicelib.repositories.transcripts import Transcripts
from chalicelib.streaming.lease_rules import LeaseRules
from chalicelib.streaming.leases import Leases
from chalicelib.streaming.live_providers import LiveProviders
from chalicelib.streaming.relay import Relay
from chalicelib.streaming.service import Streaming
from chalicelib.transcripts.history import History
from tests.default_prices import PRICES

MODEL = "assemblyai/sync-universal-3-5-pro"
RATE = 16_000
CURSORS = Cursors("a key for tests")
RULES = LeaseRules(default_seconds=600)  # the length that the figures of these tests rest on


@dataclass
class Clock:
    """Shows the same time until it is moved. Epoch seconds, UTC."""

    at: int = 1_795_400_000

    def __call__(self) -> int:
        return self.at

    def forward(self, seconds: int) -> None:
        self.at += seconds


@dataclass
class ScriptedRecogniser:
    """Each call does the next step of `script` (an error is raised) and returns the same words."""

    model: str = MODEL
    script: list[AppError | Callable[[], None]] = field(default_factory=list)
    received: list[Audio] = field(default_factory=list)
    shortest_ms: int = 80
    words: tuple[Word, ...] = (Word("some", 0, 40, 0.9), Word("words", 40, 80, 0.8))

    def recognise(self, audio: Audio, language: str) -> Recognition:
        self.received.append(audio)
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, AppError):
                raise step
            step()
        return Recognition("some words", self.model, self.words)


@dataclass
class FakeLive:
    """Gives out tickets and remembers each: when, and for how many seconds at most its socket may stay open."""

    clock: Clock
    name: str = "assemblyai"
    model: str = "assemblyai/universal-streaming-english"
    longest_seconds: int = 10_800
    script: list[AppError | Callable[[], None]] = field(default_factory=list)
    socket_credentials: list[tuple[int, int]] = field(default_factory=list)

    def supports_language(self, language: str) -> bool:
        return language in ("", "en", "de")

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, AppError):
                raise step
            step()
        seconds = min(lease_seconds, self.longest_seconds)
        self.socket_credentials.append((self.clock(), seconds))
        token = f"token-{len(self.socket_credentials)}"
        return SocketCredential(
            self.name, self.model, "ws://live.example/v3/ws", token, self.clock() + 60, self.longest_seconds
        )


@dataclass(frozen=True)
class Backend:
    """Streaming and relay on the same tables and the same clock."""

    tables: Tables
    ledger: Ledger
    streaming: Streaming
    relay: Relay
    transcripts: Transcripts
    recogniser: ScriptedRecogniser
    clock: Clock

    @classmethod
    def on(
        cls,
        tables: Tables,
        clock: Clock,
        recognisers: Sequence[ScriptedRecogniser] = (),
        live: "Sequence[FakeLive]" = (),
        buyers_only: frozenset[str] = frozenset(),
    ) -> "Backend":
        ledger, rules = Ledger(tables), RULES
        offered = LiveProviders({each.name: each for each in live or [FakeLive(clock)]}, buyers_only)
        first = recognisers[0] if recognisers else ScriptedRecogniser()
        return cls(
            tables=tables,
            ledger=ledger,
            streaming=Streaming(
                ledger=ledger,
                tables=tables,
                prices=PRICES,
                rules=rules,
                leases=Leases(ledger, tables, rules, offered, clock),
                relay_provider="assemblyai",
                now=clock,
                new_ulid=lambda: ulid(clock() * 1000),
            ),
            relay=Relay(
                ledger=ledger,
                tables=tables,
                recognisers=recognisers or (first,),
                prices=PRICES,
                stale_after_seconds=rules.chunk_stale_after_seconds,
                now=clock,
                new_id=lambda: str(uuid.uuid4()),
            ),
            transcripts=Transcripts(tables),
            recogniser=first,
            clock=clock,
        )

    def person(self, credits: int = 200) -> Caller:
        """A new user with `credits`."""
        user_id = str(uuid.uuid4())
        guard = Guard.reference(user_id, "test", "grant")
        assert self.ledger.grant(user_id, credits, "free_credits", guard, at=self.clock(), reason="for a test")
        return Caller(user_id, self.clock(), f"{user_id}@example.com")

    def start(self, caller: Caller, session_id: str | None = None, **body: object) -> contract.Lease:
        start = contract.Start(**({"transport": "relay"} | body))
        return self.streaming.start(caller, start, session_id or str(uuid.uuid4()), "hash")

    def send(self, caller: Caller, session_id: str, seq: int, seconds: float = 1.0) -> contract.Chunk:
        chunk, _ = self.relay.chunk(caller, session_id, seq, None, silence(seconds))
        return chunk

    def entries(self, user_id: str) -> list[Entry]:
        """All entries of the user, newest first."""
        found, after = self.ledger.entries(user_id, 100)
        while after:
            page, after = self.ledger.entries(user_id, 100, after)
            found += page
        return found

    @property
    def history(self) -> History:
        return History(self.ledger, self.tables, self.transcripts, CURSORS, self.clock)

    def open_holds(self, user_id: str) -> list[Hold]:
        """The user's open holds, read from the table, not from the index."""
        return [hold for hold in self.holds(user_id) if hold.state is HoldState.OPEN]

    def holds(self, user_id: str) -> list[Hold]:
        """All holds of the user, open or ended."""
        return list(self.ledger.iter_holds(user_id))

    def check_books(self, user_id: str) -> None:
        """available + held = sum of the entries; held = sum of the open holds."""
        balance = self.ledger.balance(user_id)
        assert balance.available + balance.held == sum(entry.credits for entry in self.entries(user_id))
        assert balance.held == sum(hold.credits for hold in self.open_holds(user_id))

    def check_invariants(self, user_id: str) -> None:
        """The books add up, and available is not below zero."""
        self.check_books(user_id)
        assert self.ledger.balance(user_id).available >= 0


def silence(seconds: float) -> Audio:
    """Silent 16 kHz mono audio of this length."""
    return Audio(bytes(2 * round(RATE * seconds)), RATE, 1)
