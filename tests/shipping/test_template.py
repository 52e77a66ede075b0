"""The application stack's template: as reviewed, valid, least privilege, watched, and without a secret."""

import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from chalice.package import YAMLTemplateSerializer

from chalicelib.http import middleware
from chalicelib.http.responses import STATUS
from chalicelib.logs import log
from chalicelib.settings.validate import SECRETS
from scripts.shipping import project
from scripts.shipping.access import ROLE_OF, roles_and_logs
from scripts.shipping.alarms import ALARMS, NAMESPACE
from scripts.shipping.answers import CODES, gateway_responses
from scripts.shipping.project import ShippingError
from scripts.shipping.shipment import OWN_PARAMETERS, RESOURCES, Shipment, chosen_parameters, template_url
from scripts.shipping.template import API
from tests.shipping.alarm_rules import fed
from tests.shipping.conftest import STAGES

ROOT = Path(__file__).parents[2]
Whole = Callable[..., dict[str, Any]]
INTEGRATION = "x-amazon-apigateway-integration"
# What AWS takes no narrower resource for; none of it reads or writes anybody's data.
UNBOUNDED = {"dynamodb:ListStreams", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def reviewed(whole: dict[str, Any]) -> dict[str, Any]:
    """The template, with the routes in one line each: they are app.py's to show."""
    shown: dict[str, Any] = json.loads(json.dumps(whole))
    definition = shown["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    definition["paths"] = sorted(
        f"{method.upper()} {path}{' (token)' if 'security' in said else ''}"
        for path, methods in definition["paths"].items()
        for method, said in methods.items()
    )
    return shown


def statements(whole: dict[str, Any]) -> list[dict[str, Any]]:
    roles = [one for one in whole["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    policies = [policy for role in roles for policy in role["Properties"]["Policies"]]
    found = [said for policy in policies for said in policy["PolicyDocument"]["Statement"]]
    return [said["Fn::If"][1] if "Fn::If" in said else said for said in found]


def test_the_template_is_as_reviewed(whole_template: Whole, snapshot: Path) -> None:
    """`SNAPSHOT=1 make test ARGS=tests/shipping` writes it anew; read the difference before you commit it."""
    text = yaml.safe_dump(reviewed(whole_template("prod")), sort_keys=True, width=120)
    if os.environ.get("SNAPSHOT"):
        snapshot.write_text(text, encoding="utf-8")

    assert text == snapshot.read_text(encoding="utf-8")


@pytest.mark.parametrize("stage", [pytest.param("dev", marks=pytest.mark.soak), "prod"])
def test_the_templates_are_valid(whole_template: Whole, stage: str, tmp_path: Path) -> None:
    """In a run of seconds one stage: what differs between two is held by the test below."""
    written = tmp_path / f"{stage}.json"
    written.write_text(json.dumps(whole_template(stage)), encoding="utf-8")

    linted = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), str(written), str(ROOT / ".chalice" / "resources.yaml")],
        capture_output=True,
        text=True,
    )

    assert linted.stdout == ""
    assert linted.returncode == 0, linted.stderr


def test_stages_differ_by_what_config_json_says_and_by_their_names(whole_template: Whole) -> None:
    prod, dev = whole_template("prod"), whole_template("dev")
    settings = [one["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"] for one in (dev, prod)]

    assert [one["EMAIL_VERIFICATION"] for one in settings] == ["off", "on"]
    named = json.dumps(prod).replace("live-transcription-prod-", "live-transcription-dev-")
    for was, would_be in (("stage=prod", "stage=dev"), ('"STAGE": "prod"', '"STAGE": "dev"')):
        named = named.replace(was, would_be)
    named = named.replace('"EMAIL_VERIFICATION": "on"', '"EMAIL_VERIFICATION": "off"')
    assert named.replace('"STRIPE_MODE": "live"', '"STRIPE_MODE": "test"') == json.dumps(dev)


def test_one_setting_changed_changes_the_functions_settings_and_nothing_else(whole_template: Whole) -> None:
    before = whole_template("dev")
    after: dict[str, Any] = json.loads(json.dumps(whole_template("dev", ("LEASE_SECONDS", "900"))))

    for function in ROLE_OF:
        given = after["Resources"][function]["Properties"]["Environment"]["Variables"]
        assert given.pop("LEASE_SECONDS") == "900"
    assert after == before


