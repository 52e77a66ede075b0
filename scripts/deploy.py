"""Deploy a stage to AWS: `make deploy STAGE=dev`. Shows the changes and applies them after a confirmation.

`--resources-only` stops after the resource stack (tables, user pool, queue, buckets, key: `make resources`) and writes
the files for plain `chalice deploy` into `.chalice/`. `--yes` applies the changes without a question, for a pipeline.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from chalicelib.settings import load as app_config
from scripts.shipping import location, overview, own_secrets, plain, project
from scripts.shipping.account import check_concurrency
from scripts.shipping.cloudformation import DONE, Plan
from scripts.shipping.package import Package
from scripts.shipping.project import Aws, RealAws, ShippingError
from scripts.shipping.retained import find_retained
from scripts.shipping.sealing import Sealer
from scripts.shipping.shipment import Shipment, chosen_parameters
from scripts.shipping.target import Target

RESERVED_BY_LAMBDA = {
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
}
NEXT = """
Deployed: {url}   (build {build}, {megabytes:.1f} MB)

  Stripe        create a webhook to {url}/webhooks/stripe with the events of docs/payments.md, and encrypt its secret:
                .venv/bin/python -m scripts.secret encrypt --stage {stage} STRIPE_WEBHOOK_SECRET, then deploy again
  AssemblyAI    nothing to configure: each job sets the webhook {public_url}/webhooks/assemblyai
  dashboard     {url}/admin, for members of the group `admins` (docs/operations.md, Administrators)
  extension     calls {url} from {origin}
  smoke test    .venv/bin/python -m scripts.smoke --url {url} --origin {origin} --build {build}
