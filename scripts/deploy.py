"""A stage into AWS: `make deploy STAGE=dev`. Shows what would change, and changes it once you agree.

`--resources-only` stops after tables, user pool, queue, buckets and key (`make resources`), and writes what plain
`chalice deploy` needs into `.chalice/`. `--yes` asks nothing, for a pipeline.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from chalicelib.settings import load as app_config
from scripts.shipping import plain, project
from scripts.shipping.cloudformation import DONE, Plan
from scripts.shipping.kept import kept
from scripts.shipping.project import REFUSALS, Aws, RealAws, ShippingError
from scripts.shipping.sealing import Sealer, new_identity_key
from scripts.shipping.shipment import Shipment, chosen_parameters

LAMBDAS_OWN = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
NEXT = """
Deployed: {url}   (build {build}, {megabytes:.1f} MB)

  Stripe        a webhook to {url}/webhooks/stripe, with the events that docs/payments.md lists; its secret:
                .venv/bin/python -m scripts.secret encrypt --stage {stage} STRIPE_WEBHOOK_SECRET, then deploy again
  AssemblyAI    nothing to enter: each job names {public_url}/webhooks/assemblyai itself
  dashboard     {url}/admin, for members of the group `admins` (docs/operations.md, Administrators)
  the extension calls {url} from {origin}
  check it      .venv/bin/python -m scripts.smoke --url {url} --origin {origin} --build {build}
