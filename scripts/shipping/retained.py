"""Resources that the templates retain when the stacks are deleted: ledger, accounts, key of the secrets, packages.

They are found by name in the region of the stage, also after the stack is deleted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from scripts.shipping.project import APP_NAME, Aws

KEY_WAITS_DAYS = 7
ABSENT = {"ResourceNotFoundException", "NotFoundException", "NoSuchBucket", "404"}


@dataclass(frozen=True)
class RetainedResource:
    """A resource that still exists, and how to delete it.

    `delete_name`: of a key only; deletes its alias, without which it is not found again.
    """

    name: str
    delete: Callable[[], Any]
    delete_name: Callable[[], Any] | None = None


def find_retained(aws: Aws, stage: str) -> list[RetainedResource]:
    """The existing resources of the stage that no stack deletes; the key is the last."""
    return [*_table(aws, stage), *_user_pools(aws, stage), *_packages(aws, stage), *_key(aws, stage)]


def empty_bucket(aws: Aws, bucket: str) -> None:
    """Delete all objects in all versions: only an empty bucket can be deleted. A missing bucket is ignored."""
    s3: Any = aws.client("s3")
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if objects := [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in versions]:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise


def _table(aws: Aws, stage: str) -> Iterator[RetainedResource]:
    dynamodb, name = aws.client("dynamodb"), f"{APP_NAME}-{stage}-ledger"

    def delete() -> None:
        dynamodb.delete_table(TableName=name)
        dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 2, "MaxAttempts": 150})

    if call_unless_absent(lambda: dynamodb.describe_table(TableName=name)):
        yield RetainedResource(f"table {name}", delete)


def _user_pools(aws: Aws, stage: str) -> Iterator[RetainedResource]:
    cognito = aws.client("cognito-idp")
    for page in cognito.get_paginator("list_user_pools").paginate(MaxResults=60):
        for pool in page["UserPools"]:
            if pool["Name"] == f"{APP_NAME}-{stage}":
                yield RetainedResource(
                    f"user pool {pool['Id']}", lambda id=pool["Id"]: cognito.delete_user_pool(UserPoolId=id)
                )


def _packages(aws: Aws, stage: str) -> Iterator[RetainedResource]:
    s3, account = aws.client("s3"), aws.account()
    name = f"{APP_NAME}-{stage}-code-{aws.region}-{account}"

    def delete() -> None:
        empty_bucket(aws, name)
        s3.delete_bucket(Bucket=name)

    if call_unless_absent(lambda: s3.head_bucket(Bucket=name, ExpectedBucketOwner=account)):
        yield RetainedResource(f"bucket {name}", delete)


def _key(aws: Aws, stage: str) -> Iterator[RetainedResource]:
    kms, alias = aws.client("kms"), f"alias/{APP_NAME}-{stage}"

    def delete() -> None:
        key = kms.describe_key(KeyId=alias)["KeyMetadata"]
        if key["KeyState"] != "PendingDeletion":  # as after an interruption
            kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=KEY_WAITS_DAYS)

    if response := call_unless_absent(lambda: kms.describe_key(KeyId=alias)):
        yield RetainedResource(
            f"key {response['KeyMetadata']['Arn']} ({alias})", delete, lambda: kms.delete_alias(AliasName=alias)
        )


def call_unless_absent(call: Callable[[], Any]) -> Any:
    """The response of a call; None if the resource does not exist. Raises ClientError for other errors."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise
