"""The role that GitHub deploys with: who may take it, and that CloudFormation's calls are what it allows, no more."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from chalice.package import YAMLTemplateSerializer
from ministack.core.iam_evaluator import fnmatch_iam

from tests.shipping.conftest import STAGES
from tests.shipping.handler_permissions import HANDLER_PERMISSIONS, UNUSED_FEATURES, WITHHELD, is_unused
from tests.shipping.test_translated_template import translate

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / ".github" / "aws" / "deploy-role.yaml"
LONGEST_MANAGED_POLICY = 6_144  # characters without blanks. Source: IAM user guide, "IAM and AWS STS quotas".
VIA_CLOUDFORMATION = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
# Handlers read what others describe: a listing of all resources of a kind is not one of them.
WILDCARDS = {"dynamodb:Describe*", "lambda:Get*", "s3:Get*Configuration", "s3:GetBucket*"}
WholeTemplate = Callable[..., dict[str, Any]]


def read(path: Path) -> dict[str, dict[str, Any]]:
    loaded = YAMLTemplateSerializer().load_template(path.read_text(encoding="utf-8"), path.name)
    return dict(loaded["Resources"])


@cache
def role_resources() -> dict[str, dict[str, Any]]:
    return read(TEMPLATE)


def statements(*names: str) -> Iterator[dict[str, Any]]:
    for name in names:
        yield from role_resources()[name]["Properties"]["PolicyDocument"]["Statement"]


def actions(found: Iterator[dict[str, Any]]) -> set[str]:
    return {
        action for item in found for action in ([item["Action"]] if isinstance(item["Action"], str) else item["Action"])
    }


def allowed_to_cloudformation() -> set[str]:
    return actions(statements("StatefulResources", "RunningResources", "Options"))


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.fixture
def permissions(whole_template: WholeTemplate) -> set[str]:
    """What CloudFormation calls for the resources of both templates of both stages."""
    kinds = {resource["Type"] for resource in read(ROOT / ".chalice" / "resources.yaml").values()}
    for stage in STAGES:
        template = whole_template(stage, has_budget=True)
        kinds |= {resource["Type"] for resource in translate(template, {"CanaryDeployment": "true"}).values()}
    kinds -= {"AWS::ApiGateway::GatewayResponse"}  # on this machine only
    assert kinds <= set(HANDLER_PERMISSIONS), "add what CloudFormation calls for a new type, and allow it"
    return {permission for kind in kinds for permission in HANDLER_PERMISSIONS[kind]}


def test_cloudformation_may_make_every_call_that_our_resources_need(permissions: set[str]) -> None:
    allowed = allowed_to_cloudformation()

    missing = {
        permission
        for permission in permissions - WITHHELD
        if not is_unused(permission) and not any(fnmatch_iam(permission, pattern) for pattern in allowed)
    }
    assert missing == set()


def test_cloudformation_may_make_no_other_call(permissions: set[str]) -> None:
    for pattern in allowed_to_cloudformation():
        assert any(fnmatch_iam(permission, pattern) for permission in permissions), f"no resource needs {pattern}"
        assert "*" not in pattern or pattern in WILDCARDS
        assert pattern not in WITHHELD


def test_every_exception_is_still_about_a_call_that_exists() -> None:
    every = set().union(*HANDLER_PERMISSIONS.values())

    assert every >= WITHHELD
    assert {word for word in UNUSED_FEATURES if not any(word in permission for permission in every)} == set()


def test_what_resources_need_is_allowed_to_cloudformation_alone() -> None:
    for statement in statements("StatefulResources", "RunningResources", "Options"):
        if statement["Sid"] == "RolesOfOurServices":
            services = statement["Condition"]["StringEquals"]["iam:PassedToService"]
            assert set(services) <= {f"{name}.amazonaws.com" for name in ("apigateway", "codedeploy", "lambda")}
        else:
            assert statement["Condition"] == VIA_CLOUDFORMATION, statement["Sid"]


def test_every_resource_with_a_name_is_of_the_stage() -> None:
    names = [name for name, resource in role_resources().items() if resource["Type"] == "AWS::IAM::ManagedPolicy"]
    unbounded = set()
    for statement in statements(*names):
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        for resource in resources:
            if "${AppName}-${Stage}" not in json.dumps(resource) and "/${AppName}/${Stage}/" not in json.dumps(
                resource
            ):
                unbounded.add(statement["Sid"])

    # AWS accepts no narrower resource, or it names the resource by an id. CloudFormation alone may use most of them.
    assert unbounded == {
        "UseSam", "SealAndCheckSecrets", "FindRetainedResources", "ReadTheSecretOfTheClient", "ReadTheAccount",
        "NewKey", "Key", "Accounts", "EmailsOfTheUserPool", "EventSources", "Gateway", "AccessLog",
        "CanaryConfiguration", "DomainRecord", "DomainChanges", "Budget", "FindTheLoggingRole", "CheckTheLoggingRole",
        "TraceRules",
    }  # fmt: skip


def test_the_role_cannot_change_itself_or_the_data_of_the_stage() -> None:
    own_name = role_resources()["Role"]["Properties"]["RoleName"]["Fn::Sub"]
    assert own_name == "${AppName}-deploys-${Stage}-${AWS::Region}"  # which ${AppName}-${Stage}-* does not match

    all_actions = actions(statements("Commands", "StatefulResources", "RunningResources", "Options", "Destroying"))
    data = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan", "dynamodb:UpdateItem", "sqs:ReceiveMessage"}
    data |= {"cognito-idp:AdminGetUser", "cognito-idp:ListUsers", "lambda:InvokeFunction", "logs:GetLogEvents"}
    for action in data | {"iam:CreateUser", "iam:CreateAccessKey", "sts:AssumeRole"}:
        assert not any(fnmatch_iam(action, pattern) for pattern in all_actions), action


def test_only_one_environment_of_one_repository_may_take_the_role() -> None:
    (statement,) = role_resources()["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {"Fn::Sub": "repo:${Repository}:environment:${Stage}"},
        }
    }


def test_each_policy_is_short_enough_for_iam() -> None:
    policies = [each for each in role_resources().values() if each["Type"] == "AWS::IAM::ManagedPolicy"]

    assert len(policies) > 1
    assert [len(text) for policy in policies if len(text := longest_form(policy)) > LONGEST_MANAGED_POLICY] == []


def longest_form(policy: dict[str, Any]) -> str:
    """The document of a policy without blanks, with the longest names in place of references."""
    text = json.dumps(policy["Properties"]["PolicyDocument"], separators=(",", ":"))
    longest = {"${AWS::Partition}": "aws-us-gov", "${AWS::Region}": "ap-southeast-2", "${AWS::AccountId}": "0" * 12}
    for reference, value in {**longest, "${AppName}": "live-transcription", "${Stage}": "s" * 16}.items():
        text = text.replace(reference, value)
    return text.replace('{"Fn::Sub":', "").replace(" ", "")
