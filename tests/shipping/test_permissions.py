"""Each function has its own role, with access to what it uses only."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.shipping.access import ROLE_OF, roles_and_logs
from scripts.shipping.project import ShippingError
from tests.shipping.conftest import STAGES

ROOT = Path(__file__).parents[2]
WholeTemplate = Callable[..., dict[str, Any]]
# Actions for which AWS accepts no narrower resource; none of them reads or writes data.
UNBOUNDED = {"dynamodb:ListStreams", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def statements(template: dict[str, Any]) -> list[dict[str, Any]]:
    roles = [resource for resource in template["Resources"].values() if resource["Type"] == "AWS::IAM::Role"]
    policies = [policy for role in roles for policy in role["Properties"]["Policies"]]
    found = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    return [statement["Fn::If"][1] if "Fn::If" in statement else statement for statement in found]


@pytest.mark.parametrize("stage", STAGES)
def test_no_permission_for_data_has_a_wildcard(whole_template: WholeTemplate, stage: str) -> None:
    for statement in statements(whole_template(stage)):
        actions, resources = statement["Action"], statement["Resource"]
        assert not [action for action in actions if action.endswith(":*") or action == "*"]
        if "*" in resources or resources == "*":
            assert set(actions) <= UNBOUNDED
        else:
            assert all(isinstance(resource, dict) for resource in resources), statement


def test_no_role_may_delete_from_the_ledger(whole_template: WholeTemplate) -> None:
    for statement in statements(whole_template("prod")):
        if "LedgerTableArn" in json.dumps(statement["Resource"]):
            assert not {"dynamodb:DeleteItem", "dynamodb:BatchWriteItem"} & set(statement["Action"])


def test_only_roles_that_need_accounts_or_secrets_have_access_to_them(whole_template: WholeTemplate) -> None:
    resources = whole_template("prod")["Resources"]
    roles = {name: json.dumps(item) for name, item in resources.items() if item["Type"] == "AWS::IAM::Role"}

    assert [name for name, statement in roles.items() if "cognito-idp:Admin" in statement] == ["ApiRole", "WorkRole"]
    assert roles["WorkRole"].count("cognito-idp:") == 1
    # The worker erases accounts; the API replaces sign-ups that were never confirmed.
    assert [name for name, item in roles.items() if "AdminDeleteUser" in item] == ["ApiRole", "WorkRole"]
    assert sorted(name for name, statement in roles.items() if "kms:Decrypt" in statement) == [
        "ApiRole",
        "TimersRole",
        "WorkRole",
    ]
    assert "LedgerTableArn" not in roles["CountRole"]
    assert all("kms:EncryptionContext:stage" in statement for statement in roles.values() if "kms:Decrypt" in statement)


def test_every_function_has_a_role_and_a_log_group_with_retention(whole_template: WholeTemplate) -> None:
    resources = whole_template("prod")["Resources"]
    functions = {name for name, item in resources.items() if item["Type"] == "AWS::Serverless::Function"}

    assert functions == set(ROLE_OF)
    for name in functions:
        properties = resources[name]["Properties"]
        assert properties["Role"] == {"Fn::GetAtt": [f"{ROLE_OF[name]}Role", "Arn"]}
        assert properties["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Log"}}
        assert resources[f"{name}Log"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert "logs:CreateLogGroup" not in json.dumps(
        resources
    )  # Otherwise a group without retention could be created after the stack is deleted.


def test_a_function_without_a_role_is_rejected() -> None:
    with pytest.raises(ShippingError, match="Add a role for NewFunction"):
        roles_and_logs(["APIHandler", "NewFunction"])


def test_only_the_worker_may_scan_the_ledger(whole_template: WholeTemplate) -> None:
    resources = whole_template("prod")["Resources"]
    roles = {name: json.dumps(item) for name, item in resources.items() if item["Type"] == "AWS::IAM::Role"}

    assert [name for name, statement in roles.items() if "dynamodb:Scan" in statement] == ["WorkRole"]


def test_the_api_reads_alarms_of_its_stage_and_counts_messages_of_its_queues(whole_template: WholeTemplate) -> None:
    found = {
        action: statement["Resource"]
        for statement in statements(whole_template("prod"))
        for action in statement["Action"]
        if action in {"cloudwatch:DescribeAlarms", "sqs:GetQueueAttributes"} and len(statement["Action"]) == 1
    }

    (alarms,) = found["cloudwatch:DescribeAlarms"]
    assert alarms["Fn::If"][0] == "OnThisMachine"
    assert alarms["Fn::If"][2]["Fn::Sub"].endswith(":alarm:live-transcription-${Stage}-*")
    queues = json.dumps(found["sqs:GetQueueAttributes"])
    assert queues.count("ImportValue") == 2
    assert '"*"' not in queues
