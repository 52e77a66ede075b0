"""The DynamoDB engine of the tests' process as the simulation uses it: cheaper, and the same in every run.

Requests are not validated by botocore: the tests of the repositories do that. What the emulator copies and parses again
and again is copied by `marshal` and parsed once; its answers stay the same (tests/simulation/test_engine.py).
"""

import json
import marshal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import msgspec
from botocore.model import OperationModel
from ministack.services import dynamodb

from tests.engines import IN_PROCESS, TABLE_SETTINGS, Engine, resource
from tests.in_process_dynamodb import HANDLERS, Answer, InProcessDynamoDB, error_of, with_bytes

Items = dict[str, dict[str, Any]]  # sort key → item, as DynamoDB writes it
TABLES = {"Ledger": "simulated-ledger", "App": "simulated-app"}
LEDGER, APP = TABLES.values()
PARSED_EXPRESSIONS, KNOWN_NUMBERS = 4_096, 65_536

_encode, _decode = msgspec.json.encode, msgspec.json.decode


@dataclass(frozen=True)
class Request:
    """One call of DynamoDB. `body`: its parameters as JSON."""

    operation: str
    parameters: dict[str, Any]
    body: bytes

    def send(self) -> Answer:
        """The answer of the engine."""
        status, _, answered = HANDLERS[self.operation](_decode(self.body))
        return status, answered if isinstance(answered, bytes) else answered.encode()


class SimulatedDynamoDB(InProcessDynamoDB):
    """A client of the engine without botocore's validation. `send` gets each call in the engine's place."""

    def __init__(self, send: Callable[["Request"], Answer]):
        super().__init__()
        self._send = send

    def _call(self, operation: OperationModel, **parameters: Any) -> dict[str, Any]:
        status, answered = self._send(Request(operation.name, parameters, _encode(parameters)))
        if status >= 400:
            raise error_of(operation, status, answered)
        return read_json(answered)


def read_json(body: bytes) -> dict[str, Any]:
    """The answer of an operation as boto3 returns it."""
    if b'"B":' in body:
        with_binary: dict[str, Any] = json.loads(body, object_hook=with_bytes)
        return with_binary
    answered: dict[str, Any] = _decode(body)
    return answered


@contextmanager
def simulated_tables() -> Iterator[tuple[str, str]]:
    """The names of a fresh ledger and app table, which are the same in every run, on a faster engine."""
    with _faster_engine():
        create_tables()
        try:
            yield LEDGER, APP
        finally:
            client = Engine(IN_PROCESS).client
            for name in TABLES.values():
                client.delete_table(TableName=name)
            dynamodb._txn_idempotency.clear()


def create_tables() -> None:
    """Create the tables of the simulation, as in the template but without a stream."""
    client = Engine(IN_PROCESS).client
    for kind, name in TABLES.items():
        properties = resource(kind)
        client.create_table(TableName=name, **{key: properties[key] for key in TABLE_SETTINGS if key in properties})


def stored_items(table: str, pk: str) -> Items:
    """The items of this partition as they are stored; they must not be changed."""
    found: Items = dynamodb._tables[table]["items"].get(pk, {})
    return found


def stored_partitions(table: str) -> dict[str, Items]:
    """All items of a table by their partition; they must not be changed."""
    found: dict[str, Items] = dynamodb._tables[table]["items"]
    return found


def expire_items(now: int, is_deleted: Callable[[], bool]) -> int:
    """Delete expired items of the app table, as DynamoDB does some days after; returns how many.

    `is_deleted` decides for each.
    """
    table = dynamodb._tables[APP]
    expired = [
        (pk, sk)
        for pk, items in table["items"].items()
        for sk, item in items.items()
        if "expires_at" in item and int(item["expires_at"]["N"]) < now and is_deleted()
    ]
    for pk, sk in expired:
        dynamodb._remove_item(table, pk, sk)
    return len(expired)


@contextmanager
def _faster_engine() -> Iterator[None]:
    parse = lru_cache(PARSED_EXPRESSIONS)(lambda expression: tuple(dynamodb_tokenize(expression)))
    dynamodb_tokenize, find_error = dynamodb._tokenize, dynamodb._condition_syntax_error
    with ExitStack() as stack:
        for name, faster in {
            "copy": SimpleNamespace(deepcopy=_copy),
            "_tokenize": lambda expression: list(parse(expression)),
            "_condition_syntax_error": lru_cache(PARSED_EXPRESSIONS)(find_error),
            "_number_size_bytes": lru_cache(KNOWN_NUMBERS)(dynamodb._number_size_bytes),
            "_number_error": lru_cache(KNOWN_NUMBERS)(dynamodb._number_error),
            "json": SimpleNamespace(dumps=_dump_json, loads=json.loads),
            "json_response": lambda data, status=200: (status, {}, _encode(data)),
        }.items():
            stack.enter_context(patch.object(dynamodb, name, faster))
        yield


def _dump_json(value: Any, **options: Any) -> str:
    return json.dumps(value, **options) if options else _encode(value).decode()


def _copy(value: Any) -> Any:
    """A deep copy of what JSON can hold."""
    return marshal.loads(marshal.dumps(value))
