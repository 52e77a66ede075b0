"""A deleted catch-up leaves nothing at its provider, whatever failed before and whatever fails while it is deleted."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

import pytest

from chalicelib.errors import ProviderDeniedError
from chalicelib.models.catchup import Job
from chalicelib.repositories.jobs import job_from, job_key
from chalicelib.repositories.provider_copies import COPY, ERASING, find_due_copies
from tests.catchup.worker_env import CatchupScenario, Names
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, fail_call, no_faults

FAULTS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST, Fault.CONFLICT)


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.fixture
def scenario(engine: Engine, names: Names) -> CatchupScenario:
    """A catch-up that is done, of which the provider kept its copy because both deletions failed."""
    scenario = CatchupScenario.on(engine, names)
    scenario.start()
    scenario.fault_injector.use_plan(lambda _, operation: Fault.UNSENT if operation == "DeleteTranscript" else None)
    scenario.deliver()
    assert scenario.recordings.deleted == []
    assert scenario.catchup_env.queue.sent == []
    scenario.fault_injector.use_plan(no_faults)
    return scenario


def delete_transcript(scenario: CatchupScenario) -> None:
    job = scenario.catchup_env.catchups.get_status(scenario.caller, scenario.job_id)
    assert job.transcript_id is not None
    scenario.quiet.history.delete(scenario.caller, job.transcript_id)


def erase(scenario: CatchupScenario) -> None:
    """One run of the sweep of deleted transcripts."""
    scenario.catchup_env.backend.history.delete_marked_segments()


def pending(scenario: CatchupScenario) -> list[str]:
    """What is recorded of the job's copies."""
    found = scenario.quiet.tables.query_all("app", ERASING, f"{COPY}{scenario.job_id}#")
    return [item["provider_id"] for item in found]


def stored_job(scenario: CatchupScenario) -> Job:
    item = scenario.quiet.tables.get(job_key(scenario.job_id))
    assert item is not None
    return job_from(item)


def check_nothing_remains(scenario: CatchupScenario, copies: set[str]) -> None:
    scenario.fault_injector.use_plan(no_faults)
    for _ in range(3):
        scenario.wait(901)
        erase(scenario)
        scenario.sweep()
        scenario.deliver()
    assert set(scenario.recordings.deleted) == copies
    assert pending(scenario) == []
    assert scenario.quiet.tables.get(job_key(scenario.job_id)) is None
    assert [sk for sk in scenario.books.app if sk.startswith(("SUMMARY#", "SEGMENT#", "TRANSCRIPT#"))] == []


def test_a_copy_is_deleted_after_its_job_is_gone(scenario: CatchupScenario) -> None:
    delete_transcript(scenario)
    erase(scenario)

    assert scenario.quiet.tables.get(job_key(scenario.job_id)) is None
    assert pending(scenario) == ["transcript-1"]
    check_nothing_remains(scenario, {"transcript-1"})


def test_nothing_is_recorded_when_the_copy_is_deleted_already(engine: Engine, names: Names) -> None:
    scenario = CatchupScenario.on(engine, names)
    scenario.start()
    scenario.deliver()
    delete_transcript(scenario)
    erase(scenario)

    assert pending(scenario) == []
    check_nothing_remains(scenario, {"transcript-1"})


def test_a_webhook_after_the_deletion_has_its_copy_deleted(scenario: CatchupScenario) -> None:
    delete_transcript(scenario)
    erase(scenario)
    scenario.catchup_env.webhook(scenario.job_id, "transcript-2")
    scenario.fault_injector.use_plan(lambda _, operation: Fault.UNSENT if operation == "DeleteTranscript" else None)
    scenario.deliver()

    assert sorted(pending(scenario)) == ["transcript-1", "transcript-2"]
    check_nothing_remains(scenario, {"transcript-1", "transcript-2"})


