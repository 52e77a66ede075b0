"""Direct leases under crashes and lost answers at every call to the tables and the provider."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from chalicelib import contract
from chalicelib.errors import AppError, ProviderError
from chalicelib.models import Caller, LiveOptions, Ticket
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.table import Tables
from tests.engines import Engine
from tests.fakes import Backend, Clock, FakeLive
from tests.money.books import Books
from tests.money.wire import Crash, Fault, Wire, at, insist, no_faults

Names = tuple[str, str]
CREDITS = 400


@dataclass
class WiredLive(FakeLive):
    """A provider at the other end of the wire; `check` runs before each ticket, which may cost its whole lease."""

    wire: Wire = field(default_factory=Wire)
    check: Callable[[int], None] = lambda lease_seconds: None

    def ticket(self, lease_seconds: int, options: LiveOptions) -> Ticket:
        self.check(lease_seconds)
        fault = self.wire.next_fault("Ticket")
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        ticket = super().ticket(lease_seconds, options)
        if fault is Fault.CRASH_AFTER:
            raise Crash
        if fault is not None:
            raise ProviderError("The provider's answer did not come.")
        return ticket


@dataclass
class Listener:
    """One listener with one direct session, on a wire that may fail."""

    backend: Backend
    quiet: Backend
    wire: Wire
    engine: Engine
    names: Names
    provider: WiredLive
    who: Caller
    session_id: str
    leases: list[contract.Lease] = field(default_factory=list)

    @classmethod
    def on(cls, engine: Engine, names: Names) -> "Listener":
        wire, clock = Wire(), Clock()
        provider = WiredLive(clock, wire=wire)
        quiet = Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock)
        backend = Backend.on(wire.tables(engine, names), clock, live=(provider,))
        who = Caller(str(uuid.uuid4()), clock.at, "ada@example.com")
        guard = Guard.free_credits(who.user_id)
        quiet.ledger.grant(who.user_id, CREDITS, "free_credits", guard, at=clock(), reason="welcome")
        listener = cls(backend, quiet, wire, engine, names, provider, who, f"session-{who.user_id}")
        provider.check = listener.check_held
        return listener

    def start(self) -> None:
        wish = contract.Start(transport="direct", lease_seconds=600)
        self.leases.append(self.backend.streaming.start(self.who, wish, self.session_id, "hash"))

    def renew(self) -> None:
        renew = self.backend.streaming.renew
        self.leases.append(renew(self.who, self.session_id, True, "the renewal", "hash"))

    def stop(self) -> None:
        self.backend.streaming.stop(self.who, self.session_id)

    def save(self) -> None:
        segments = [contract.Segment(0, 0, 900, "kept by the extension")]
        self.backend.streaming.save(self.who, self.session_id, segments)

    def sweep(self) -> None:
        with suppress(ExceptionGroup):
            self.backend.streaming.sweep()

    def wait(self, seconds: int) -> None:
        self.backend.clock.forward(seconds)

    def check_held(self, lease_seconds: int) -> None:
        """Before the provider is asked: an open hold covers the whole lease."""
        held = sum(hold.credits for hold in self.quiet.open_holds(self.who.user_id))
        assert held >= lease_seconds * 10 // 60

    def check_the_end(self) -> None:
        """Leases and graces pass, the scheduler comes: nothing is stuck, and no token outlives what was billed."""
        self.wire.under(no_faults)
        self.wait(2_000)
        self.backend.streaming.sweep()
        books = Books.of(self.engine, self.names, self.who.user_id)
        books.check()
        assert books.open_holds == [], "credits are stuck"
        handed_out = {lease.token: lease.lease_seconds for lease in self.leases}
        allowance = sum(item["used_seconds"] for sk, item in books.app.items() if sk.startswith("ALLOWANCE#"))
        billed_ms = sum(entry.audio_ms for entry in books.usage)
        assert sum(handed_out.values()) <= billed_ms // 1_000 + allowance, "a socket may outlive what was billed"
        sessions = [item for sk, item in books.app.items() if sk.startswith("SESSION#")]
        lines = [item for sk, item in books.app.items() if sk.startswith("TRANSCRIPT#")]
        assert len(sessions) == len(lines) <= 1
        for item in sessions:
            assert (item["held"], item["done_ms"]) == (0, billed_ms)
            assert item["state"] in ("lapsed", "stopped")


def nothing(_: Listener) -> None: ...


def listening(listener: Listener) -> None:
    listener.start()
    listener.wait(100)


def over(listener: Listener) -> None:
    listening(listener)
    listener.wait(1_000)


def lapsed(listener: Listener) -> None:
    over(listener)
    listener.sweep()


def abandoned_while_opening(listener: Listener) -> None:
    listener.wire.under(lambda _, operation: Fault.CRASH_AFTER if operation == "Ticket" else None)
    with suppress(Crash):
        listener.start()
    listener.wait(61)


COMMANDS: dict[str, tuple[Callable[[Listener], None], Callable[[Listener], None]]] = {
    "start": (nothing, Listener.start),
    "renew": (listening, Listener.renew),
    "renew after a lapse": (lapsed, Listener.renew),
    "save": (listening, Listener.save),
    "stop": (listening, Listener.stop),
    "sweep a running lease": (over, Listener.sweep),
    "sweep one whose token never came": (abandoned_while_opening, Listener.sweep),
}


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.mark.parametrize("command", COMMANDS)
def test_a_crash_at_any_call_loses_doubles_and_blocks_nothing(command: str, engine: Engine, names: Names) -> None:
    calls = lived(command, None, engine, names)
    for number, _ in enumerate(calls):
        for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST):
            try:
                lived(command, (number, fault), engine, names)
            except BaseException as error:
                error.add_note(f"{fault} at call {number}, {calls[number]}")
                raise


@pytest.mark.parametrize("command", COMMANDS)
def test_a_client_that_never_comes_back_leaves_nothing_open(command: str, engine: Engine, names: Names) -> None:
    for number, _ in enumerate(lived(command, None, engine, names)):
        lived(command, (number, Fault.CRASH_AFTER), engine, names, comes_back=False)


def lived(
    command: str, plan: tuple[int, Fault] | None, engine: Engine, names: Names, comes_back: bool = True
) -> list[str]:
    """The command with one fault, what the client does then, and the end of everything; its calls."""
    prepare, act = COMMANDS[command]
    listener = Listener.on(engine, names)
    prepare(listener)
    listener.wire.under(at(*plan) if plan else no_faults)
    if comes_back:
        insist(lambda: act(listener), listener.wait)
    else:
        with suppress(Crash, AppError):
            act(listener)
    calls = list(listener.wire.calls)
    listener.check_the_end()
    return calls
