"""Random histories of one listener's catch-ups, with faults at any call, against a plain model of what they cost."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from chalicelib.errors import (
    AppError,
    NotFoundError,
    ProviderError,
    ProviderFailedError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from chalicelib.models.catchup import JobState, TranscriptionOrder
from chalicelib.models.ledger import HoldState
from chalicelib.repositories.jobs import job_from, job_key
from tests.catchup.jobs_model import SESSION_MS, JobsModel, RefusedError
from tests.catchup.worker_env import CatchupScenario, Names
from tests.credits.test_ledger_histories import PROFILE
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, no_faults, retry_until_answered

CREDITS = 45
SESSION_RANGES = [(0, 30_000), (30_000, SESSION_MS)]
RANGES = [*SESSION_RANGES, (100_000, 180_000), (130_000, 160_000)]
FAULTS = [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST, Fault.UNSENT, Fault.CONFLICT, Fault.THROTTLED]
PROVIDER_ERRORS: list[Callable[[], Exception]] = [
    lambda: ProviderError("an invalid response"),
    lambda: ProviderRefusedError("no"),
    lambda: ProviderUnavailableError("later"),
    lambda: ProviderFailedError("The file does not hold audio."),
]
numbers = st.integers(0, 1_000)
requests = st.sampled_from(
    [("session", range_ms) for range_ms in SESSION_RANGES]
    + [(source, range_ms) for source in ("upload", "url") for range_ms in RANGES]
)
# Mostly without faults: a history in which everything fails tests little.
faults = st.dictionaries(st.integers(0, 14), st.sampled_from(FAULTS), max_size=2) | st.just({})


class CatchupHistories(RuleBasedStateMachine):
    """A subclass names the engine."""

    engine: Engine
    names: Names
    counts: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.scenario = CatchupScenario.on(self.engine, self.names, CREDITS)
        self.scenario.use_session()
        self.session_id = self.scenario.body["session_id"]
        self.upload_id = self.scenario.catchup_env.upload(self.scenario.caller)
        self.scenario.recordings.check = self.check_covered
        self.scenario.text.check = lambda: None
        self.model = JobsModel(CREDITS)
        self.counts["catch-up histories"] += 1

    # Rules

    @rule(body=requests, again=st.none() | numbers, planned=faults)
    def start(self, body: tuple[str, tuple[int, int]], again: int | None, planned: dict[int, Fault]) -> None:
        """Retried until there is an answer, with one key, which may be the key of an earlier job."""
        source, range_ms = body
        job_id = f"{self.scenario.job_id}-{len(self.model.jobs)}"
        if again is not None and self.model.jobs:
            job_id = self.pick_job(again)
        outcome, expected = "", ""
        self.run_with_faults(planned, lambda: self.start_once(job_id, source, range_ms))
        try:
            outcome = retry_until_answered(lambda: self.start_once(job_id, source, range_ms), self.scenario.wait)
        except AppError as error:
            outcome = type(error).__name__
        try:
            expected = self.model.start(job_id, source, range_ms, self.scenario.clock())
        except RefusedError as refusal:
            expected = str(refusal)
        assert outcome == expected

    def start_once(self, job_id: str, source: str, range_ms: tuple[int, int]) -> str:
        source_fields = {
            "upload": {"upload_id": self.upload_id},
            "url": {"audio_url": "https://media.example.com/talk.mp3"},
            "session": {"session_id": self.session_id},
        }[source]
        body = source_fields | {"from_ms": range_ms[0], "to_ms": range_ms[1]}
        return self.scenario.catchup_env.start(self.scenario.caller, job_id, f"{source} {range_ms}", **body).job_id

    @precondition(lambda self: self.model.jobs)
    @rule(number=numbers, planned=faults, errors=st.lists(st.sampled_from(PROVIDER_ERRORS), max_size=1))
    def work(self, number: int, planned: dict[int, Fault], errors: list[Callable[[], Exception]]) -> None:
        name = self.pick_job(number)
        self.model.jobs[name].may_fail |= bool(planned or errors)
        self.scenario.recordings.script = [make() for make in errors]
        self.run_with_faults(planned, lambda: self.scenario.catchup_env.worker.advance(name))
        self.scenario.recordings.script = []

    @precondition(lambda self: self.model.jobs)
    @rule(number=numbers, error=st.sampled_from(PROVIDER_ERRORS[:3]), times=st.integers(1, 3))
    def work_while_the_text_model_fails(self, number: int, error: Callable[[], Exception], times: int) -> None:
        name = self.pick_job(number)
        self.model.jobs[name].may_fail = True
        self.scenario.text.script = [error() for _ in range(times)]
        self.run_with_faults({}, lambda: self.scenario.catchup_env.worker.advance(name))
        self.scenario.text.script = []

    @precondition(lambda self: self.scenario.catchup_env.queue.sent)
    @rule()
    def deliver(self) -> None:
        self.run_with_faults({}, self.scenario.deliver)

    @precondition(lambda self: self.scenario.recordings.orders)
    @rule(number=numbers, planned=faults)
    def webhook(self, number: int, planned: dict[int, Fault]) -> None:
        index = number % len(self.scenario.recordings.orders)
        name = self.scenario.recordings.orders[index].webhook_url.rpartition("=")[2]
        self.run_with_faults(planned, lambda: self.scenario.catchup_env.webhook(name, f"transcript-{index + 1}"))

    @rule(planned=faults)
    def sweep(self, planned: dict[int, Fault]) -> None:
        self.run_with_faults(planned, self.scenario.catchup_env.catchups.sweep)

    @rule(is_slow=st.booleans())
    def change_provider_speed(self, is_slow: bool) -> None:
        self.scenario.recordings.is_slow = is_slow

    @rule(seconds=st.sampled_from([1, 61, 61, 200, 15_000, 90_000]))
    def pass_time(self, seconds: int) -> None:
        self.scenario.wait(seconds)

    @rule()
    def delete_session(self) -> None:
        if not self.model.is_session_deleted:
            lines, _ = self.scenario.quiet.transcripts.page(self.scenario.caller.user_id, 100, None)
            (line,) = [line for line in lines if line.session_id == self.session_id]
            self.scenario.quiet.history.delete(self.scenario.caller, line.transcript_id)
            self.model.is_session_deleted = True
            for job in self.model.jobs.values():
                job.is_deleted |= job.source == "session" and job.has_summary

    @precondition(lambda self: any(job.has_summary for job in self.model.jobs.values()))
    @rule(number=numbers)
    def delete_a_transcript(self, number: int) -> None:
        finished = [name for name, job in self.model.jobs.items() if job.has_summary and job.source != "session"]
        if not finished:
            return
        name = finished[number % len(finished)]
        transcript_id = self.scenario.catchup_env.catchups.get_status(self.scenario.caller, name).transcript_id
        self.scenario.quiet.history.delete(self.scenario.caller, transcript_id)
        self.model.jobs[name].is_deleted = True

    @rule()
    def delete_marked_segments(self) -> None:
        self.scenario.quiet.history.delete_marked_segments()
        for job in self.model.jobs.values():
            job.is_erased = job.is_deleted

    # Invariants

    @invariant()
    def check_books_against_model(self) -> None:
        self.observe()
        books, model = self.scenario.books, self.model
        books.check()
        balance = books.balance
        assert (balance.available, balance.held, balance.used) == (
            model.available,
            model.held_credits,
            model.used_credits,
        )
        expected = {name: job.price for name, job in model.jobs.items() if job.state == "done"}
        assert {entry.reference: -entry.credits for entry in books.usage if entry.credits} == expected
        lost = {name: job.lost_micro_usd for name, job in model.jobs.items() if job.lost_micro_usd}
        assert {entry.reference: entry.cost_micro_usd for entry in books.usage if not entry.credits} == lost
        assert len(books.usage) == len(expected) + len(lost)
        ordered = Counter(order.webhook_url for order in self.scenario.recordings.orders)
        assert all(times == 1 for times in ordered.values()), "the provider was paid twice"

    def observe(self) -> None:
        """Read the real states of the jobs; the model checks that they are allowed."""
        for name, job in self.model.jobs.items():
            item = self.scenario.quiet.tables.get(job_key(name))
            if item is None:
                assert job.is_erased
                continue
            found = job_from(item)
            if found.has_ended:
                assert found.charged == (job.price if found.state is JobState.DONE else 0)
                job.lost_micro_usd = found.cost_micro_usd if found.state is JobState.FAILED else 0
                self.model.end(name, found.state.value, self.scenario.clock())
            else:
                assert job.state == "running"

    def check_covered(self, order: TranscriptionOrder) -> None:
        """Before a transcript is ordered, its job's open hold must cover the whole range."""
        name = order.webhook_url.rpartition("=")[2]
        hold = self.scenario.quiet.ledger.get_hold(self.scenario.caller.user_id, f"catchup:{name}")
        assert hold
        assert (hold.state, hold.credits) == (HoldState.OPEN, self.model.jobs[name].held)

    def teardown(self) -> None:
        """Without further faults every job ends, and nothing is stuck or left behind."""
        self.scenario.settle_down()
        self.check_books_against_model()
        scenario = self.scenario
        for name, job in self.model.jobs.items():
            assert job.state in ("done", "failed")
            with suppress(NotFoundError):
                assert scenario.catchup_env.catchups.get_status(scenario.caller, name).status == job.state
                assert not job.is_deleted
            scenario.catchup_env.worker.advance(name)
        copies = {f"transcript-{number + 1}" for number in range(len(scenario.recordings.orders))}
        for index, order in enumerate(scenario.recordings.orders):
            scenario.catchup_env.webhook(order.webhook_url.rpartition("=")[2], f"transcript-{index + 1}")
        scenario.deliver()
        assert set(scenario.recordings.deleted) == copies, "the provider still has a copy"
        scenario.quiet.history.delete_marked_segments()
        finished = [job for job in self.model.jobs.values() if job.has_summary]
        lines = [sk for sk in scenario.books.app if sk.startswith("TRANSCRIPT#")]
        expected_lines = sum(job.source != "session" for job in finished) + (not self.model.is_session_deleted)
        assert len(lines) == expected_lines
        assert sum(sk.startswith("SUMMARY#") for sk in scenario.books.app) == len(finished)
        self.counts.update(f"catch-ups {job.state}" for job in self.model.jobs.values())

    # Helpers

    def pick_job(self, number: int) -> str:
        return list(self.model.jobs)[number % len(self.model.jobs)]

    def run_with_faults(self, planned: dict[int, Fault], act: Callable[[], object]) -> None:
        """Run one act with these faults at its calls; a failure is ignored."""
        self.counts["operations"] += 1
        self.scenario.fault_injector.use_plan(lambda number, _: planned.get(number))
        with suppress(Crash, AppError, ExceptionGroup):
            act()
        self.counts["faults"] += sum(number < len(self.scenario.fault_injector.calls) for number in planned)
        self.scenario.fault_injector.use_plan(no_faults)


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


def run_catchup_histories(engine: Engine, names: Names, number: int, steps: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    machine = type("OnEngine", (CatchupHistories,), {"engine": engine, "names": names, "counts": counts})
    run_state_machine_as_test(machine, settings=settings(max_examples=number, stateful_step_count=steps, **PROFILE))
    return counts


@pytest.mark.long
def test_histories_of_catch_ups_cost_what_the_model_says(engine: Engine, names: Names) -> None:
    counts = run_catchup_histories(engine, names, 14, 14)

    assert counts["catch-up histories"] >= 14
    assert min(counts["catch-ups done"], counts["catch-ups failed"], counts["faults"]) > 0


@pytest.mark.soak
def test_hundreds_of_histories_of_catch_ups_cost_what_the_model_says(
    engine: Engine, names: Names, soak_counts: Counter[str]
) -> None:
    soak_counts.update(run_catchup_histories(engine, names, 300, 25))
