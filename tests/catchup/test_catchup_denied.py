"""A provider does not take our key for a while: no job is lost by it, and no words are left behind."""

from collections.abc import Iterator

import pytest

from chalicelib.errors import ProviderDeniedError
from tests.catchup.worker_env import Names, Office
from tests.engines import Engine

DENIED = ProviderDeniedError("AssemblyAI refused the request.", "status 401")


@pytest.fixture
def office(engine: Engine, tables_of_its_own: Names) -> Office:
    office = Office.on(engine, tables_of_its_own)
    office.start()
    return office


@pytest.fixture
def tables_of_its_own(engine: Engine) -> Iterator[Names]:
    with engine.tables() as names:
        yield names


def test_while_it_is_fetched_the_job_waits(office: Office) -> None:
    office.recordings.is_slow = True
    office.deliver()
    office.recordings.script = [DENIED]
    office.advance()

    assert office.catchup_env.catchups.get_status(office.who, office.job_id).status == "transcribing"
    job = office.check_the_end()
    assert job is not None
    assert (job.status, job.credits_used) == ("done", 10)


def test_when_it_is_to_be_forgotten_that_is_tried_again(office: Office) -> None:
    office.recordings.is_slow = True
    office.deliver()
    office.recordings.is_slow = False
    office.recordings.script = [lambda: None, DENIED, DENIED]

    with pytest.raises(ProviderDeniedError):
        office.advance()

    assert office.catchup_env.catchups.get_status(office.who, office.job_id).status == "done"
    assert office.recordings.deleted == []
    office.advance()
    assert office.recordings.deleted == ["transcript-1"]


def test_while_it_is_summarised_the_job_waits_however_often_it_is_tried(office: Office) -> None:
    for _ in range(5):
        office.text.script = [ProviderDeniedError("OpenAI refused the request.", "status 401")]
        office.advance()
        assert office.catchup_env.catchups.get_status(office.who, office.job_id).status == "summarising"

    office.text.script = []
    job = office.check_the_end()
    assert job is not None
    assert (job.status, job.credits_used) == ("done", 10)


def test_when_it_is_ordered_the_job_ends_at_once_and_free(office: Office) -> None:
    office.recordings.script = [DENIED]
    office.deliver()

    job = office.check_the_end()
    assert job is not None
    assert (job.status, job.credits_used) == ("failed", 0)
