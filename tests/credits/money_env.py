"""One listener with a balance and a session, calls that may fail, and what must hold at the end."""

import uuid
from contextlib import suppress
from dataclasses import dataclass, field

from chalicelib import contract
from chalicelib.errors import ConflictError, UnavailableError
from chalicelib.models.accounts import Caller
from chalicelib.models.audio import Audio
from chalicelib.models.ledger import HoldState
from chalicelib.models.sessions import Session
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.sessions import recognition_from, reservation_from, session_from, session_key
from chalicelib.repositories.table import Tables
from tests.credits.account_invariants import Books
from tests.default_prices import PRICES
from tests.engines import Engine
from tests.fakes import MODEL, Backend, Clock
from tests.fault_injection import FaultInjector, FaultyRecogniser, no_faults, retry_until_answered

FALLBACK_MODEL = "openai/gpt-transcribe"
FREE_CREDITS = 200


@dataclass
class MoneyEnv:
    """`backend` calls through the fault injector; `quiet` uses the same tables without faults."""

    backend: Backend
    quiet: Backend
    fault_injector: FaultInjector
    engine: Engine
    names: tuple[str, str]
    caller: Caller
    session_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sent: dict[int, float] = field(default_factory=dict)  # seq → seconds of each chunk that the client ever sent
    answered: set[int] = field(default_factory=set)  # those of them whose text it received
    operations: int = 0  # commands given, retries included
    calls_under_plan: int = 0

    @classmethod
    def on(cls, engine: Engine, names: tuple[str, str], attempts: int = 1) -> "MoneyEnv":
        """For a new user; `attempts` are those of the SDK for one call."""
        fault_injector, clock = FaultInjector(), Clock()
        first, second = (
            FaultyRecogniser(fault_injector=fault_injector),
            FaultyRecogniser(model=FALLBACK_MODEL, fault_injector=fault_injector),
        )
        money_env = cls(
            backend=Backend.on(fault_injector.tables(engine, names, attempts), clock, (first, second)),
            quiet=Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock),
            fault_injector=fault_injector,
            engine=engine,
            names=names,
            caller=Caller(str(uuid.uuid4()), clock.at, "ada@example.com"),
        )
        first.check = second.check = money_env.check_covered
        return money_env

    @property
    def clock(self) -> Clock:
        return self.backend.clock

    @property
    def recognisers(self) -> list[FaultyRecogniser]:
        return list(self.backend.relay.recognisers)

    def session(self) -> Session | None:
        item = self.quiet.tables.get(session_key(self.caller.user_id, self.session_id))
        return session_from(item) if item else None

    # What the client and the scheduler do

    def grant(self) -> None:
        self.operations += 1
        guard = Guard.free_credits(self.caller.user_id)
        self.backend.ledger.grant(
            self.caller.user_id, FREE_CREDITS, "free_credits", guard, at=self.clock(), reason="welcome"
        )

    def start(self) -> contract.Lease:
        self.operations += 1
        return self.backend.start(self.caller, self.session_id)

    def renew(self) -> None:
        """A client whose first try succeeded without a response gets a conflict, and continues to stream."""
        self.operations += 1
        before = self.session()
        try:
            self.backend.streaming.renew(self.caller, self.session_id, interrupted=False)
        except ConflictError as refusal:
            if "renew_after" not in refusal.details or not before or before.lease_number < 2:
                raise

    def send(self, seq: int, seconds: float) -> contract.Chunk:
        self.operations += 1
        self.sent[seq] = seconds
        chunk = self.backend.send(self.caller, self.session_id, seq, seconds)
        self.answered.add(seq)
        return chunk

    def save(self) -> None:
        self.operations += 1
        segments = [contract.SegmentInput(seq=7, start_ms=0, end_ms=900, text="kept by the extension", speaker="A")]
        self.backend.streaming.save(self.caller, self.session_id, segments)

    def stop(self) -> contract.Stopped:
        self.operations += 1
        return self.backend.streaming.stop(self.caller, self.session_id)

    def sweep(self) -> None:
        """The next sweep completes one that failed."""
        self.operations += 1
        try:
            self.backend.streaming.sweep()
        except ExceptionGroup as failed:
            raise UnavailableError("The sweep failed.") from failed

    def wait(self, seconds: int) -> None:
        self.clock.forward(seconds)

    # What must hold

    def check_covered(self, audio: Audio) -> None:
        """Before a provider is paid, the audio is reserved, and an open hold covers all audio reserved and done."""
        if self.fault_injector.plan is no_faults:
            return
        current = self.session()
        assert current, "a provider is called without a session"
        hold = self.quiet.ledger.get_hold(self.caller.user_id, current.hold_id)
        assert hold, "a provider is called without a hold"
        assert hold.state is HoldState.OPEN
        assert current.inflight_ms >= audio.duration_ms
        assert PRICES.live_credits(current.done_ms + current.inflight_ms) - current.charged <= hold.credits

    def books(self) -> Books:
        return Books.of(self.engine, self.names, self.caller.user_id)

    def check_the_end(self) -> None:
        """Without further faults, after every lease, grace period and sweep: nothing is lost, doubled or stuck, and
        balance, holds, entries, day totals, chunks and session agree."""
        self.fault_injector.use_plan(no_faults)
        self.wait(1_000)
        books = self.books()
        if books.open_holds:
            self.sweep()
            books = self.books()
        books.check()
        assert books.open_holds == [], "credits are stuck"
        assert len(books.entries) - len(books.usage) <= 1, "the free credits were granted twice"

        done = done_chunks(books)
        total_ms = sum(done.values())
        assert books.balance.used == PRICES.live_credits(total_ms)
        assert sum(entry.audio_ms for entry in books.usage) == total_ms
        uses = [use for entry in books.usage for use in entry.uses]
        assert sum(use.audio_ms for use in uses) == total_ms
        assert {use.model for use in uses} <= {MODEL, FALLBACK_MODEL}
        assert self.answered <= done.keys(), "text was returned and not billed"
        sessions = [session_from(item) for sk, item in books.app.items() if sk.startswith("SESSION#")]
        assert len(sessions) <= 1
        for current in sessions:
            assert current.done_ms == current.settled_ms == total_ms
            assert current.charged == PRICES.live_credits(total_ms)
            assert (current.held, current.free_ms, current.inflight_ms) == (0, 0, 0)
        leases = {f"{current.transcript_id}:{n + 1}" for current in sessions for n in range(current.lease_number)}
        assert books.holds.keys() == leases


def done_chunks(books: Books) -> dict[int, int]:
    """seq → milliseconds of the chunks whose text is stored."""
    chunks = [item for sk, item in books.app.items() if sk.startswith("SEGMENT#") and "#C#" in sk]
    return {item["seq"]: reservation_from(item).audio_ms for item in chunks if recognition_from(item)}


def use_up(money_env: MoneyEnv) -> None:
    """A listener who continues after a fault: sends one more chunk if the session still accepts it, and stops."""
    with suppress(ConflictError):
        retry_until_answered(lambda: money_env.send(99, 3.3), money_env.wait)
    retry_until_answered(money_env.stop, money_env.wait)
