"""The application stack as CloudFormation receives it: after AWS's own translator has read the template."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.shipping.conftest import STAGES

WholeTemplate = Callable[..., dict[str, Any]]
Resources = dict[str, dict[str, Any]]


def translate(template: dict[str, Any]) -> Resources:
    """The resources that AWS makes of a template."""
    translated: dict[str, Any] = Translator({}, Parser()).translate(copy.deepcopy(template), {})
    return dict(translated["Resources"])


def of_type(resources: Resources, kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def stage_names(resources: Resources) -> list[str]:
    """The stages of the gateway: a deployment that names one makes it too."""
    stages = [stage["StageName"] for stage in of_type(resources, "AWS::ApiGateway::Stage")]
    deployments = of_type(resources, "AWS::ApiGateway::Deployment")
    return stages + [deployment["StageName"] for deployment in deployments if "StageName" in deployment]


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    """The translator asks boto3 for the partition of a region."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.mark.parametrize("stage", STAGES)
def test_the_gateway_has_one_stage_and_one_deployment(whole_template: WholeTemplate, stage: str) -> None:
    resources = translate(whole_template(stage))

    assert stage_names(resources) == ["api"]
    assert len(of_type(resources, "AWS::ApiGateway::Deployment")) == 1


def test_without_a_version_of_openapi_there_would_be_a_second_stage(whole_template: WholeTemplate) -> None:
    template = copy.deepcopy(whole_template("dev"))
    del template["Resources"]["RestAPI"]["Properties"]["OpenApiVersion"]

    assert sorted(stage_names(translate(template))) == ["Stage", "api"]


@pytest.mark.parametrize("stage", STAGES)
def test_the_stage_limits_logs_and_traces_every_route(whole_template: WholeTemplate, stage: str) -> None:
    (properties,) = of_type(translate(whole_template(stage)), "AWS::ApiGateway::Stage")

    every_route = next(settings for settings in properties["MethodSettings"] if settings["ResourcePath"] == "/*")
    assert every_route["HttpMethod"] == "*"
    assert every_route["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
    assert every_route["ThrottlingBurstLimit"] == {"Ref": "RequestsAtOnce"}
    assert all(settings["ThrottlingRateLimit"] for settings in properties["MethodSettings"])
    assert properties["AccessLogSetting"]["DestinationArn"] == {"Fn::GetAtt": ["AccessLog", "Arn"]}
    assert "TracingEnabled" in properties


@pytest.mark.parametrize("stage", STAGES)
def test_no_name_of_another_stage_is_in_the_result(whole_template: WholeTemplate, stage: str) -> None:
    written = str(translate(whole_template(stage)))

    assert set(re.findall(r"live-transcription-(dev|prod|local)\b", written)) <= {stage}


@pytest.mark.parametrize("stage", STAGES)
def test_whatever_invokes_a_function_invokes_its_alias(whole_template: WholeTemplate, stage: str) -> None:
    resources = translate(whole_template(stage))

    functions = {name for name, resource in resources.items() if resource["Type"] == "AWS::Lambda::Function"}
    aliases = {alias["FunctionName"]["Ref"]: alias["Name"] for alias in of_type(resources, "AWS::Lambda::Alias")}
    assert aliases == dict.fromkeys(functions, "live")
    invoked = [
        *(permission["FunctionName"] for permission in of_type(resources, "AWS::Lambda::Permission")),
        *(source["FunctionName"] for source in of_type(resources, "AWS::Lambda::EventSourceMapping")),
        *(target["Arn"] for rule in of_type(resources, "AWS::Events::Rule") for target in rule["Targets"]),
    ]
    assert len(invoked) >= len(functions)
    assert {target["Ref"] for target in invoked} == {f"{name}Aliaslive" for name in functions}
    paths = resources["RestAPI"]["Properties"]["Body"]["paths"]
    integrations = [details["x-amazon-apigateway-integration"] for path in paths.values() for details in path.values()]
    uris = [integration["uri"]["Fn::Sub"] for integration in integrations if "uri" in integration]
    assert len(uris) > 40
    for uri, names in uris:
        assert "/functions/${Alias}/invocations" in uri
        assert names == {"Alias": {"Ref": "APIHandlerAliaslive"}}
