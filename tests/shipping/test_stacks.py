"""Stacks and scripts as AWS answers them where the AWS of one machine does not: slowly, with refusals, half made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from scripts import deploy as deploying, destroy as destroying, replay as replaying, restore as restoring
from scripts.shipping import cloudformation, project
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import RealAws, ShippingError
from scripts.shipping.sealing import Sealer

MINUTES_20 = 1_200


class Slow:
    """CloudFormation whose stack is made after so many seconds of the caller's pauses."""

    def __init__(self, takes_seconds: float):
        self.left, self.looks = takes_seconds, 0

    def pause(self, seconds: float) -> None:
        self.left -= seconds

    def describe_stacks(self, **_: Any) -> Any:
        self.looks += 1
        return {"Stacks": [{"StackStatus": "DELETE_IN_PROGRESS" if self.left > 0 else "DELETE_COMPLETE"}]}

    def delete_stack(self, **_: Any) -> None:
        pass


@pytest.mark.parametrize(("seconds", "most_looks"), [(MINUTES_20, MINUTES_20 / 5 + 30), (1, 6)])
def test_a_stack_that_takes_long_is_looked_at_seldom(seconds: float, most_looks: float) -> None:
    slow = Slow(seconds)

    Stack(slow, "one", slow.pause).delete()

    assert slow.looks <= most_looks
    assert slow.left > -6  # and its end is not missed for long


@pytest.mark.parametrize(("replacement", "is_shown"), [("True", True), ("Conditional", False), ("False", False)])
def test_what_would_be_made_anew_is_shown_even_if_it_only_follows(replacement: str, is_shown: bool) -> None:
    target = {"Attribute": "Properties", "Name": "UserPoolId", "RequiresRecreation": "Always"}
    said = {
        "Action": "Modify",
        "LogicalResourceId": "UserPoolClient",
        "ResourceType": "AWS::Cognito::UserPoolClient",
        "Replacement": replacement,
        "Details": [{"ChangeSource": "ResourceReference", "Target": target}],
    }

    change = cloudformation._change(said)

    assert change.follows is not is_shown
    assert ("REPLACED" in str(change)) is is_shown


class Refusing:
    """An account that may be asked who it is, and nothing else."""

    region = "eu-central-1"

    def __init__(self, error: Exception):
        self._error = error

    def account(self) -> str:
        return "000000000000"

    def client(self, service: str) -> Any:
        raise self._error


REFUSED = [
    ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeStacks"),
    NoCredentialsError(),
]
Script = Callable[[], int]


