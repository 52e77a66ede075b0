"""Every address of the emulated gateway, with and without the names of stages."""

from typing import Any

import pytest
import requests

from scripts.local.deployed import DeployedStack
from scripts.local.stack import StackError
from scripts.local.throttle import check_throttle

OTHER_PATHS = ("", "/", "/health", "/Stage/health", "/$default/health", "/prod/health", "/API/health", "//api/health")


def check_addresses(stack: DeployedStack) -> None:
    """Only the stage that has the limits answers."""
    gateway, api_id = _gateway(stack)

    assert check_throttle(gateway, api_id) == "one stage, api: 50 requests a second and 100 at once for each route"
    root = stack.api_url.removesuffix("/api")
    assert _get(f"{root}/api/health").json()["build"]
    for path in OTHER_PATHS:
        response = _get(root + path)
        assert response.status_code >= 400, path
        assert "build" not in response.text, path


def check_planted_stages(stack: DeployedStack) -> None:
    """A second stage, and one without limits, are found."""
    gateway, api_id = _gateway(stack)
    (only,) = gateway.get_stages(restApiId=api_id)["item"]
    gateway.create_stage(restApiId=api_id, stageName="Stage", deploymentId=only["deploymentId"])
    try:
        with pytest.raises(StackError, match="the stages Stage, api: only one"):
            check_throttle(gateway, api_id)
        # It is open to everybody, so the paths above would find it too.
        assert _get(stack.api_url.removesuffix("/api") + "/Stage/health").status_code == 200
    finally:
        gateway.delete_stage(restApiId=api_id, stageName="Stage")

    class Unlimited:
        def get_stages(self, **_: str) -> Any:
            return {"item": [only | {"methodSettings": {}}]}

    with pytest.raises(StackError, match="no throttle for all routes"):
        check_throttle(Unlimited(), api_id)


def _gateway(stack: DeployedStack) -> tuple[Any, str]:
    return stack.aws.client("apigateway"), stack.shipment.application_stack.outputs()["RestAPIId"]


def _get(address: str) -> requests.Response:
    return requests.get(address, timeout=30, allow_redirects=False)
