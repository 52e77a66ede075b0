"""API definitions for the emulated AWS, which ignores parts of them, and further APIs for tests."""

import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scripts.shipping.cloudformation import Stack
from scripts.shipping.package import Package
from scripts.shipping.project import APP_NAME
from scripts.shipping.shipment import Shipment

INTEGRATION = "x-amazon-apigateway-integration"


@dataclass(frozen=True)
class EmulatedShipment(Shipment):
    """A shipment into the emulated AWS, which reads the binary media types from the property of the API only."""

    def whole_template(self, packed: Package) -> dict[str, Any]:
        whole = super().whole_template(packed)
        api = whole["Resources"]["RestAPI"]["Properties"]
        api["BinaryMediaTypes"] = api["DefinitionBody"]["x-amazon-apigateway-binary-media-types"]
        return whole


@dataclass(frozen=True)
class AdditionalApi(EmulatedShipment):
    """One more API on the resources of a stage, with a gateway and a role of its own. `changes`: settings that differ.

    It has no function for messages, stream records or schedules: a worker with other settings would end jobs of the
    stage.
    """

    number: int = 2
    changes: dict[str, str] = field(default_factory=dict)

    @cached_property
    def application_stack(self) -> Stack:
        return Stack(self.aws.client("cloudformation"), f"{APP_NAME}-{self.stage}-{self.number}")

    def whole_template(self, packed: Package) -> dict[str, Any]:
        whole = copy.deepcopy(super().whole_template(packed))
        whole["Resources"] = {
            name: resource for name, resource in whole["Resources"].items() if _belongs_to_api(name, resource)
        }
        for log in ("APIHandlerLog", "AccessLog"):
            name = whole["Resources"][log]["Properties"]["LogGroupName"]
            name["Fn::Sub"] = name["Fn::Sub"].replace("${Stage}", f"${{Stage}}-{self.number}")
        whole["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"] |= self.changes
        return whole


def _belongs_to_api(name: str, resource: dict[str, Any]) -> bool:
    names = {"RestAPI", "APIHandler", "APIHandlerInvokePermission", "APIHandlerLog", "AccessLog", "ApiRole"}
    return name in names or resource.get("Type") == "AWS::ApiGateway::GatewayResponse"


def add_preflight_responses(gateway: Any, api_id: str, template: dict[str, Any]) -> None:
    """Add the headers of the OPTIONS responses, which the emulator drops when it imports a definition.

    `gateway`: the client of API Gateway. `template`: the template of the API.
    """
    paths = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    for resource in gateway.get_resources(restApiId=api_id, limit=500)["items"]:
        if method := paths.get(resource["path"], {}).get("options"):
            response = method[INTEGRATION]["responses"]["default"]
            ids = {"restApiId": api_id, "resourceId": resource["id"], "httpMethod": "OPTIONS"}
            status, headers = response["statusCode"], response["responseParameters"]
            gateway.put_method_response(**ids, statusCode=status, responseParameters=dict.fromkeys(headers, False))
            gateway.put_integration_response(**ids, statusCode=status, responseParameters=headers)
