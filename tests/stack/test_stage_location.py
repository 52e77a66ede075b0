"""A stage belongs to one account and region: other places are refused in a sentence, and nothing there is touched."""

import re

import pytest

from scripts.shipping import location
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import ShippingError
from tests.stack.operators import (
    ACCOUNTS,
    DUBLIN,
    FRANKFURT,
    RESOURCES,
    NewOperator,
    Operator,
    decrypt,
    remains,
    status,
)


def test_the_account_is_that_of_the_named_profile(
    operator: Operator, account: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Although keys of another account are in the environment."""
    assert operator.run_secret("check") == 1

    assert f"account {account} (profile work), region {FRANKFURT}, stage dev" in capsys.readouterr().out


def test_every_command_refuses_another_place_and_names_both(
    owner: Operator, account: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files, kept = owner.files(), remains(owner)

    for here in ((account, DUBLIN), (str(next(ACCOUNTS)), FRANKFURT)):
        owner.sign_in(*here)
        for name, run in owner.every_command().items():
            try:
                message = f"exit code {run()}" + capsys.readouterr().err
            except ShippingError as error:
                message = str(error)
            assert f"in account {account}, region {FRANKFURT}" in message, name
            assert f"You are in account {here[0]} (profile work), region {here[1]}. Nothing was changed." in message
            assert f"AWS_REGION={FRANKFURT}" in message, name
            assert "DATA=delete" not in message, name
        assert (owner.files(), remains(owner), status(owner)) == (files, [], "")
    owner.sign_in(account, FRANKFURT)
    assert (remains(owner), status(owner)) == (kept, "CREATE_COMPLETE")


def test_own_ciphertexts_tell_the_place_if_the_file_was_not_committed(owner: Operator, account: str) -> None:
    (owner.clone / location.FILE).unlink()
    files = owner.files()

    for here in ((account, DUBLIN), (str(next(ACCOUNTS)), FRANKFURT)):
        owner.sign_in(*here)
        for run in (
            owner.make_resources,
            owner.destroy,
            lambda: owner.destroy(with_data=True),
        ):
            with pytest.raises(ShippingError, match="sealed with a key that is not in account") as caught:
                run()
            assert here[1] in str(caught.value)
    assert owner.files() == files

    owner.sign_in(account, FRANKFURT)
    owner.make_resources()
    assert location.find("dev", owner.config_file).region == FRANKFURT  # type: ignore[union-attr]


def test_two_regions_of_one_account_do_not_touch_each_other(
    owner: Operator, account: str, new_operator: NewOperator
) -> None:
    other = new_operator()
    other.sign_in(account, DUBLIN)
    other.make_resources()
    kept = remains(owner)
    assert len(owner.aws.client("s3").list_buckets()["Buckets"]) == 4

    other.destroy(with_data=True)

    assert (remains(other), remains(owner)) == ([], kept)
    assert location.find("dev", other.config_file) is None
    owner.sign_in(account, FRANKFURT)
    assert decrypt(owner, "IDENTITY_HMAC_KEY")
    owner.make_resources()


# The role that API Gateway logs with


def test_the_role_that_the_account_logs_with_is_left_alone(operator: Operator) -> None:
    role = operator.aws.client("iam").create_role(RoleName="of-the-owner", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    set_gateway_role(operator, role)

    for _ in range(2):
        operator.make_resources()
        assert operator.aws.client("apigateway").get_account()["cloudwatchRoleArn"] == role
    stack = Stack(operator.aws.client("cloudformation"), RESOURCES)
    assert stack.resources_of_type("AWS::IAM::Role") == {}


def test_a_role_that_was_deleted_is_replaced_and_stays(operator: Operator) -> None:
    set_gateway_role(operator, "arn:aws:iam::000000000000:role/deleted-long-ago")

    for _ in range(2):
        operator.make_resources()
        role = operator.aws.client("apigateway").get_account()["cloudwatchRoleArn"]
        assert "GatewayLogsRole" in role


def set_gateway_role(operator: Operator, role: str) -> None:
    change = {"op": "replace", "path": "/cloudwatchRoleArn", "value": role}
    operator.aws.client("apigateway").update_account(patchOperations=[change])


# The screen before anything


def test_a_screen_names_the_place_and_what_will_be_made(
    operator: Operator, account: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ShippingError, match=r"Nothing was changed\."):
        operator.make_resources(agree=lambda: False, stage="prod")

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"account {account} (profile work), region {FRANKFURT}, stage prod"
    assert re.search("new: 2 tables, 2 buckets, .* 1 user pool", lines[1])
    assert [line.split()[1] for line in lines if line.startswith("  !")] == ["AlarmEmail", "EmailFrom"]
    assert len(lines) <= 24
    assert operator.files().keys() == {"config.json"}
