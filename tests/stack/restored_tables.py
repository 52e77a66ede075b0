"""Restores the tables of a deployed stage from copies, as `scripts.restore` does."""

from typing import Any

import pytest

from scripts import restore as restoring
from scripts.local.aws import LocalAws
from scripts.shipping.project import ShippingError
from tests.stack.deployed_stage import (
    FUNCTIONS,
    application_stack,
)


def check_restore(aws: LocalAws, outputs: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Changed, deleted and added items are as in the copies again, once all functions are stopped."""
    tables = [outputs["LedgerTable"], outputs["AppTable"]]
    originals = [make_item(number, credits="5") for number in range(30)]  # more than one batch
    changed = [make_item(number, credits="5" if number % 2 else "7") for number in range(16)]
    for table in tables:
        create_restored_table(aws, table, originals)
        replace_items(aws, table, [*changed, *(make_item(number, credits="1") for number in range(30, 35))])

    with pytest.raises(ShippingError, match="may still write: APIHandler, Count, DailyAudit, Reconcile, Sweep"):
        restoring.restore(aws, "dev", carry_out=True)
    functions = application_stack(aws).resources_of_type("AWS::Lambda::Function")
    assert set(functions) == FUNCTIONS
    for function in functions.values():
        aws.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)

    summary = "8 unchanged, 8 changed back, 14 restored, 5 removed"
    assert restoring.main(["--stage", "dev"], aws) == 0
    place, *lines = capsys.readouterr().out.splitlines()
    assert place == "account 000000000000, region us-east-1, stage dev"
    assert [f"{table}: {summary} (nothing was changed)" for table in tables] == lines
    assert restoring.main(["--stage", "dev", "--carry-out"], aws) == 0
    assert [f"{table}: {summary}" for table in tables] == capsys.readouterr().out.splitlines()[1:]
    for table in tables:
        assert sorted(read_items(aws, table), key=str) == sorted(originals, key=str)

    restoring.restore(aws, "dev", carry_out=True)
    assert capsys.readouterr().out.count("30 unchanged, 0 changed back, 0 restored, 0 removed") == 2
    for table in tables:
        aws.client("dynamodb").delete_table(TableName=f"{table}-restored")
    assert restoring.main(["--stage", "dev"], aws) == 1
    assert "no table live-transcription-dev-ledger-restored" in capsys.readouterr().err
    for function in functions.values():
        aws.client("lambda").delete_function_concurrency(FunctionName=function)


def make_item(number: int, **numbers: str) -> dict[str, Any]:
    key = {"pk": {"S": f"USER#{number % 7}"}, "sk": {"S": f"THING#{number}"}}
    return key | {name: {"N": value} for name, value in numbers.items()}


def create_restored_table(aws: LocalAws, table: str, items: list[dict[str, Any]]) -> None:
    """Create a table as a restore to a point in time does."""
    keys = {"pk": "HASH", "sk": "RANGE"}
    aws.client("dynamodb").create_table(
        TableName=f"{table}-restored",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
    )
    replace_items(aws, f"{table}-restored", items)


def replace_items(aws: LocalAws, table: str, items: list[dict[str, Any]]) -> None:
    for item in read_items(aws, table):
        aws.client("dynamodb").delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
    for item in items:
        aws.client("dynamodb").put_item(TableName=table, Item=item)


def read_items(aws: LocalAws, table: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = aws.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    return items
