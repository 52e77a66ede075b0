"""Many concurrent catch-ups with one worker, or several in the deployed shape: all end, and none is paid twice."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.repositories.table import Tables
from scripts.local.aws import client as aws_client
from scripts.local.stack import LocalStack
from tests.engines import client
from tests.fakes import Backend, Clock
from tests.http.catchup_steps import HELD, USED, catch_up, get_job, upload, wait_for
from tests.http.deployed_limits import IS_DEPLOYED
from tests.http.http_client import Api, Person, ResponseRecorder, Sandbox
from tests.http.leak_search import Secrets
from tests.http.waiting import schedules_called_while_waiting

JOBS_PER_PERSON = 5
CONCURRENT_CALLS = 20
SECONDS_PER_JOB = 9 if IS_DEPLOYED else 3


@pytest.fixture(scope="module")
def alone(request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    """A separate backend: one API process with the only worker. The deployed shape is shared by all tests."""
    if IS_DEPLOYED:
        yield request.getfixturevalue("stack")
        return
    with LocalStack(quiet=True) as running, schedules_called_while_waiting(running.directory):
        yield running


@pytest.fixture
def catchup_env(alone: LocalStack) -> Iterator[Sandbox]:
    catchup_env = Sandbox(alone.dev["sandbox_url"])
    catchup_env.delete_transcripts()
    catchup_env.reset_faults()
    yield catchup_env
    catchup_env.close()


@pytest.fixture
def ledgers(alone: LocalStack) -> Iterator[Backend]:
    database = client(alone.settings["AWS_ENDPOINT_URL"])
    yield Backend.on(Tables(database, alone.settings["LEDGER_TABLE"], alone.settings["APP_TABLE"]), Clock())
    database.close()


@pytest.fixture
def queues(alone: LocalStack) -> Iterator[Any]:
    sqs = aws_client("sqs", alone.dev["aws_endpoint_url"])
    yield lambda: [waiting(sqs, alone.settings["JOBS_QUEUE_URL"] + suffix) for suffix in ("", "-dead")]
    sqs.close()


def waiting(sqs: Any, url: str) -> int:
    """How many messages there are, in flight or not."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(
        int(number) for number in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()
    )


@pytest.mark.usefixtures("fast_queue")
@pytest.mark.parametrize("jobs", [15, pytest.param(200, marks=pytest.mark.soak)])
def test_all_jobs_end_once(alone: LocalStack, catchup_env: Sandbox, ledgers: Backend, queues: Any, jobs: int) -> None:
    """A tenth of the orders lose their answer, and every webhook is sent twice."""
    response_recorder = ResponseRecorder()
    api = Api(alone.api_url, response_recorder)
    people = [Person.register(api) for _ in range(jobs // JOBS_PER_PERSON)]
    owners = people * JOBS_PER_PERSON
    before, ordered = queues(), catchup_env.count(Sandbox.CREATE)
    catchup_env.order(webhook_copies=2)
    catchup_env.fail(Sandbox.CREATE, "cut", times=jobs // 10)

    with ThreadPoolExecutor(CONCURRENT_CALLS) as at_once:
        uploads = list(at_once.map(upload, owners))
        started = list(at_once.map(lambda owner, upload_id: catch_up(owner, upload_id=upload_id), owners, uploads))
        assert {job["credits_held"] for job in started} == {HELD}
        open_jobs = list(zip(owners, [job["job_id"] for job in started], strict=True))

        def all_done() -> bool:
            statuses = list(at_once.map(lambda job: get_job(*job)["status"], open_jobs))
            assert "failed" not in statuses
            open_jobs[:] = [job for job, status in zip(open_jobs, statuses, strict=True) if status != "done"]
            return not open_jobs

        wait_for(all_done, seconds=90 + jobs * SECONDS_PER_JOB)
    # Without other users of the queue this means that it is empty.
    wait_for(lambda: all(now <= then for now, then in zip(queues(), before, strict=True)))

    assert catchup_env.count(Sandbox.CREATE) == ordered + jobs
    orders = catchup_env.all_transcripts()
    assert Counter(order["webhook_url"].partition("?job=")[2] for order in orders) == {
        job["job_id"]: 1 for job in started
    }
    assert all(order["deleted"] for order in orders)
    for person in people:
        assert person.balance() == (200 - JOBS_PER_PERSON * USED, 0)
        assert [used["credits"] for used in person.usage()] == [-USED] * JOBS_PER_PERSON
        ledgers.check_invariants(person.user_id)
    assert Secrets.of(alone).find_leaks(alone.directory, response_recorder.answers) == []
    api.close()
