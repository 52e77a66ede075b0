"""Two at once on one catch-up: the second, whole, comes between any two calls of the first, the providers' included."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from chalicelib.errors import ConflictError, NotFoundError, ProviderError
from tests.catchup.test_catchup_crashes import (
    done_but_not_forgotten,
    given_up,
    of_a_session,
    ordered,
    ordered_without_an_answer,
    queued,
    silent,
)
from tests.catchup.worker_env import Names, Office
from tests.credits.test_ledger_races import all_at_once
from tests.engines import Engine
from tests.fault_injection import no_faults

Act = Callable[[Office], object]


def worker(office: Office) -> None:
    with suppress(ProviderError):
        office.advance()


def late_worker(office: Office) -> None:
    """Somebody else, when a claim has run out: whoever had it was silent for longer than any call takes."""
    office.wait(office.catchup_env.rules.claim_seconds)
    worker(office)


def worker_that_gives_up(office: Office) -> None:
    office.wait(office.catchup_env.rules.abandon_after_seconds)
    worker(office)


def worker_that_gives_up_and_the_sweep_that_erases(office: Office) -> None:
    worker_that_gives_up(office)
    office.catchup_env.backend.history.delete_marked_segments()


def webhook_and_its_worker(office: Office) -> None:
    office.webhook()
    office.deliver()


def sweep_and_its_worker(office: Office) -> None:
    """The sweep comes for a job that is due, as late as a worker may still be waiting for one answer."""
    office.wait(office.catchup_env.rules.claim_seconds - 1)
    office.sweep()
    office.deliver()


def late_sweep_and_its_worker(office: Office) -> None:
    office.wait(office.catchup_env.rules.first_check_seconds + 1)
    office.sweep()
    office.deliver()


STATES: dict[str, Act] = {
    "queued": queued,
    "queued for a session": of_a_session,
    "ordered": ordered,
    "ordered without an answer": ordered_without_an_answer,
    "silent": silent,
    "given up": given_up,
    "done but not forgotten": done_but_not_forgotten,
}
ACTS: dict[str, Act] = {
    "worker": worker,
    "webhook": Office.webhook,
    "webhook and its worker": webhook_and_its_worker,
    "sweep and its worker": sweep_and_its_worker,
}
# Whoever was silent for so long may go on with one call to a provider before a write tells it that the job is lost.
LATE: dict[str, Act] = {
    "late worker": late_worker,
    "late sweep and its worker": late_sweep_and_its_worker,
    "worker that gives up": worker_that_gives_up,
    "end and erasure": worker_that_gives_up_and_the_sweep_that_erases,
}
SINCE_SECONDS = 10  # a job is this old when its worker comes: the sweep is due before that worker's claim runs out
TELLING = [
    ("queued", "worker", "worker"),
    ("queued", "worker", "sweep and its worker"),
    ("queued for a session", "worker", "worker"),
    ("queued for a session", "worker", "sweep and its worker"),
    ("ordered", "worker", "worker"),
    ("ordered", "worker", "webhook"),
    ("ordered", "worker", "webhook and its worker"),
    ("ordered", "webhook and its worker", "worker"),
    ("ordered", "webhook and its worker", "webhook and its worker"),
    ("ordered without an answer", "worker", "webhook and its worker"),
    ("ordered without an answer", "worker", "worker"),
    ("silent", "sweep and its worker", "worker"),
    ("given up", "worker", "webhook and its worker"),
    ("given up", "worker", "worker"),
    ("done but not forgotten", "worker", "webhook and its worker"),
]
TELLING_LATE = [
    ("queued", "worker", "late worker"),
    ("queued", "worker", "late sweep and its worker"),
    ("queued for a session", "worker", "late sweep and its worker"),
    ("queued for a session", "worker", "late worker"),
    ("queued for a session", "worker", "worker that gives up"),
    ("ordered", "worker", "late worker"),
    ("ordered", "worker", "worker that gives up"),
    ("ordered", "worker", "end and erasure"),
]


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


def interleave(
    office_of: Callable[[], Office], first: Act, second: Act, check: Callable[[Office], object], said: str
) -> int:
    """`second` before each call of `first` in turn, then `check`; the number of places."""
    place = 0
    while True:
        office = office_of()
        try:
            if not _with_second_at(place, office, first, second):
                office.settle_down()  # Or the sweeps of others find its job.
                return place
            check(office)
        except BaseException as error:
            error.add_note(f"{said}: the second before call {place} of the first, of {office.wire.calls}")
            raise
        place += 1


def _with_second_at(place: int, office: Office, first: Act, second: Act) -> bool:
    came = []

    def plan(number: int, _: str) -> None:
        if number == place and not came:
            came.append(True)
            second(office)

    office.wire.under(plan)
    first(office)
    office.wire.under(no_faults)
    return bool(came)


def interleave_workers(engine: Engine, names: Names, state: str, first: str, second: str) -> int:
    def office_of() -> Office:
        office = Office.on(engine, names)
        STATES[state](office)
        office.wait(SINCE_SECONDS)
        office.text.tasks.clear()
        if second in LATE:
            office.recordings.check = office.text.check = lambda *_: None
        return office

    def check(office: Office) -> None:
        if second in LATE:
            office.check_the_end(most_orders=2)
        else:
            assert len(office.text.tasks) <= 1, "the text model was paid twice"
            office.check_the_end()

    return interleave(office_of, ACTS[first], (ACTS | LATE)[second], check, f"{state}, {first}, {second}")


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("state", "first", "second"), TELLING + TELLING_LATE)
def test_whatever_comes_between_ends_the_job_once(
    state: str, first: str, second: str, engine: Engine, names: Names
) -> None:
    assert interleave_workers(engine, names, state, first, second) >= 2


@pytest.mark.soak
@pytest.mark.parametrize("state", STATES)
def test_every_act_between_the_calls_of_every_other(
    state: str, engine: Engine, names: Names, tally: Counter[str]
) -> None:
    for first in ACTS:
        for second in ACTS | LATE:
            places = interleave_workers(engine, names, state, first, second)
            tally.update({"interleavings of catch-ups": places})


# Starts


@pytest.mark.parametrize("credits", [100, 10])
@pytest.mark.parametrize("key", ["the same key", "another key"])
def test_two_starts_of_one_range_at_once_are_one_job(engine: Engine, names: Names, key: str, credits: int) -> None:
    answers: list[str] = []

    def start(office: Office) -> None:
        answers.append(office.catchup_env.start(office.who, office.job_id, **office.body).job_id)

    def start_too(office: Office) -> None:
        job_id = office.job_id if key == "the same key" else f"{office.job_id}-2"
        answers.append(office.catchup_env.start(office.who, job_id, **office.body).job_id)

    def check(office: Office) -> None:
        (hold,) = office.books.open_holds
        assert answers == [hold.reference] * 2
        answers.clear()
        books = office.settle_down()
        assert [-entry.credits for entry in books.usage] == [10]
        assert len(office.recordings.orders) == len(office.text.tasks) == 1

    def office_of() -> Office:
        answers.clear()
        return Office.on(engine, names, credits)

    assert interleave(office_of, start, start_too, check, key) >= 2


@pytest.mark.parametrize("key", ["the same key", "another key"])
def test_many_starts_of_one_range_in_threads_are_one_job(engine: Engine, names: Names, key: str) -> None:
    office = Office.on(engine, names)

    with all_at_once(6) as run:
        answers = run(
            lambda n: office.catchup_env.start(
                office.who, office.job_id + (f"-{n}" if key == "another key" else ""), **office.body
            )
        )

    assert len({getattr(answer, "job_id", answer) for answer in answers}) == 1
    books = office.settle_down()
    assert [-entry.credits for entry in books.usage] == [10]
    assert len(office.recordings.orders) == 1


@pytest.mark.parametrize("first", ["a start", "a worker's end"])
def test_a_range_is_never_left_to_a_job_that_ended_without_a_summary(engine: Engine, names: Names, first: str) -> None:
    """The same range is asked for again while its job fails."""
    answers: list[str] = []

    def start_again(office: Office) -> None:
        answers.append(office.catchup_env.start(office.who, f"{office.job_id}-2", **office.body).job_id)

    def check(office: Office) -> None:
        office.settle_down()
        job = office.catchup_env.catchups.get_status(office.who, answers.pop())
        assert job.job_id == office.job_id or job.status == "done"
        again = office.catchup_env.start(office.who, f"{office.job_id}-3", **office.body)
        office.settle_down()
        assert office.catchup_env.catchups.get_status(office.who, again.job_id).status == "done"

    def office_of() -> Office:
        answers.clear()
        office = Office.on(engine, names)
        given_up(office)
        return office

    acts: tuple[Act, Act] = (start_again, worker) if first == "a start" else (worker, start_again)
    assert interleave(office_of, *acts, check, first) >= 2


# Deleting


def delete(office: Office) -> None:
    """The listener deletes the session's transcript, and the sweep erases its words."""
    (line,) = office.quiet.history.transcripts.page(office.who.user_id, 100, None)[0]
    office.quiet.history.delete(office.who, line.transcript_id)
    office.quiet.history.delete_marked_segments()


