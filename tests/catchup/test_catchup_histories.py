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
from tests.catchup.worker_env import Names, Office
from tests.credits.test_ledger_histories import PROFILE
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, insist, no_faults

CREDITS = 45
SESSION_RANGES = [(0, 30_000), (30_000, SESSION_MS)]
RANGES = [*SESSION_RANGES, (100_000, 180_000), (130_000, 160_000)]
FAULTS = [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST, Fault.UNSENT, Fault.CONFLICT, Fault.THROTTLED]
PROVIDER_ERRORS: list[Callable[[], Exception]] = [
    lambda: ProviderError("nonsense"),
    lambda: ProviderRefusedError("no"),
    lambda: ProviderUnavailableError("later"),
    lambda: ProviderFailedError("The file does not hold audio."),
]
numbers = st.integers(0, 1_000)
wishes = st.sampled_from(
    [("session", one) for one in SESSION_RANGES] + [(source, one) for source in ("upload", "url") for one in RANGES]
)
# Mostly a quiet day: a history in which everything fails says little.
faults = st.dictionaries(st.integers(0, 14), st.sampled_from(FAULTS), max_size=2) | st.just({})


class CatchupHistories(RuleBasedStateMachine):
    """A subclass names the engine."""

    engine: Engine
    names: Names
    counts: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.office = Office.on(self.engine, self.names, CREDITS)
        self.office.of_a_session()
        self.session_id = self.office.body["session_id"]
        self.upload_id = self.office.catchup_env.upload(self.office.who)
        self.office.recordings.check = self.check_covered
        self.office.text.check = lambda: None
        self.model = JobsModel(CREDITS)
        self.counts["catch-up histories"] += 1

    # What happens

    @rule(body=wishes, again=st.none() | numbers, planned=faults)
    def start(self, body: tuple[str, tuple[int, int]], again: int | None, planned: dict[int, Fault]) -> None:
        """Asked until there is an answer, under one key, which may be that of an earlier job."""
        source, range_ms = body
        job_id = f"{self.office.job_id}-{len(self.model.jobs)}"
        if again is not None and self.model.jobs:
            job_id = self.a_job(again)
        said, due = "", ""
        self.under(planned, lambda: self.started(job_id, source, range_ms))
        try:
            said = insist(lambda: self.started(job_id, source, range_ms), self.office.wait)
        except AppError as error:
            said = type(error).__name__
        try:
            due = self.model.start(job_id, source, range_ms, self.office.clock())
        except RefusedError as refusal:
            due = str(refusal)
        assert said == due

    def started(self, job_id: str, source: str, range_ms: tuple[int, int]) -> str:
        place = {
            "upload": {"upload_id": self.upload_id},
            "url": {"audio_url": "https://media.example.com/talk.mp3"},
            "session": {"session_id": self.session_id},
        }[source]
        body = place | {"from_ms": range_ms[0], "to_ms": range_ms[1]}
        return self.office.catchup_env.start(self.office.who, job_id, f"{source} {range_ms}", **body).job_id

    @precondition(lambda self: self.model.jobs)
    @rule(number=numbers, planned=faults, errors=st.lists(st.sampled_from(PROVIDER_ERRORS), max_size=1))
    def work(self, number: int, planned: dict[int, Fault], errors: list[Callable[[], Exception]]) -> None:
        name = self.a_job(number)
        self.model.jobs[name].may_fail |= bool(planned or errors)
        self.office.recordings.script = [make() for make in errors]
        self.under(planned, lambda: self.office.catchup_env.worker.advance(name))
        self.office.recordings.script = []

    @precondition(lambda self: self.model.jobs)
    @rule(number=numbers, error=st.sampled_from(PROVIDER_ERRORS[:3]), times=st.integers(1, 3))
    def work_while_the_text_model_fails(self, number: int, error: Callable[[], Exception], times: int) -> None:
        name = self.a_job(number)
        self.model.jobs[name].may_fail = True
        self.office.text.script = [error() for _ in range(times)]
        self.under({}, lambda: self.office.catchup_env.worker.advance(name))
        self.office.text.script = []

    @precondition(lambda self: self.office.catchup_env.queue.sent)
    @rule()
    def deliver(self) -> None:
        self.under({}, self.office.deliver)

    @precondition(lambda self: self.office.recordings.orders)
    @rule(number=numbers, planned=faults)
    def webhook(self, number: int, planned: dict[int, Fault]) -> None:
        which = number % len(self.office.recordings.orders)
        name = self.office.recordings.orders[which].webhook_url.rpartition("=")[2]
        self.under(planned, lambda: self.office.catchup_env.webhook(name, f"transcript-{which + 1}"))

    @rule(planned=faults)
    def sweep(self, planned: dict[int, Fault]) -> None:
        self.under(planned, self.office.catchup_env.catchups.sweep)

    @rule(is_slow=st.booleans())
    def the_provider_takes_its_time(self, is_slow: bool) -> None:
        self.office.recordings.is_slow = is_slow

    @rule(seconds=st.sampled_from([1, 61, 61, 200, 15_000, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.office.wait(seconds)

    @rule()
    def the_session_is_deleted(self) -> None:
        if not self.model.is_session_deleted:
            lines, _ = self.office.quiet.transcripts.page(self.office.who.user_id, 100, None)
            (line,) = [line for line in lines if line.session_id == self.session_id]
            self.office.quiet.history.delete(self.office.who, line.transcript_id)
            self.model.is_session_deleted = True
            for one in self.model.jobs.values():
                one.is_deleted |= one.source == "session" and one.is_standing

    @precondition(lambda self: any(one.is_standing for one in self.model.jobs.values()))
    @rule(number=numbers)
    def a_transcript_is_deleted(self, number: int) -> None:
        standing = [name for name, one in self.model.jobs.items() if one.is_standing and one.source != "session"]
        if not standing:
            return
        name = standing[number % len(standing)]
        transcript_id = self.office.catchup_env.catchups.get_status(self.office.who, name).transcript_id
        self.office.quiet.history.delete(self.office.who, transcript_id)
        self.model.jobs[name].is_deleted = True

    @rule()
    def the_deleted_is_erased(self) -> None:
        self.office.quiet.history.delete_marked_segments()
        for one in self.model.jobs.values():
            one.is_erased = one.is_deleted

    # What must hold

    @invariant()
    def the_books_are_those_of_the_model(self) -> None:
        self.observe()
        books, model = self.office.books, self.model
        books.check()
        balance = books.balance
        assert (balance.available, balance.held, balance.used) == (model.available, model.held, model.used)
        due = {name: one.due for name, one in model.jobs.items() if one.state == "done"}
        assert {entry.reference: -entry.credits for entry in books.usage if entry.credits} == due
        lost = {name: one.lost_micro_usd for name, one in model.jobs.items() if one.lost_micro_usd}
        assert {entry.reference: entry.cost_micro_usd for entry in books.usage if not entry.credits} == lost
        assert len(books.usage) == len(due) + len(lost)
        ordered = Counter(order.webhook_url for order in self.office.recordings.orders)
        assert all(times == 1 for times in ordered.values()), "the provider was paid twice"

    def observe(self) -> None:
        """How the jobs really stand; the model says whether they may."""
        for name, one in self.model.jobs.items():
            item = self.office.quiet.tables.get(job_key(name))
            if item is None:
                assert one.is_erased
                continue
            found = job_from(item)
            if found.has_ended:
                assert found.charged == (one.due if found.state is JobState.DONE else 0)
                one.lost_micro_usd = found.cost_micro_usd if found.state is JobState.FAILED else 0
                self.model.end(name, found.state.value, self.office.clock())
            else:
                assert one.state == "running"

    def check_covered(self, order: TranscriptionOrder) -> None:
        """Before a transcript is ordered: its job's open hold covers all of the range."""
        name = order.webhook_url.rpartition("=")[2]
        hold = self.office.quiet.ledger.get_hold(self.office.who.user_id, f"catchup:{name}")
        assert hold
        assert (hold.state, hold.credits) == (HoldState.OPEN, self.model.jobs[name].held)

    def teardown(self) -> None:
        """Quiet days follow: every job ends, those without a mishap well, and nothing is stuck or left behind."""
        self.office.settle_down()
        self.the_books_are_those_of_the_model()
        office = self.office
        for name, one in self.model.jobs.items():
            assert one.state in ("done", "failed")
            with suppress(NotFoundError):
                assert office.catchup_env.catchups.get_status(office.who, name).status == one.state
                assert not one.is_deleted
            office.catchup_env.worker.advance(name)
        forgotten = {f"transcript-{number + 1}" for number in range(len(office.recordings.orders))}
        for which, order in enumerate(office.recordings.orders):
            office.catchup_env.webhook(order.webhook_url.rpartition("=")[2], f"transcript-{which + 1}")
        office.deliver()
        assert set(office.recordings.deleted) == forgotten, "the provider still has the words"
        office.quiet.history.delete_marked_segments()
        standing = [one for one in self.model.jobs.values() if one.is_standing]
        lines = [sk for sk in office.books.app if sk.startswith("TRANSCRIPT#")]
        kept = sum(one.source != "session" for one in standing) + (not self.model.is_session_deleted)
        assert len(lines) == kept
        assert sum(sk.startswith("SUMMARY#") for sk in office.books.app) == len(standing)
        self.counts.update(f"catch-ups {one.state}" for one in self.model.jobs.values())

    # Helpers of the above

    def a_job(self, number: int) -> str:
        return list(self.model.jobs)[number % len(self.model.jobs)]

    def under(self, planned: dict[int, Fault], act: Callable[[], object]) -> None:
        """One act with these faults at its calls; nobody is told of a failure."""
        self.counts["operations"] += 1
        self.office.wire.under(lambda number, _: planned.get(number))
        with suppress(Crash, AppError, ExceptionGroup):
            act()
        self.counts["faults"] += sum(number < len(self.office.wire.calls) for number in planned)
        self.office.wire.under(no_faults)


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


def run_catchup_histories(engine: Engine, names: Names, number: int, steps: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    machine = type("OnEngine", (CatchupHistories,), {"engine": engine, "names": names, "counts": counts})
    run_state_machine_as_test(machine, settings=settings(max_examples=number, stateful_step_count=steps, **PROFILE))
    return counts


def test_histories_of_catch_ups_cost_what_the_model_says(engine: Engine, names: Names) -> None:
    counts = run_catchup_histories(engine, names, 14, 14)

    assert counts["catch-up histories"] >= 14
    assert min(counts["catch-ups done"], counts["catch-ups failed"], counts["faults"]) > 0


@pytest.mark.soak
def test_hundreds_of_histories_of_catch_ups_cost_what_the_model_says(
    engine: Engine, names: Names, tally: Counter[str]
) -> None:
    tally.update(run_catchup_histories(engine, names, 300, 25))
