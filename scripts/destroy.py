"""A stage out of AWS: `make destroy STAGE=dev`. Says what stays, and what is gone.

Functions, gateway, alarms, queue, uploads and app table go. What is somebody's money or account stays by the template:
the ledger, the user pool, the key of the secrets, the packages. `--with-data` deletes these too, on any stage but prod.
"""

import argparse
import contextlib
import sys
from typing import Any

from botocore.exceptions import ClientError

from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import APP_NAME, Aws, RealAws, ShippingError

KEY_WAITS_DAYS = 7


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--with-data", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        aws = RealAws()
        print(f"account {aws.account()}, region {aws.region}, stage {asked.stage}")
        data = " AND ALL ITS DATA" if asked.with_data else ""
        if input(f"This deletes the stage {asked.stage}{data}. Type its name to go on: ").strip() != asked.stage:
            raise ShippingError("Nothing was deleted.")
        destroy(aws, asked.stage, with_data=asked.with_data)
    except ShippingError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def destroy(aws: Aws, stage: str, *, with_data: bool = False) -> None:
    """Delete both stacks. Raises ShippingError, having deleted nothing, where the data of prod is asked for."""
    if with_data and stage == "prod":
        raise ShippingError("The data of prod is deleted by hand, table by table, or not at all.")
    cloudformation = aws.client("cloudformation")
    application = Stack(cloudformation, f"{APP_NAME}-{stage}")
    resources = Stack(cloudformation, f"{APP_NAME}-{stage}-resources")
    if application.state():
        application.delete()
        print(f"deleted  {application.name}")
    if not resources.state():
        print(f"{resources.name} is not there: nothing more to delete")
        return
    made = resources.outputs()
    _empty(aws, made["UploadBucket"])
    resources.delete()
    print(f"deleted  {resources.name}")
    kept = {
        f"table {made['LedgerTable']}": lambda: aws.client("dynamodb").delete_table(TableName=made["LedgerTable"]),
        f"user pool {made['UserPoolId']}": lambda: aws.client("cognito-idp").delete_user_pool(
            UserPoolId=made["UserPoolId"]
        ),
        f"bucket {made['PackageBucket']}": lambda: _delete_bucket(aws, made["PackageBucket"]),
        f"key {made['SecretsKeyArn']}": lambda: aws.client("kms").schedule_key_deletion(
            KeyId=made["SecretsKeyArn"], PendingWindowInDays=KEY_WAITS_DAYS
        ),
    }
    for what, delete in kept.items():
        if with_data:
            with contextlib.suppress(aws.client("dynamodb").exceptions.ResourceNotFoundException):
                delete()
        print(f"{'deleted ' if with_data else 'KEPT    '} {what}")
    if with_data:
        print(f"The key is gone in {KEY_WAITS_DAYS} days; until then `aws kms cancel-key-deletion` brings it back.")
    else:
        print("What is kept stands in the way of a new stage of this name: docs/operations.md, After a destroy.")


def _empty(aws: Aws, bucket: str) -> None:
    """CloudFormation deletes only buckets that are empty."""
    s3: Any = aws.client("s3")
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if found := [{"Key": one["Key"]} for one in page.get("Contents", [])]:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": found})
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def _delete_bucket(aws: Aws, bucket: str) -> None:
    _empty(aws, bucket)
    aws.client("s3").delete_bucket(Bucket=bucket)


if __name__ == "__main__":
    sys.exit(main())
