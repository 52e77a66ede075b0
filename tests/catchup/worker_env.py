"""One listener with one catch-up: faults can be injected into every call to tables, queue and providers."""

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
from chalicelib.repositories.transcripts import RUNNING_CATCHUPS
from tests.catchup.catchup_env import CatchupEnv, FakeQueue, FakeRecordings, FakeText
from tests.credits.account_invariants import Books
from tests.engines import Engine
from tests.fakes import Backend, Clock
from tests.fault_injection import Crash, Fault, FaultInjector, no_faults, retry_until_answered

Names = tuple[str, str]
CREDITS = 100
JOB = {"from_ms": 30_000, "to_ms": 90_000}
Result = TypeVar("Result")


def call_with_faults(
    fault_injector: FaultInjector, operation: str, call: Callable[[], Result], error: type[AppError]
) -> Result:
    """One call that may fail before it takes effect, or after."""
    fault = fault_injector.next_fault(operation)
    if fault is Fault.CRASH_BEFORE:
        raise Crash
    if fault is Fault.UNSENT:
        raise error("could not be reached")
    result = call()
    if fault is Fault.CRASH_AFTER:
        raise Crash
    if fault is not None:
        raise error("the answer was lost")
    return result


@dataclass
class FaultyRecordings(FakeRecordings):
    fault_injector: FaultInjector = field(default_factory=FaultInjector)
    check: Callable[[TranscriptionOrder], None] = lambda order: None

    def submit(self, order: TranscriptionOrder) -> str:
        self.check(order)
        return call_with_faults(
            self.fault_injector, "Submit", lambda: super(FaultyRecordings, self).submit(order), ProviderTimeoutError
        )

    def find(self, order: TranscriptionOrder) -> str | None:
        return call_with_faults(
            self.fault_injector, "Find", lambda: super(FaultyRecordings, self).find(order), ProviderError
        )

    def recording(self, transcript_id: str) -> Recording | None:
        return call_with_faults(
            self.fault_injector, "Fetch", lambda: super(FaultyRecordings, self).recording(transcript_id), ProviderError
        )

    def delete(self, transcript_id: str) -> None:
        call_with_faults(
            self.fault_injector,
            "DeleteTranscript",
            lambda: super(FaultyRecordings, self).delete(transcript_id),
            ProviderError,
        )


@dataclass
class FaultyText(FakeText):
    fault_injector: FaultInjector = field(default_factory=FaultInjector)
    check: Callable[[], None] = lambda: None

    def answer(self, task: TextTask) -> TextAnswer:
        self.check()
        return call_with_faults(
            self.fault_injector, "Read", lambda: super(FaultyText, self).answer(task), ProviderTimeoutError
        )


@dataclass
class FaultyQueue(FakeQueue):
    """A message stays until its worker has finished."""

    fault_injector: FaultInjector = field(default_factory=FaultInjector)

    def send(self, job_id: str) -> None:
        call_with_faults(self.fault_injector, "Send", lambda: self.sent.append(job_id), UnavailableError)


@dataclass
class CatchupScenario:
    """A listener and a catch-up under fault injection; `quiet` reads the same tables without faults."""

    catchup_env: CatchupEnv
    quiet: Backend
    fault_injector: FaultInjector
    engine: Engine
    names: Names
    recordings: FaultyRecordings
    text: FaultyText
    caller: Caller
    body: dict[str, Any]

    @classmethod
    def on(cls, engine: Engine, names: Names, credits: int = CREDITS) -> "CatchupScenario":
        fault_injector, clock = FaultInjector(), Clock()
        recordings, text, queue = (
            FaultyRecordings(fault_injector=fault_injector),
            FaultyText(fault_injector=fault_injector),
            FaultyQueue(fault_injector=fault_injector),
        )
        catchup_env = CatchupEnv(Backend.on(fault_injector.tables(engine, names), clock), recordings, text, queue=queue)
        quiet = Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock)
        caller = Caller(str(uuid.uuid4()), clock.at, "ada@example.com")
        guard = Guard.free_credits(caller.user_id)
        quiet.ledger.grant(caller.user_id, credits, "free_credits", guard, at=clock(), reason="welcome")
        scenario = cls(catchup_env, quiet, fault_injector, engine, names, recordings, text, caller, {})
        scenario.body = JOB | {"upload_id": catchup_env.upload(caller)}
        recordings.check, text.check = scenario.check_held, scenario.check_held
        return scenario

    @property
    def job_id(self) -> str:
        return f"job-{self.caller.user_id}"

    @property
    def clock(self) -> Clock:
        return self.catchup_env.backend.clock

    def use_session(self) -> None:
        """Make the catch-up one of a live session that has ended."""
        session_id = self.quiet.start(self.caller).session_id
        self.quiet.streaming.save(
            self.caller, session_id, [contract.SegmentInput(seq=0, start_ms=0, end_ms=90_000, text="The whole talk.")]
        )
        self.quiet.streaming.stop(self.caller, session_id)
        self.body = {"session_id": session_id, "minutes": 1}

    def start(self) -> None:
        self.catchup_env.start(self.caller, self.job_id, **self.body)

    def deliver(self) -> None:
        """Deliver the queue's messages; a failed one is delivered again."""
        queue = self.catchup_env.queue
        while queue.sent:
            with suppress(ProviderError):
                self.catchup_env.worker.advance(queue.sent[0])
            if queue.sent:  # Otherwise another worker finished the same message first.
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

    def insist(self, act: Callable[["CatchupScenario"], None]) -> None:
        retry_until_answered(lambda: act(self), self.wait)

    def check_held(self, *_: object) -> None:
        """Before a provider call that costs money, an open hold must cover the whole range."""
        (hold,) = self.quiet.open_holds(self.caller.user_id)
        assert hold.credits == (1 if "session_id" in self.body else 10)

    def check_every_token_is_booked(self) -> None:
        """What the text model was paid for is our cost, whatever became of the work."""
        uses = [use for entry in self.books.usage for use in entry.uses if use.input_tokens]
        booked = [sum(tokens) for tokens in zip(*((use.input_tokens, use.output_tokens) for use in uses), strict=True)]
        assert (booked or [0, 0]) == [1_000 * self.text.answers_given, 100 * self.text.answers_given]

    @property
    def books(self) -> Books:
        return Books.of(self.engine, self.names, self.caller.user_id)

    def settle_down(self) -> Books:
        """Run the scheduled sweeps until nothing is left to do; the books then, in which nothing is stuck."""
        self.fault_injector.use_plan(no_faults)
        self.recordings.is_slow = False
        self.deliver()
        for _ in range(3):
            if not self.quiet.open_holds(self.caller.user_id):
                break
            self.wait(61)
            self.sweep()
            self.deliver()
        books = self.books
        books.check()
        assert books.open_holds == [], "credits are stuck"
        running = {sk: item[RUNNING_CATCHUPS] for sk, item in books.app.items() if item.get(RUNNING_CATCHUPS)}
        assert running == {}, "a catch-up that has ended is counted as running"
        return books

    def check_the_end(self, max_orders: int = 1) -> contract.CatchupJob | None:
        """Run to the end and check: the job has ended once, nothing is stuck, doubled or left behind."""
        books = self.settle_down()
        assert len(self.recordings.orders) <= max_orders, "the provider was paid twice"
        for number in range(1, len(self.recordings.orders) + 1 if max_orders > 1 else 0):
            self.catchup_env.webhook(self.job_id, f"transcript-{number}")
            self.deliver()
        item = self.quiet.tables.get(job_key(self.job_id))
        if item is None:
            assert books.usage == []
            return None
        job = self.catchup_env.catchups.get_status(self.caller, self.job_id)
        uses = [use for entry in books.usage for use in entry.uses if use.input_tokens]
        assert sum(use.input_tokens for use in uses) <= 1_000 * self.text.answers_given, "more tokens than were used"
        lines = [item for sk, item in books.app.items() if sk.startswith("TRANSCRIPT#")]
        if job.status == "done":
            paid = [(-entry.credits, entry.reference) for entry in books.usage if entry.credits]
            assert paid == [(job.credits_used, self.job_id)]
            assert len(lines) == 1
            assert job.summary
        else:
            assert job.status == "failed"
            lost = item["cost_micro_usd"] + sum(use.cost_micro_usd for use in uses)
            assert all(entry.credits == entry.audio_ms == 0 for entry in books.usage), "only our own cost is booked"
            assert sum(entry.cost_micro_usd for entry in books.usage) == lost
            self.quiet.history.delete_marked_segments()
            remaining = [sk for sk in self.books.app if sk.startswith(("SEGMENT#", "SUMMARY#", "TRANSCRIPT#"))]
            assert remaining == [] or "session_id" in self.body
        copies = {f"transcript-{number + 1}" for number in range(len(self.recordings.orders))}
        self.catchup_env.worker.advance(self.job_id)
        assert set(self.recordings.deleted) == copies, "the provider still has a copy"
        return job
