"""The job queue: messages arrive, and a message that may not have been sent is an outage."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from chalicelib.errors import UnavailableError
from chalicelib.logs.request_facts import collect_request_facts
from chalicelib.providers.queue import DEAD_SUFFIX, DeadLetters, Queue
from scripts.local.aws import LocalAws


def sqs(endpoint_url: str, read_timeout_seconds: float = 60) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(connect_timeout=1, read_timeout=read_timeout_seconds, retries={"total_max_attempts": 1}),
    )


@pytest.fixture(scope="module")
def settings(ministack: LocalAws) -> dict[str, str]:
    return ministack.settings()


@pytest.fixture
def client(ministack: LocalAws, settings: dict[str, str]) -> Iterator[Any]:
    client = sqs(ministack.endpoint_url)
    client.purge_queue(QueueUrl=settings["JOBS_QUEUE_URL"])
    yield client
    client.close()


def receive_bodies(client: Any, url: str) -> list[str]:
    messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return sorted(message["Body"] for message in messages)


def test_every_message_arrives(client: Any, settings: dict[str, str]) -> None:
    queue = Queue(client, settings["JOBS_QUEUE_URL"])

    for job_id in ("job-1", "job-2", "job-1"):
        queue.send(job_id)

    assert receive_bodies(client, settings["JOBS_QUEUE_URL"]) == ["job-1", "job-1", "job-2"]


def check_outage(client: Any, url: str, error: str) -> None:
    with collect_request_facts() as request_facts, pytest.raises(UnavailableError) as raised:
        Queue(client, url).send("job-1")

    assert raised.value.details["retry_after_seconds"] > 0
    assert request_facts.notes["aws_error"] == f"send_message: {error}"
    assert "job-1" not in f"{raised.value} {request_facts.notes}"


def test_a_missing_queue_is_unavailable(client: Any, settings: dict[str, str]) -> None:
    check_outage(client, settings["JOBS_QUEUE_URL"] + "-gone", "QueueDoesNotExist")


def test_a_queue_that_cannot_be_reached_is_unavailable() -> None:
    check_outage(sqs("http://127.0.0.1:1"), "http://127.0.0.1:1/queue", "EndpointConnectionError")


def test_a_queue_that_does_not_respond_is_unavailable(serve: Callable[..., Any]) -> None:
    server = serve(lambda connection: server.ending.wait(60))

    check_outage(sqs(server.url, read_timeout_seconds=0.5), f"{server.url}/queue", "ReadTimeoutError")


@pytest.mark.parametrize("status", [403, 500, 503])
def test_an_error_status_is_unavailable(serve: Callable[..., Any], http: Callable[..., bytes], status: int) -> None:
    server = serve(http(status, b'{"__type": "SomeFault"}'))

    check_outage(sqs(server.url), f"{server.url}/queue", "ClientError")


def test_dead_letters_and_waiting_jobs_are_counted_also_while_they_are_hidden(
    client: Any, settings: dict[str, str]
) -> None:
    url = settings["JOBS_QUEUE_URL"]
    client.purge_queue(QueueUrl=url + DEAD_SUFFIX)
    letters = DeadLetters(client, url)
    assert letters.count() == (0, 0)
    for queue_url, bodies in ((url, ["job-1"]), (url + DEAD_SUFFIX, ["job-2", "job-3"])):
        for body in bodies:
            client.send_message(QueueUrl=queue_url, MessageBody=body)
    assert receive_bodies(client, url + DEAD_SUFFIX) == ["job-2", "job-3"]

    assert letters.count() == (2, 1)
    client.purge_queue(QueueUrl=url + DEAD_SUFFIX)


def test_dead_letters_that_cannot_be_counted_are_unavailable(client: Any, settings: dict[str, str]) -> None:
    for letters in (
        DeadLetters(client, settings["JOBS_QUEUE_URL"] + "-gone"),
        DeadLetters(sqs("http://127.0.0.1:1"), "http://127.0.0.1:1/queue"),
    ):
        with pytest.raises(UnavailableError):
            letters.count()
