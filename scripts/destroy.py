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
from scripts.shipping import location, plain, project
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import APP_NAME, Aws, ShippingError
from scripts.shipping.retained import (
    KEY_WAITS_DAYS,
    RetainedResource,
    call_unless_absent,
    empty_bucket,
    find_retained,
)
from scripts.shipping.sealing import SECRET_NAMES


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--with-data", action="store_true")
    options = parser.parse_args(arguments)

    def run() -> None:
        aws = location.connect(options.stage)
        data = " AND ALL ITS DATA" if options.with_data else ""
        if _read_answer(f"This deletes the stage {options.stage}{data}. Type its name to continue: ") != options.stage:
            raise ShippingError("Nothing was deleted.")
        destroy(aws, options.stage, with_data=options.with_data)

    return project.run(run, "What CloudFormation has begun, it finishes by itself; then the same command continues.")


def destroy(aws: Aws, stage: str, *, with_data: bool = False, config_file: Path = project.CONFIG) -> None:
    """Delete both stacks. Raises ShippingError for the data of prod, for a stage that is elsewhere or being deployed,
    before any deletion, and for failed deletions.
    """
    if with_data and stage == "prod":
        raise ShippingError("This script never deletes the data of prod. Delete it by hand, table by table.")
    location.check(aws, stage, config_file)
    cloudformation = aws.client("cloudformation")
    application = Stack(cloudformation, f"{APP_NAME}-{stage}")
    resources = Stack(cloudformation, f"{APP_NAME}-{stage}-resources")
    application.check_idle()
    resources.check_idle()
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
        resources.check_idle()  # before anything of it is deleted
        empty_bucket(aws, outputs["UploadBucket"])
        # API Gateway uses one role for its logs in the whole account and region: other stages need it.
        for role in resources.resources_of_type("AWS::IAM::Role").values():
            print(f"KEPT     role {role}, for the logs of all gateways of the account")
    _delete_stack(resources)
    found = find_retained(aws, stage)
    if with_data:
        _delete_data(stage, found, config_file)
    elif found:
        print(*(f"KEPT     {resource.name}" for resource in found), sep="\n")
        print("A new stage with this name needs them imported or deleted: docs/operations.md, After a destroy.")
    if with_data or not found:
        _delete_location(aws, stage, config_file)


def _delete_data(stage: str, found: list[RetainedResource], config_file: Path) -> None:
    """Delete what was retained, the key last; then remove its ciphertexts from the configuration."""
    failures: list[str] = []
    for resource in found:
        try:
            if failures and resource.delete_name:
                raise ShippingError("it is kept until all others are deleted")
            resource.delete()
            print(f"deleted  {resource.name}")
        except (ClientError, ShippingError) as error:
            failures.append(f"{resource.name}: {error}")
            print(f"KEPT     {resource.name}")
    if failures:
        raise ShippingError("These resources could not be deleted. Try again.\n  " + "\n  ".join(failures))
    key = next((resource for resource in found if resource.delete_name), None)
    if key and key.delete_name:
        _remove_deleted_settings(stage, config_file)
        key.delete_name()  # Only now: an interrupted command finds the key again.
        print(f"The key is deleted in {KEY_WAITS_DAYS} days; until then `aws kms cancel-key-deletion` restores it.")


def _delete_location(aws: Aws, stage: str, config_file: Path) -> None:
    """Nothing of the stage is left; but ciphertexts whose key was not deleted here stay."""
    if sealed := _sealed_settings(stage, config_file):
        print(
            f"KEPT     {', '.join(sealed)} in {config_file.name}: no key of the stage was found in "
            f"{location.describe(aws)}. If it was deleted, remove them by hand."
        )
    else:
        location.delete(stage, config_file)


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


def _sealed_settings(stage: str, config_file: Path) -> list[str]:
    """Names of the settings of the stage that are ciphertext."""
    config = project.read(config_file)
    settings = project.environment(config, stage) if stage in config["stages"] else {}
    return [name for name in SECRET_NAMES if settings.get(name, "").startswith(PREFIX)]


def _remove_deleted_settings(stage: str, config_file: Path) -> None:
    """Remove ciphertexts of the deleted key and names of deleted resources, which a new stage cannot use."""
    config = project.read(config_file)
    if stage not in config["stages"]:
        return
    settings = project.environment(config, stage)
    removed = sorted({*_sealed_settings(stage, config_file), *(plain.RESOURCE_SETTINGS.keys() & settings.keys())})
    for name in removed:
        del settings[name]
    if removed:
        project.write(config, config_file)
        print(f"removed from {config_file.name}: {', '.join(removed)}")


if __name__ == "__main__":
    sys.exit(main())
