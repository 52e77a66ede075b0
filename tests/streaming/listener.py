"""One listener with one direct session, on a wire that may fail, and what must hold at the end of it."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from chalicelib import contract
from chalicelib.errors import ProviderError
from chalicelib.models.accounts import Caller
from chalicelib.models.sessions import LiveOptions, Session, SocketCredential
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.sessions import session, session_key
from chalicelib.repositories.table import Tables
from tests.credits.account_invariants import Books
from tests.engines import Engine
from tests.fakes import Backend, Clock, FakeLive
from tests.fault_injection import Crash, Fault, Wire, no_faults

Names = tuple[str, str]
CREDITS = 400
WORDS = "kept by the extension"


@dataclass
class WiredLive(FakeLive):
    """A provider at the other end of the wire; `check` runs before each ticket, which may cost its whole lease."""

    wire: Wire = field(default_factory=Wire)
    check: Callable[[int], None] = lambda lease_seconds: None
    is_down: bool = False

    def ticket(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        self.check(lease_seconds)
        fault = self.wire.next_fault("Ticket")
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        if self.is_down or fault is Fault.UNSENT:
            raise ProviderError("The provider could not be reached.")
        ticket = super().ticket(lease_seconds, options)
        if fault is Fault.CRASH_AFTER:
            raise Crash
        if fault is not None:
            raise ProviderError("The provider's answer did not come.")
        return ticket


@dataclass
class Listener:
    """`backend` calls over the wire; `quiet` looks at the same tables over a line of its own, without disturbing."""

    backend: Backend
    quiet: Backend
    wire: Wire
    engine: Engine
    names: Names
    providers: list[WiredLive]
    who: Caller
    session_id: str
    leases: list[contract.Lease] = field(default_factory=list)
    saved: int = 0

    @classmethod
    def on(cls, engine: Engine, names: Names, *, attempts: int = 1, has_second: bool = False) -> "Listener":
        """A new user's; `attempts` are the SDK's own for one call."""
        wire, clock = Wire(), Clock()
        providers = [WiredLive(clock, wire=wire)]
        if has_second:
            model = "openai/gpt-live-transcribe"
            providers.append(WiredLive(clock, name="openai", model=model, longest_seconds=60, wire=wire))
        who = Caller(str(uuid.uuid4()), clock.at, "ada@example.com")
        listener = cls(
            backend=Backend.on(wire.tables(engine, names, attempts), clock, live=providers),
            quiet=Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock, live=providers),
            wire=wire,
            engine=engine,
            names=names,
            providers=providers,
            who=who,
            session_id=f"session-{who.user_id}",
        )
        guard = Guard.free_credits(who.user_id)
        listener.quiet.ledger.grant(who.user_id, CREDITS, "free_credits", guard, at=clock(), reason="welcome")
        for provider in providers:
            provider.check = listener.check_held
        return listener

    # What the client and the scheduler do

    def start(self) -> contract.Lease:
        body = contract.Start(transport="direct", lease_seconds=600)
        return self._got(self.backend.streaming.start(self.who, body, self.session_id, "hash"))

    def renew(self, key: str = "the renewal", interrupted: bool = True) -> contract.Lease:
        return self._got(self.backend.streaming.renew(self.who, self.session_id, interrupted, key, "hash"))

    def stop(self) -> contract.Stopped:
        return self.backend.streaming.stop(self.who, self.session_id)

    def save(self) -> contract.Saved:
        segments = [contract.SegmentInput(seq=0, start_ms=0, end_ms=900, text=WORDS)]
        answer = self.backend.streaming.save(self.who, self.session_id, segments)
        self.saved += 1
        return answer

    def sweep(self) -> None:
        with suppress(ExceptionGroup):
            self.backend.streaming.sweep()

    def wait(self, seconds: int) -> None:
        self.backend.clock.forward(seconds)

    def _got(self, lease: contract.Lease) -> contract.Lease:
        self.leases.append(lease)
        return lease

    # What must hold

    def session(self) -> Session | None:
        item = self.quiet.tables.get(session_key(self.who.user_id, self.session_id))
        return session(item) if item else None

    def books(self) -> Books:
        return Books.of(self.engine, self.names, self.who.user_id)

    def check_held(self, lease_seconds: int) -> None:
        """Before the provider is asked: an open hold covers the whole lease."""
        held = sum(hold.credits for hold in self.quiet.open_holds(self.who.user_id))
        assert held >= lease_seconds * 10 // 60, "a provider is asked without a hold"

    def sockets(self) -> dict[tuple[str, object], int]:
        """Seconds of each socket that the listener can open."""
        return {(lease.provider, lease.token): lease.lease_seconds for lease in self.leases}

    def check_the_end(self, *, every_answer_came: bool = False) -> None:
        """Leases and graces pass, the scheduler comes: nothing is stuck, and no token outlives what was billed.

        Where `every_answer_came`, the listener pays for the sockets it could open and for nothing else.
        """
        self.wire.under(no_faults)
        self.wait(2_000)
        books = self.books()
        if books.open_holds:
            self.backend.streaming.sweep()
            books = self.books()
        books.check()
        assert books.open_holds == [], "credits are stuck"
        assert len(books.entries) - len(books.usage) == 1, "the free credits came twice"
        billed_ms = sum(entry.audio_ms for entry in books.usage)
        given_back = sum(item["used_seconds"] for sk, item in books.app.items() if sk.startswith("ALLOWANCE#"))
        possible = sum(self.sockets().values())
        assert possible <= billed_ms // 1_000 + given_back, "a socket may outlive what was billed"
        assert possible == billed_ms // 1_000 + given_back or not every_answer_came, "billed without a socket"
        sessions = [item for sk, item in books.app.items() if sk.startswith("SESSION#")]
        lines = [item for sk, item in books.app.items() if sk.startswith("TRANSCRIPT#")]
        assert len(sessions) == len(lines) <= 1
        for item, line in zip(sessions, lines, strict=True):
            assert (item["held"], item["done_ms"]) == (0, billed_ms)
            assert item["charged"] == books.balance.used == -(-billed_ms * 10 // 60_000)
            assert item["state"] in ("lapsed", "stopped")
            assert (line["state"], line["audio_ms"], line["credits"]) == (item["state"], billed_ms, item["charged"])
        blocks = [item["segments"] for sk, item in books.app.items() if sk.startswith("SEGMENT#")]
        assert len(blocks) >= self.saved, "saved words are lost"


def nothing(_: Listener) -> None: ...


def listening(listener: Listener) -> None:
    listener.start()
    listener.wait(100)


def near_the_end(listener: Listener) -> None:
    listener.start()
    listener.wait(545)


def over(listener: Listener) -> None:
    listening(listener)
    listener.wait(1_000)


def lapsed(listener: Listener) -> None:
    over(listener)
    listener.sweep()


def abandoned_while_opening(listener: Listener) -> None:
    """A process died with the token in its hands; the lease waits for it in vain."""
    listener.wire.under(lambda _, operation: Fault.CRASH_AFTER if operation == "Ticket" else None)
    with suppress(Crash):
        listener.start()
    listener.wire.under(no_faults)
    listener.wait(61)