"""

INTERRUPTED = (
    "What CloudFormation has begun, it finishes by itself; nothing is lost.\n"
    "When it has ended, the same command continues: {command}"
)

NOT_COMPILED = (
    "No Python {version} was found here to compile the package, so each cold start takes about three times as long.\n"
    "Install one (uv python install {version}, or pyenv install {version}) and deploy again."
)


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)

    def run() -> None:
        project.environment(project.read(), options.stage)  # Check the name of the stage before any call to AWS.
        deploy(
            RealAws(),
            options.stage,
            agree=(lambda: True) if options.yes else _is_confirmed,
            resources_only=options.resources_only,
            replaces_identity_key=options.replace_identity_key,
        )

    return project.run(run, INTERRUPTED.format(command=f"make {_target(options)} STAGE={options.stage}"))


def deploy(
    aws: Aws,
    stage: str,
    *,
    agree: Any,
    resources_only: bool = False,
    replaces_identity_key: bool = False,
    config_file: Path = project.CONFIG,
    parameters: dict[str, str] | None = None,
) -> None:
    """Deploy resources, secrets, code and application, each planned, shown and confirmed. Raises ShippingError.

    Invalid settings are rejected before anything changes; in the first deployment, once the key exists.
    """
    config = project.read(config_file)
    shipment = Shipment(aws, stage, config, chosen_parameters(stage) if parameters is None else parameters)
    settings = shipment.settings
    if stage == "local":
        raise ShippingError("The stage local runs on this machine only: use make run or make stack.")
    if unknown := shipment.unknown_parameters():
        raise ShippingError(
            f".chalice/stages.json: no template has the parameter {', '.join(unknown)}. Correct its name or remove it."
        )
    if contradictions := shipment.contradictions():
        raise ShippingError(f".chalice/stages.json: {'; '.join(contradictions)}.")
    if not settings.get("EXTENSION_ORIGIN"):
        raise ShippingError(f"EXTENSION_ORIGIN is missing in the settings of {stage}. Add it to .chalice/config.json.")
    location.check(aws, stage, config_file)
    print(overview.describe(shipment, resources_only=resources_only))
    _check_no_retained_resources(shipment)
    state = shipment.resource_stack.check_idle()
    has_application = shipment.application_stack.check_idle() not in overview.NOT_THERE
    deployed = shipment.application_stack.parameters() if has_application else {}
    remembered = location.find(stage, config_file)
    is_new = state in overview.NOT_THERE or bool(remembered and remembered.is_new)
    sealer = Sealer(aws.client("kms"), stage)
    complete_secrets = partial(
        own_secrets.complete,
        shipment,
        sealer,
        config_file=config_file,
        is_new=is_new,
        replaces_identity_key=replaces_identity_key,
    )
    previous_outputs = shipment.resource_stack.outputs() if state in DONE else {}
    is_sealed = "UserPoolClientId" in previous_outputs  # A stack whose resources were only imported has fewer outputs.
    if is_sealed:
        sealer.check_key()
        complete_secrets(previous_outputs)
        if not resources_only:
            _check(sealer, settings, stage)
    check_concurrency(aws, shipment.parameters, deployed)
    _apply("resources", shipment.plan_resources(), agree, lambda: _remember(shipment, config_file, is_new))
    outputs = shipment.resource_stack.outputs()
    complete_secrets(outputs)
    if resources_only:
        plain.write(config, stage, outputs, config_file)
        print(f"Wrote the files for `chalice deploy --stage {stage}`: {config_file.name}, policy-{stage}.json")
        return

    if not is_sealed:
        _check(sealer, settings, stage)
    packed = shipment.pack()
    print(describe_package(packed, shipment.target))
    shipment.resource_stack.check_idle()  # Packaging takes a minute; somebody may delete the stage meanwhile.
    release = shipment.store(packed)
    _apply("application", shipment.plan_application(release), agree)
    shipment.releases.record(release)
    url = shipment.url()
    public_url = settings.get("PUBLIC_URL") or url
    print(NEXT.format(url=url, public_url=public_url, stage=stage, build=release.build,
                      origin=",".join(shipment.origins), megabytes=packed.size_bytes / 1e6))  # fmt: skip


def describe_package(packed: Package, target: Target) -> str:
    """Its size and what it is for; what to do if it is not compiled."""
    line = f"package: {packed.size_bytes / 1e6:.1f} MB, for {target.runtime} on {target.architecture}"
    return line if packed.is_compiled else f"{line}\n{NOT_COMPILED.format(version=target.version)}"


def _check_no_retained_resources(shipment: Shipment) -> None:
    """Raises ShippingError if resources of a deleted stack remain: creating a new one would fail half way."""
    if shipment.resource_stack.state() not in ("", "REVIEW_IN_PROGRESS"):
        return
    if found := find_retained(shipment.aws, shipment.stage):
        lines = "\n".join(f"  {resource.name}" for resource in found)
        raise ShippingError(
            f"These resources of an earlier stage {shipment.stage} were kept:\n{lines}\n"
            "A new stage with this name cannot be created while they exist. Import them into the new stack, or delete "
            f"them with their data:\n  make destroy STAGE={shipment.stage} DATA=delete\n"
            "(docs/operations.md, After a destroy)"
        )


def _remember(shipment: Shipment, config_file: Path, is_new: bool) -> None:
    """Before the first change: an interrupted deployment is continued in the same place only."""
    location.remember(shipment.aws, shipment.stage, config_file, is_new=is_new)


def _check(sealer: Sealer, settings: dict[str, str], stage: str) -> None:
    """Raises ShippingError with all settings that the functions would reject at their start or never read."""
    problems = sealer.find_problems(settings)
    problems += [f"{name} is not a setting" for name in sorted(settings) if not _is_setting(name)]
    problems += [f"{name} is reserved by Lambda" for name in sorted(RESERVED_BY_LAMBDA & settings.keys())]
    if settings.get("STAGE", stage) != stage:
        problems.append(f"STAGE is {settings['STAGE']} in the settings of the stage {stage}")
    defaults = {"AWS_DEFAULT_REGION": "eu-central-1", **dict.fromkeys(plain.RESOURCE_SETTINGS, "an output")}
    try:
        app_config.read(defaults | settings | {"STAGE": stage}, Path("/nonexistent"))
    except app_config.SettingsError as error:
        found = str(error).removeprefix("settings: ").split("; ")
        problems += [problem for problem in found if problem not in problems]
    if problems:
        lines = "\n".join(f"  ✗ {problem}" for problem in problems)
        raise ShippingError(
            f"Not deployed: settings of {stage} are invalid (docs/settings.md).\n{lines}\n"
            f"Enter a secret with: .venv/bin/python -m scripts.secret encrypt --stage {stage} NAME"
        )


def _is_setting(name: str) -> bool:
    """Whether it is a setting of the app, of the AWS SDK or of Python."""
    return name in app_config.NAMES | plain.RESOURCE_SETTINGS.keys() or name.startswith(("AWS_", "PYTHON"))


def _apply(stack: str, plan: Plan | None, agree: Any, before: Callable[[], None] = lambda: None) -> None:
    """Show the plan and apply it once it is confirmed, after calling `before`."""
    if plan is None:
        print(f"{stack}: no changes")
        return
    direct = [change for change in plan.changes if not change.follows]
    followers = len(plan.changes) - len(direct)
    print(f"{stack}: {_count(len(direct), 'change')}, and {_count(followers, 'resource')} referring to them")
    print(overview.describe_changes(direct))
    if not agree():
        plan.discard()
        raise ShippingError("Nothing was changed.")
    before()
    plan.apply()
    print(f"{stack}: done")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _is_confirmed() -> bool:
    try:
        return input("Apply these changes? [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):  # No terminal, or Ctrl-C: the plan is discarded too.
        return False


def _target(options: argparse.Namespace) -> str:
    return "resources" if options.resources_only else "deploy"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--resources-only", action="store_true")
    parser.add_argument("--yes", action="store_true")
    parser.add_argument("--replace-identity-key", action="store_true", help="grant every user the free credits again")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
