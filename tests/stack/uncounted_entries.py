"""A batch of the ledger's stream that `Count` cannot process: it becomes a dead letter, which is then counted."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scripts import replay as replaying
from scripts.local.deployed import DeployedStack
from tests.http.http_client import Api, Person
from tests.stack.alarm_watch import eventually, log_lines
from tests.stack.dynamodb_gate import DynamoDbGate, Failure


@contextmanager
def discarding_at_once(stack: DeployedStack) -> Iterator[Any]:
    """A switch for the stream's event source, which discards records that fail after a second instead of half a day."""
    client, source = stack.aws.client("lambda"), stack.settings["LEDGER_STREAM_ARN"]
    (mapping,) = client.list_event_source_mappings(EventSourceArn=source)["EventSourceMappings"]
    switch = lambda **changes: client.update_event_source_mapping(UUID=mapping["UUID"], **changes)  # noqa: E731
    switch(Enabled=False, MaximumRecordAgeInSeconds=1)
    try:
        yield switch
    finally:
        switch(Enabled=True, MaximumRecordAgeInSeconds=mapping["MaximumRecordAgeInSeconds"])


def check_uncounted_entries(
    stack: DeployedStack, gate: DynamoDbGate, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    """An entry of free credits is written while nothing reads the stream; then the table of `Count` is unreachable."""
    sqs, letters = stack.aws.client("sqs"), {"QueueUrl": stack.shipment.resource_stack.outputs()["DeadJobsQueueUrl"]}
    waiting = lambda: int(  # noqa: E731
        sqs.get_queue_attributes(**letters, AttributeNames=["All"])["Attributes"]["ApproximateNumberOfMessages"]
    )
    counted = lambda: sum(line.get("entries_counted", 0) for line in log_lines(stack))  # noqa: E731
    assert waiting() == 0
    with discarding_at_once(stack) as switch:
        Person.register(api)
        before = counted()
        gate.failure = Failure.UNREACHABLE
        switch(Enabled=True)
        assert eventually(waiting) == 1
        gate.failure = None

    capsys.readouterr()
    assert replaying.replay(stack.aws, stack.shipment.stage, send_back=False) == 1
    # One entry, and those of earlier tests that were not read yet.
    printed = re.search(r"(\d+) ledger entr(?:y|ies) not counted \(MaxRecordAgeExceeded\)", capsys.readouterr().out)
    assert printed is not None
    assert counted() == before

    assert replaying.replay(stack.aws, stack.shipment.stage, send_back=True) == 1
    assert eventually(lambda: counted() == before + int(printed[1]))
    assert waiting() == 0
