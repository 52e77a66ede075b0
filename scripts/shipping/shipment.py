"""The deployment of one stage to an AWS: its resource stack, its code, its application stack."""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from chalice.package import YAMLTemplateSerializer

from chalicelib.settings.schema import split_origins, user_pool_issuer
from scripts.shipping import package, plain, template
from scripts.shipping.cloudformation import Plan, Stack
from scripts.shipping.package import Package
from scripts.shipping.project import (
    APP_NAME,
    LONGEST_ENVIRONMENT_BYTES,
    REPOSITORY,
    Aws,
    ShippingError,
    environment,
    environment_bytes,
    read,
    texts,
)
from scripts.shipping.releases import Release, Releases
from scripts.shipping.target import Target, lambda_target, this_machine

RESOURCES = REPOSITORY / ".chalice" / "resources.yaml"
STAGES = REPOSITORY / ".chalice" / "stages.json"
OWN_PARAMETERS = {"AppName", "Stage", "AllowedOrigins", "GatewayLogs", "PackageKey", "Build"}


@dataclass(frozen=True)
class Shipment:
    """`config`: the content of `.chalice/config.json`. `parameters`: of the stage in `.chalice/stages.json`."""

    aws: Aws
    stage: str
    config: dict[str, Any]
    parameters: dict[str, str] = field(default_factory=dict)
    build_directory: Path | None = None

    @cached_property
    def resource_stack(self) -> Stack:
        return Stack(self.aws.client("cloudformation"), f"{APP_NAME}-{self.stage}-resources")

    @cached_property
    def application_stack(self) -> Stack:
        return Stack(self.aws.client("cloudformation"), f"{APP_NAME}-{self.stage}")

    @property
    def settings(self) -> dict[str, str]:
        return environment(self.config, self.stage)

    @property
    def target(self) -> Target:
        """What the functions run on: the emulated AWS runs them on this machine."""
        return this_machine() if self.aws.is_emulated else lambda_target(self.config, self.stage)

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of browser pages that the stage allows."""
        return split_origins(self.settings.get("EXTENSION_ORIGIN", ""), self.settings.get("OWN_ORIGINS", ""))

    def plan_resources(self) -> Plan | None:
        """The changes of tables, user pool, queue, buckets and key; None if there are none."""
        body = RESOURCES.read_text(encoding="utf-8")
        declared = resource_template(body)["Parameters"]
        values = {"AppName": APP_NAME, "Stage": self.stage, "GatewayLogs": self._gateway_logs()}
        if self.origins:
            values["AllowedOrigins"] = ",".join(self.origins)
        return self.resource_stack.plan({"TemplateBody": body}, values | self._declared_parameters(declared))

    def pack(self) -> Package:
        """Package the code with the public keys of the user pool. Raises ShippingError."""
        directory = self.build_directory or package.BUILD / self.stage
        shipped = plain.without_resource_names(self.config, self.stage)
        return package.build(shipped, self.stage, self._keys(), directory, self.target)

    def whole_template(self, packed: Package) -> dict[str, Any]:
        """The template of the application stack. Raises ShippingError for settings that exceed the limit of Lambda."""
        whole = template.complete_template(packed.template, has_budget=self._has_budget)
        variables = whole["Globals"]["Function"]["Environment"]["Variables"]
        shipped = plain.without_resource_names(self.config, self.stage)
        size = environment_bytes(variables | environment(shipped, self.stage))
        if size > LONGEST_ENVIRONMENT_BYTES:
            raise ShippingError(
                f"The settings have {size:,} bytes, more than {LONGEST_ENVIRONMENT_BYTES:,}, the limit of Lambda."
            )
        return whole

    @cached_property
    def releases(self) -> Releases:
        return Releases(self.aws.client("s3"), self.resource_stack.created_outputs()["PackageBucket"])

    def store(self, packed: Package) -> Release:
        """Upload code and template as a build."""
        whole = self.whole_template(packed)
        stored = self.releases.store(packed.content, whole)
        return replace(stored, parameters=self._declared_parameters(whole["Parameters"]))

    def plan_application(self, release: Release, **parameters: str) -> Plan | None:
        """The changes of running a stored build, with these parameters changed; None if there are none."""
        own = {"Stage": self.stage, "PackageKey": release.package, "Build": release.build}
        url = self.releases.template_url(release.template)
        return self.application_stack.plan({"TemplateURL": url}, release.parameters | parameters | own)

    def running_build(self) -> str:
        """The build that the functions run. Raises ShippingError without a deployment."""
        return self.application_stack.parameters()["Build"]

    def url(self) -> str:
        """The URL of the API, at its own domain if it has one."""
        outputs = self.application_stack.outputs()
        return outputs.get("DomainUrl", outputs["EndpointURL"]).rstrip("/")

    def unknown_parameters(self) -> list[str]:
        """Parameters of the stage that neither template declares; AWS would ignore them silently."""
        text = RESOURCES.read_text(encoding="utf-8") + template.API.read_text(encoding="utf-8")
        declared = set(re.findall(r"^  (\w+):\n    Type: (?:String|Number)", text, re.MULTILINE)) - OWN_PARAMETERS
        return sorted(set(self.parameters) - declared)

    def contradictions(self) -> list[str]:
        """Problems with parameters that must be set together."""
        given = {name for name, value in self.parameters.items() if value}
        hides_address = self.parameters.get("ExecuteApiAddress") == "off"
        problems = {
            "set both EmailFrom (the sender) and EmailIdentity (verified in SES), or neither": (
                len(given & {"EmailFrom", "EmailIdentity"}) == 1
            ),
            "set both DomainName and CertificateArn, or neither": len(given & {"DomainName", "CertificateArn"}) == 1,
            "HostedZoneId needs DomainName": "HostedZoneId" in given and "DomainName" not in given,
            "ExecuteApiAddress can be off only with DomainName": hides_address and "DomainName" not in given,
            "MonthlyBudgetDollars needs AlarmEmail": self._has_budget and "AlarmEmail" not in given,
        }
        return [problem for problem, is_wrong in problems.items() if is_wrong]

    @property
    def _has_budget(self) -> bool:
        return self.parameters.get("MonthlyBudgetDollars", "") not in ("", "0")

    def _declared_parameters(self, declared: dict[str, Any]) -> dict[str, str]:
        return {name: value for name, value in self.parameters.items() if name in declared}

    def _gateway_logs(self) -> str:
        """`existing` if the account has a role that API Gateway logs with and the stack did not make it.

        The account and region have one such role for all APIs, so another one would take the place of the owner's.
        """
        stack = self.resource_stack
        if stack.state() and stack.resources_of_type("AWS::ApiGateway::Account"):
            return "create"
        role = self.aws.client("apigateway").get_account().get("cloudwatchRoleArn", "")
        return "existing" if role and self._is_role(role) else "create"

    def _is_role(self, arn: str) -> bool:
        """Whether a role was not deleted; also true if its owner lets nobody look."""
        try:
            self.aws.client("iam").get_role(RoleName=arn.rpartition("/")[2])
        except ClientError as error:
            return bool(error.response["Error"]["Code"] != "NoSuchEntity")
        return True

    def _keys(self) -> dict[str, Any]:
        """The public keys of the user pool, so that cold starts fetch none. Raises ShippingError."""
        import requests

        pool = self.resource_stack.outputs()["UserPoolId"]
        default = f"{user_pool_issuer(pool.split('_')[0], pool)}/.well-known/jwks.json"
        address = self.settings.get("COGNITO_JWKS_URL") or default
        try:
            response = requests.get(address, timeout=10)
            response.raise_for_status()
            return {f"{pool}.json": response.json()}
        except (requests.RequestException, ValueError) as error:
            raise ShippingError(
                f"The public keys of the user pool could not be fetched from {address}: {error}"
            ) from error


@lru_cache(maxsize=1)
def resource_template(text: str) -> dict[str, Any]:
    """The parsed text of the template of the resource stack, which nobody may change."""
    template: dict[str, Any] = YAMLTemplateSerializer().load_template(text, RESOURCES.name)
    return template


def chosen_parameters(stage: str) -> dict[str, str]:
    """The parameters of the stage in `.chalice/stages.json`."""
    return texts(read(STAGES).get(stage, {}), STAGES, stage)