@pytest.mark.parametrize("error", REFUSED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("script", ["deploy", "destroy", "replay", "restore"])
def test_what_aws_refuses_is_said_in_a_line(
    script: str, error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws: Any = Refusing(error)
    monkeypatch.setattr("builtins.input", lambda _: "dev")
    config = project.read()
    project.environment(config, "dev")["EXTENSION_ORIGIN"] = "chrome-extension://a"
    monkeypatch.setattr(project, "read", lambda *_: config)
    for module in (deploying, destroying):
        monkeypatch.setattr(module, "RealAws", lambda: aws)
    scripts: dict[str, Script] = {
        "deploy": lambda: deploying.main(["--stage", "dev"]),
        "destroy": lambda: destroying.main(["--stage", "dev"]),
        "replay": lambda: replaying.main(["--stage", "dev"], aws),
        "restore": lambda: restoring.main(["--stage", "dev"], aws),
    }

    assert scripts[script]() == 1
    assert str(error) in capsys.readouterr().err


class HalfMade:
    """An account whose resource stack failed when it was first made: it has a state, and nothing in it."""

    def __init__(self) -> None:
        self.there, self.deleted = {"live-transcription-dev-resources"}, []  # type: ignore[var-annotated]

    def client(self, service: str) -> Any:
        return self if service == "cloudformation" else Nothing()

    def describe_stacks(self, StackName: str) -> Any:
        if StackName not in self.there:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE"}]}

    def delete_stack(self, StackName: str) -> None:
        self.there.remove(StackName)
        self.deleted.append(StackName)


class Nothing:
    """Any service, with nothing in it."""

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> list[Any]:
        return []

    def get_caller_identity(self) -> Any:
        return {"Account": "000000000000"}

    def __getattr__(self, name: str) -> Any:
        def absent(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, name)

        return absent


def test_a_stack_whose_making_failed_is_destroyed_too(capsys: pytest.CaptureFixture[str]) -> None:
    aws: Any = HalfMade()

    destroying.destroy(aws, "dev")

    assert aws.deleted == ["live-transcription-dev-resources"]
    assert "KEPT" not in capsys.readouterr().out


class Sealed:
    """KMS that opens everything."""

    def decrypt(self, **_: Any) -> Any:
        return {"Plaintext": b"sk_test_" + b"x" * 40}


def test_a_name_that_is_no_setting_is_refused_with_all_else_that_is_wrong() -> None:
    settings = {"EXTENSION_ORIGIN": "chrome-extension://a", "LEASE_SECOND": "900", "FREE_CREDITS": "many"}
    settings |= {"LEDGER_STREAM_ARN": "arn", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/one"}  # of plain chalice, and of Lambda

    with pytest.raises(ShippingError) as refused:
        deploying._check(Sealer(Sealed(), "dev"), settings, "dev")

    said = str(refused.value)
    assert [line for line in said.splitlines() if "no setting" in line] == ["  ✗ LEASE_SECOND is no setting"]
    assert "FREE_CREDITS must be a whole number" in said
    assert "STAGE is" not in said
    assert said.count("ASSEMBLYAI_API_KEY is missing") == 1


def test_a_stage_that_was_copied_must_bear_its_own_name() -> None:
    """Else its secrets are bound to one name and opened by another; and `local` may have plain ones."""
    settings = {"EXTENSION_ORIGIN": "chrome-extension://a", "STAGE": "local", "STRIPE_API_KEY": "sk_test_plain"}

    with pytest.raises(ShippingError) as refused:
        deploying._check(Sealer(Sealed(), "staging"), settings | {"AWS_DEFAULT_REGION": "eu-central-1"}, "staging")

    assert "STAGE is local, though the stage is staging" in str(refused.value)
    assert "STRIPE_API_KEY is plain text" in str(refused.value)
    assert "AWS_DEFAULT_REGION is set by Lambda" in str(refused.value)


@pytest.mark.parametrize("gone", [EOFError, KeyboardInterrupt])
def test_whoever_does_not_answer_has_not_agreed(gone: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_: str) -> str:
        raise gone

    monkeypatch.setattr("builtins.input", answer)

    assert deploying._agreed() is False
    if gone is EOFError:
        monkeypatch.setattr(destroying, "RealAws", lambda: Refusing(AssertionError("asked")))
        assert destroying.main(["--stage", "dev"]) == 1


def test_settings_are_refused_before_a_stack_that_is_there_is_changed(
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

    class There:
        def client(self, service: str) -> Any:
            return Sealed() if service == "kms" else self

        def describe_stacks(self, **_: Any) -> Any:
            return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Outputs": [{"OutputKey": "A", "OutputValue": "a"}]}]}

        def create_change_set(self, **_: Any) -> None:
            raise AssertionError("planned before the settings were looked at")

    with pytest.raises(ShippingError, match="LEASE_SECONDS must be a whole number between") as refused:
        deploying.deploy(There(), "dev", agree=lambda: True, config_file=tmp_path / "config.json", parameters={})
    assert "ASSEMBLYAI_API_KEY is missing" in str(refused.value)


def test_the_region_is_that_of_either_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
@pytest.mark.parametrize(("stage", "why"), [("", "must be a"), ("Dev", "must be a"), ("qa", "no stage 'qa'")])
def test_a_stage_that_is_none_is_told_before_anybody_is_asked(
    script: Any, stage: str, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "RealAws", lambda: pytest.fail("AWS was asked"))

    assert script.main(["--stage", stage]) == 1
    assert why in capsys.readouterr().err
