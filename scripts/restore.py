"""Restore the tables of a stage to a point in time: the items of restored copies are written to the tables in use.

    aws dynamodb restore-table-to-point-in-time --source-table-name live-transcription-prod-ledger \\
        --target-table-name live-transcription-prod-ledger-restored --restore-date-time 2026-11-25T10:00:00Z
    (and the same for live-transcription-prod-app)

    .venv/bin/python -m scripts.restore --stage prod                 show what would change
    .venv/bin/python -m scripts.restore --stage prod --carry-out     change it; all functions must be stopped first

In this way a table keeps its name, stream, roles and protection, which a restored table does not have. The whole
procedure is in docs/operations.md, Restore.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from scripts.shipping import location, project
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import APP_NAME, Aws, ShippingError

SUFFIX = "-restored"
BATCH_SIZE = 25  # limit of one BatchWriteItem
CHANGES = ("unchanged", "changed back", "restored", "removed")
Item = dict[str, Any]


def main(arguments: list[str] | None = None, aws: Aws | None = None, config_file: Path = project.CONFIG) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--carry-out", action="store_true")
    options = parser.parse_args(arguments)

    def run() -> None:
        restore(location.connect(options.stage, aws, config_file), options.stage, carry_out=options.carry_out)

    return project.run(run, "Run the command again before any function starts: it continues.")


def restore(aws: Aws, stage: str, *, carry_out: bool) -> None:
    """Make both tables equal to their copies. Raises ShippingError, before any change, while a function may write.

    Can be run again, also after an interruption.
    """
    outputs = Stack(aws.client("cloudformation"), f"{APP_NAME}-{stage}-resources").created_outputs()
    tables = [outputs["LedgerTable"], outputs["AppTable"]]
    dynamodb = aws.client("dynamodb")
    for table in tables:
        try:
            dynamodb.describe_table(TableName=table + SUFFIX)
        except ClientError as error:
            raise ShippingError(
                f"There is no table {table}{SUFFIX} to restore from. Create it as docs/operations.md says. {error}"
            ) from error
    if carry_out and (running := _running_functions(aws, stage)):
        raise ShippingError(
            f"Nothing was changed. Stop these functions first, which may still write: {', '.join(running)}."
        )
    for table in tables:
        counts: Counter[str] = Counter()
        for key, item in _differences(dynamodb, table, table + SUFFIX, counts):
            if carry_out:
                _restore_item(dynamodb, table, key, item)
        summary = ", ".join(f"{counts[change]} {change}" for change in CHANGES)
        print(f"{table}: {summary}{'' if carry_out else ' (nothing was changed)'}")


def _running_functions(aws: Aws, stage: str) -> list[str]:
    """The functions of the application stack that are not stopped, which means a reserved concurrency of 0."""
    application = Stack(aws.client("cloudformation"), f"{APP_NAME}-{stage}")
    functions = application.resources_of_type("AWS::Lambda::Function") if application.state() else {}
    get_concurrency = aws.client("lambda").get_function_concurrency
    return sorted(
        name
        for name, physical in functions.items()
        if get_concurrency(FunctionName=physical).get("ReservedConcurrentExecutions") != 0
    )


def _differences(dynamodb: Any, table: str, copy: str, counts: Counter[str]) -> Iterator[tuple[Item, Item | None]]:
    """Key of each item that differs from the copy, and the item of the copy (None: there is none)."""
    for items in _pages(dynamodb, table):
        originals = _get_items(dynamodb, copy, items)
        for item in items:
            original = originals.get(_name(item))
            counts["removed" if original is None else "unchanged" if original == item else "changed back"] += 1
            if original != item:
                yield _key(item), original
    for items in _pages(dynamodb, copy):
        existing = _get_items(dynamodb, table, items)
        for item in items:
            if _name(item) not in existing:
                counts["restored"] += 1
                yield _key(item), item


def _pages(dynamodb: Any, table: str) -> Iterator[list[Item]]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        items = page["Items"]
        yield from (items[first : first + BATCH_SIZE] for first in range(0, len(items), BATCH_SIZE))


def _get_items(dynamodb: Any, table: str, items: list[Item]) -> dict[tuple[str, str], Item]:
    """The items of a table with the keys of these items."""
    found: dict[tuple[str, str], Item] = {}
    requests = {table: {"Keys": [_key(item) for item in items], "ConsistentRead": True}}
    while requests:
        response = dynamodb.batch_get_item(RequestItems=requests)
        found |= {_name(item): item for item in response["Responses"].get(table, [])}
        requests = response.get("UnprocessedKeys") or {}
    return found


def _restore_item(dynamodb: Any, table: str, key: Item, item: Item | None) -> None:
    if item is None:
        dynamodb.delete_item(TableName=table, Key=key)
    else:
        dynamodb.put_item(TableName=table, Item=item)


def _key(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


def _name(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


if __name__ == "__main__":
    sys.exit(main())
