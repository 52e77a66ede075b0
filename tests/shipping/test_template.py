"""The template of the application stack: as reviewed, valid, with the routes, errors and events of the app."""

import inspect
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import airspeed
import pytest
import yaml
from chalice.package import YAMLTemplateSerializer

from chalicelib.http import middleware
from chalicelib.http.responses import STATUS
from scripts.shipping.access import ROLE_OF
from scripts.shipping.answers import CODES, gateway_responses

ROOT = Path(__file__).parents[2]
WholeTemplate = Callable[..., dict[str, Any]]
INTEGRATION = "x-amazon-apigateway-integration"


def shorten_routes(template: dict[str, Any]) -> dict[str, Any]:
    """The template with one line for each route, whose details are reviewed in app.py."""
    shortened: dict[str, Any] = json.loads(json.dumps(template))
    definition = shortened["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    definition["paths"] = sorted(
        f"{method.upper()} {path}{' (token)' if 'security' in details else ''}"
        for path, methods in definition["paths"].items()
        for method, details in methods.items()
    )
    return shortened


def test_the_template_is_as_reviewed(whole_template: WholeTemplate, snapshot: Path) -> None:
    """`SNAPSHOT=1 make test ARGS=tests/shipping` writes the snapshot; review the difference before you commit it."""
    text = yaml.safe_dump(shorten_routes(whole_template("prod")), sort_keys=True, width=120)
    if os.environ.get("SNAPSHOT"):
        snapshot.write_text(text, encoding="utf-8")

    assert text == snapshot.read_text(encoding="utf-8")


def test_stages_differ_only_by_their_settings_and_names(whole_template: WholeTemplate) -> None:
    prod, dev = whole_template("prod"), whole_template("dev")
    settings = [whole["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"] for whole in (dev, prod)]

    assert [variables["EMAIL_VERIFICATION"] for variables in settings] == ["off", "on"]
    renamed = json.dumps(prod).replace("live-transcription-prod-", "live-transcription-dev-")
    for old, new in (("stage=prod", "stage=dev"), ('"STAGE": "prod"', '"STAGE": "dev"')):
        renamed = renamed.replace(old, new)
    renamed = renamed.replace('"EMAIL_VERIFICATION": "on"', '"EMAIL_VERIFICATION": "off"')
    assert renamed.replace('"STRIPE_MODE": "live"', '"STRIPE_MODE": "test"') == json.dumps(dev)


def test_a_changed_setting_changes_the_environment_of_functions_only(whole_template: WholeTemplate) -> None:
    before = whole_template("dev")
    after: dict[str, Any] = json.loads(json.dumps(whole_template("dev", ("LEASE_SECONDS", "900"))))

    for function in ROLE_OF:
        variables = after["Resources"][function]["Properties"]["Environment"]["Variables"]
        assert variables.pop("LEASE_SECONDS") == "900"
    assert after == before


STORE, EDGE, PAGE = "chrome-extension://ourextension", "chrome-extension://onedge", "https://owner.example:8443"


class Gateway:
    """The parts of `$input` and `$context` that a preflight's template uses, as API Gateway has them."""

    def __init__(self, headers: dict[str, str]):
        self.headers, self.header = headers, dict[str, str]()

    def params(self, name: str) -> str:
        return self.headers.get(name, "")  # header names are case-sensitive here

    def answer(self, template: str) -> tuple[str, dict[str, str]]:
        """Body and overridden headers. The headers of `$context.responseOverride` are named like attributes."""
        context = {"responseOverride": {"header": self.header}}
        # The name of a header has dashes, which this engine reads as minus in a path of `#set`.
        runnable = template.replace("header.Access-Control-Allow-Origin =", "header.AllowOrigin =")
        body = airspeed.Template(runnable).merge({"input": self, "context": context})
        return body, self.header


@pytest.mark.parametrize("name", ["Origin", "origin"])
@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        (STORE, True),
        (EDGE, True),
        (PAGE, True),
        ("https://owner.example", False),
        ("https://owner.example:8443.evil.example", False),
        (STORE.upper(), False),
        ("chrome-extension://our", False),
        ("null", False),
        ("*", False),
        ('" || true', False),
        ("$origin", False),
    ],
)
def test_the_gateway_answers_a_preflight_of_each_allowed_origin_by_its_name(
    whole_template: WholeTemplate, name: str, origin: str, is_allowed: bool
) -> None:
    whole = whole_template("dev", ("EXTENSION_ORIGIN", f"{STORE}, {EDGE}"), ("OWN_ORIGINS", PAGE))
    response = preflight_response(whole, "/transcription/stream")

    body, headers = Gateway({name: origin}).answer(response["responseTemplates"]["application/json"])

    assert headers == ({"AllowOrigin": origin} if is_allowed else {})
    assert body == ""


