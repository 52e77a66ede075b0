"""Dead letters of the ledger's stream, with responses of AWS that the emulator does not give."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scripts.shipping.project import ShippingError
from scripts.shipping.stream_batches import MOST_PAGES, StreamBatch, count_again, parse_stream_batch

BATCH = StreamBatch("arn", "shard", "100000000000000000007", "100000000000000000009", 3, "RetryAttemptsExhausted")
LETTER = {
    "requestContext": {"condition": "RetryAttemptsExhausted"},
    "DDBStreamBatchInfo": {
        "shardId": "shard",
        "startSequenceNumber": BATCH.first,
        "endSequenceNumber": BATCH.last,
        "batchSize": 3,
        "streamArn": "arn",
    },
}


def record(number: int) -> dict[str, Any]:
    change = {"Keys": {}, "SequenceNumber": str(100000000000000000000 + number)}
    return {"eventID": str(number), "eventName": "INSERT", "awsRegion": "eu-central-1", "dynamodb": change}


class Aws:
    """An account with one stream and one function. `pages`: numbers of records. `answer`: of the function."""

    is_emulated = False

    def __init__(self, *pages: list[int], error: str = "", answer: dict[str, Any] | None = None):
        self.pages, self.error, self.answer = pages, error, answer or {}
        self.query: dict[str, Any] = {}
        self.events: list[Any] = []

    def client(self, service: str) -> Any:
        return self

    def get_shard_iterator(self, **query: Any) -> Any:
        self.query = query
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": ""}}, "GetShardIterator")
        return {"ShardIterator": "0"}

    def get_records(self, ShardIterator: str) -> Any:
        page = int(ShardIterator)
        numbers = self.pages[page] if page < len(self.pages) else []
        return {"Records": [record(number) for number in numbers], "NextShardIterator": str(page + 1)}

    def describe_stack_resource(self, **_: str) -> Any:
        return {"StackResourceDetail": {"PhysicalResourceId": "count"}}

    def invoke(self, FunctionName: str, Qualifier: str, Payload: bytes) -> Any:
        assert (FunctionName, Qualifier) == ("count", "live")
        self.events.append([item["eventID"] for item in json.loads(Payload)["Records"]])
        return self.answer


def test_a_letter_of_the_stream_is_distinguished_from_one_of_a_job() -> None:
    assert parse_stream_batch(json.dumps(LETTER)) == BATCH
    for body in ("job-one", "audit:1", "{}", "[]", "null", json.dumps({"DDBStreamBatchInfo": {}})):
        assert parse_stream_batch(body) is None


def test_exactly_the_records_of_the_batch_are_counted_over_empty_pages() -> None:
    aws = Aws([7], [], [8, 9, 10])

    assert count_again(aws, "prod", BATCH) is True
    assert aws.events == [["7", "8", "9"]]
    assert (aws.query["ShardIteratorType"], aws.query["SequenceNumber"]) == ("AT_SEQUENCE_NUMBER", BATCH.first)


@pytest.mark.parametrize("code", ["TrimmedDataAccessException", "ResourceNotFoundException"])
def test_records_that_the_stream_no_longer_has_are_not_counted(code: str) -> None:
    aws = Aws(error=code)

    assert count_again(aws, "prod", BATCH) is False
    assert aws.events == []


def test_another_error_of_the_stream_is_not_taken_for_the_loss_of_records() -> None:
    with pytest.raises(ClientError):
        count_again(Aws(error="AccessDeniedException"), "prod", BATCH)


def test_a_batch_that_fails_again_stays_with_its_reason() -> None:
    answer = {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "count failed: KeyError"}')}

    with pytest.raises(ShippingError, match="KeyError"):
        count_again(Aws([7, 8, 9], answer=answer), "prod", BATCH)


def test_a_stream_without_the_end_of_the_batch_is_not_read_forever() -> None:
    aws = Aws([7], *([[]] * MOST_PAGES))

    with pytest.raises(ShippingError, match="end of these records was not found"):
        count_again(aws, "prod", BATCH)
