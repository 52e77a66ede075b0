"""Reads and conditional writes on the two tables, in plain Python values.

DynamoDB's own API stops here. A repository says what must hold (`when`) and what changes (`item`, `put_in`, `add`). It
gets `WriteRefusedError` with the current items where a condition failed, or `UnavailableError` in an outage.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UnavailableError
from .conditions import Attr, Condition, Path as Path, condition_expression, update_expression
from .expressions import Item as Item, deserialize, filter_condition, key_condition, serialize
from .table_errors import (
    THROTTLES,
    ExtraWriteRefusedError,
    TransientConflictError,
    WriteRefusedError as WriteRefusedError,
    conflict_codes,
    error_code,
    raise_call_error,
    raise_invariant_violation as raise_invariant_violation,
    throttled_error,
)

TableName = Literal["ledger", "app"]

# DynamoDB cancels one of two transactions that touch one item, and the SDK does not retry (botocore 1.43: one attempt
# for TransactionCanceledException). With 16 writers on one account the last one needs about ten attempts.
CONFLICT_TRIES = 12
CONFLICT_PAUSE_SECONDS = (0.02, 0.2)
DELETE_BATCH_SIZE = 25  # the most that one BatchWriteItem accepts


class ItemKey(msgspec.Struct, frozen=True):
    """The table and the primary key of an item."""

    table: TableName
    pk: str
    sk: str

    def as_item(self) -> Item:
        return {"pk": self.pk, "sk": self.sk}


class Write(msgspec.Struct, frozen=True):
    """One write: a whole item (`item`), a change of one (`put_in`, `add`, `drop`), or its deletion (`delete`).

    A name may be a path into a map, as a tuple. `add` counts from zero where the attribute is missing. Nothing is
    written unless `when` holds.
    """

    key: ItemKey
    item: Item | None = None
    put_in: Mapping[Path, Any] = {}
    add: Mapping[str, int] = {}
    drop: Sequence[Path] = ()
    delete: bool = False
    when: Condition | None = None


class Tables:
    """The ledger table and the app table."""

    def __init__(
        self, client: Any, ledger_table: str, app_table: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self._pause = client, pause
        self._names: dict[TableName, str] = {"ledger": ledger_table, "app": app_table}

    def get(self, key: ItemKey) -> Item | None:
        """The item as last written; None if it does not exist."""
        response = self._call(
            "get_item", TableName=self._names[key.table], Key=serialize(key.as_item()), ConsistentRead=True
        )
        return deserialize(response["Item"]) if "Item" in response else None

    def get_many(self, keys: Sequence[ItemKey]) -> list[Item | None]:
        """The items in the order of `keys` (100; doubles allowed), as last written, in one call; None if missing."""
        pending: dict[str, Any] = {}
        for key in dict.fromkeys(keys):
            request = pending.setdefault(self._names[key.table], {"Keys": [], "ConsistentRead": True})
            request["Keys"].append(serialize(key.as_item()))
        found: dict[tuple[str, str, str], Item] = {}
        for attempt in range(CONFLICT_TRIES):
            response = self._call("batch_get_item", RequestItems=pending)
            for name, items in response["Responses"].items():
                for item in map(deserialize, items):
                    found[name, item["pk"], item["sk"]] = item
            pending = response.get("UnprocessedKeys") or {}
            if not pending:
                return [found.get((self._names[key.table], key.pk, key.sk)) for key in keys]
            self._wait(attempt)
        raise throttled_error("batch_get_item", "UnprocessedKeys")

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
        """One page of the items of `pk` whose sort key starts with `prefix`, and the sort key to continue `after`.

        `between`: only sort keys from the first to the second, both included. An empty prefix: all items of `pk`.
        """
        extra: dict[str, Any] = {}
        if limit is not None:
            extra["Limit"] = limit
        if after is not None:
            extra["ExclusiveStartKey"] = serialize({"pk": pk, "sk": after})
        condition: Condition = Attr("pk").eq(pk)
        if between or prefix:
            condition &= Attr("sk").is_between(*between) if between else Attr("sk").begins_with(prefix)
        response = self._call(
            "query",
            TableName=self._names[table],
            ConsistentRead=True,
            ScanIndexForward=not newest_first,
            **key_condition(condition),
            **extra,
        )
        last = response.get("LastEvaluatedKey")
        return [deserialize(item) for item in response["Items"]], deserialize(last)["sk"] if last else None

    def query_all(
        self, table: TableName, pk: str, prefix: str = "", *, between: tuple[str, str] | None = None
    ) -> Iterator[Item]:
        """All items that `query` finds; each page is read when its first item is needed."""
        for items in self.query_pages(table, pk, prefix, between=between):
            yield from items

    def query_pages(
        self, table: TableName, pk: str, prefix: str = "", *, between: tuple[str, str] | None = None
    ) -> Iterator[list[Item]]:
        """As `query_all`, a page at a time, for work that is done before the next page is read."""
        after: str | None = None
        while True:
            items, after = self.query(table, pk, prefix, between=between, after=after)
            yield items
            if after is None:
                return

    def scan(
        self, table: TableName, condition: Condition, *, limit: int, after: tuple[str, ...] = ()
    ) -> tuple[list[Item], tuple[str, ...] | None]:
        """Those of the next `limit` items of a whole table that meet `condition`, and the (pk, sk) to continue `after`.

        It reads, and is billed for, every item that it passes: for jobs, never for a request.
        """
        start = {"ExclusiveStartKey": serialize({"pk": after[0], "sk": after[1]})} if after else {}
        response = self._call(
            "scan",
            TableName=self._names[table],
            ConsistentRead=True,
            Limit=limit,
            **filter_condition(condition),
            **start,
        )
        last = deserialize(response["LastEvaluatedKey"]) if "LastEvaluatedKey" in response else None
        return [deserialize(item) for item in response["Items"]], (last["pk"], last["sk"]) if last else None

    def query_index(self, index: str, condition: Condition) -> Iterator[Item]:
        """All items of an index of the ledger table, page by page; the index lags slightly behind the table."""
        extra: dict[str, Any] = {}
        while True:
            request = key_condition(condition) | extra
            response = self._call("query", TableName=self._names["ledger"], IndexName=index, **request)
            yield from map(deserialize, response["Items"])
            if "LastEvaluatedKey" not in response:
                return
            extra = {"ExclusiveStartKey": response["LastEvaluatedKey"]}

    def delete_many(self, keys: Sequence[ItemKey]) -> None:
        """Delete items, whatever they hold, in any order; some may be deleted before UnavailableError is raised."""
        different = list(dict.fromkeys(keys))
        for first in range(0, len(different), DELETE_BATCH_SIZE):
            pending: dict[str, Any] = {}
            for key in different[first : first + DELETE_BATCH_SIZE]:
                request = {"DeleteRequest": {"Key": serialize(key.as_item())}}
                pending.setdefault(self._names[key.table], []).append(request)
            for attempt in range(CONFLICT_TRIES):
                pending = self._call("batch_write_item", RequestItems=pending).get("UnprocessedItems") or {}
                if not pending:
                    break
                self._wait(attempt)
            else:
                raise throttled_error("batch_write_item", "UnprocessedItems")

    def write(self, write: Write, *, returns_changes: bool = False) -> Item:
        """Do one write; return what an update changed, as it is now, if `returns_changes` (top-level attributes only).
        Raises WriteRefusedError or UnavailableError."""
        action, request = self._request(write)
        operation = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}[action]
        if returns_changes:
            request["ReturnValues"] = "UPDATED_NEW"
        try:
            return deserialize(self._call(operation, **request).get("Attributes", {}))
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            response: dict[str, Any] = dict(error.response)
            raise WriteRefusedError({0: deserialize(response.get("Item", {}))}) from error

    def transact(self, writes: Sequence[Write]) -> None:
        """Do all writes or none. Raises WriteRefusedError or UnavailableError.

        The request token is new for each call: it makes the retries inside this call one write. A later repetition of
        the same command is kept from being a second one by the conditions in `writes`.
        """
        actions = [{action: request} for action, request in map(self._request, writes)]
        token, throttles = str(uuid.uuid4()), set[str]()
        for attempt in range(CONFLICT_TRIES):
            try:
                self._call_once("transact_write_items", TransactItems=actions, ClientRequestToken=token)
                return
            except TransientConflictError:
                pass
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                throttles = conflict_codes(error) & THROTTLES
            self._wait(attempt)
        if throttles:
            raise throttled_error("transact_write_items", *throttles)
        raise UnavailableError("The account is busy with other requests. Retry the request.")

    def transact_with_extra(self, writes: Sequence[Write], extra_writes: Sequence[Write]) -> None:
        """As `transact` with both; raises ExtraWriteRefusedError where only conditions of extra writes did not hold."""
        try:
            self.transact([*writes, *extra_writes])
        except WriteRefusedError as error:
            if min(error.refused) < len(writes):
                raise
            raise ExtraWriteRefusedError({n - len(writes): item for n, item in error.refused.items()}) from error

    def _request(self, write: Write) -> tuple[str, Item]:
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        request: Item = {
            "TableName": self._names[write.key.table],
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if write.when is not None:
            request["ConditionExpression"], names, values = condition_expression(write.when)
        if write.item is not None:
            action = "Put"
            request["Item"] = serialize(write.item | write.key.as_item())
        else:
            action = "Delete" if write.delete else "Update"
            request["Key"] = serialize(write.key.as_item())
        if action == "Update":
            request["UpdateExpression"], more_names, more_values = update_expression(
                write.put_in, write.add, write.drop
            )
            names |= more_names
            values |= more_values
        if names:
            request["ExpressionAttributeNames"] = names
        if values:
            request["ExpressionAttributeValues"] = serialize(values)
        return action, request

    def _call(self, operation: str, **request: Any) -> Any:
        """One API call, retried while a running transaction conflicts with it."""
        for attempt in range(CONFLICT_TRIES):
            try:
                return self._call_once(operation, **request)
            except TransientConflictError:
                self._wait(attempt)
        raise UnavailableError("The item is busy with other requests. Retry the request.")

    def _call_once(self, operation: str, **request: Any) -> Any:
        try:
            return getattr(self._client, operation)(**request)
        except (ClientError, BotoCoreError) as error:
            raise_call_error(operation, error)

    def _wait(self, attempt: int) -> None:
        shortest, longest = CONFLICT_PAUSE_SECONDS
        self._pause(random.uniform(shortest, min(longest, shortest * 2 ** (attempt + 1))))
