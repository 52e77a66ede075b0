"""Many catch-ups at once over one worker, in the deployed shape over several: all end, the queue drains, nothing is
ordered or paid twice.
"""

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
from tests.http.deployed_limits import IS_DEPLOYED
from tests.http.http_client import Api, Person, Sandbox, Witness
from tests.http.leak_search import Secrets
from tests.http.recorded_requests import HELD, USED, catch_up, eventually, look, upload

JOBS_A_PERSON = 10
AT_ONCE = 20
SECONDS_A_JOB = 9 if IS_DEPLOYED else 3


@pytest.fixture(scope="module")
def alone(request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    """A backend of its own: one API process, and in it the only worker. Of the deployed shape there is one for all."""
    if IS_DEPLOYED:
        yield request.getfixturevalue("stack")
        return
    with LocalStack(quiet=True) as running:
        yield running


@pytest.fixture
def catchup_env(alone: LocalStack) -> Iterator[Sandbox]:
    catchup_env = Sandbox(alone.dev["sandbox_url"])
    catchup_env.forget()
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
    """How many messages there are, under way or not."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(
        int(number) for number in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()
    )


@pytest.mark.usefixtures("brisk_queue")
@pytest.mark.parametrize("jobs", [30, pytest.param(200, marks=pytest.mark.soak)])
def test_all_end_once(alone: LocalStack, catchup_env: Sandbox, ledgers: Backend, queues: Any, jobs: int) -> None:
    """A tenth of the orders lose their answer, and every webhook comes twice."""
    witness = Witness()
    api = Api(alone.api_url, witness)
    people = [Person.register(api) for _ in range(jobs // JOBS_A_PERSON)]
    owners = people * JOBS_A_PERSON
    before, ordered = queues(), catchup_env.count(Sandbox.CREATE)
    catchup_env.order(webhook_copies=2)
    catchup_env.fail(Sandbox.CREATE, "cut", times=jobs // 10)

    with ThreadPoolExecutor(AT_ONCE) as at_once:
        uploads = list(at_once.map(upload, owners))
        started = list(at_once.map(lambda one: catch_up(one[0], upload_id=one[1]), zip(owners, uploads, strict=True)))
        assert {job["credits_held"] for job in started} == {HELD}
        open_ones = list(zip(owners, [job["job_id"] for job in started], strict=True))

        def all_done() -> bool:
            statuses = list(at_once.map(lambda one: look(*one)["status"], open_ones))
            assert "failed" not in statuses
            open_ones[:] = [one for one, status in zip(open_ones, statuses, strict=True) if status != "done"]
            return not open_ones

        eventually(all_done, seconds=30 + jobs * SECONDS_A_JOB)
    eventually(lambda: all(now <= then for now, then in zip(queues(), before, strict=True)))  # Alone: nothing is left.

    assert catchup_env.count(Sandbox.CREATE) == ordered + jobs
    made = catchup_env.all_transcripts()
    assert Counter(one["webhook_url"].partition("?job=")[2] for one in made) == {job["job_id"]: 1 for job in started}
    assert all(one["deleted"] for one in made)
    for person in people:
        assert person.balance() == (200 - JOBS_A_PERSON * USED, 0)
        assert [used["credits"] for used in person.usage()] == [-USED] * JOBS_A_PERSON
        ledgers.check_invariants(person.user_id)
    assert Secrets.of(alone).find_leaks(alone.directory, witness.answers) == []
    api.close()
