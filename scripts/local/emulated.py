"""What the AWS of one machine leaves out of an API's definition, put in by other ways; and further APIs for tests."""

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
    """As `Shipment`, for an AWS that reads which media types are bytes only where AWS has a second place for it."""

    def whole_template(self, packed: Package) -> dict[str, Any]:
        whole = super().whole_template(packed)
        api = whole["Resources"]["RestAPI"]["Properties"]
        api["BinaryMediaTypes"] = api["DefinitionBody"]["x-amazon-apigateway-binary-media-types"]
        return whole


@dataclass(frozen=True)
class ApiAlone(EmulatedShipment):
    """One more API on the resources of a stage, with its gateway and role: nothing that takes messages, changes or
    times, for a worker with other settings would end the jobs of others. `changes`: settings that differ.
    """

    number: int = 2
    changes: dict[str, str] = field(default_factory=dict)

    @cached_property
    def application_stack(self) -> Stack:
        return Stack(self.aws.client("cloudformation"), f"{APP_NAME}-{self.stage}-{self.number}")

    def whole_template(self, packed: Package) -> dict[str, Any]:
        whole = copy.deepcopy(super().whole_template(packed))
        whole["Resources"] = {name: one for name, one in whole["Resources"].items() if _is_of_the_api(name, one)}
        for log in ("APIHandlerLog", "AccessLog"):
            name = whole["Resources"][log]["Properties"]["LogGroupName"]
            name["Fn::Sub"] = name["Fn::Sub"].replace("${Stage}", f"${{Stage}}-{self.number}")
        whole["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"] |= self.changes
        return whole


def _is_of_the_api(name: str, resource: dict[str, Any]) -> bool:
    ours = {"RestAPI", "APIHandler", "APIHandlerInvokePermission", "APIHandlerLog", "AccessLog", "ApiRole"}
    return name in ours or resource.get("Type") == "AWS::ApiGateway::GatewayResponse"


def answer_preflights(gateway: Any, api_id: str, template: dict[str, Any]) -> None:
    """Have OPTIONS answered with the headers that the definition says: an import forgets them here.

    `gateway`: the client of API Gateway. `template`: what the API was deployed from.
    """
    paths = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    for resource in gateway.get_resources(restApiId=api_id, limit=500)["items"]:
        if asked := paths.get(resource["path"], {}).get("options"):
            said = asked[INTEGRATION]["responses"]["default"]
            which = {"restApiId": api_id, "resourceId": resource["id"], "httpMethod": "OPTIONS"}
            headers = said["responseParameters"]
            gateway.put_method_response(
                **which, statusCode=said["statusCode"], responseParameters=dict.fromkeys(headers, False)
            )
            gateway.put_integration_response(**which, statusCode=said["statusCode"], responseParameters=headers)
