"""What an operator reads before and while something is made, without an AWS."""

from pathlib import Path
from typing import Any

import boto3
import pytest

from scripts import (
    deploy as deploying,
    destroy as destroying,
    replay as replaying,
    restore as restoring,
    rollback as rolling_back,
    secret as secrets_command,
)
from scripts.shipping import location, overview, project
from scripts.shipping.cloudformation import Change, Stack
from scripts.shipping.project import RealAws, ShippingError
from scripts.shipping.shipment import RESOURCES, resource_template


def test_a_large_plan_is_one_screen_and_names_each_change_of_what_exists() -> None:
    added = [Change("Add", f"Alarm{number}", "AWS::CloudWatch::Alarm", "False") for number in range(90)]
    removed = Change("Remove", "Ledger", "AWS::DynamoDB::Table", "False")
    replaced = Change("Modify", "UserPool", "AWS::Cognito::UserPool", "True")

    lines = overview.describe_changes([*added, removed, replaced]).splitlines()

    assert [line.split() for line in lines] == [
        ["+", "AWS::CloudWatch::Alarm", "90", "new"],
        ["-", "AWS::DynamoDB::Table", "Ledger"],
        ["~", "AWS::Cognito::UserPool", "UserPool", "REPLACED"],
    ]


def test_a_small_plan_names_each_new_resource() -> None:
    added = [Change("Add", f"Alarm{number}", "AWS::CloudWatch::Alarm", "False") for number in range(3)]

    assert overview.describe_changes(added).count("AWS::CloudWatch::Alarm") == 3


def test_names_of_buckets_fit_in_every_region_and_carry_it() -> None:
    stage = "a" * 10
    assert project.STAGE_NAME.fullmatch(stage)
    assert not project.STAGE_NAME.fullmatch(stage + "a")
    regions = [
        region
        for partition in ("aws", "aws-cn", "aws-us-gov", "aws-eusc")
        for region in boto3.Session().get_available_regions("dynamodb", partition_name=partition)
    ]
    assert "eu-central-1" in regions
    template = resource_template(RESOURCES.read_text(encoding="utf-8"))
    buckets = [resource for resource in template["Resources"].values() if resource["Type"] == "AWS::S3::Bucket"]
    assert len(buckets) == 2
    for bucket in buckets:
        for region in regions:
            values = {
                "AppName": project.APP_NAME, "Stage": stage, "AWS::Region": region, "AWS::AccountId": "1" * 12,
            }  # fmt: skip
            name = bucket["Properties"]["BucketName"]["Fn::Sub"]
            for key, value in values.items():
                name = name.replace(f"${{{key}}}", value)
            assert region in name
            assert len(name) <= 63, name


def test_the_names_that_regions_of_an_account_share_carry_the_region(whole_template: Any) -> None:
    resources = whole_template("dev", has_budget=True)["Resources"]
    names = {
        "Dashboard": resources["Dashboard"]["Properties"]["DashboardName"],
        "Budget": resources["Budget"]["Properties"]["Budget"]["BudgetName"],
    }

    assert all("${AWS::Region}" in name["Fn::Sub"] for name in names.values()), names


class Interrupted:
    region, profile = "eu-central-1", ""

    def account(self) -> str:
        return "000000000000"

    def client(self, service: str) -> Any:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("run", "advice"),
    [
        (lambda: deploying.main(["--stage", "dev"]), "make deploy STAGE=dev"),
        (lambda: deploying.main(["--stage", "dev", "--resources-only"]), "make resources STAGE=dev"),
        (lambda: destroying.main(["--stage", "dev"]), "the same command continues"),
        (lambda: rolling_back.main(["--stage", "dev"]), "Nothing was changed."),
        (lambda: restoring.main(["--stage", "dev", "--carry-out"]), "Run the command again"),
        (lambda: replaying.main(["--stage", "dev"]), "then run the command again"),
        (lambda: secrets_command.main(["encrypt", "--stage", "dev", "OPENAI_API_KEY"]), "Nothing was changed."),
    ],
)
def test_an_interruption_ends_in_what_to_do(
    run: Any, advice: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = project.read()
    project.environment(config, "dev")["EXTENSION_ORIGIN"] = "chrome-extension://a"
    monkeypatch.setattr(project, "read", lambda *_: config)
    monkeypatch.setattr("builtins.input", lambda _: "dev")
    for module in (deploying, location):
        monkeypatch.setattr(module, "RealAws", Interrupted)

    assert run() == 130
    assert advice in capsys.readouterr().out


def test_a_profile_that_does_not_exist_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_PROFILE", "mistyped")

    assert destroying.main(["--stage", "dev"]) == 1
    assert "mistyped" in capsys.readouterr().err


def test_a_profile_without_credentials_names_the_command_to_sign_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[profile work]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    aws = RealAws()

    assert aws.region == "eu-west-1"
    with pytest.raises(ShippingError, match="aws sso login --profile work"):
        aws.account()


@pytest.mark.parametrize("text", ["<<<<<<< HEAD", '{"dev": {"account": "1"}}', "[]"])
def test_a_damaged_file_of_locations_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / location.FILE).write_text(text)

    with pytest.raises(ShippingError, match=r"locations.json is damaged: .* Restore it from git\."):
        location.find("dev", tmp_path / "config.json")


class FailedDeletion:
    """A stack whose deletion failed."""

    def describe_stacks(self, **_: Any) -> Any:
        return {"Stacks": [{"StackStatus": "DELETE_FAILED"}]}

    def describe_stack_events(self, **_: Any) -> Any:
        event = {"LogicalResourceId": "Uploads", "ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": "not empty"}
        return {"StackEvents": [event]}


def test_a_half_deleted_stage_is_not_deployed_over() -> None:
    with pytest.raises(ShippingError, match=r"Run make destroy again first\. Uploads: not empty"):
        Stack(FailedDeletion(), "one").plan({}, {})
