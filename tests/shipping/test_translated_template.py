"""The application stack as CloudFormation receives it: after AWS's own translator has read the template."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from scripts.rollback import AT_ONCE
from scripts.shipping.access import ROLE_OF
from scripts.shipping.shipment import chosen_parameters
from tests.shipping.conftest import STAGES

WholeTemplate = Callable[..., dict[str, Any]]
Resources = dict[str, dict[str, Any]]


def translate(template: dict[str, Any], parameters: dict[str, str] | None = None) -> Resources:
    """The resources that AWS makes of a template with these parameters.

    The translator is loaded when it is used: each process of a run collects these tests, though one runs them.
    """
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    translated: dict[str, Any] = Translator({}, Parser()).translate(copy.deepcopy(template), dict(parameters or {}))
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


# Releases


def version_names(resources: Resources) -> set[str]:
    return {name for name, resource in resources.items() if resource["Type"] == "AWS::Lambda::Version"}


def test_each_build_is_a_new_version_of_every_function(whole_template: WholeTemplate) -> None:
    template, build = whole_template("prod"), {"PackageKey": "a.zip", "Build": "a"}
    versions = version_names(translate(template, build))

    assert len(versions) == len(ROLE_OF)
    assert versions.isdisjoint(version_names(translate(template, build | {"PackageKey": "b.zip"})))
    assert versions == version_names(translate(template, build | {"LogRetentionDays": "7", "CanaryDeployment": "true"}))


def test_an_older_version_is_deleted_after_the_next_one_runs(whole_template: WholeTemplate) -> None:
    resources = translate(whole_template("prod"))

    assert {resources[name]["DeletionPolicy"] for name in version_names(resources)} == {"Delete"}


def test_a_release_of_prod_that_fails_goes_back_by_itself(whole_template: WholeTemplate) -> None:
    """Five planted responses with 5xx of the tenth of the requests that reach the new version within five minutes."""
    resources = translate(whole_template("prod"), chosen_parameters("prod"))

    policy = resources["APIHandlerAliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    group = resources[policy["DeploymentGroupName"]["Ref"]]["Properties"]
    assert group["ApplicationName"] == policy["ApplicationName"]
    assert resources[policy["ApplicationName"]["Ref"]]["Properties"] == {"ComputePlatform": "Lambda"}
    assert group["DeploymentConfigName"]["Fn::Sub"] == [
        "CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": "Canary10Percent5Minutes"}]  # fmt: skip
    assert group["DeploymentStyle"]["DeploymentOption"] == "WITH_TRAFFIC_CONTROL"
    assert group["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
    }
    alarms = {alarm["Name"]["Ref"]: resources[alarm["Name"]["Ref"]]["Properties"] for alarm in watched_alarms(group)}
    gateway_fails = alarms["ServerErrorsAlarm"]
    assert (gateway_fails["Namespace"], gateway_fails["MetricName"]) == ("AWS/ApiGateway", "5XXError")
    assert (gateway_fails["Statistic"], gateway_fails["Threshold"], gateway_fails["Period"]) == ("Sum", 5, 300)
    (role,) = [resource for name, resource in resources.items() if name == group["ServiceRoleArn"]["Fn::GetAtt"][0]]
    (principal,) = [item["Principal"] for item in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]]
    assert principal == {"Service": ["codedeploy.amazonaws.com"]}


def watched_alarms(group: dict[str, Any]) -> list[dict[str, Any]]:
    configuration = group["AlarmConfiguration"]
    assert configuration["Enabled"] is True
    return list(configuration["Alarms"])


def test_the_alarms_of_a_release_show_within_the_canary_what_it_broke(whole_template: WholeTemplate) -> None:
    resources = translate(whole_template("prod"), chosen_parameters("prod"))
    alarms = [alarm["Name"]["Ref"] for alarm in watched_alarms(resources["APIHandlerDeploymentGroup"]["Properties"])]

    assert len(alarms) <= 10  # CodeDeploy takes no more
    canary_seconds = 300
    for properties in [resources[name]["Properties"] for name in alarms]:
        assert properties["Period"] * properties["EvaluationPeriods"] <= canary_seconds
        assert properties["TreatMissingData"] == "notBreaching"
    # A failing function of each role is noticed, and no failure of a provider is taken for one of the release.
    failing = {item["Value"].get("Ref") for name in alarms for item in resources[name]["Properties"]["Dimensions"]
               if item["Name"] == "FunctionName"}  # fmt: skip
    assert failing == {"Work", "Sweep", "Count"}
    assert not [name for name in alarms if "Provider" in name]


def test_only_prod_tries_a_release_on_a_tenth_and_a_rollback_never(whole_template: WholeTemplate) -> None:
    for stage, parameters in (
        ("dev", chosen_parameters("dev")),
        ("prod", chosen_parameters("prod") | AT_ONCE),
    ):
        resources = translate(whole_template(stage), parameters)
        assert [resource["Type"] for resource in resources.values() if "CodeDeploy" in resource["Type"]] == []
        assert "UpdatePolicy" not in resources["APIHandlerAliaslive"]


def test_functions_beside_the_api_change_at_once(whole_template: WholeTemplate) -> None:
    resources = translate(whole_template("prod"), chosen_parameters("prod"))

    aliases = {name: item for name, item in resources.items() if item["Type"] == "AWS::Lambda::Alias"}
    assert [name for name, alias in aliases.items() if "UpdatePolicy" in alias] == ["APIHandlerAliaslive"]
    # The gateway gets its new routes after the alias has moved: before, most requests to them would find the old code.
    assert "APIHandlerAliaslive" in str(resources["RestAPI"]["Properties"]["Body"]["paths"])


# Domain and budget


DOMAIN = {"DomainName": "api.example.com", "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/one"}


def holds(condition: Any, template: dict[str, Any], parameters: dict[str, str]) -> bool:
    """Whether a condition of the template holds with these parameters."""
    match condition:
        case str(name):
            return holds(template["Conditions"][name], template, parameters)
        case {"Condition": name}:
            return holds(name, template, parameters)
        case {"Fn::Not": [inner]}:
            return not holds(inner, template, parameters)
        case {"Fn::And": parts}:
            return all(holds(part, template, parameters) for part in parts)
        case {"Fn::Equals": [{"Ref": name}, value]}:
            return parameters.get(name, str(template["Parameters"][name].get("Default"))) == str(value)
    raise AssertionError(condition)


def optional_resources(template: dict[str, Any], **parameters: str) -> dict[str, Any]:
    """The properties of domain and budget that exist with these parameters."""
    resources = translate(template, parameters)
    names = ("Domain", "DomainMapping", "DomainRecord", "Budget")
    existing = {name: resources[name] for name in names if name in resources}
    return {
        name: resource["Properties"]
        for name, resource in existing.items()
        if "Condition" not in resource or holds(resource["Condition"], template, parameters)
    }


def has_execute_api(template: dict[str, Any], **parameters: str) -> bool:
    body = translate(template, parameters)["RestAPI"]["Properties"]["Body"]
    setting = body["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"]
    (condition, if_true, if_false) = setting["Fn::If"]
    return not (if_true if holds(condition, template, parameters) else if_false)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_no_domain_and_no_budget_unless_it_says_so(whole_template: WholeTemplate, stage: str) -> None:
    template = whole_template(stage)

    assert optional_resources(template, **chosen_parameters(stage)) == {}
    assert has_execute_api(template, **chosen_parameters(stage))


def test_a_domain_leads_to_the_one_stage_with_the_certificate(whole_template: WholeTemplate) -> None:
    template = whole_template("prod")
    found = optional_resources(template, **DOMAIN)

    assert found.keys() == {"Domain", "DomainMapping"}
    assert found["Domain"]["RegionalCertificateArn"] == {"Ref": "CertificateArn"}
    assert (found["Domain"]["SecurityPolicy"], found["Domain"]["EndpointConfiguration"]) == (
        "TLS_1_2", {"Types": ["REGIONAL"]})  # fmt: skip
    assert found["DomainMapping"] == {
        "DomainName": {"Ref": "Domain"}, "RestApiId": {"Ref": "RestAPI"}, "Stage": {"Ref": "RestAPIapiStage"},
    }  # fmt: skip
    record = optional_resources(template, **DOMAIN, HostedZoneId="Z123")["DomainRecord"]
    assert record["AliasTarget"]["DNSName"] == {"Fn::GetAtt": ["Domain", "RegionalDomainName"]}
    assert template["Outputs"]["DomainUrl"]["Value"] == {"Fn::Sub": "https://${DomainName}"}


def test_the_address_of_api_gateway_is_switched_off_only_beside_a_domain(whole_template: WholeTemplate) -> None:
    template = whole_template("prod")

    assert has_execute_api(template, **DOMAIN)
    assert not has_execute_api(template, **DOMAIN, ExecuteApiAddress="off")
    assert has_execute_api(template, ExecuteApiAddress="off")
    # The stage changes with it; otherwise the address would stay until the next deployment.
    (stage,) = of_type(translate(template), "AWS::ApiGateway::Stage")
    assert stage["Variables"] == {"execute_api_address": {"Ref": "ExecuteApiAddress"}}


def test_a_budget_warns_before_and_when_it_is_used_up(whole_template: WholeTemplate) -> None:
    template = whole_template("prod", has_budget=True)
    budget = optional_resources(template, MonthlyBudgetDollars="50")["Budget"]

    assert budget["Budget"]["BudgetLimit"] == {"Amount": {"Ref": "MonthlyBudgetDollars"}, "Unit": "USD"}
    assert (budget["Budget"]["TimeUnit"], budget["Budget"]["BudgetType"]) == ("MONTHLY", "COST")
    notified = {item["Notification"]["NotificationType"]: item for item in budget["NotificationsWithSubscribers"]}
    assert {kind: item["Notification"]["Threshold"] for kind, item in notified.items()} == {
        "ACTUAL": 80, "FORECASTED": 100}  # fmt: skip
    for item in notified.values():
        assert item["Subscribers"] == [{"SubscriptionType": "EMAIL", "Address": {"Ref": "AlarmEmail"}}]
