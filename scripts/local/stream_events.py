"""Delivers the records of a DynamoDB stream to its function."""

import base64
import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from scripts.local.event_log import log, log_exception

ATTEMPTS = 5
FIRST_BACKOFF_SECONDS = 0.2  # doubles with each attempt


class StreamFeed:
    """Delivers the changes of a table to a function, in order within each shard, from the oldest record of the stream.

    A failed batch is retried, then its halves, until one record is left, which is skipped and logged.
    `positions`: a directory that keeps the reading position of this function.
    """

    drains = True  # A local stream is lost when its AWS stops, even if the tables are kept.

    def __init__(
        self,
        name: str,
        stream_arn: str,
        batch_size: int,
        call: Callable[[dict[str, Any]], Any],
        new_client: Callable[[str], Any],
        positions: Path | None,
        first_backoff_seconds: float = FIRST_BACKOFF_SECONDS,
    ):
        self.name, self._arn, self._batch_size, self._call = name, stream_arn, batch_size, call
        self._first_backoff_seconds = first_backoff_seconds
        self._streams = new_client("dynamodbstreams")
        self._positions = positions / f"{name}.json" if positions else None
        self._read_up_to = _load(self._positions)  # sequence number by shard
        self._iterators: dict[str, str | None] = {}  # None: the shard has ended
        self._readable: list[str] = []  # shards; empty: they are listed before the next read

    def step(self) -> bool:
        found, has_ended = False, False
        shard_ids, self._readable = self._readable or self._shards(), []
        for shard_id in shard_ids:
            if shard_id not in self._iterators:
                self._iterators[shard_id] = self._iterator(shard_id)
            iterator = self._iterators[shard_id]
            if iterator is None:
                continue
            try:
                response = self._streams.get_records(ShardIterator=iterator, Limit=min(self._batch_size, 1000))
            except ClientError:
                del self._iterators[
                    shard_id
                ]  # It has probably expired: the next step gets a new one for the same position.
                raise
            if records := response["Records"]:
                found = True
                self._deliver([stream_record(record, self._arn) for record in records])
                self._save_position(shard_id, records[-1]["dynamodb"]["SequenceNumber"])
            self._iterators[shard_id] = response.get("NextShardIterator")
            has_ended |= self._iterators[shard_id] is None
        if not has_ended:  # Otherwise other shards may be read from now on.
            self._readable = [shard_id for shard_id in shard_ids if self._iterators[shard_id]]
        return found

    def close(self) -> None:
        self._streams.close()

    def _shards(self) -> list[str]:
        """Ids of the shards that may be read: a child shard only after its parent has ended."""
        shards: list[dict[str, Any]] = []
        page: dict[str, Any] = {"LastEvaluatedShardId": None}
        while "LastEvaluatedShardId" in page:
            start = page["LastEvaluatedShardId"]
            more = {"ExclusiveStartShardId": start} if start else {}
            page = self._streams.describe_stream(StreamArn=self._arn, **more)["StreamDescription"]
            shards += page["Shards"]
        open_parents = {shard["ShardId"] for shard in shards if self._iterators.get(shard["ShardId"], "") is not None}
        return [shard["ShardId"] for shard in shards if shard.get("ParentShardId") not in open_parents]

    def _iterator(self, shard_id: str) -> str:
        shard = {"StreamArn": self._arn, "ShardId": shard_id}
        if number := self._read_up_to.get(shard_id):
            try:
                response = self._streams.get_shard_iterator(
                    **shard, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=number
                )
                return str(response["ShardIterator"])
            except ClientError:
                pass  # The stream no longer has this record: all of its records are newer.
        return str(self._streams.get_shard_iterator(**shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"])

    def _deliver(self, records: list[dict[str, Any]]) -> None:
        backoff_seconds = self._first_backoff_seconds
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._call({"Records": records})
                return
            except Exception as error:  # noqa: BLE001 - after any error of the function the stream delivers again
                log_exception(self.name, error, f"(attempt {attempt} of {ATTEMPTS})")
                if attempt < ATTEMPTS:
                    time.sleep(backoff_seconds)
                    backoff_seconds *= 2
        if len(records) > 1:
            middle = len(records) // 2
            self._deliver(records[:middle])
            self._deliver(records[middle:])
        else:
            keys = json.dumps(records[0]["dynamodb"].get("Keys"))
            log(f"{self.name} SKIPPED a record after {ATTEMPTS} attempts: {keys}")

    def _save_position(self, shard_id: str, sequence_number: str) -> None:
        self._read_up_to[shard_id] = sequence_number
        if self._positions:
            self._positions.parent.mkdir(parents=True, exist_ok=True)
            written = self._positions.with_suffix(".new")
            written.write_text(json.dumps(self._read_up_to), encoding="utf-8")
            written.replace(self._positions)


def stream_record(record: dict[str, Any], stream_arn: str) -> dict[str, Any]:
    """A stream record as the JSON that Lambda passes to a function: seconds for times, base64 for bytes."""
    change = {name: _as_json(value) for name, value in record["dynamodb"].items()}
    change.setdefault("SizeBytes", 0)
    return {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record.get("eventVersion", "1.1"),
        "eventSource": "aws:dynamodb",
        "awsRegion": record["awsRegion"],
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    }


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _as_json(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_as_json(part) for part in value]
    return value


def _load(positions: Path | None) -> dict[str, str]:
    if positions is None or not positions.exists():
        return {}
    loaded: dict[str, str] = json.loads(positions.read_text(encoding="utf-8"))
    return loaded