"""


def main(arguments: list[str] | None = None) -> int:
    asked = _asked(arguments)
    try:
        project.environment(project.read(), asked.stage)  # The stage's name first, before AWS is asked anything.
        aws = RealAws()
        print(f"account {aws.account()}, region {aws.region}, stage {asked.stage}")
        deploy(aws, asked.stage, agree=(lambda: True) if asked.yes else _agreed, resources_only=asked.resources_only)
    except REFUSALS as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def deploy(
    aws: Aws,
    stage: str,
    *,
    agree: Any,
    resources_only: bool = False,
    config_file: Path = project.CONFIG,
    parameters: dict[str, str] | None = None,
) -> None:
    """Resources, secrets, code, application: each planned, shown, agreed to. Raises ShippingError.

    Settings that are unfit are refused before anything is changed; on a stage's first day, once there is a key.
    """
    config = project.read(config_file)
    shipment = Shipment(aws, stage, config, chosen_parameters(stage) if parameters is None else parameters)
    settings = shipment.settings
    if stage == "local":
        raise ShippingError("The stage local is this machine's: make run, or make stack.")
    if unknown := shipment.unknown_parameters():
        raise ShippingError(f".chalice/stages.json: no template knows {', '.join(unknown)}.")
    if wrong := shipment.contradictions():
        raise ShippingError(f".chalice/stages.json: {'; '.join(wrong)}.")
    if not settings.get("EXTENSION_ORIGIN"):
        raise ShippingError(f"EXTENSION_ORIGIN is missing among the settings of {stage} in .chalice/config.json.")
    _check_nothing_is_left(shipment)
    sealer = Sealer(aws.client("kms"), stage)
    was_made = shipment.resource_stack.outputs() if shipment.resource_stack.state() in DONE else {}
    if was_made and not resources_only:
        _seal_own(shipment, sealer, was_made, config_file)
        _check(sealer, settings, stage)
    _carry_out("resources", shipment.plan_resources(), agree)
    made = shipment.resource_stack.outputs()
    _seal_own(shipment, sealer, made, config_file)
    if resources_only:
        plain.write(config, stage, made, config_file)
        print(f"Written for `chalice deploy --stage {stage}`: {config_file.name}, policy-{stage}.json")
        return

    if not was_made:
        _check(sealer, settings, stage)
    packed = shipment.pack()
    print(f"package: {packed.size_bytes / 1e6:.1f} MB")
    _carry_out("application", shipment.plan_application(packed), agree)
    url = shipment.url()
    public_url = settings.get("PUBLIC_URL") or url
    print(NEXT.format(url=url, public_url=public_url, stage=stage, build=packed.digest[:12],
                      origin=settings["EXTENSION_ORIGIN"], megabytes=packed.size_bytes / 1e6))  # fmt: skip


def _check_nothing_is_left(shipment: Shipment) -> None:
    """A new stack cannot be made beside what an earlier one left; AWS would say so resource by resource, half way."""
    if shipment.resource_stack.state() not in ("", "REVIEW_IN_PROGRESS"):
        return
    if found := kept(shipment.aws, shipment.stage):
        listed = "\n".join(f"  {one.what}" for one in found)
        raise ShippingError(
            f"A stage {shipment.stage} was here before, and this of it was kept:\n{listed}\n"
            "A new stage of that name cannot be made beside it. Take it over by an import, or delete it where nobody "
            f"needs it:\n  make destroy STAGE={shipment.stage} DATA=delete\n(docs/operations.md, After a destroy)"
        )


def _seal_own(shipment: Shipment, sealer: Sealer, made: dict[str, str], config_file: Path) -> None:
    """The secrets that nobody has to enter."""
    own = {
        "COGNITO_CLIENT_SECRET": lambda: _client_secret(shipment.aws, made),
        "IDENTITY_HMAC_KEY": new_identity_key,  # Made once; nobody need ever see it.
    }
    for name in [name for name in own if not shipment.settings.get(name)]:
        shipment.settings[name] = sealer.sealed(name, own[name]())
        project.write(shipment.config, config_file)
        print(f"{name} is sealed in {config_file.name}: commit it")


def _check(sealer: Sealer, settings: dict[str, str], stage: str) -> None:
    """Refuse, all at once, what the functions would refuse when they start; and what they would never read."""
    problems = sealer.problems(settings)
    problems += [f"{name} is no setting" for name in sorted(settings) if not _is_setting(name)]
    problems += [f"{name} is set by Lambda and by nobody else" for name in sorted(LAMBDAS_OWN & settings.keys())]
    if settings.get("STAGE", stage) != stage:
        problems.append(f"STAGE is {settings['STAGE']}, though the stage is {stage}")
    made = dict.fromkeys(plain.RESOURCE_SETTINGS, "the resource stack's")
    given = {"AWS_DEFAULT_REGION": "eu-central-1", **made}
    try:
        app_config.read(given | settings | {"STAGE": stage}, Path("/nonexistent"))
    except app_config.SettingsError as error:
        found = str(error).removeprefix("settings: ").split("; ")
        problems += [problem for problem in found if problem not in problems]
    if problems:
        listed = "\n".join(f"  ✗ {problem}" for problem in problems)
        raise ShippingError(
            f"Not deployed: the settings of {stage} are unfit (docs/settings.md).\n{listed}\n"
            f"A secret is entered by: .venv/bin/python -m scripts.secret encrypt --stage {stage} NAME"
        )


def _is_setting(name: str) -> bool:
    """Of ours, or of what runs us: the SDK and Python have settings of their own."""
    return name in app_config.NAMES | plain.RESOURCE_SETTINGS.keys() or name.startswith(("AWS_", "PYTHON"))


def _client_secret(aws: Aws, made: dict[str, str]) -> str:
    described = aws.client("cognito-idp").describe_user_pool_client(
        UserPoolId=made["UserPoolId"], ClientId=made["UserPoolClientId"]
    )
    return str(described["UserPoolClient"]["ClientSecret"])


def _carry_out(what: str, plan: Plan | None, agree: Any) -> None:
    if plan is None:
        print(f"{what}: nothing to change")
        return
    own = [change for change in plan.changes if not change.follows]
    print(f"{what}: {len(own)} changes, and {len(plan.changes) - len(own)} of what refers to them")
    for change in own:
        print(change)
    if not agree():
        plan.discard()
        raise ShippingError("Nothing was changed.")
    plan.apply()
    print(f"{what}: done")


def _agreed() -> bool:
    try:
        return input("Carry this out? [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):  # Nobody is there, or somebody leaves: the plan is taken back all the same.
        return False


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--resources-only", action="store_true")
    parser.add_argument("--yes", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
