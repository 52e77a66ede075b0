"""A provider's webhook comes any number of times, at any time: the job ends once, exactly paid."""

from collections.abc import Callable, Iterator

import pytest

from chalicelib.catchup.job_rules import webhook_secret
from chalicelib.errors import InvalidSignatureError
from tests.catchup.catchup_env import WEBHOOK_KEY
from tests.catchup.worker_env import Names, Office
from tests.engines import Engine
from tests.fault_injection import Fault


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.fixture
def office(engine: Engine, names: Names) -> Office:
    office = Office.on(engine, names)
    office.recordings.is_slow = True
    office.start()
    return office


def check_done(office: Office) -> None:
    job = office.check_the_end()
    assert job is not None
    assert (job.status, job.credits_used) == ("done", 10)


@pytest.mark.parametrize("times", [0, 1, 2, 10])
def test_however_often_it_comes(office: Office, times: int) -> None:
    office.deliver()
    office.recordings.is_slow = False
    for _ in range(times):
        office.webhook()
    office.deliver()

    assert office.catchup_env.catchups.get_status(office.who, office.job_id).status == (
        "done" if times else "transcribing"
    )
    check_done(office)


@pytest.mark.parametrize("is_answer_lost", [False, True])
def test_before_the_order_was_answered(office: Office, is_answer_lost: bool) -> None:
    office.recordings.is_slow = False
    office.recordings.script = [office.webhook]
    if is_answer_lost:
        office.wire.under(lambda _, operation: Fault.LOST if operation == "Submit" else None)
    office.deliver()

    assert office.catchup_env.catchups.get_status(office.who, office.job_id).status == "done"
    assert "Find" not in office.wire.calls
    check_done(office)


@pytest.mark.parametrize("where", ["Fetch", "Read"])
def test_while_a_worker_is_at_it(office: Office, where: str) -> None:
    office.deliver()
    office.recordings.is_slow = where == "Fetch"
    (office.recordings if where == "Fetch" else office.text).script = [speaks(office)]
    office.advance()

    assert office.catchup_env.catchups.get_status(office.who, office.job_id).status == "done"
    check_done(office)


def speaks(office: Office) -> Callable[[], None]:
    """The provider ends, and says so, just after we asked it and heard that it had not."""

    def act() -> None:
        office.webhook()
        office.recordings.script = [lambda: setattr(office.recordings, "is_slow", False)]

    return act


def test_after_the_sweep_has_given_up(office: Office) -> None:
    office.deliver()
    office.wait(office.catchup_env.rules.abandon_after_seconds)
    office.sweep()
    office.deliver()
    assert office.catchup_env.catchups.get_status(office.who, office.job_id).status == "failed"

    office.webhook()
    office.deliver()

    job = office.check_the_end()
    assert job is not None
    assert (job.status, job.credits_used) == ("failed", 0)


def test_after_it_was_given_up_before_its_id_was_known(office: Office) -> None:
    office.wire.under(lambda _, operation: Fault.LOST if operation == "Submit" else None)
    office.deliver()
    office.wait(office.catchup_env.rules.abandon_after_seconds)
    office.sweep()
    office.deliver()

    office.webhook()
    office.deliver()

    assert office.recordings.deleted == ["transcript-1"]


@pytest.mark.parametrize("job_id", ["", "another-job"])
def test_with_a_wrong_secret_or_that_of_another_job(office: Office, job_id: str) -> None:
    office.deliver()
    secret = webhook_secret(WEBHOOK_KEY, job_id) if job_id else "wrong"

    with pytest.raises(InvalidSignatureError):
        office.catchup_env.catchups.record_notification(office.job_id, secret, "transcript-1")

    assert office.catchup_env.catchups.get_status(office.who, office.job_id).status == "transcribing"
    check_done(office)


def test_two_orders_by_mischance_are_both_forgotten(office: Office) -> None:
    """The provider's list was a moment behind, so the order was made twice: the second's webhook tells of it."""
    office.deliver()
    office.recordings.is_slow = False
    office.recordings.orders.append(office.recordings.orders[0])
    office.webhook()
    office.deliver()
    office.catchup_env.webhook(office.job_id, "transcript-2")
    office.deliver()

    assert office.recordings.deleted == ["transcript-1", "transcript-2"]
    assert [-entry.credits for entry in office.books.usage] == [10]
