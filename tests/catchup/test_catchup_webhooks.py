"""A provider's webhook arrives at any time, any number of times: the job ends once and is paid exactly."""

from collections.abc import Callable, Iterator

import pytest

from chalicelib.catchup.job_rules import webhook_secret
from chalicelib.errors import InvalidSignatureError
from tests.catchup.catchup_env import WEBHOOK_KEY
from tests.catchup.worker_env import CatchupScenario, Names
from tests.engines import Engine
from tests.fault_injection import Fault


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.fixture
def scenario(engine: Engine, names: Names) -> CatchupScenario:
    scenario = CatchupScenario.on(engine, names)
    scenario.recordings.is_slow = True
    scenario.start()
    return scenario


def check_done(scenario: CatchupScenario) -> None:
    job = scenario.check_the_end()
    assert job is not None
    assert (job.status, job.credits_used) == ("done", 10)


@pytest.mark.parametrize("times", [0, 1, 2, 10])
def test_any_number_of_webhooks_ends_the_job_once(scenario: CatchupScenario, times: int) -> None:
    scenario.deliver()
    scenario.recordings.is_slow = False
    for _ in range(times):
        scenario.webhook()
    scenario.deliver()

    assert scenario.catchup_env.catchups.get_status(scenario.caller, scenario.job_id).status == (
        "done" if times else "transcribing"
    )
    check_done(scenario)


@pytest.mark.parametrize("is_answer_lost", [False, True])
def test_a_webhook_may_arrive_before_the_answer_to_the_order(scenario: CatchupScenario, is_answer_lost: bool) -> None:
    scenario.recordings.is_slow = False
    scenario.recordings.script = [scenario.webhook]
    if is_answer_lost:
        scenario.fault_injector.use_plan(lambda _, operation: Fault.LOST if operation == "Submit" else None)
    scenario.deliver()

    assert scenario.catchup_env.catchups.get_status(scenario.caller, scenario.job_id).status == "done"
    assert "Find" not in scenario.fault_injector.calls
    check_done(scenario)


@pytest.mark.parametrize("where", ["Fetch", "Read"])
def test_a_webhook_may_arrive_while_a_worker_runs(scenario: CatchupScenario, where: str) -> None:
    scenario.deliver()
    scenario.recordings.is_slow = where == "Fetch"
    (scenario.recordings if where == "Fetch" else scenario.text).script = [end_after_fetch(scenario)]
    scenario.advance()

    assert scenario.catchup_env.catchups.get_status(scenario.caller, scenario.job_id).status == "done"
    check_done(scenario)


def end_after_fetch(scenario: CatchupScenario) -> Callable[[], None]:
    """The provider ends just after it has answered that it has not ended yet."""

    def act() -> None:
        scenario.webhook()
        scenario.recordings.script = [lambda: setattr(scenario.recordings, "is_slow", False)]

    return act


def test_a_webhook_after_the_job_failed_changes_nothing(scenario: CatchupScenario) -> None:
    scenario.deliver()
    scenario.wait(scenario.catchup_env.rules.abandon_after_seconds)
    scenario.sweep()
    scenario.deliver()
    assert scenario.catchup_env.catchups.get_status(scenario.caller, scenario.job_id).status == "failed"

    scenario.webhook()
    scenario.deliver()

    job = scenario.check_the_end()
    assert job is not None
    assert (job.status, job.credits_used) == ("failed", 0)


def test_a_late_webhook_has_the_copy_of_a_failed_job_deleted(scenario: CatchupScenario) -> None:
    scenario.fault_injector.use_plan(lambda _, operation: Fault.LOST if operation == "Submit" else None)
    scenario.deliver()
    scenario.wait(scenario.catchup_env.rules.abandon_after_seconds)
    scenario.sweep()
    scenario.deliver()

    scenario.webhook()
    scenario.deliver()

    assert scenario.recordings.deleted == ["transcript-1"]


@pytest.mark.parametrize("job_id", ["", "another-job"])
def test_a_webhook_with_a_wrong_secret_is_refused(scenario: CatchupScenario, job_id: str) -> None:
    scenario.deliver()
    secret = webhook_secret(WEBHOOK_KEY, job_id) if job_id else "wrong"

    with pytest.raises(InvalidSignatureError):
        scenario.catchup_env.catchups.record_notification(scenario.job_id, secret, "transcript-1")

    assert scenario.catchup_env.catchups.get_status(scenario.caller, scenario.job_id).status == "transcribing"
    check_done(scenario)


def test_both_copies_of_an_accidental_second_order_are_deleted(scenario: CatchupScenario) -> None:
    """The provider's list was delayed, so the order was sent twice: the webhook of the second reports it."""
    scenario.deliver()
    scenario.recordings.is_slow = False
    scenario.recordings.orders.append(scenario.recordings.orders[0])
    scenario.webhook()
    scenario.deliver()
    scenario.catchup_env.webhook(scenario.job_id, "transcript-2")
    scenario.deliver()

    assert scenario.recordings.deleted == ["transcript-1", "transcript-2"]
    assert [-entry.credits for entry in scenario.books.usage] == [10]
