"""A stage out of AWS: `make destroy STAGE=dev`. Says what stays, and what is gone.

Functions, gateway, alarms, queue, uploads and app table go. What is somebody's money or account stays by the template:
the ledger, the user pool, the key of the secrets, the packages. `--with-data` deletes these too, on any stage but prod,
also when the stacks are gone already.
"""

import argparse
import sys
from pathlib import Path

from botocore.exceptions import ClientError

from scripts.shipping import plain, project
from scripts.shipping.cloudformation import Stack
from scripts.shipping.kept import KEY_WAITS_DAYS, empty, is_there, kept
from scripts.shipping.project import APP_NAME, REFUSALS, Aws, RealAws, ShippingError
from scripts.shipping.sealing import PREFIX, SECRET_NAMES


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--with-data", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        project.environment(project.read(), asked.stage)  # The stage's name first, before AWS is asked anything.
        aws = RealAws()
        print(f"account {aws.account()}, region {aws.region}, stage {asked.stage}")
        data = " AND ALL ITS DATA" if asked.with_data else ""
        if _typed(f"This deletes the stage {asked.stage}{data}. Type its name to go on: ") != asked.stage:
            raise ShippingError("Nothing was deleted.")
        destroy(aws, asked.stage, with_data=asked.with_data)
    except REFUSALS as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def destroy(aws: Aws, stage: str, *, with_data: bool = False, config_file: Path = project.CONFIG) -> None:
    """Delete both stacks. Raises ShippingError: for the data of prod, having deleted nothing; and for what remains."""
    if with_data and stage == "prod":
        raise ShippingError("The data of prod is deleted by hand, table by table, or not at all.")
    cloudformation = aws.client("cloudformation")
    application = Stack(cloudformation, f"{APP_NAME}-{stage}")
    resources = Stack(cloudformation, f"{APP_NAME}-{stage}-resources")
    _gone(application)
    made = resources.outputs() if resources.state() else {}  # none where its creation failed
    if table := _protected_table(aws, made.get("AppTable", "")):
        print(f"KEPT     {resources.name}, whole: its table {table} is protected against deletion.")
        how = "Nothing runs any more. `make deploy` brings it back; how to delete it: docs/operations.md."
        if with_data:
            raise ShippingError(how)
        print(how)
        return
    if made:
        empty(aws, made["UploadBucket"])
        # API Gateway writes its logs as one role for a whole account and region: other stages need it.
        print(f"KEPT     role {resources.physical('GatewayLogsRole')}, for the logs of every gateway of the account")
    _gone(resources)
    found = kept(aws, stage)
    if not with_data:
        for one in found:
            print(f"KEPT     {one.what}")
        if found:
            print("What is kept stands in the way of a new stage of this name: docs/operations.md, After a destroy.")
        return
    failures = []
    for one in found:
        try:
            one.delete()
            print(f"deleted  {one.what}")
        except ClientError as error:
            failures.append(f"{one.what}: {error.response['Error'].get('Message', error)}")
            print(f"KEPT     {one.what}")
    if failures:
        raise ShippingError("Not everything could be deleted.\n  " + "\n  ".join(failures))
    _forget(stage, config_file)
    if any(one.what.startswith("key ") for one in found):
        print(f"The key is gone in {KEY_WAITS_DAYS} days; until then `aws kms cancel-key-deletion` brings it back.")


def _typed(question: str) -> str:
    """What is answered; nothing where nobody is there to."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


def _gone(stack: Stack) -> None:
    if stack.state():
        stack.delete()
        print(f"deleted  {stack.name}")
    else:
        print(f"{stack.name} is not there")


def _protected_table(aws: Aws, table: str) -> str:
    """The table that goes with the stack, if AWS would not let it go: half of the stack would be gone by then."""
    said = is_there(lambda: aws.client("dynamodb").describe_table(TableName=table)) if table else None
    return table if said and said["Table"].get("DeletionProtectionEnabled") else ""


def _forget(stage: str, config_file: Path) -> None:
    """Ciphertexts of a key that is going, and names of what is gone: a new stage would be refused for them."""
    config = project.read(config_file)
    if stage not in config["stages"]:
        return
    settings = project.environment(config, stage)
    ciphertexts = {name for name in SECRET_NAMES if settings.get(name, "").startswith(PREFIX)}
    gone = sorted(ciphertexts | (plain.RESOURCE_SETTINGS.keys() & settings.keys()))
    for name in gone:
        del settings[name]
    if gone:
        project.write(config, config_file)
        print(f"forgotten in {config_file.name}: {', '.join(gone)}")


if __name__ == "__main__":
    sys.exit(main())
