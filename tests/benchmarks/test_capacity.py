"""Units computed from sizes are those that Amazon's own engine reports, for the items that a live session writes."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from benchmarks.capacity import item_bytes, read_units, write_units
from chalicelib import contract
from chalicelib.repositories.table import Tables
from tests.engines import Engine
from tests.fakes import Backend, Clock

OPERATIONS = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}
Units = tuple[str, float, float]  # operation, reported, computed


class ComparedClient:
    """A client of DynamoDB that notes, for each call, the units that are reported and those that are computed.

    Writes of a transaction are sent one by one: for a transaction DynamoDB Local rounds all its items up together.
    """

    def __init__(self, client: Any):
        self._client, self.units = client, list[Units]()

    def __getattr__(self, operation: str) -> Any:
        return partial(self._write if operation in OPERATIONS.values() else self._read, operation)

    def transact_write_items(self, TransactItems: list[dict[str, Any]], **_: Any) -> None:
        for action in TransactItems:
            for kind, write in action.items():
                self._write(OPERATIONS[kind], **write)

    def _write(self, operation: str, **request: Any) -> Any:
        before = self._load_stored(request)
        response = self._send(operation, request)
        computed = write_units(before, self._load_stored(request), in_transaction=False)
        self.units.append((operation, response["ConsumedCapacity"]["CapacityUnits"], computed))
        return response

    def _read(self, operation: str, **request: Any) -> Any:
        response = self._send(operation, request)
        reported = response["ConsumedCapacity"]
        units = sum(each["CapacityUnits"] for each in (reported if isinstance(reported, list) else [reported]))
        self.units.append((operation, units, _computed_reads(operation, request, response)))
        return response

    def _send(self, operation: str, request: dict[str, Any]) -> Any:
        return getattr(self._client, operation)(**request, ReturnConsumedCapacity="INDEXES")

    def _load_stored(self, write: dict[str, Any]) -> dict[str, Any]:
        fields = write.get("Key") or write["Item"]
        key = {name: fields[name] for name in ("pk", "sk")}
        item: dict[str, Any] = self._client.get_item(TableName=write["TableName"], Key=key).get("Item", {})
        return item


def _computed_reads(operation: str, request: dict[str, Any], response: dict[str, Any]) -> float:
    if operation == "batch_get_item":
        found = [item for items in response["Responses"].values() for item in items]
        requested = sum(len(table["Keys"]) for table in request["RequestItems"].values())
        return sum(read_units([item], is_consistent=True) for item in found) + requested - len(found)
    items = response["Items"] if operation == "query" else [response.get("Item", {})]
    return read_units(items, is_consistent=request.get("ConsistentRead", False))


@pytest.fixture
def compared_backend(dynamodb_local: Engine) -> Iterator[tuple[Backend, ComparedClient]]:
    with dynamodb_local.tables() as names:
        client = ComparedClient(dynamodb_local.new_client())
        yield Backend.on(Tables(client, *names), Clock()), client


def test_the_units_of_a_live_session_are_those_that_dynamodb_reports(
    compared_backend: tuple[Backend, ComparedClient],
) -> None:
    backend, client = compared_backend
    ada = backend.person(500)
    words = [contract.SegmentInput(seq=n, start_ms=n, end_ms=n + 1, text=f"{n} {'words ' * 400}") for n in range(4)]
    labels = {"title": "語" * 200, "source_url": f"https://example.com/{'x' * 1_900}", "key_terms": ["x" * 50] * 100}
    for transport in ("direct", "relay"):
        lease = backend.start(ada, transport=transport, **labels)
        backend.streaming.save(ada, lease.session_id, words)
        backend.streaming.renew(ada, lease.session_id, True, "a renewal", "hash")
        backend.streaming.open_sessions(ada)
        backend.streaming.stop(ada, lease.session_id)
        backend.transcripts.segments(ada.user_id, lease.transcript_id)
        backend.transcripts.page(ada.user_id, 50, None)
    backend.streaming.sweep()

    assert {operation for operation, _, _ in client.units} >= {*OPERATIONS.values(), "batch_get_item", "query"}
    differing = [units for units in client.units if units[1] != units[2]]
    # The guide bills a read that finds nothing, and each item of a batch by itself: DynamoDB Local does not.
    assert {operation for operation, _, _ in differing} == {"batch_get_item", "query"}
    assert all(reported < computed for _, reported, computed in differing)


def test_a_transaction_is_billed_twice_its_indexes_too(dynamodb_local: Engine) -> None:
    """DynamoDB Local reports two more times that: it counts both phases of a transaction, and doubles each."""
    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    hold = key | {"open_shard": {"S": "OPEN#1"}, "sweep_at": {"N": "5"}, "text": {"S": "x" * 1_500}}
    moved, ended = hold | {"sweep_at": {"N": "6"}}, {name: hold[name] for name in ("pk", "sk", "text")}
    with dynamodb_local.tables() as (ledger, _):
        before: dict[str, Any] = {}
        for after in (hold, moved, ended):
            response = dynamodb_local.client.transact_write_items(
                TransactItems=[{"Put": {"TableName": ledger, "Item": after}}], ReturnConsumedCapacity="TOTAL"
            )
            (reported,) = response["ConsumedCapacity"]
            assert reported["CapacityUnits"] == 2 * write_units(before, after, in_transaction=True)
            before = after


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({}, 0),
        ({"name": {"S": "語"}}, 7),
        ({"n": {"N": "0"}}, 2),
        ({"n": {"N": "1795400000"}}, 5),  # Zeros at the end are not stored.
        ({"n": {"N": "-15"}}, 4),
        ({"b": {"B": b"12345"}}, 6),
        ({"l": {"L": []}}, 4),
        ({"l": {"L": [{"S": "ab"}, {"NULL": True}]}}, 9),
        ({"m": {"M": {"k": {"BOOL": True}}}}, 7),
    ],
)
def test_an_item_has_the_size_that_amazon_documents(item: dict[str, Any], size: int) -> None:
    assert item_bytes(item) == size