def test_the_extensions_origin_reaches_routes_and_the_gateways_own_answers(whole_template: Whole) -> None:
    origin = "chrome-extension://ourextension"
    whole = whole_template("dev", ("EXTENSION_ORIGIN", origin))
    definition = whole["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    answers = definition["x-amazon-apigateway-gateway-responses"]

    assert "extension.invalid" not in json.dumps(whole)
    for said in answers.values():
        assert said["responseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"] == f"'{origin}'"
        assert "X-Request-Id" in said["responseParameters"]["gatewayresponse.header.Access-Control-Expose-Headers"]


# Who may do what


@pytest.mark.parametrize("stage", STAGES)
def test_no_data_is_reached_by_a_star(whole_template: Whole, stage: str) -> None:
    for said in statements(whole_template(stage)):
        actions, resources = said["Action"], said["Resource"]
        assert not [action for action in actions if action.endswith(":*") or action == "*"]
        if "*" in resources or resources == "*":
            assert set(actions) <= UNBOUNDED
        else:
            assert all(isinstance(resource, dict) for resource in resources), said


def test_nobody_may_delete_from_the_ledger(whole_template: Whole) -> None:
    for said in statements(whole_template("prod")):
        if "LedgerTableArn" in json.dumps(said["Resource"]):
            assert not {"dynamodb:DeleteItem", "dynamodb:BatchWriteItem"} & set(said["Action"])


def test_only_the_api_knows_people_and_only_who_needs_secrets_may_decrypt(whole_template: Whole) -> None:
    resources = whole_template("prod")["Resources"]
    may = {name: json.dumps(one) for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"}

    assert [name for name, said in may.items() if "cognito-idp:Admin" in said] == ["ApiRole", "WorkRole"]
    assert "AdminDeleteUser" in may["WorkRole"]
    assert may["WorkRole"].count("cognito-idp:") == 1
    assert "AdminDeleteUser" not in may["ApiRole"]
    assert sorted(name for name, said in may.items() if "kms:Decrypt" in said) == ["ApiRole", "TimersRole", "WorkRole"]
    assert "LedgerTableArn" not in may["CountRole"]
    assert all("kms:EncryptionContext:stage" in said for said in may.values() if "kms:Decrypt" in said)


def test_every_function_has_its_role_and_its_log_with_an_end(whole_template: Whole) -> None:
    resources = whole_template("prod")["Resources"]
    functions = {name for name, one in resources.items() if one["Type"] == "AWS::Serverless::Function"}

    assert functions == set(ROLE_OF)
    for name in functions:
        properties = resources[name]["Properties"]
        assert properties["Role"] == {"Fn::GetAtt": [f"{ROLE_OF[name]}Role", "Arn"]}
        assert properties["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Log"}}
        assert resources[f"{name}Log"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert "logs:CreateLogGroup" not in json.dumps(resources)  # It would come back after its stack, without an end.


def test_a_function_that_nobody_gave_a_role_is_refused() -> None:
    with pytest.raises(ShippingError, match="what Newcomer may do"):
        roles_and_logs(["APIHandler", "Newcomer"])


def test_only_the_worker_reads_the_ledger_from_end_to_end(whole_template: Whole) -> None:
    resources = whole_template("prod")["Resources"]
    roles = {name: json.dumps(one) for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"}

    assert [name for name, said in roles.items() if "dynamodb:Scan" in said] == ["WorkRole"]


# The gateway's own answers


def test_every_answer_of_the_gateway_is_one_of_the_contracts() -> None:
    said = gateway_responses({"Access-Control-Allow-Origin": "chrome-extension://a"})

    assert set(said) >= {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "THROTTLED", "MISSING_AUTHENTICATION_TOKEN"}
    for kind, one in said.items():
        body = json.loads(one["responseTemplates"]["application/json"])
        assert one["statusCode"] == str(STATUS[body["code"]]) == str(STATUS[CODES[kind]])
        assert body["request_id"] == "$context.requestId"
        assert body["message"]
        has_retry_after = "gatewayresponse.header.Retry-After" in one["responseParameters"]
        assert has_retry_after == (one["statusCode"] in ("429", "503"))


def test_over_the_fuse_it_is_503_as_webhooks_are_promised(whole_template: Whole) -> None:
    """The gateway has one answer for all routes; and AssemblyAI takes a 4xx for the end of its webhook's tries."""
    said = gateway_responses({})
    kinds = {one["Type"] for one in whole_template("prod")["Resources"].values()}

    assert {kind for kind, one in said.items() if one["statusCode"] == "429"} == {"QUOTA_EXCEEDED"}
    assert "AWS::ApiGateway::UsagePlan" not in kinds  # without which no quota is ever exceeded
    for kind in ("THROTTLED", "API_CONFIGURATION_ERROR", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "DEFAULT_5XX"):
        assert (said[kind]["statusCode"], CODES[kind]) == ("503", "unavailable")


def test_real_aws_reads_them_in_the_definition_and_the_emulator_as_resources(whole_template: Whole) -> None:
    resources = whole_template("prod")["Resources"]
    answers = resources["RestAPI"]["Properties"]["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    emulated = [one for one in resources.values() if one["Type"] == "AWS::ApiGateway::GatewayResponse"]

    assert {one["Properties"]["ResponseType"] for one in emulated} == set(answers) == set(CODES)
    assert {one["Condition"] for one in emulated} == {"OnThisMachine"}


# Stream, queue, throttling, caching


def test_the_stream_is_read_from_its_beginning_and_its_entries_alone(whole_template: Whole) -> None:
    event = whole_template("prod")["Resources"]["Count"]["Properties"]["Events"]["CountDynamodbEventSource"]
    said = event["Properties"]

    assert (said["StartingPosition"], said["BisectBatchOnFunctionError"], said["BatchSize"]) == (
        "TRIM_HORIZON", True, 100)  # fmt: skip
    (only,) = [json.loads(one["Pattern"]) for one in said["FilterCriteria"]["Filters"]]
    assert only["dynamodb"]["Keys"]["sk"]["S"] == [{"prefix": "ENTRY#"}]


def test_one_message_at_a_time_fails_for_itself(whole_template: Whole) -> None:
    event = whole_template("prod")["Resources"]["Work"]["Properties"]["Events"]["WorkSqsEventSource"]

    assert event["Properties"]["BatchSize"] == 1
    assert event["Properties"]["ScalingConfig"]["Fn::If"][2] == {"MaximumConcurrency": {"Ref": "JobsAtOnce"}}


def test_only_what_is_the_same_for_everybody_is_cached(whole_template: Whole) -> None:
    whole = whole_template("prod")
    api = whole["Resources"]["RestAPI"]["Properties"]
    cached = [one for one in api["MethodSettings"] if one["CachingEnabled"] is not False]

    assert {one["ResourcePath"] for one in cached} <= {"/~1credits~1packages", "/~1openapi.json"}
    assert "/~1credits~1packages" in {one["ResourcePath"] for one in cached}
    for one in cached:
        path = one["ResourcePath"].removeprefix("/").replace("~1", "/")
        assert "security" not in api["DefinitionBody"]["paths"][path]["get"]
    assert all("ThrottlingRateLimit" in one and one["DataTraceEnabled"] is False for one in api["MethodSettings"])
    assert api["EndpointConfiguration"] == {"Type": "REGIONAL"}


def test_whatever_changes_a_cached_answer_is_in_its_key(whole_template: Whole) -> None:
    """Else a page of elsewhere has everybody refused, and a browser that has the page has others given nothing."""
    paths = whole_template("prod")["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    text = inspect.getsource(middleware._check_origin) + inspect.getsource(middleware._spare)
    looked_at = set(re.findall(r'headers\.get\("([\w-]+)"', text)) - {"ETag"}
    assert {"origin", "if-none-match"} < looked_at

    for path in ("/credits/packages", "/openapi.json"):
        said = paths[path]["get"]
        keys = {key.removeprefix("method.request.header.") for key in said[INTEGRATION]["cacheKeyParameters"]}
        assert {key.lower() for key in keys} == looked_at
        # A key that the method does not declare is refused by AWS.
        assert {one["name"] for one in said["parameters"] if one["in"] == "header"} == keys
        assert said[INTEGRATION]["type"] == "aws_proxy"


def test_no_type_is_named_twice_as_binary(whole_template: Whole) -> None:
    definition = whole_template("prod")["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    types = definition["x-amazon-apigateway-binary-media-types"]

    assert len(types) == len(set(types))
    assert {"audio/wav", "audio/pcm"} <= set(types)


# What outlives its stack


def test_what_a_stack_leaves_behind_is_what_destroy_looks_for() -> None:
    """scripts/shipping/kept.py finds the first five; the others are the whole account's, and destroy names the role."""
    text = (ROOT / ".chalice" / "resources.yaml").read_text()
    resources = YAMLTemplateSerializer().load_template(text, "resources.yaml")["Resources"]

    left = {name for name, one in resources.items() if one.get("DeletionPolicy") == "Retain"}
    assert left == {"Ledger", "UserPool", "Packages", "SecretsKey", "SecretsKeyAlias"} | {
        "GatewayLogsRole",
        "GatewayAccount",
    }
    stateful = {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
    assert all("DeletionPolicy" in one for one in resources.values() if one["Type"] in stateful)


# Alarms


def section(text: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    (found,) = re.findall(rf"^## {heading}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(found)


def test_every_alarm_has_a_runbook_and_tells_somebody(whole_template: Whole) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    runbooks = re.findall(r"^### (\w+)$", section(text, "Alarms"), re.MULTILINE)
    resources = whole_template("prod")["Resources"]
    alarms = {name for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}

    assert sorted(runbooks) == sorted(ALARMS)  # and none for what does not ring
    assert f"{len(ALARMS)} alarms" in section(text, "Costs")
    assert alarms == {f"{name}Alarm" for name in ALARMS}
    assert all(resources[name]["Properties"]["AlarmActions"] == [{"Ref": "Alarms"}] for name in alarms)


def test_what_the_docs_say_rings_does_ring() -> None:
    text = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    named = set(re.findall(r"(?:alarm on|rings)\s+\**`(\w+)`", text))

    assert {"accounts_overdue", "AuditFindings", "PaymentAlarms", "DeadLetters"} <= named
    assert named <= {alarm.metric for alarm in ALARMS.values()} | set(ALARMS)


def test_every_metric_that_is_watched_is_one_that_the_code_writes() -> None:
    code = "".join(path.read_text() for path in [ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")])

    for alarm in ALARMS.values():
        if alarm.namespace == NAMESPACE:
            assert f'"{alarm.metric}"' in code, alarm.metric


def test_what_a_log_line_tells_is_what_the_alarms_look_at(
    whole_template: Whole, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name, namespace and dimensions: CloudWatch never says that an alarm looks at what nobody writes."""
    monkeypatch.setattr("chalicelib.settings.load.stage", lambda: "prod")
    resources = whole_template("prod")["Resources"]
    ours = [f"{name}Alarm" for name, alarm in ALARMS.items() if alarm.namespace == NAMESPACE]
    assert {"AwsErrorsAlarm", "SecretsAlarm", "AuditMismatchAlarm"} <= set(ours)

    for name in ours:
        log.line("something", metrics={resources[name]["Properties"]["MetricName"]: (3, "Count")})
        line = json.loads(capsys.readouterr().out)
        assert fed(line, resources[name], "prod") == 3
        assert fed(line, resources[name], "dev") == 0
        for changed in ({"MetricName": "Another"}, {"Namespace": "Another"}, {"Dimensions": []}):
            assert fed(line, {"Properties": resources[name]["Properties"] | changed}, "prod") == 0


# Settings and secrets


def test_neither_template_nor_configuration_holds_a_secret(whole_template: Whole) -> None:
    config = project.read()
    for stage in STAGES:
        settings = project.environment(config, stage)
        resources = whole_template(stage)["Resources"]
        functions = [resources[name] for name in ROLE_OF]
        given = [one["Properties"]["Environment"]["Variables"] for one in functions]
        for variables in [settings, *given]:
            plain = [name for name in SECRETS if not variables.get(name.upper(), "kms:").startswith("kms:")]
            assert plain == []
    text = json.dumps(config) + json.dumps(whole_template("prod"))
    assert not re.search(r"sk_(test|live)_|rk_live|whsec_|sk-[A-Za-z0-9]|AKIA[A-Z0-9]{16}|BEGIN [A-Z ]*PRIVATE", text)


def test_settings_longer_than_lambda_takes_are_refused_before_anything_is_deployed(whole_template: Whole) -> None:
    config = project.read()
    project.environment(config, "dev")["FREE_CREDITS_REFUSED_DOMAINS"] = "x" * 4_000
    shipment = Shipment(None, "dev", config)  # type: ignore[arg-type]

    class Packed:
        template = whole_template("dev")

    with pytest.raises(ShippingError, match="Lambda takes 4096"):
        shipment.whole_template(Packed())  # type: ignore[arg-type]


def test_six_secrets_and_all_usual_settings_fit_into_lambdas_environment(whole_template: Whole) -> None:
    whole = whole_template("prod")
    given = whole["Globals"]["Function"]["Environment"]["Variables"]
    given = given | whole["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    ciphertext = "kms:" + "x" * 320  # of 80 bytes
    addresses = {f"ADDRESS_OF_SOMETHING_{number}": "https://" + "x" * 60 for number in range(8)}

    assert project.environment_bytes(given | {name.upper(): ciphertext for name in SECRETS} | addresses) < 4096


def test_settings_are_measured_as_lambda_measures_them() -> None:
    """Its refusal shows the string that it measured: one JSON object."""
    assert project.environment_bytes({"A": "é", "B": {"Ref": "Build"}}) == len(b'{"A":"xx","B":""}') + 100


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("eu-central-1", "https://s3.eu-central-1.amazonaws.com/packages/of-a-hash.json"),
        ("us-east-1", "https://s3.amazonaws.com/packages/of-a-hash.json"),
    ],
)
def test_a_template_is_read_where_its_bucket_is_at_once(region: str, address: str) -> None:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    s3 = boto3.Session(region_name=region, **keys).client("s3")  # type: ignore[arg-type]

    assert template_url(s3, "packages", "of-a-hash.json") == address


def test_every_choice_is_documented_with_its_default() -> None:
    declared: dict[str, Any] = {}
    for file in (RESOURCES, API):
        declared |= YAMLTemplateSerializer().load_template(file.read_text(), file.name)["Parameters"]
    choices = {name: str(said["Default"]) for name, said in declared.items() if name not in OWN_PARAMETERS}
    table = (ROOT / "docs" / "settings.md").read_text().partition("\n## What the stacks take\n")[2]
    told: dict[str, str] = {}
    for names, defaults in re.findall(r"^\| (`.*?`) \| (.*?) \| ", table, re.MULTILINE):
        named, each = re.findall(r"`(\w+)`", names), defaults.replace("`", "").split(", ")
        told |= zip(named, each * len(named) if len(each) == 1 else each, strict=True)

    assert {name: default or "none" for name, default in choices.items()} == told


@pytest.mark.parametrize("chosen_one", ["EmailFrom", "EmailIdentity"])
def test_a_sender_without_what_ses_has_verified_is_refused(chosen_one: str) -> None:
    both = {"EmailFrom": "no-reply@example.com", "EmailIdentity": "example.com"}

    def said(parameters: dict[str, str]) -> list[str]:
        return Shipment(None, "dev", {}, parameters).contradictions()  # type: ignore[arg-type]

    assert said(both) == said({}) == said(dict.fromkeys(both, "")) == []
    assert "go together" in said({chosen_one: both[chosen_one]})[0]


@pytest.mark.parametrize("stage", ["local", *STAGES])
def test_every_choice_of_a_stage_is_a_parameter_of_a_template(stage: str) -> None:
    assert Shipment(None, stage, project.read(), chosen_parameters(stage)).unknown_parameters() == []  # type: ignore[arg-type]
    assert Shipment(None, stage, {}, {"LogRetentionDay": "1"}).unknown_parameters() == [  # type: ignore[arg-type]
        "LogRetentionDay"
    ]
