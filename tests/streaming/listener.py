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
from chalicelib.repositories.sessions import session_from, session_key
from chalicelib.repositories.table import Tables
from chalicelib.repositories.transcripts import segments_in
from tests.credits.account_invariants import Books
from tests.default_prices import LIVE_PER_MINUTE
from tests.engines import Engine
from tests.fakes import Backend, Clock, FakeLive
from tests.fault_injection import Crash, Fault, FaultInjector, no_faults

Names = tuple[str, str]
CREDITS = 400
WORDS = "kept by the extension"


@dataclass
class FaultyLive(FakeLive):
    """A provider at the other end of the wire; `check` runs before each ticket, which may cost its whole lease."""

    fault_injector: FaultInjector = field(default_factory=FaultInjector)
    check: Callable[[int], None] = lambda lease_seconds: None
    is_down: bool = False

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        self.check(lease_seconds)
        fault = self.fault_injector.next_fault("CreateToken")
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        if self.is_down or fault is Fault.UNSENT:
            raise ProviderError("The provider could not be reached.")
        credential = super().create_socket_credential(lease_seconds, options)
        if fault is Fault.CRASH_AFTER:
            raise Crash
        if fault is not None:
            raise ProviderError("The provider's answer did not come.")
        return credential


@dataclass
class Listener:
    """`backend` calls over the wire; `quiet` looks at the same tables over a line of its own, without disturbing."""

    backend: Backend
    quiet: Backend
    fault_injector: FaultInjector
    engine: Engine
    names: Names
    providers: list[FaultyLive]
    caller: Caller
    session_id: str
    leases: list[contract.Lease] = field(default_factory=list)
    saved: int = 0

    @classmethod
    def on(cls, engine: Engine, names: Names, *, attempts: int = 1, has_second: bool = False) -> "Listener":
        """A new user's; `attempts` are the SDK's own for one call."""
        fault_injector, clock = FaultInjector(), Clock()
        providers = [FaultyLive(clock, fault_injector=fault_injector)]
        if has_second:
            model = "openai/gpt-live-transcribe"
            providers.append(
                FaultyLive(clock, name="openai", model=model, longest_seconds=60, fault_injector=fault_injector)
            )
        caller = Caller(str(uuid.uuid4()), clock.at, "ada@example.com")
        listener = cls(
            backend=Backend.on(fault_injector.tables(engine, names, attempts), clock, live=providers),
            quiet=Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock, live=providers),
            fault_injector=fault_injector,
            engine=engine,
            names=names,
            providers=providers,
            caller=caller,
            session_id=f"session-{caller.user_id}",
        )
        guard = Guard.free_credits(caller.user_id)
        listener.quiet.ledger.grant(caller.user_id, CREDITS, "free_credits", guard, at=clock(), reason="welcome")
        for provider in providers:
            provider.check = listener.check_held
        return listener

    # What the client and the scheduler do

    def start(self) -> contract.Lease:
        body = contract.Start(transport="direct", lease_seconds=600)
        return self._got(self.backend.streaming.start(self.caller, body, self.session_id, "hash"))

    def renew(self, key: str = "the renewal", interrupted: bool = True) -> contract.Lease:
        return self._got(self.backend.streaming.renew(self.caller, self.session_id, interrupted, key, "hash"))

    def stop(self) -> contract.Stopped:
        return self.backend.streaming.stop(self.caller, self.session_id)

    def save(self) -> contract.Saved:
        segments = [contract.SegmentInput(seq=0, start_ms=0, end_ms=900, text=WORDS)]
        answer = self.backend.streaming.save(self.caller, self.session_id, segments)
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
        item = self.quiet.tables.get(session_key(self.caller.user_id, self.session_id))
        return session_from(item) if item else None

    def books(self) -> Books:
        return Books.of(self.engine, self.names, self.caller.user_id)

    def check_held(self, lease_seconds: int) -> None:
        """Before the provider is asked: an open hold covers the whole lease."""
        held = sum(hold.credits for hold in self.quiet.open_holds(self.caller.user_id))
        assert held >= lease_seconds * LIVE_PER_MINUTE // 60, "a provider is asked without a hold"

    def sockets(self) -> dict[tuple[str, object], int]:
        """Seconds of each socket that the listener can open."""
        return {(lease.provider, lease.token): lease.lease_seconds for lease in self.leases}

    def check_the_end(self, *, every_answer_came: bool = False) -> None:
        """Leases and graces pass, the scheduler comes: nothing is stuck, and no token outlives what was billed.

        Where `every_answer_came`, the listener pays for the sockets it could open and for nothing else.
        """
        self.fault_injector.use_plan(no_faults)
        self.wait(2_000)
        books = self.books()
        if books.open_holds:
            self.backend.streaming.sweep()
            books = self.books()
        books.check()
        assert books.open_holds == [], "credits are stuck"
        assert len(books.entries) - len(books.usage) == 1, "the free credits came twice"
        billed_ms = sum(entry.audio_ms for entry in books.usage)
        returned_seconds = sum(item["used_seconds"] for sk, item in books.app.items() if sk.startswith("ALLOWANCE#"))
        possible = sum(self.sockets().values())
        assert possible <= billed_ms // 1_000 + returned_seconds, "a socket may outlive what was billed"
        assert possible == billed_ms // 1_000 + returned_seconds or not every_answer_came, "billed without a socket"
        sessions = [item for sk, item in books.app.items() if sk.startswith("SESSION#")]
        lines = [item for sk, item in books.app.items() if sk.startswith("TRANSCRIPT#")]
        assert len(sessions) == len(lines) <= 1
        for item, line in zip(sessions, lines, strict=True):
            assert (item["held"], item["done_ms"]) == (0, billed_ms)
            session = session_from(item)
            assert session.charged == books.balance.used == -(-billed_ms * LIVE_PER_MINUTE // 60_000)
            assert item["state"] in ("lapsed", "stopped")
            assert (line["state"], line["audio_ms"], line["credits"]) == (item["state"], billed_ms, session.charged)
        blocks = [segments_in(item) for sk, item in books.app.items() if sk.startswith("SEGMENT#")]
        assert blocks or not self.saved, "saved words are lost"  # Each save has the same ones.


def do_nothing(_: Listener) -> None: ...


def start_listening(listener: Listener) -> None:
    listener.start()
    listener.wait(100)


def approach_lease_end(listener: Listener) -> None:
    listener.start()
    listener.wait(545)


def let_lease_expire(listener: Listener) -> None:
    start_listening(listener)
    listener.wait(1_000)


def let_session_lapse(listener: Listener) -> None:
    let_lease_expire(listener)
    listener.sweep()


def abandon_while_opening(listener: Listener) -> None:
    """A process died with the token in its hands; the lease waits for it without success."""
    listener.fault_injector.use_plan(lambda _, operation: Fault.CRASH_AFTER if operation == "CreateToken" else None)
    with suppress(Crash):
        listener.start()
    listener.fault_injector.use_plan(no_faults)
    listener.wait(61)
