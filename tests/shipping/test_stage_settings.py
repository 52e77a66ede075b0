"""Settings, secrets and parameters of stages, as they are deployed."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from chalice.package import YAMLTemplateSerializer

from chalicelib.settings.schema import SECRETS
from scripts import secret as secrets_command
from scripts.shipping import package, project, shipment as shipments
from scripts.shipping.access import ROLE_OF
from scripts.shipping.project import ShippingError
from scripts.shipping.releases import Releases
from scripts.shipping.shipment import OWN_PARAMETERS, RESOURCES, Shipment, chosen_parameters
from scripts.shipping.target import lambda_target
from scripts.shipping.template import API
from tests.shipping.conftest import STAGES

ROOT = Path(__file__).parents[2]
WholeTemplate = Callable[..., dict[str, Any]]


def test_neither_template_nor_configuration_contains_a_secret(whole_template: WholeTemplate) -> None:
    config = project.read()
    for stage in STAGES:
        settings = project.environment(config, stage)
        resources = whole_template(stage)["Resources"]
        functions = [resources[name] for name in ROLE_OF]
        environments = [function["Properties"]["Environment"]["Variables"] for function in functions]
        for variables in [settings, *environments]:
            plain = [name for name in SECRETS if not variables.get(name.upper(), "kms:").startswith("kms:")]
            assert plain == []
    text = json.dumps(config) + json.dumps(whole_template("prod"))
    assert not re.search(r"sk_(test|live)_|rk_live|whsec_|sk-[A-Za-z0-9]|AKIA[A-Z0-9]{16}|BEGIN [A-Z ]*PRIVATE", text)


def test_settings_above_the_limit_of_lambda_are_rejected_before_a_deployment(tmp_path: Path) -> None:
    config = project.read()
    project.environment(config, "dev")["FREE_CREDITS_REFUSED_DOMAINS"] = "x" * 4_000
    shipment = Shipment(None, "dev", config)  # type: ignore[arg-type]

    class Packed:
        template = package.template_of(config, "dev", tmp_path, lambda_target(config, "dev"))

    with pytest.raises(ShippingError, match="more than 4,096, the limit of Lambda"):
        shipment.whole_template(Packed())  # type: ignore[arg-type]


def test_six_secrets_and_all_usual_settings_fit_the_limit_of_lambda(whole_template: WholeTemplate) -> None:
    whole = whole_template("prod")
    variables = whole["Globals"]["Function"]["Environment"]["Variables"]
    variables = variables | whole["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    ciphertext = "kms:" + "x" * 320  # of 80 bytes
    addresses = {f"ADDRESS_OF_SOMETHING_{number}": "https://" + "x" * 60 for number in range(8)}

    assert project.environment_bytes(variables | {name.upper(): ciphertext for name in SECRETS} | addresses) < 4096


def test_settings_are_measured_as_by_lambda() -> None:
    """The error of Lambda shows the string that it measured: one JSON object."""
    assert project.environment_bytes({"A": "é", "B": {"Ref": "Build"}}) == len(b'{"A":"xx","B":""}') + 100


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("eu-central-1", "https://s3.eu-central-1.amazonaws.com/packages/of-a-hash.json"),
        ("us-east-1", "https://s3.amazonaws.com/packages/of-a-hash.json"),
    ],
)
def test_the_template_address_works_for_a_new_bucket(region: str, address: str) -> None:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    s3 = boto3.Session(region_name=region, **keys).client("s3")  # type: ignore[arg-type]

    assert Releases(s3, "packages").template_url("of-a-hash.json") == address


def test_every_parameter_is_documented_with_its_default() -> None:
    declared: dict[str, Any] = {}
    for file in (RESOURCES, API):
        declared |= YAMLTemplateSerializer().load_template(file.read_text(), file.name)["Parameters"]
    defaults = {name: str(details["Default"]) for name, details in declared.items() if name not in OWN_PARAMETERS}
    table = (ROOT / "docs" / "settings.md").read_text().partition("\n## What the stacks take\n")[2]
    documented: dict[str, str] = {}
    for names, values in re.findall(r"^\| (`.*?`) \| (.*?) \| ", table, re.MULTILINE):
        named, each = re.findall(r"`(\w+)`", names), values.replace("`", "").split(", ")
        documented |= zip(named, each * len(named) if len(each) == 1 else each, strict=True)

    assert {name: default or "none" for name, default in defaults.items()} == documented


def contradictions(parameters: dict[str, str]) -> list[str]:
    return Shipment(None, "dev", {}, parameters).contradictions()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"DomainName": "api.example.com"}, "set both DomainName and CertificateArn, or neither"),
        ({"CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/one"}, "set both DomainName and"),
        ({"HostedZoneId": "Z123"}, "HostedZoneId needs DomainName"),
        ({"ExecuteApiAddress": "off"}, "ExecuteApiAddress can be off only with DomainName"),
        ({"MonthlyBudgetDollars": "50"}, "MonthlyBudgetDollars needs AlarmEmail"),
    ],
)
def test_a_parameter_without_the_one_it_needs_is_rejected(parameters: dict[str, str], problem: str) -> None:
    whole = {
        "DomainName": "api.example.com",
        "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/one",
        "HostedZoneId": "Z123",
        "ExecuteApiAddress": "off",
        "MonthlyBudgetDollars": "50",
        "AlarmEmail": "owner@example.com",
    }
    off = {
        "DomainName": "",
        "CertificateArn": "",
        "HostedZoneId": "",
        "ExecuteApiAddress": "on",
        "MonthlyBudgetDollars": "0",
    }

    assert contradictions(whole) == contradictions(off) == []
    assert [found for found in contradictions(parameters) if found.startswith(problem)]


@pytest.mark.parametrize("name", ["EmailFrom", "EmailIdentity"])
def test_a_sender_without_its_verified_identity_is_rejected(name: str) -> None:
    both = {"EmailFrom": "no-reply@example.com", "EmailIdentity": "example.com"}

    assert contradictions(both) == contradictions({}) == contradictions(dict.fromkeys(both, "")) == []
    assert "set both EmailFrom" in contradictions({name: both[name]})[0]


@pytest.mark.parametrize("stage", ["local", *STAGES])
def test_every_parameter_of_a_stage_is_declared_by_a_template(stage: str) -> None:
    assert Shipment(None, stage, project.read(), chosen_parameters(stage)).unknown_parameters() == []  # type: ignore[arg-type]
    assert Shipment(None, stage, {}, {"LogRetentionDay": "1"}).unknown_parameters() == [  # type: ignore[arg-type]
        "LogRetentionDay"
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        ('{"stages": {,}}', "Expecting property name"),
        ("[]", "is not a JSON object"),
        ("{}", "There is no stage 'dev'"),
        ('{"stages": {"dev": {"environment_variables": {"LEASE_SECONDS": 300}}}}', "put the values of LEASE_SECONDS"),
    ],
)
def test_a_damaged_configuration_is_refused_in_a_sentence(
    content: str | None, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.json"
    if content is not None:
        file.write_text(content)

    assert secrets_command.main(["check", "--stage", "dev"], None, file) == 1
    error = capsys.readouterr().err
    assert problem in error
    assert ".chalice/config.json" in error


def test_a_parameter_that_is_not_a_text_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipments, "STAGES", tmp_path / "stages.json")
    (tmp_path / "stages.json").write_text('{"dev": {"JobsAtOnce": 3, "Tracing": "Active"}}')

    with pytest.raises(ShippingError, match=r"stages\.json: put the values of JobsAtOnce of dev in quotes"):
        chosen_parameters("dev")
