"""A provider rejects our key for a while: no job is lost, and no text is left at the provider."""

from collections.abc import Iterator

import pytest

from chalicelib.errors import ProviderDeniedError
from tests.catchup.worker_env import CatchupScenario, Names
from tests.engines import Engine

DENIED = ProviderDeniedError("AssemblyAI refused the request.", "status 401")


@pytest.fixture
def scenario(engine: Engine, tables_of_its_own: Names) -> CatchupScenario:
    scenario = CatchupScenario.on(engine, tables_of_its_own)
    scenario.start()
    return scenario


@pytest.fixture
def tables_of_its_own(engine: Engine) -> Iterator[Names]:
    with engine.tables() as names:
        yield names


def test_a_denied_fetch_lets_the_job_wait(scenario: CatchupScenario) -> None:
    scenario.recordings.is_slow = True
    scenario.deliver()
    scenario.recordings.script = [DENIED]
    scenario.advance()

    assert scenario.catchup_env.catchups.get_status(scenario.caller, scenario.job_id).status == "transcribing"
    job = scenario.check_the_end()
    assert job is not None
    assert (job.status, job.credits_used) == ("done", 10)


def test_a_denied_deletion_is_retried(scenario: CatchupScenario) -> None:
    scenario.recordings.is_slow = True
    scenario.deliver()
    scenario.recordings.is_slow = False
    scenario.recordings.script = [lambda: None, DENIED, DENIED]

    with pytest.raises(ProviderDeniedError):
        scenario.advance()

    assert scenario.catchup_env.catchups.get_status(scenario.caller, scenario.job_id).status == "done"
    assert scenario.recordings.deleted == []
    scenario.advance()
    assert scenario.recordings.deleted == ["transcript-1"]


def test_a_denied_summary_lets_the_job_wait_after_any_number_of_attempts(scenario: CatchupScenario) -> None:
    for _ in range(5):
        scenario.text.script = [ProviderDeniedError("OpenAI refused the request.", "status 401")]
        scenario.advance()
        assert scenario.catchup_env.catchups.get_status(scenario.caller, scenario.job_id).status == "summarising"

    scenario.text.script = []
    job = scenario.check_the_end()
    assert job is not None
    assert (job.status, job.credits_used) == ("done", 10)


def test_a_denied_order_fails_the_job_at_once_for_free(scenario: CatchupScenario) -> None:
    scenario.recordings.script = [DENIED]
    scenario.deliver()

    job = scenario.check_the_end()
    assert job is not None
    assert (job.status, job.credits_used) == ("failed", 0)
