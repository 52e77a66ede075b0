"""Reads and conditional writes on the two tables, in plain Python values.

DynamoDB's own words stop here: a repository says what must hold (`when`) and what changes (`put`, `put_in`, `add`), and
hears `WriteRefusedError` with the items as they were, or `UnavailableError` when the table did not answer.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder, Key
from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UnavailableError
from ..logs.request_log import request_log
from .expressions import Item as Item, Path as Path, deserialize, filtered, key_condition, serialize, update_expression

TableName = Literal["ledger", "app"]

# DynamoDB cancels one of two transactions that touch one item, and the SDK does not try again (botocore 1.43: one
# attempt for TransactionCanceledException). Under 16 writers on one account the last one needs about ten turns.
CONFLICT_TRIES = 12
CONFLICT_PAUSE_SECONDS = (0.02, 0.2)
DELETED_AT_ONCE = 25  # what one BatchWriteItem takes
THROTTLES = {"ProvisionedThroughputExceeded", "ThrottlingError", "RequestLimitExceeded"}
CONFLICTS = {"TransactionConflict"} | THROTTLES
RETRIED_ERRORS = {"TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException"}
BUGS = {"ValidationException", "IdempotentParameterMismatchException", "SerializationException"}


@dataclass(frozen=True)
class ItemKey:
    """Where an item lives."""

    table: TableName
    pk: str
    sk: str

    def as_item(self) -> Item:
        return {"pk": self.pk, "sk": self.sk}


@dataclass(frozen=True)
class Write:
    """One write: a whole item (`item`), a change (`put_in`, `add`, `drop`), or the item's end (`delete`).

    A name may be a path into a map, as a tuple. `add` counts from zero where the attribute is missing. `when` is what
    must hold, or nothing is written.
    """

    key: ItemKey
    item: Item | None = None
    put_in: Mapping[Path, Any] = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    drop: Sequence[Path] = ()
    delete: bool = False
    when: ConditionBase | None = None


class WriteRefusedError(Exception):
    """A condition did not hold, so nothing was written. `refused`: position of the write → the item as it is, or {}."""

    def __init__(self, refused: dict[int, Item]):
        super().__init__(f"condition not met for writes {sorted(refused)}")
        self.refused = refused


class Tables:
    """The ledger table and the app table."""

    def __init__(
        self, client: Any, ledger_table: str, app_table: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self._pause = client, pause
        self._names: dict[TableName, str] = {"ledger": ledger_table, "app": app_table}

    def get(self, key: ItemKey) -> Item | None:
        """The item, as last written; None if there is none."""
        answer = self._call(
            "get_item", TableName=self._names[key.table], Key=serialize(key.as_item()), ConsistentRead=True
        )
        return deserialize(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[ItemKey]) -> list[Item | None]:
        """The items in the order of `keys` (at most 100), as last written, in one call."""
        wanted: dict[str, Any] = {}
        for key in keys:
            request = wanted.setdefault(self._names[key.table], {"Keys": [], "ConsistentRead": True})
            request["Keys"].append(serialize(key.as_item()))
        found: dict[tuple[str, str, str], Item] = {}
        for attempt in range(CONFLICT_TRIES):
            answer = self._call("batch_get_item", RequestItems=wanted)
            for name, items in answer["Responses"].items():
                for found_item in items:
                    item = deserialize(found_item)
                    found[name, item["pk"], item["sk"]] = item
            wanted = answer.get("UnprocessedKeys") or {}
            if not wanted:
                return [found.get((self._names[key.table], key.pk, key.sk)) for key in keys]
            self._wait(attempt)
        raise _throttled("batch_get_item", "UnprocessedKeys")

    def query(
        self,
        table: TableName,
        pk: str,
        prefix: str,
        *,
        limit: int | None = None,
        newest_first: bool = False,
        after: str | None = None,
        between: tuple[str, str] | None = None,
    ) -> tuple[list[Item], str | None]:
        """One page of the items of `pk` whose sort key starts with `prefix`, and the sort key to go on `after`.

        `between`: only sort keys from the first to the second, both with the prefix and both included.
        An empty prefix: all items of `pk`.
        """
        extra: dict[str, Any] = {}
        if limit is not None:
            extra["Limit"] = limit
        if after is not None:
            extra["ExclusiveStartKey"] = serialize({"pk": pk, "sk": after})
        condition: ConditionBase = Key("pk").eq(pk)
        if between or prefix:
            condition &= Key("sk").between(*between) if between else Key("sk").begins_with(prefix)
        answer = self._call(
            "query",
            TableName=self._names[table],
            ConsistentRead=True,
            ScanIndexForward=not newest_first,
            **key_condition(condition),
            **extra,
        )
        last = answer.get("LastEvaluatedKey")
        return [deserialize(item) for item in answer["Items"]], deserialize(last)["sk"] if last else None

    def scan(
        self, table: TableName, wanted: ConditionBase, *, limit: int, after: tuple[str, ...] = ()
    ) -> tuple[list[Item], tuple[str, ...] | None]:
        """The `wanted` among the next `limit` items of a whole table, and the key (pk, sk) to go on `after`.

        It reads, and is billed for, every item that it passes: for jobs, never for a request.
        """
        start = {"ExclusiveStartKey": serialize({"pk": after[0], "sk": after[1]})} if after else {}
        answer = self._call(
            "scan", TableName=self._names[table], ConsistentRead=True, Limit=limit, **filtered(wanted), **start
        )
        last = deserialize(answer["LastEvaluatedKey"]) if "LastEvaluatedKey" in answer else None
        return [deserialize(item) for item in answer["Items"]], (last["pk"], last["sk"]) if last else None

    def query_index(self, index: str, condition: ConditionBase) -> Iterator[Item]:
        """All items of an index of the ledger table, page by page; a moment behind the table itself."""
        extra: dict[str, Any] = {}
        while True:
            request = key_condition(condition) | extra
            answer = self._call("query", TableName=self._names["ledger"], IndexName=index, **request)
            yield from map(deserialize, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            extra = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def delete_many(self, keys: Sequence[ItemKey]) -> None:
        """Delete items, whatever they hold, in any order; after an error some may be gone. Raises UnavailableError."""
        for first in range(0, len(keys), DELETED_AT_ONCE):
            wanted: dict[str, Any] = {}
            for key in keys[first : first + DELETED_AT_ONCE]:
                request = {"DeleteRequest": {"Key": serialize(key.as_item())}}
                wanted.setdefault(self._names[key.table], []).append(request)
            for attempt in range(CONFLICT_TRIES):
                wanted = self._call("batch_write_item", RequestItems=wanted).get("UnprocessedItems") or {}
                if not wanted:
                    break
                self._wait(attempt)
            else:
                raise _throttled("batch_write_item", "UnprocessedItems")

    def write(self, write: Write) -> None:
        """Do one write. Raises WriteRefusedError or UnavailableError."""
        action, request = self._request(write)
        operation = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}[action]
        try:
            self._call(operation, **request)
        except ClientError as error:
            if _code(error) != "ConditionalCheckFailedException":
                raise
            answer: dict[str, Any] = dict(error.response)
            raise WriteRefusedError({0: deserialize(answer.get("Item", {}))}) from error

    def transact(self, writes: Sequence[Write]) -> None:
        """Do all writes or none. Raises WriteRefusedError or UnavailableError.

        The request token is new for each call: it makes our own tries of this call one write, while the conditions in
        `writes` keep a later repetition of the same command from being a second one.
        """
        actions = [{action: request} for action, request in map(self._request, writes)]
        token, throttles = str(uuid.uuid4()), set[str]()
        for attempt in range(CONFLICT_TRIES):
            try:
                self._once("transact_write_items", TransactItems=actions, ClientRequestToken=token)
                return
            except _ConflictError:
                pass
            except ClientError as error:
                if _code(error) != "TransactionCanceledException":
                    raise
                throttles = _conflicts(error) & THROTTLES
            self._wait(attempt)
        if throttles:
            raise _throttled("transact_write_items", *throttles)
        raise UnavailableError("The account is busy with other requests.")

    def _request(self, write: Write) -> tuple[str, Item]:
        names, values = {}, {}
        request: Item = {
            "TableName": self._names[write.key.table],
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if write.when is not None:
            built = ConditionExpressionBuilder().build_expression(write.when)
            request["ConditionExpression"] = built.condition_expression
            names.update(built.attribute_name_placeholders)
            values.update(built.attribute_value_placeholders)
        if write.item is not None:
            action = "Put"
            request["Item"] = serialize(write.item | write.key.as_item())
        else:
            action = "Delete" if write.delete else "Update"
            request["Key"] = serialize(write.key.as_item())
        if action == "Update":
            request["UpdateExpression"] = update_expression(write.put_in, write.add, write.drop, names, values)
        if names:
            request["ExpressionAttributeNames"] = names
        if values:
            request["ExpressionAttributeValues"] = serialize(values)
        return action, request

    def _call(self, operation: str, **request: Any) -> Any:
        """One API call, tried again while a running transaction is in its way."""
        for attempt in range(CONFLICT_TRIES):
            try:
                return self._once(operation, **request)
            except _ConflictError:
                self._wait(attempt)
        raise UnavailableError("The item is busy with other requests.")

    def _once(self, operation: str, **request: Any) -> Any:
        """One API call. An outage becomes UnavailableError, and the log line says which."""
        try:
            return getattr(self._client, operation)(**request)
        except ClientError as error:
            code = _code(error)
            if code in RETRIED_ERRORS:
                raise _ConflictError from error
            if code in {"TransactionCanceledException", "ConditionalCheckFailedException"} | BUGS:
                raise
            request_log().notes["aws_error"] = f"{operation}: {code}"
            raise UnavailableError("The database did not take the request.") from error
        except BotoCoreError as error:
            request_log().notes["aws_error"] = f"{operation}: {type(error).__name__}"
            raise UnavailableError("The database did not answer.") from error

    def _wait(self, attempt: int) -> None:
        shortest, longest = CONFLICT_PAUSE_SECONDS
        self._pause(random.uniform(shortest, min(longest, shortest * 2 ** (attempt + 1))))


class _ConflictError(Exception):
    """Another transaction was in the way; the same call again is the same command."""


def _throttled(operation: str, *codes: str) -> UnavailableError:
    """The table took no more for as long as we could wait; the log line says so."""
    request_log().notes["aws_error"] = f"{operation}: {', '.join(sorted(codes))}"
    return UnavailableError("The database is busy.")


def _conflicts(error: ClientError) -> set[str]:
    """Why the transaction is to be tried again: it was in another's way, or the table was busy.

    Raises WriteRefusedError, or the error itself, where another try would not help.
    """
    reasons = error.response.get("CancellationReasons", [])
    refused = {
        position: deserialize(reason.get("Item", {}))
        for position, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }
    codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
    # Beside a conflict a failed condition is half the truth: the other transaction is still being written.
    if refused and codes == {"ConditionalCheckFailed"}:
        raise WriteRefusedError(refused) from error
    if not codes & CONFLICTS or not codes <= CONFLICTS | {"ConditionalCheckFailed"}:
        raise error
    return codes & CONFLICTS


def raise_invariant_violation(error: WriteRefusedError) -> NoReturn:
    """A condition failed that nothing but a bug can fail."""
    raise AssertionError(f"a condition that always holds did not: {error}") from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
