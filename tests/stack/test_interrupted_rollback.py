"""A rollback that is interrupted, on stacks that have the builds of a stage and no function."""

import json
from typing import Any

import pytest

from scripts import rollback as rolling_back
from scripts.shipping import project
from scripts.shipping.cloudformation import Plan, Stack
from scripts.shipping.releases import Releases
from scripts.shipping.shipment import Shipment
from tests.stack.operators import APPLICATION, RESOURCES, Operator

BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}}
PARAMETERS = {name: {"Type": "String", "Default": "-"} for name in ("Stage", "PackageKey", "Build", "CanaryDeployment")}


def make_bucket(operator: Operator) -> None:
    template = {"Resources": {"Packages": BUCKET}, "Outputs": {"PackageBucket": {"Value": {"Ref": "Packages"}}}}
    plan = Stack(operator.aws.client("cloudformation"), RESOURCES).plan({"TemplateBody": json.dumps(template)}, {})
    assert plan
    plan.apply()


def deploy(operator: Operator, name: str) -> str:
    """The build of a package with this content."""
    shipment = Shipment(operator.aws, "dev", project.read(operator.config_file))
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": name}}
    release = shipment.releases.store(name.encode(), {"Parameters": PARAMETERS, "Resources": {"Topic": topic}})
    plan = shipment.plan_application(release)
    assert plan
    plan.apply()
    shipment.releases.record(release)
    return release.build


def running(operator: Operator) -> str:
    return Stack(operator.aws.client("cloudformation"), APPLICATION).parameters()["Build"]


def test_an_interrupted_rollback_is_completed_by_its_name(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_bucket(operator)
    oldest, good, bad = (deploy(operator, name) for name in ("oldest", "good", "bad"))
    apply = Plan.apply

    def apply_and_interrupt(plan: Plan, *_: Any) -> None:
        apply(plan)
        raise KeyboardInterrupt

    def rollback(*words: str) -> int:
        return rolling_back.main(["--stage", "dev", "--yes", *words], operator.aws, operator.config_file)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(Plan, "apply", apply_and_interrupt)
        assert rollback() == 130
    assert f"make rollback STAGE=dev BUILD={good}" in capsys.readouterr().out
    assert running(operator) == good

    assert rollback("--build", good) == 0
    assert running(operator) == good
    deploy(operator, "newest")
    assert rollback() == 0
    assert running(operator) == good  # not the bad one again
    bucket = Stack(operator.aws.client("cloudformation"), RESOURCES).outputs()["PackageBucket"]
    releases = Releases(operator.aws.client("s3"), bucket)
    assert bad in releases.rolled_back
    assert oldest not in releases.rolled_back