def test_a_webhook_while_the_job_is_deleted_loses_no_copy(scenario: CatchupScenario) -> None:
    delete_transcript(scenario)

    def notify_once(_: int, operation: str) -> Fault | None:
        if operation == "TransactWriteItems":
            scenario.fault_injector.use_plan(no_faults)
            scenario.catchup_env.webhook(scenario.job_id, "transcript-2")
        return None

    scenario.fault_injector.use_plan(notify_once)
    erase(scenario)

    assert pending(scenario) == ["transcript-1", "transcript-2"]
    scenario.catchup_env.queue.sent.clear()  # The message is lost.
    check_nothing_remains(scenario, {"transcript-1", "transcript-2"})


def test_a_copy_is_deleted_though_the_message_is_lost(scenario: CatchupScenario) -> None:
    """The job stays; nobody deletes its transcript, and no message names it any more."""
    assert pending(scenario) == ["transcript-1"]
    scenario.wait(901)
    scenario.sweep()
    scenario.deliver()

    assert scenario.recordings.deleted == ["transcript-1"]
    assert pending(scenario) == []
    assert not stored_job(scenario).is_known_to_provider


def test_a_worker_that_dies_after_the_end_of_its_job_leaves_no_copy(engine: Engine, names: Names) -> None:
    scenario = CatchupScenario.on(engine, names)
    scenario.recordings.is_slow = True
    scenario.start()
    scenario.deliver()
    scenario.wait(scenario.catchup_env.rules.abandon_after_seconds)
    scenario.fault_injector.use_plan(
        lambda _, operation: Fault.CRASH_BEFORE if operation == "DeleteTranscript" else None
    )
    with suppress(Crash):
        scenario.advance()
    scenario.fault_injector.use_plan(no_faults)

    assert stored_job(scenario).has_ended
    scenario.wait(901)
    scenario.sweep()
    scenario.deliver()
    assert scenario.recordings.deleted == ["transcript-1"]


def test_a_job_that_ends_while_a_webhook_is_recorded_loses_no_copy(engine: Engine, names: Names) -> None:
    scenario = CatchupScenario.on(engine, names)
    scenario.recordings.is_slow = True
    scenario.start()
    scenario.deliver()

    def end_once(_: int, operation: str) -> Fault | None:
        if operation == "TransactWriteItems":
            scenario.fault_injector.use_plan(no_faults)
            scenario.wait(scenario.catchup_env.rules.abandon_after_seconds)
            scenario.advance()
        return None

    scenario.fault_injector.use_plan(end_once)
    scenario.catchup_env.webhook(scenario.job_id, "transcript-2")
    assert stored_job(scenario).has_ended
    scenario.deliver()

    assert set(scenario.recordings.deleted) == {"transcript-1", "transcript-2"}
    assert pending(scenario) == []


def test_every_transcript_that_webhooks_name_is_deleted(engine: Engine, names: Names) -> None:
    """A second one must not hide a first that nothing else names."""
    scenario = CatchupScenario.on(engine, names)
    scenario.recordings.is_slow = True
    scenario.start()
    scenario.deliver()
    for number in (2, 3, 1, 4, 3):
        scenario.catchup_env.webhook(scenario.job_id, f"transcript-{number}")
    scenario.recordings.is_slow = False
    scenario.deliver()
    scenario.wait(901)
    scenario.sweep()
    scenario.deliver()

    assert stored_job(scenario).state == "done"
    assert set(scenario.recordings.deleted) == {f"transcript-{number}" for number in range(1, 5)}
    assert pending(scenario) == []


def test_a_copy_that_is_never_deleted_leaves_no_other(engine: Engine, names: Names) -> None:
    scenario = CatchupScenario.on(engine, names)
    for number in range(3):
        scenario.catchup_env.webhook(scenario.job_id, f"transcript-{number}")
    scenario.recordings.script = [ProviderDeniedError("The key was rejected.")]
    with pytest.raises(ProviderDeniedError):
        scenario.advance()

    assert scenario.recordings.deleted == ["transcript-1", "transcript-2"]
    assert pending(scenario) == ["transcript-0"]
    check_nothing_remains(scenario, {f"transcript-{number}" for number in range(3)})


