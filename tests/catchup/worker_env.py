"""One listener with one catch-up, on a wire that may fail: every call to tables, queue and providers passes it."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chalicelib import contract
from chalicelib.errors import AppError, ProviderError, ProviderTimeoutError, UnavailableError
from chalicelib.models.accounts import Caller
from chalicelib.models.catchup import Recording, TextAnswer, TranscriptionOrder
from chalicelib.models.text_tasks import TextTask
from chalicelib.repositories.jobs import job_key
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.table import Tables
from tests.catchup.catchup_env import CatchupEnv, FakeQueue, FakeRecordings, FakeText
from tests.credits.account_invariants import Books
from tests.engines import Engine
from tests.fakes import Backend, Clock
from tests.fault_injection import Crash, Fault, Wire, insist, no_faults

Names = tuple[str, str]
CREDITS = 100
JOB = {"from_ms": 30_000, "to_ms": 90_000}
Given = TypeVar("Given")


def through(wire: Wire, operation: str, call: Callable[[], Given], error: type[AppError]) -> Given:
    """One call over the wire, which may not go out, or not come back."""
    fault = wire.next_fault(operation)
    if fault is Fault.CRASH_BEFORE:
        raise Crash
    if fault is Fault.UNSENT:
        raise error("could not be reached")
    given = call()
    if fault is Fault.CRASH_AFTER:
        raise Crash
    if fault is not None:
        raise error("the answer did not come")
    return given


@dataclass
class WiredRecordings(FakeRecordings):
    wire: Wire = field(default_factory=Wire)
    check: Callable[[TranscriptionOrder], None] = lambda order: None

    def submit(self, order: TranscriptionOrder) -> str:
        self.check(order)
        return through(self.wire, "Submit", lambda: super(WiredRecordings, self).submit(order), ProviderTimeoutError)

    def find(self, order: TranscriptionOrder) -> str | None:
        return through(self.wire, "Find", lambda: super(WiredRecordings, self).find(order), ProviderError)

    def recording(self, transcript_id: str) -> Recording | None:
        return through(self.wire, "Fetch", lambda: super(WiredRecordings, self).recording(transcript_id), ProviderError)

    def delete(self, transcript_id: str) -> None:
        through(self.wire, "Forget", lambda: super(WiredRecordings, self).delete(transcript_id), ProviderError)


@dataclass
class WiredText(FakeText):
    wire: Wire = field(default_factory=Wire)
    check: Callable[[], None] = lambda: None

    def answer(self, task: TextTask) -> TextAnswer:
        self.check()
        return through(self.wire, "Read", lambda: super(WiredText, self).answer(task), ProviderTimeoutError)


@dataclass
class WiredQueue(FakeQueue):
    """A message is there until whoever took it is done with it."""

    wire: Wire = field(default_factory=Wire)

    def send(self, job_id: str) -> None:
        through(self.wire, "Send", lambda: self.sent.append(job_id), UnavailableError)


@dataclass
class Office:
    """A listener, the desk on the wire, and a look at the tables past it."""

    catchup_env: CatchupEnv
    quiet: Backend
    wire: Wire
    engine: Engine
    names: Names
    recordings: WiredRecordings
    text: WiredText
    who: Caller
    body: dict[str, Any]

    @classmethod
    def on(cls, engine: Engine, names: Names, credits: int = CREDITS) -> "Office":
        wire, clock = Wire(), Clock()
        recordings, text, queue = WiredRecordings(wire=wire), WiredText(wire=wire), WiredQueue(wire=wire)
        catchup_env = CatchupEnv(Backend.on(wire.tables(engine, names), clock), recordings, text, queue=queue)
        quiet = Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock)
        who = Caller(str(uuid.uuid4()), clock.at, "ada@example.com")
        guard = Guard.free_credits(who.user_id)
        quiet.ledger.grant(who.user_id, credits, "free_credits", guard, at=clock(), reason="welcome")
        office = cls(catchup_env, quiet, wire, engine, names, recordings, text, who, {})
        office.body = JOB | {"upload_id": catchup_env.upload(who)}
        recordings.check, text.check = office.check_held, office.check_held
        return office

    @property
    def job_id(self) -> str:
        return f"job-{self.who.user_id}"

    @property
    def clock(self) -> Clock:
        return self.catchup_env.backend.clock

    def of_a_session(self) -> None:
        """The catch-up is of the saved words of a live session that has ended."""
        session_id = self.quiet.start(self.who).session_id
        self.quiet.streaming.save(self.who, session_id, [contract.Segment(0, 0, 90_000, "All that was said.")])
        self.quiet.streaming.stop(self.who, session_id)
        self.body = {"session_id": session_id, "minutes": 1}

    def start(self) -> None:
        self.catchup_env.start(self.who, self.job_id, **self.body)

    def deliver(self) -> None:
        """The queue brings its messages; one whose worker raised comes again."""
        queue = self.catchup_env.queue
        while queue.sent:
            with suppress(ProviderError):
                self.catchup_env.worker.advance(queue.sent[0])
            if queue.sent:  # Else another worker was done with the same message first.
                queue.sent.pop(0)

    def advance(self) -> None:
        self.catchup_env.worker.advance(self.job_id)

    def webhook(self) -> None:
        self.catchup_env.webhook(self.job_id, "transcript-1")

    def sweep(self) -> None:
        with suppress(ExceptionGroup):
            self.catchup_env.catchups.sweep()

    def wait(self, seconds: int) -> None:
        self.clock.forward(seconds)

    def insist(self, act: Callable[["Office"], None]) -> None:
        insist(lambda: act(self), self.wait)

    def check_held(self, *_: object) -> None:
        """Before a provider is asked for what costs money: an open hold covers the whole range."""
        (hold,) = self.quiet.open_holds(self.who.user_id)
        assert hold.credits == (1 if "session_id" in self.body else 10)

    @property
    def books(self) -> Books:
        return Books.of(self.engine, self.names, self.who.user_id)

    def settle_down(self) -> Books:
        """The scheduler comes until all is quiet; the books then, in which nothing is stuck."""
        self.wire.under(no_faults)
        self.recordings.is_slow = False
        self.deliver()
        for _ in range(3):
            if not self.quiet.open_holds(self.who.user_id):
                break
            self.wait(61)
            self.sweep()
            self.deliver()
        books = self.books
        books.check()
        assert books.open_holds == [], "credits are stuck"
        return books

    def check_the_end(self, most_orders: int = 1) -> contract.CatchupJob | None:
        """All is quiet: the job has ended once, nothing is stuck, doubled or left behind."""
        books = self.settle_down()
        assert len(self.recordings.orders) <= most_orders, "the provider was paid twice"
        for number in range(1, len(self.recordings.orders) + 1 if most_orders > 1 else 0):
            self.catchup_env.webhook(self.job_id, f"transcript-{number}")
            self.deliver()
        item = self.quiet.tables.get(job_key(self.job_id))
        if item is None:
            assert books.usage == []
            return None
        job = self.catchup_env.catchups.get_status(self.who, self.job_id)
        lines = [item for sk, item in books.app.items() if sk.startswith("TRANSCRIPT#")]
        if job.status == "done":
            assert [(-entry.credits, entry.reference) for entry in books.usage] == [(job.credits_used, self.job_id)]
            assert len(lines) == 1
            assert job.summary
        else:
            assert job.status == "failed"
            lost = item["cost_micro_usd"]
            booked = [(entry.credits, entry.audio_ms, entry.cost_micro_usd) for entry in books.usage]
            assert booked == ([(0, 0, lost)] if lost else []), "only what we lost is booked"
            self.quiet.history.delete_marked_segments()
            left = [sk for sk in self.books.app if sk.startswith(("SEGMENT#", "SUMMARY#", "TRANSCRIPT#"))]
            assert left == [] or "session_id" in self.body
        forgotten = {f"transcript-{number + 1}" for number in range(len(self.recordings.orders))}
        self.catchup_env.worker.advance(self.job_id)
        assert set(self.recordings.deleted) == forgotten, "the provider still has the words"
        return job
