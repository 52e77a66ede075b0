"""Stacks and scripts with responses of AWS that the emulator does not give: slow, denied, incomplete."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from scripts import (
    deploy as deploying,
    destroy as destroying,
    replay as replaying,
    restore as restoring,
    rollback as rolling_back,
)
from scripts.shipping import cloudformation, location, project
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import RealAws, ShippingError
from scripts.shipping.sealing import Sealer

MINUTES_20 = 1_200


class SlowCloudFormation:
    """CloudFormation that deletes a stack after this many seconds of pauses."""

    def __init__(self, takes_seconds: float):
        self.remaining_seconds, self.calls, self.is_deleting = takes_seconds, 0, False

    def pause(self, seconds: float) -> None:
        self.remaining_seconds -= seconds

    def describe_stacks(self, **_: Any) -> Any:
        self.calls += 1
        if not self.is_deleting:
            return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "StackId": "one"}]}
        return {"Stacks": [{"StackStatus": "DELETE_IN_PROGRESS" if self.remaining_seconds > 0 else "DELETE_COMPLETE"}]}

    def delete_stack(self, **_: Any) -> None:
        self.is_deleting = True


@pytest.mark.parametrize(("seconds", "most_calls"), [(MINUTES_20, MINUTES_20 / 5 + 32), (1, 8)])
def test_the_status_of_a_slow_stack_is_read_rarely(seconds: float, most_calls: float) -> None:
    slow = SlowCloudFormation(seconds)

    Stack(slow, "one", slow.pause).delete()

    assert slow.calls <= most_calls
    assert slow.remaining_seconds > -6  # and its end is noticed soon


@pytest.mark.parametrize(("replacement", "is_shown"), [("True", True), ("Conditional", False), ("False", False)])
def test_a_replaced_resource_is_shown_even_if_only_a_reference_changes(replacement: str, is_shown: bool) -> None:
    target = {"Attribute": "Properties", "Name": "UserPoolId", "RequiresRecreation": "Always"}
    resource_change = {
        "Action": "Modify",
        "LogicalResourceId": "UserPoolClient",
        "ResourceType": "AWS::Cognito::UserPoolClient",
        "Replacement": replacement,
        "Details": [{"ChangeSource": "ResourceReference", "Target": target}],
    }

    change = cloudformation._change(resource_change)

    assert change.follows is not is_shown
    assert ("REPLACED" in str(change)) is is_shown


class FakeAws:
    """An account and a region without services."""

    region, profile = "eu-central-1", ""

    def account(self) -> str:
        return "000000000000"


class DeniedAws(FakeAws):
    """An account in which every call fails."""

    def __init__(self, error: Exception):
        self._error = error

    def client(self, service: str) -> Any:
        raise self._error


ERRORS = [
    ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeStacks"),
    NoCredentialsError(),
]
RunScript = Callable[[], int]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("script", ["deploy", "destroy", "replay", "restore"])
def test_an_error_of_aws_is_printed_in_one_line(
    script: str, error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws: Any = DeniedAws(error)
    monkeypatch.setattr("builtins.input", lambda _: "dev")
    config = project.read()
    project.environment(config, "dev")["EXTENSION_ORIGIN"] = "chrome-extension://a"
    monkeypatch.setattr(project, "read", lambda *_: config)
    for module in (deploying, location):
        monkeypatch.setattr(module, "RealAws", lambda: aws)
    scripts: dict[str, RunScript] = {
        "deploy": lambda: deploying.main(["--stage", "dev"]),
        "destroy": lambda: destroying.main(["--stage", "dev"]),
        "replay": lambda: replaying.main(["--stage", "dev"], aws),
        "restore": lambda: restoring.main(["--stage", "dev"], aws),
    }

    assert scripts[script]() == 1
    assert str(error) in capsys.readouterr().err


class FailedCreation(FakeAws):
    """An account whose resource stack failed at its creation: it has a status and no resources."""

    def __init__(self) -> None:
        self.stacks, self.deleted = {"live-transcription-dev-resources"}, []  # type: ignore[var-annotated]

    def client(self, service: str) -> Any:
        return self if service == "cloudformation" else EmptyService()

    def describe_stacks(self, StackName: str) -> Any:
        if StackName not in self.stacks:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE"}]}

    def delete_stack(self, StackName: str, **_: Any) -> None:
        self.stacks.remove(StackName)
        self.deleted.append(StackName)


class EmptyService:
    """Any service, without resources."""

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> list[Any]:
        return []

    def get_caller_identity(self) -> Any:
        return {"Account": "000000000000"}

    def __getattr__(self, name: str) -> Any:
        def raise_not_found(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, name)

        return raise_not_found


def test_a_stack_whose_creation_failed_is_deleted_too(capsys: pytest.CaptureFixture[str]) -> None:
    aws: Any = FailedCreation()

    destroying.destroy(aws, "dev")

    assert aws.deleted == ["live-transcription-dev-resources"]
    assert "KEPT" not in capsys.readouterr().out


@pytest.mark.parametrize("script", ["replay", "restore", "rollback"])
def test_a_stage_that_was_never_created_is_named(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    class PlannedStacks(FailedCreation):
        def describe_stacks(self, StackName: str) -> Any:
            return {"Stacks": [{"StackStatus": "REVIEW_IN_PROGRESS"}]}

    run: Any = {"replay": replaying.main, "restore": restoring.main, "rollback": rolling_back.main}[script]
    for aws in (FailedCreation(), PlannedStacks()):
        assert run(["--stage", "dev"], aws) == 1
        assert "Deploy the stage first." in capsys.readouterr().err


class PermissiveKms:
    """KMS that decrypts any ciphertext."""

    def decrypt(self, **_: Any) -> Any:
        return {"Plaintext": b"sk_test_" + b"x" * 40}

    def describe_key(self, **_: Any) -> Any:
        return {"KeyMetadata": {"KeyId": "one", "KeyState": "Enabled"}}


def test_an_unknown_setting_is_reported_together_with_all_other_problems() -> None:
    settings = {"EXTENSION_ORIGIN": "chrome-extension://a", "LEASE_SECOND": "900", "FREE_CREDITS": "many"}
    settings |= {"LEDGER_STREAM_ARN": "arn", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/one"}  # for plain chalice, and for Lambda

    with pytest.raises(ShippingError) as caught:
        deploying._check(Sealer(PermissiveKms(), "dev"), settings, "dev")

    message = str(caught.value)
    assert [line for line in message.splitlines() if "not a setting" in line] == ["  ✗ LEASE_SECOND is not a setting"]
    assert "FREE_CREDITS must be a whole number" in message
    assert "STAGE is" not in message
    assert message.count("ASSEMBLYAI_API_KEY is missing") == 1


def test_a_copied_stage_must_have_its_own_name() -> None:
    """Otherwise its secrets are encrypted for another name; and `local` may have secrets in plain text."""
    settings = {"EXTENSION_ORIGIN": "chrome-extension://a", "STAGE": "local", "STRIPE_API_KEY": "sk_test_plain"}

    with pytest.raises(ShippingError) as caught:
        deploying._check(
            Sealer(PermissiveKms(), "staging"), settings | {"AWS_DEFAULT_REGION": "eu-central-1"}, "staging"
        )

    assert "STAGE is local in the settings of the stage staging" in str(caught.value)
    assert "STRIPE_API_KEY is plain text" in str(caught.value)
    assert "AWS_DEFAULT_REGION is reserved by Lambda" in str(caught.value)


@pytest.mark.parametrize("error", [EOFError, KeyboardInterrupt])
def test_no_answer_is_not_a_confirmation(error: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: str) -> str:
        raise error

    monkeypatch.setattr("builtins.input", read)

    assert deploying._is_confirmed() is False
    if error is EOFError:
        monkeypatch.setattr(location, "RealAws", lambda: DeniedAws(AssertionError("called")))
        assert destroying.main(["--stage", "dev"]) == 1


def test_invalid_settings_are_rejected_before_an_existing_stack_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = project.read()
    ciphertext = "kms:AAAA"
    project.environment(config, "dev").update(
        EXTENSION_ORIGIN="chrome-extension://a",
        COGNITO_CLIENT_SECRET=ciphertext,
        IDENTITY_HMAC_KEY=ciphertext,
        LEASE_SECONDS="1",
    )
    project.write(config, tmp_path / "config.json")

    class DeployedAws(FakeAws):
        def client(self, service: str) -> Any:
            return PermissiveKms() if service == "kms" else self

        def describe_stacks(self, **_: Any) -> Any:
            outputs = [{"OutputKey": name, "OutputValue": "a"} for name in ("UserPoolId", "UserPoolClientId")]
            return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Outputs": outputs}]}

        def get_paginator(self, _: str) -> Any:
            return EmptyService()

        def describe_user_pool_client(self, **_: Any) -> Any:
            return {"UserPoolClient": {"ClientSecret": "sk_test_" + "x" * 40}}

        def create_change_set(self, **_: Any) -> None:
            raise AssertionError("planned before the settings were checked")

    with pytest.raises(ShippingError, match="LEASE_SECONDS must be a whole number between") as caught:
        deploying.deploy(DeployedAws(), "dev", agree=lambda: True, config_file=tmp_path / "config.json", parameters={})
    assert "ASSEMBLYAI_API_KEY is missing" in str(caught.value)


def test_the_region_is_read_from_either_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ShippingError, match="AWS_REGION"):
        RealAws()

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert RealAws().region == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert RealAws().region == "eu-central-1"


@pytest.mark.parametrize("script", [deploying, destroying])
@pytest.mark.parametrize(("stage", "message"), [("", "Name the stage"), ("Dev", "must be a"), ("qa", "no stage 'qa'")])
def test_an_unknown_stage_is_rejected_before_aws_is_called(
    script: Any, stage: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (deploying, location):
        monkeypatch.setattr(module, "RealAws", lambda: pytest.fail("AWS was called"))

    assert script.main(["--stage", stage]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "dev, local, prod" in error