def test_a_deletion_that_fails_is_tried_again_at_every_sweep(scenario: CatchupScenario) -> None:
    delete_transcript(scenario)
    erase(scenario)
    for _ in range(3):
        scenario.recordings.script = [ProviderDeniedError("The key was rejected.")]
        scenario.wait(901)
        scenario.sweep()
        assert scenario.catchup_env.queue.sent == [scenario.job_id]
        scenario.deliver()
        assert pending(scenario) == ["transcript-1"]
    check_nothing_remains(scenario, {"transcript-1"})


def test_two_sweeps_at_once_send_one_message(scenario: CatchupScenario) -> None:
    delete_transcript(scenario)
    erase(scenario)
    scenario.sweep()
    scenario.sweep()

    assert scenario.catchup_env.queue.sent == [scenario.job_id]
    assert list(find_due_copies(scenario.quiet.tables, scenario.clock())) == []


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("act", [erase, CatchupScenario.sweep, CatchupScenario.advance], ids=lambda act: act.__name__)
def test_a_copy_is_deleted_whatever_fails(
    engine: Engine, names: Names, fault: Fault, act: Callable[[CatchupScenario], None]
) -> None:
    """Each call of a step fails in turn; a repetition of the steps then completes the deletion."""
    for number in count():
        scenario = CatchupScenario.on(engine, names)
        scenario.start()
        scenario.fault_injector.use_plan(lambda _, operation: Fault.UNSENT if operation == "DeleteTranscript" else None)
        scenario.deliver()
        scenario.fault_injector.use_plan(no_faults)
        delete_transcript(scenario)
        if act is not erase:
            erase(scenario)
        scenario.fault_injector.use_plan(fail_call(number, fault))
        with suppress(Crash, Exception):
            act(scenario)
        is_over = len(scenario.fault_injector.calls) <= number
        check_nothing_remains(scenario, {"transcript-1"})
        if is_over:
            break
    assert number >= 3


def test_a_second_order_is_known_until_its_copy_is_deleted(engine: Engine, names: Names) -> None:
    """Otherwise the erasure of the account would not wait for it."""
    scenario = CatchupScenario.on(engine, names)
    scenario.start()
    scenario.recordings.is_slow = True
    scenario.deliver()
    scenario.catchup_env.webhook(scenario.job_id, "transcript-2")
    scenario.recordings.is_slow = False
    scenario.fault_injector.use_plan(lambda _, operation: Fault.UNSENT if operation == "DeleteTranscript" else None)
    scenario.deliver()
    assert stored_job(scenario).has_ended
    assert stored_job(scenario).is_known_to_provider

    scenario.fault_injector.use_plan(no_faults)
    scenario.advance()

    assert set(scenario.recordings.deleted) == {"transcript-1", "transcript-2"}
    assert not stored_job(scenario).is_known_to_provider


def test_a_webhook_while_a_copy_is_deleted_is_not_forgotten(scenario: CatchupScenario) -> None:
    scenario.recordings.script = [lambda: scenario.catchup_env.webhook(scenario.job_id, "transcript-2")]

    scenario.advance()

    assert scenario.recordings.deleted == ["transcript-1"]
    assert pending(scenario) == ["transcript-2"]
    scenario.deliver()
    assert set(scenario.recordings.deleted) == {"transcript-1", "transcript-2"}
    assert pending(scenario) == []


def test_a_webhook_of_an_unknown_job_has_its_copy_deleted(engine: Engine, names: Names) -> None:
    scenario = CatchupScenario.on(engine, names)
    for number in (1, 2, 2):
        scenario.catchup_env.webhook(scenario.job_id, f"transcript-{number}")

    assert sorted(pending(scenario)) == ["transcript-1", "transcript-2"]
    check_nothing_remains(scenario, {"transcript-1", "transcript-2"})
