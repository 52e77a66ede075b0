"""A stage's tables as they were at some second: what restored copies hold is put back into the tables that are used.

    aws dynamodb restore-table-to-point-in-time --source-table-name live-transcription-prod-ledger \\
        --target-table-name live-transcription-prod-ledger-restored --restore-date-time 2026-11-25T10:00:00Z
    (the same of live-transcription-prod-app)

    .venv/bin/python -m scripts.restore --stage prod                 what would be changed
    .venv/bin/python -m scripts.restore --stage prod --carry-out     change it; every function has to be stopped

A table keeps its name, stream, roles and protection this way; a restored table has none of them. docs/operations.md,
Restore, has the whole of it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import APP_NAME, REFUSALS, Aws, RealAws, ShippingError

SUFFIX = "-restored"
AT_ONCE = 25  # what one BatchWriteItem takes
Item = dict[str, Any]


def main(arguments: list[str] | None = None, aws: Aws | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--carry-out", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        restore(aws or RealAws(), asked.stage, carry_out=asked.carry_out)
    except REFUSALS as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def restore(aws: Aws, stage: str, *, carry_out: bool) -> None:
    """Both tables, each after its copy. Raises ShippingError, having changed nothing, while anything may write.

    Safe to run again, also after it was cut off.
    """
    made = Stack(aws.client("cloudformation"), f"{APP_NAME}-{stage}-resources").outputs()
    tables = [made["LedgerTable"], made["AppTable"]]
    dynamodb = aws.client("dynamodb")
    for table in tables:
        try:
            dynamodb.describe_table(TableName=table + SUFFIX)
        except ClientError as error:
            raise ShippingError(f"There is no table {table}{SUFFIX} to restore from: {error}") from error
    if carry_out and (running := _running(aws, stage)):
        raise ShippingError(f"Nothing was changed. These may still write: {', '.join(running)}.")
    for table in tables:
        told: Counter[str] = Counter()
        for key, wanted in _differences(dynamodb, table, table + SUFFIX, told):
            if carry_out:
                _put_back(dynamodb, table, key, wanted)
        said = ", ".join(f"{told[what]} {what}" for what in ("as they were", "changed back", "put back", "taken out"))
        print(f"{table}: {said}{'' if carry_out else ' (nothing was changed)'}")


def _running(aws: Aws, stage: str) -> list[str]:
    """The functions of the application stack that are not stopped: whose concurrency is not 0."""
    application = Stack(aws.client("cloudformation"), f"{APP_NAME}-{stage}")
    functions = application.of_kind("AWS::Lambda::Function") if application.state() else {}
    reserved = aws.client("lambda").get_function_concurrency
    return sorted(
        name
        for name, physical in functions.items()
        if reserved(FunctionName=physical).get("ReservedConcurrentExecutions") != 0
    )


def _differences(dynamodb: Any, table: str, copy: str, told: Counter[str]) -> Iterator[tuple[Item, Item | None]]:
    """Key of each item that is not as in the copy → the item there, None if there is none."""
    for items in _pages(dynamodb, table):
        wanted = _found(dynamodb, copy, items)
        for item in items:
            was = wanted.get(_name(item))
            told["taken out" if was is None else "as they were" if was == item else "changed back"] += 1
            if was != item:
                yield _key(item), was
    for items in _pages(dynamodb, copy):
        there = _found(dynamodb, table, items)
        for item in items:
            if _name(item) not in there:
                told["put back"] += 1
                yield _key(item), item


def _pages(dynamodb: Any, table: str) -> Iterator[list[Item]]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        items = page["Items"]
        yield from (items[first : first + AT_ONCE] for first in range(0, len(items), AT_ONCE))


def _found(dynamodb: Any, table: str, items: list[Item]) -> dict[tuple[str, str], Item]:
    """The items of another table that have these keys."""
    found: dict[tuple[str, str], Item] = {}
    wanted = {table: {"Keys": [_key(item) for item in items], "ConsistentRead": True}}
    while wanted:
        answer = dynamodb.batch_get_item(RequestItems=wanted)
        found |= {_name(item): item for item in answer["Responses"].get(table, [])}
        wanted = answer.get("UnprocessedKeys") or {}
    return found


def _put_back(dynamodb: Any, table: str, key: Item, wanted: Item | None) -> None:
    if wanted is None:
        dynamodb.delete_item(TableName=table, Key=key)
    else:
        dynamodb.put_item(TableName=table, Item=wanted)


def _key(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


def _name(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


if __name__ == "__main__":
    sys.exit(main())