def test_a_preflight_without_an_origin_gets_the_first_one(whole_template: WholeTemplate) -> None:
    whole = whole_template("dev", ("EXTENSION_ORIGIN", f"{STORE}, {EDGE}"), ("OWN_ORIGINS", PAGE))
    paths = whole["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    with_preflight = [path for path, methods in paths.items() if "options" in methods]

    assert len(with_preflight) > 30
    for path in with_preflight:
        response = preflight_response(whole, path)
        assert Gateway({}).answer(response["responseTemplates"]["application/json"]) == ("", {})
        headers = response["responseParameters"]
        assert headers["method.response.header.Access-Control-Allow-Origin"] == f"'{STORE}'"
        assert headers["method.response.header.Vary"] == "'Origin'"
        declared = paths[path]["options"]["responses"]["200"]["headers"]
        assert declared.keys() == {header.removeprefix("method.response.header.") for header in headers}


def preflight_response(template: dict[str, Any], path: str) -> dict[str, Any]:
    paths = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    response: dict[str, Any] = paths[path]["options"][INTEGRATION]["responses"]["default"]
    return response


def test_the_extension_origin_is_in_routes_and_the_caller_in_gateway_errors(whole_template: WholeTemplate) -> None:
    whole = whole_template("dev", ("EXTENSION_ORIGIN", STORE))
    definition = whole["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    responses = definition["x-amazon-apigateway-gateway-responses"]

    assert "extension.invalid" not in json.dumps(whole)
    for response in responses.values():
        parameters = response["responseParameters"]
        assert parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == "method.request.header.Origin"
        assert parameters["gatewayresponse.header.Vary"] == "'Origin'"
        assert "X-Request-Id" in response["responseParameters"]["gatewayresponse.header.Access-Control-Expose-Headers"]


def test_every_function_runs_on_python_3_13_and_arm64_whatever_packages(whole_template: WholeTemplate) -> None:
    for stage in ("dev", "prod"):
        functions = [whole_template(stage)["Resources"][name]["Properties"] for name in ROLE_OF]
        assert {(item["Runtime"], *item["Architectures"]) for item in functions} == {("python3.13", "arm64")}


# Errors of the gateway


def test_every_error_of_the_gateway_is_in_the_contract() -> None:
    responses = gateway_responses({})

    assert set(responses) >= {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "THROTTLED", "MISSING_AUTHENTICATION_TOKEN"}
    for kind, response in responses.items():
        body = json.loads(response["responseTemplates"]["application/json"])
        assert response["statusCode"] == str(STATUS[body["code"]]) == str(STATUS[CODES[kind]])
        assert body["request_id"] == "$context.requestId"
        assert body["message"]
        has_retry_after = "gatewayresponse.header.Retry-After" in response["responseParameters"]
        assert has_retry_after == (response["statusCode"] in ("429", "503"))


def test_throttling_by_the_gateway_is_503_as_webhooks_need(whole_template: WholeTemplate) -> None:
    """The gateway has one response for all routes, and AssemblyAI stops retrying a webhook after a 4xx."""
    responses = gateway_responses({})
    types = {resource["Type"] for resource in whole_template("prod")["Resources"].values()}

    assert {kind for kind, response in responses.items() if response["statusCode"] == "429"} == {"QUOTA_EXCEEDED"}
    assert "AWS::ApiGateway::UsagePlan" not in types  # without which no quota is exceeded
    for kind in ("THROTTLED", "API_CONFIGURATION_ERROR", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "DEFAULT_5XX"):
        assert (responses[kind]["statusCode"], CODES[kind]) == ("503", "unavailable")


def test_gateway_errors_are_in_the_definition_and_resources_of_the_emulator(whole_template: WholeTemplate) -> None:
    resources = whole_template("prod")["Resources"]
    responses = resources["RestAPI"]["Properties"]["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    emulated = [item for item in resources.values() if item["Type"] == "AWS::ApiGateway::GatewayResponse"]

    assert {item["Properties"]["ResponseType"] for item in emulated} == set(responses) == set(CODES)
    assert {item["Condition"] for item in emulated} == {"OnThisMachine"}


# Stream, queue, throttling, caching


def test_the_stream_is_read_from_its_start_and_filtered_for_entries(whole_template: WholeTemplate) -> None:
    event = whole_template("prod")["Resources"]["Count"]["Properties"]["Events"]["CountDynamodbEventSource"]
    properties = event["Properties"]

    assert (properties["StartingPosition"], properties["BisectBatchOnFunctionError"], properties["BatchSize"]) == (
        "TRIM_HORIZON", True, 100)  # fmt: skip
    (pattern,) = [json.loads(item["Pattern"]) for item in properties["FilterCriteria"]["Filters"]]
    assert pattern["dynamodb"]["Keys"]["sk"]["S"] == [{"prefix": "ENTRY#"}]


def test_each_message_is_processed_and_fails_alone(whole_template: WholeTemplate) -> None:
    event = whole_template("prod")["Resources"]["Work"]["Properties"]["Events"]["WorkSqsEventSource"]

    assert event["Properties"]["BatchSize"] == 1
    assert event["Properties"]["ScalingConfig"]["Fn::If"][2] == {"MaximumConcurrency": {"Ref": "JobsAtOnce"}}


def test_only_responses_that_are_the_same_for_all_callers_are_cached(whole_template: WholeTemplate) -> None:
    whole = whole_template("prod")
    api = whole["Resources"]["RestAPI"]["Properties"]
    cached = [method for method in api["MethodSettings"] if method["CachingEnabled"] is not False]

    assert {method["ResourcePath"] for method in cached} <= {"/~1credits~1packages", "/~1openapi.json"}
    assert "/~1credits~1packages" in {method["ResourcePath"] for method in cached}
    for method in cached:
        path = method["ResourcePath"].removeprefix("/").replace("~1", "/")
        assert "security" not in api["DefinitionBody"]["paths"][path]["get"]
    assert all(
        "ThrottlingRateLimit" in method and method["DataTraceEnabled"] is False for method in api["MethodSettings"]
    )
    assert api["EndpointConfiguration"] == {"Type": "REGIONAL"}


def test_every_header_that_changes_a_cached_response_is_in_its_key(whole_template: WholeTemplate) -> None:
    """Otherwise a request from a foreign origin, or one with an ETag, would change the response for other callers."""
    paths = whole_template("prod")["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    text = inspect.getsource(middleware._check_origin) + inspect.getsource(middleware._answer_not_modified)
    read_headers = set(re.findall(r'headers\.get\("([\w-]+)"', text)) - {"ETag"}
    assert {"origin", "if-none-match"} < read_headers

    for path in ("/credits/packages", "/openapi.json"):
        method = paths[path]["get"]
        keys = {key.removeprefix("method.request.header.") for key in method[INTEGRATION]["cacheKeyParameters"]}
        assert {key.lower() for key in keys} == read_headers
        # AWS rejects a key that the method does not declare.
        assert {item["name"] for item in method["parameters"] if item["in"] == "header"} == keys
        assert method[INTEGRATION]["type"] == "aws_proxy"


def test_no_binary_media_type_is_listed_twice(whole_template: WholeTemplate) -> None:
    definition = whole_template("prod")["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    types = definition["x-amazon-apigateway-binary-media-types"]

    assert len(types) == len(set(types))
    assert {"audio/wav", "audio/pcm"} <= set(types)


# Retained resources


def test_destroy_knows_every_retained_resource() -> None:
    """scripts/shipping/retained.py finds the first five; the others belong to the whole account."""
    text = (ROOT / ".chalice" / "resources.yaml").read_text()
    resources = YAMLTemplateSerializer().load_template(text, "resources.yaml")["Resources"]

    retained = {name for name, resource in resources.items() if resource.get("DeletionPolicy") == "Retain"}
    assert retained == {"Ledger", "UserPool", "Packages", "SecretsKey", "SecretsKeyAlias"} | {
        "GatewayLogsRole",
        "GatewayAccount",
    }
    stateful = {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
    assert all("DeletionPolicy" in resource for resource in resources.values() if resource["Type"] in stateful)