def delete_over_the_wire(office: Office) -> None:
    with suppress(ConflictError, NotFoundError):
        (line,) = office.quiet.history.transcripts.page(office.who.user_id, 100, None)[0]
        office.catchup_env.backend.history.delete(office.who, line.transcript_id)
        office.catchup_env.backend.history.delete_marked_segments()


def check_deleted(office: Office) -> None:
    books = office.settle_down()
    assert len(books.usage) == sum(entry.credits != 0 for entry in books.usage)
    charged = [-entry.credits for entry in books.usage if entry.service == "catchup_session"]
    assert charged in ([], [1])
    office.quiet.history.delete_marked_segments()
    left = [sk for sk in office.books.app if sk.startswith(("SEGMENT#", "SUMMARY#", "TRANSCRIPT#", "SESSION#"))]
    assert left == [], "something of a deleted transcript is left"
    try:
        job = office.catchup_env.catchups.get_status(office.who, office.job_id)
        assert (job.status, job.credits_used, charged) == ("failed", 0, [])
    except NotFoundError:
        assert charged == [1]


@pytest.mark.parametrize("first", ["a worker", "a listener who deletes", "a start"])
def test_a_transcript_deleted_meanwhile_is_gone_and_its_job_ends_once(engine: Engine, names: Names, first: str) -> None:
    def office_of() -> Office:
        office = Office.on(engine, names)
        (of_a_session if first != "a start" else Office.of_a_session)(office)
        office.text.check = lambda: None
        return office

    def start(office: Office) -> None:
        with suppress(ConflictError, NotFoundError):
            office.start()

    def check(office: Office) -> None:
        if first != "a start" or office.books.open_holds:
            check_deleted(office)

    acts = {
        "a worker": (worker, delete),
        "a listener who deletes": (delete_over_the_wire, worker),
        "a start": (start, delete),
    }
    assert interleave(office_of, *acts[first], check, first) >= 2
