"""Run an earlier build of a stage again, by one update of its stack: `make rollback STAGE=prod`.

Code, template and parameters come from the stage's bucket of packages, as they were deployed. Without `--build` it is
the build before the running one; an unknown build lists those that there are. `--yes` does it without a question.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from scripts.shipping import location, project
from scripts.shipping.project import Aws, ShippingError
from scripts.shipping.releases import Release
from scripts.shipping.shipment import Shipment

# At once, and whatever alarms say: they are often raised when somebody goes back, and CodeDeploy would stop.
AT_ONCE = {"CanaryDeployment": "false"}
# Without a name, the next rollback would go one build further.
INTERRUPTED = """CloudFormation finishes by itself what it has begun. When it has ended, complete the rollback:
  make rollback STAGE={stage} BUILD={build}"""
IN_PROGRESS = """{stack} is being changed, so nothing can be rolled back yet.
To end a deployment that gets a tenth of the requests so far, stop it; everything then goes back by itself:
  aws deploy list-deployments --include-only-statuses InProgress
  aws deploy stop-deployment --auto-rollback-enabled --deployment-id <the id>"""


def main(arguments: list[str] | None = None, aws: Aws | None = None, config_file: Path = project.CONFIG) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--build", default="", help="as printed by `make deploy` and GET /health")
    parser.add_argument("--yes", action="store_true")
    options = parser.parse_args(arguments)

    def run() -> None:
        there = location.connect(options.stage, aws, config_file)
        rollback(there, options.stage, options.build, agree=(lambda _: True) if options.yes else _is_confirmed)

    return project.run(run, "Nothing was changed.")


def rollback(aws: Aws, stage: str, build: str = "", *, agree: Callable[[str], bool]) -> None:
    """Run `build` again, or the one before. Raises ShippingError, before any change, if it is unknown or not whole.

    `agree`: is asked one question before anything changes.
    """
    shipment = Shipment(aws, stage, project.read())
    state = shipment.application_stack.state()
    if state in ("", "REVIEW_IN_PROGRESS"):
        raise ShippingError(f"{shipment.application_stack.name} does not exist. Deploy the stage first.")
    if state.endswith("_IN_PROGRESS"):
        raise ShippingError(IN_PROGRESS.format(stack=shipment.application_stack.name))
    releases, running = shipment.releases, shipment.running_build()
    release = releases.read(build) if build else releases.before(running)
    if release.build == running:
        releases.record_return_to(running)  # A rollback to it that was interrupted has not noted it.
        print(f"{running} runs already.\n{releases.describe()}")
        return
    releases.check(release)
    at = releases.deployed_at[release.build]
    if not agree(f"{running} runs. Run {release.build}, last deployed {at:%Y-%m-%d %H:%M} UTC, instead? [y/N] "):
        raise ShippingError("Nothing was changed.")
    plan = shipment.plan_application(release, **AT_ONCE)
    try:
        if plan:
            plan.apply()
        releases.record_return_to(release.build)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(INTERRUPTED.format(stage=stage, build=release.build)) from None
    functions = _check_code(shipment, release)
    print(f"{release.build} runs: {functions} functions have the code of {release.package}.")
    print(
        "Before the next `make deploy`, check out its commit: a deployment ships the files and settings that are here."
    )


def _check_code(shipment: Shipment, release: Release) -> int:
    """The number of functions. Raises ShippingError unless what is invoked of each is the code of the build."""
    client = shipment.aws.client("lambda")
    names = shipment.application_stack.resources_of_type("AWS::Lambda::Function")
    invoked = {
        name: client.get_function_configuration(FunctionName=function, Qualifier="live")["CodeSha256"]
        for name, function in names.items()
    }
    if wrong := sorted(name for name, code_sha256 in invoked.items() if code_sha256 != release.code_sha256):
        raise ShippingError(f"{', '.join(wrong)} do not run the code of {release.build}. Run `make rollback` again.")
    return len(invoked)


def _is_confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):  # no terminal, or Ctrl-C
        return False


if __name__ == "__main__":
    sys.exit(main())
