"""One stage on its way into an AWS: its resource stack, its code, its application stack."""

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from chalice.package import YAMLTemplateSerializer

from scripts.shipping import package, template
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

RESOURCES = REPOSITORY / ".chalice" / "resources.yaml"
STAGES = REPOSITORY / ".chalice" / "stages.json"
OWN_PARAMETERS = {"AppName", "Stage", "ExtensionOrigin", "PackageKey", "Build"}


@dataclass(frozen=True)
class Shipment:
    """`config`: what `.chalice/config.json` says. `parameters`: the stage's choices in `.chalice/stages.json`."""

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

    def plan_resources(self) -> Plan | None:
        """What would change of tables, user pool, queue, buckets and key; None: nothing."""
        body = RESOURCES.read_text(encoding="utf-8")
        declared = YAMLTemplateSerializer().load_template(body, RESOURCES.name)["Parameters"]
        ours = {"AppName": APP_NAME, "Stage": self.stage}
        if origin := self.settings.get("EXTENSION_ORIGIN"):
            ours["ExtensionOrigin"] = origin
        return self.resource_stack.plan({"TemplateBody": body}, ours | self._chosen(declared))

    def pack(self) -> Package:
        """The code, with the public keys of the stage's user pool. Raises ShippingError."""
        directory = self.build_directory or package.BUILD / self.stage
        return package.build(self.config, self.stage, self._keys(), directory)

    def whole_template(self, packed: Package) -> dict[str, Any]:
        """The application stack's template. Raises ShippingError for settings that are more than Lambda takes."""
        whole = template.complete(packed.template)
        given = whole["Globals"]["Function"]["Environment"]["Variables"]
        size = environment_bytes(given | self.settings)
        if size > LONGEST_ENVIRONMENT_BYTES:
            raise ShippingError(f"The settings have {size} bytes; Lambda takes {LONGEST_ENVIRONMENT_BYTES}.")
        return whole

    def plan_application(self, packed: Package) -> Plan | None:
        """Upload code and template, and say what would change; None: nothing."""
        whole = self.whole_template(packed)
        s3, bucket = self.aws.client("s3"), self.resource_stack.outputs()["PackageBucket"]
        key, described = f"{packed.digest}.zip", f"{packed.digest}.json"
        s3.upload_file(str(packed.path), bucket, key)
        body = json.dumps(whole, sort_keys=True, separators=(",", ":"))
        s3.put_object(Bucket=bucket, Key=described, Body=body.encode())
        ours = {"Stage": self.stage, "PackageKey": key, "Build": packed.digest[:12]}
        url = template_url(s3, bucket, described)
        return self.application_stack.plan({"TemplateURL": url}, ours | self._chosen(whole["Parameters"]))

    def url(self) -> str:
        """Where the API is reached, as AWS says."""
        return self.application_stack.outputs()["EndpointURL"].rstrip("/")

    def unknown_parameters(self) -> list[str]:
        """What the stage chooses that neither template knows, so that no choice is silently ignored."""
        text = RESOURCES.read_text(encoding="utf-8") + template.API.read_text(encoding="utf-8")
        known = set(re.findall(r"^  (\w+):\n    Type: (?:String|Number)", text, re.MULTILINE)) - OWN_PARAMETERS
        return sorted(set(self.parameters) - known)

    def contradictions(self) -> list[str]:
        """Choices that only make sense together."""
        sender, identity = (bool(self.parameters.get(name)) for name in ("EmailFrom", "EmailIdentity"))
        return ["EmailFrom and EmailIdentity go together: who sends, and what SES has verified"] * (sender != identity)

    def _chosen(self, declared: dict[str, Any]) -> dict[str, str]:
        return {name: value for name, value in self.parameters.items() if name in declared}

    def _keys(self) -> dict[str, Any]:
        """The pool's public keys, so that a cold function fetches none. Raises ShippingError."""
        import requests

        pool = self.resource_stack.outputs()["UserPoolId"]
        usual = f"https://cognito-idp.{pool.split('_')[0]}.amazonaws.com/{pool}/.well-known/jwks.json"
        address = self.settings.get("COGNITO_JWKS_URL") or usual
        try:
            answer = requests.get(address, timeout=10)
            answer.raise_for_status()
            return {f"{pool}.json": answer.json()}
        except (requests.RequestException, ValueError) as error:
            raise ShippingError(f"The user pool's keys cannot be had from {address}: {error}") from error


def template_url(s3: Any, bucket: str, key: str) -> str:
    """Where CloudFormation reads a template, by the rights of whoever calls it.

    Not signed, and not by the bucket's own name: for hours a new bucket is redirected at the name that is the same in
    all regions, and takes no signature of the old kind, which boto3 makes in some of them.
    """
    return f"{s3.meta.endpoint_url}/{bucket}/{key}"


def chosen_parameters(stage: str) -> dict[str, str]:
    """The stage's choices in `.chalice/stages.json`."""
    stages: dict[str, dict[str, str]] = json.loads(STAGES.read_text(encoding="utf-8"))
    return stages.get(stage, {})
