"""The deployment of one stage to an AWS: its resource stack, its code, its application stack."""

import json
import re
from dataclasses import dataclass, field
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
)
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
        whole = template.complete_template(packed.template)
        variables = whole["Globals"]["Function"]["Environment"]["Variables"]
        shipped = plain.without_resource_names(self.config, self.stage)
        size = environment_bytes(variables | environment(shipped, self.stage))
        if size > LONGEST_ENVIRONMENT_BYTES:
            raise ShippingError(
                f"The settings have {size:,} bytes, more than {LONGEST_ENVIRONMENT_BYTES:,}, the limit of Lambda."
            )
        return whole

    def plan_application(self, packed: Package) -> Plan | None:
        """Upload code and template; returns the changes, None if there are none."""
        whole = self.whole_template(packed)
        s3, bucket = self.aws.client("s3"), self.resource_stack.outputs()["PackageBucket"]
        key, template_key = f"{packed.digest}.zip", f"{packed.digest}.json"
        s3.upload_file(str(packed.path), bucket, key)
        body = json.dumps(whole, sort_keys=True, separators=(",", ":"))
        s3.put_object(Bucket=bucket, Key=template_key, Body=body.encode())
        values = {"Stage": self.stage, "PackageKey": key, "Build": packed.digest[:12]}
        url = template_url(s3, bucket, template_key)
        return self.application_stack.plan(
            {"TemplateURL": url}, values | self._declared_parameters(whole["Parameters"])
        )

    def url(self) -> str:
        """The URL of the API."""
        return self.application_stack.outputs()["EndpointURL"].rstrip("/")

    def unknown_parameters(self) -> list[str]:
        """Parameters of the stage that neither template declares; AWS would ignore them silently."""
        text = RESOURCES.read_text(encoding="utf-8") + template.API.read_text(encoding="utf-8")
        declared = set(re.findall(r"^  (\w+):\n    Type: (?:String|Number)", text, re.MULTILINE)) - OWN_PARAMETERS
        return sorted(set(self.parameters) - declared)

    def contradictions(self) -> list[str]:
        """Problems with parameters that must be set together."""
        sender, identity = (bool(self.parameters.get(name)) for name in ("EmailFrom", "EmailIdentity"))
        return ["set both EmailFrom (the sender) and EmailIdentity (verified in SES), or neither"] * (
            sender != identity
        )

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


def template_url(s3: Any, bucket: str, key: str) -> str:
    """The address of a template for CloudFormation, which reads it with the permissions of the caller.

    It has no signature and no bucket name in its host: the global host name of a new bucket redirects for hours, and
    rejects the old kind of signature, which boto3 uses in some regions.
    """
    return f"{s3.meta.endpoint_url}/{bucket}/{key}"


def chosen_parameters(stage: str) -> dict[str, str]:
    """The parameters of the stage in `.chalice/stages.json`."""
    stages: dict[str, dict[str, str]] = json.loads(STAGES.read_text(encoding="utf-8"))
    return stages.get(stage, {})
