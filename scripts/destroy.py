"""Delete a stage from AWS: `make destroy STAGE=dev`. Prints what is deleted and what is kept.

Functions, gateway, alarms, queue, uploads and the app table are deleted. The templates retain money and accounts: the
ledger, the user pool, the key of the secrets, the packages. `--with-data` deletes these too, except on prod, and also
after the stacks are deleted.
"""

import argparse
import sys
from pathlib import Path

from botocore.exceptions import ClientError

from chalicelib.providers.kms import PREFIX
from scripts.shipping import plain, project
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import APP_NAME, EXPECTED_ERRORS, Aws, RealAws, ShippingError
from scripts.shipping.retained import KEY_WAITS_DAYS, call_unless_absent, empty_bucket, find_retained
from scripts.shipping.sealing import SECRET_NAMES


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--with-data", action="store_true")
    options = parser.parse_args(arguments)
    try:
        project.environment(project.read(), options.stage)  # Check the name of the stage before any call to AWS.
        aws = RealAws()
        print(f"account {aws.account()}, region {aws.region}, stage {options.stage}")
        data = " AND ALL ITS DATA" if options.with_data else ""
        if _read_answer(f"This deletes the stage {options.stage}{data}. Type its name to continue: ") != options.stage:
            raise ShippingError("Nothing was deleted.")
        destroy(aws, options.stage, with_data=options.with_data)
    except EXPECTED_ERRORS as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def destroy(aws: Aws, stage: str, *, with_data: bool = False, config_file: Path = project.CONFIG) -> None:
    """Delete both stacks. Raises ShippingError for the data of prod, before any deletion, and for failed deletions."""
    if with_data and stage == "prod":
        raise ShippingError("This script never deletes the data of prod. Delete it by hand, table by table.")
    cloudformation = aws.client("cloudformation")
    application = Stack(cloudformation, f"{APP_NAME}-{stage}")
    resources = Stack(cloudformation, f"{APP_NAME}-{stage}-resources")
    _delete_stack(application)
    outputs = resources.outputs() if resources.state() else {}  # empty if its creation failed
    if table := _protected_table(aws, outputs.get("AppTable", "")):
        print(f"KEPT     {resources.name}: its table {table} is protected against deletion.")
        advice = "Nothing runs any more. `make deploy` restores the stage; docs/operations.md says how to delete it."
        if with_data:
            raise ShippingError(advice)
        print(advice)
        return
    if outputs:
        empty_bucket(aws, outputs["UploadBucket"])
        # API Gateway uses one role for its logs in the whole account and region: other stages need it.
        print(f"KEPT     role {resources.physical_id('GatewayLogsRole')}, for the logs of all gateways of the account")
    _delete_stack(resources)
    found = find_retained(aws, stage)
    if not with_data:
        for resource in found:
            print(f"KEPT     {resource.name}")
        if found:
            print("A new stage with this name needs them imported or deleted: docs/operations.md, After a destroy.")
        return
    failures = []
    for resource in found:
        try:
            resource.delete()
            print(f"deleted  {resource.name}")
        except ClientError as error:
            failures.append(f"{resource.name}: {error.response['Error'].get('Message', error)}")
            print(f"KEPT     {resource.name}")
    if failures:
        raise ShippingError("These resources could not be deleted. Try again.\n  " + "\n  ".join(failures))
    _remove_deleted_settings(stage, config_file)
    if any(resource.name.startswith("key ") for resource in found):
        print(f"The key is deleted in {KEY_WAITS_DAYS} days; until then `aws kms cancel-key-deletion` restores it.")


def _read_answer(question: str) -> str:
    """The answer from the terminal; empty if there is no terminal."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


def _delete_stack(stack: Stack) -> None:
    if stack.state():
        stack.delete()
        print(f"deleted  {stack.name}")
    else:
        print(f"{stack.name} does not exist")


def _protected_table(aws: Aws, table: str) -> str:
    """The name of the stack's table if it is protected: its deletion would fail after half of the stack is deleted."""
    response = call_unless_absent(lambda: aws.client("dynamodb").describe_table(TableName=table)) if table else None
    return table if response and response["Table"].get("DeletionProtectionEnabled") else ""


def _remove_deleted_settings(stage: str, config_file: Path) -> None:
    """Remove ciphertexts of the deleted key and names of deleted resources, which a new stage cannot use."""
    config = project.read(config_file)
    if stage not in config["stages"]:
        return
    settings = project.environment(config, stage)
    ciphertexts = {name for name in SECRET_NAMES if settings.get(name, "").startswith(PREFIX)}
    removed = sorted(ciphertexts | (plain.RESOURCE_SETTINGS.keys() & settings.keys()))
    for name in removed:
        del settings[name]
    if removed:
        project.write(config, config_file)
        print(f"removed from {config_file.name}: {', '.join(removed)}")


if __name__ == "__main__":
    sys.exit(main())
