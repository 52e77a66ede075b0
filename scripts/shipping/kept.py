"""What outlives a stage's stacks, by their templates: money, accounts, the key of the secrets, the packages.

It is found by its names, so also when the stack that made it is long gone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from scripts.shipping.project import APP_NAME, Aws

KEY_WAITS_DAYS = 7
ABSENT = {"ResourceNotFoundException", "NotFoundException", "NoSuchBucket", "404"}


@dataclass(frozen=True)
class Kept:
    """One thing that is there, and how to be rid of it."""

    what: str
    delete: Callable[[], Any]


def kept(aws: Aws, stage: str) -> list[Kept]:
    """What there is of the stage that no stack deletes."""
    return [*_table(aws, stage), *_user_pools(aws, stage), *_packages(aws, stage), *_key(aws, stage)]


def empty(aws: Aws, bucket: str) -> None:
    """CloudFormation deletes only buckets that are empty."""
    s3: Any = aws.client("s3")
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if found := [{"Key": one["Key"]} for one in page.get("Contents", [])]:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": found})
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise


def _table(aws: Aws, stage: str) -> Iterator[Kept]:
    dynamodb, name = aws.client("dynamodb"), f"{APP_NAME}-{stage}-ledger"

    def delete() -> None:
        dynamodb.delete_table(TableName=name)
        dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 2, "MaxAttempts": 150})

    if is_there(lambda: dynamodb.describe_table(TableName=name)):
        yield Kept(f"table {name}", delete)


def _user_pools(aws: Aws, stage: str) -> Iterator[Kept]:
    cognito = aws.client("cognito-idp")
    for page in cognito.get_paginator("list_user_pools").paginate(MaxResults=60):
        for pool in page["UserPools"]:
            if pool["Name"] == f"{APP_NAME}-{stage}":
                yield Kept(f"user pool {pool['Id']}", lambda id=pool["Id"]: cognito.delete_user_pool(UserPoolId=id))


def _packages(aws: Aws, stage: str) -> Iterator[Kept]:
    s3, account = aws.client("s3"), aws.client("sts").get_caller_identity()["Account"]
    name = f"{APP_NAME}-{stage}-packages-{account}"

    def delete() -> None:
        empty(aws, name)
        s3.delete_bucket(Bucket=name)

    if is_there(lambda: s3.head_bucket(Bucket=name)):
        yield Kept(f"bucket {name}", delete)


def _key(aws: Aws, stage: str) -> Iterator[Kept]:
    kms, alias = aws.client("kms"), f"alias/{APP_NAME}-{stage}"

    def delete() -> None:
        key = kms.describe_key(KeyId=alias)["KeyMetadata"]
        if key["KeyState"] != "PendingDeletion":  # as where this was cut off before the next line
            kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=KEY_WAITS_DAYS)
        kms.delete_alias(AliasName=alias)

    if said := is_there(lambda: kms.describe_key(KeyId=alias)):
        yield Kept(f"key {said['KeyMetadata']['Arn']} ({alias})", delete)


def is_there(look: Callable[[], Any]) -> Any:
    """What was seen; None where there is nothing. Raises ClientError for everything else."""
    try:
        return look()
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise
