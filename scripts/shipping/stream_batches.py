"""Batches of ledger entries that `Count` could not process: their places in the stream are dead letters.

Such a letter has no records, only the numbers of the first and the last one. The stream keeps the records for a day.
Source: Lambda developer guide, "Retain discarded records for a DynamoDB event source".
"""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from scripts.local.stream_events import stream_record
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import APP_NAME, Aws, ShippingError

ALIAS = "live"
MOST_PAGES = 100  # A page may be empty although more records follow.
EXPIRED = {"TrimmedDataAccessException", "ResourceNotFoundException"}


@dataclass(frozen=True)
class StreamBatch:
    """The place of a batch in the stream. `first`, `last`: sequence numbers, both included."""

    stream_arn: str
    shard_id: str
    first: str
    last: str
    size: int
    condition: str

    def __str__(self) -> str:
        noun = "entry" if self.size == 1 else "entries"
        return f"{self.size} ledger {noun} not counted ({self.condition}), from {self.first} in {self.shard_id}"

    def read(self, streams: Any) -> list[dict[str, Any]] | None:
        """The records as `Count` receives them; None if the stream no longer has them. `streams`: a boto3 client."""
        found: list[dict[str, Any]] = []
        try:
            iterator = streams.get_shard_iterator(
                StreamArn=self.stream_arn,
                ShardId=self.shard_id,
                ShardIteratorType="AT_SEQUENCE_NUMBER",
                SequenceNumber=self.first,
            )["ShardIterator"]
            for _ in range(MOST_PAGES):
                page = streams.get_records(ShardIterator=iterator)
                for record in page["Records"]:
                    if int(record["dynamodb"]["SequenceNumber"]) > int(self.last):
                        return found
                    found.append(stream_record(record, self.stream_arn))
                iterator = page.get("NextShardIterator")
                if iterator is None or (found and found[-1]["dynamodb"]["SequenceNumber"] == self.last):
                    return found
        except ClientError as error:
            if error.response["Error"]["Code"] in EXPIRED:
                return None
            raise
        raise ShippingError(f"The end of these records was not found: {self}")


def parse_stream_batch(body: str) -> StreamBatch | None:
    """The batch that a dead letter names; None for the letter of a job."""
    try:
        letter = json.loads(body)
        info = letter["DDBStreamBatchInfo"]
        return StreamBatch(
            info["streamArn"],
            info["shardId"],
            info["startSequenceNumber"],
            info["endSequenceNumber"],
            int(info["batchSize"]),
            str(letter["requestContext"]["condition"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def count_again(aws: Aws, stage: str, batch: StreamBatch) -> bool:
    """Have `Count` process the batch, which counts each entry once; False if the stream no longer has the records.

    Raises ShippingError if it fails again.
    """
    records = batch.read(aws.client("dynamodbstreams"))
    if records is None:
        return False
    function = Stack(aws.client("cloudformation"), f"{APP_NAME}-{stage}").physical_id("Count")
    event = json.dumps({"Records": records}).encode()
    response = aws.client("lambda").invoke(FunctionName=function, Qualifier=ALIAS, Payload=event)
    if "FunctionError" in response:
        reason = response["Payload"].read().decode(errors="replace")[:300]
        raise ShippingError(f"Count failed again: {reason}\nFix the cause and deploy, then run this again. {batch}")
    return True
