"""Whether every address of the emulated gateway is below its throttle. The emulator itself counts no requests."""

from typing import Any

from scripts.local.stack import StackError

EVERY_ROUTE = "*/*"


def check_throttle(gateway: Any, api_id: str) -> str:
    """The limits of the only stage, in words. `gateway`: a client of API Gateway.

    Raises StackError for a second stage, whose address would have no limit, and for a stage without limits.
    """
    stages = gateway.get_stages(restApiId=api_id)["item"]
    names = sorted(stage["stageName"] for stage in stages)
    if len(names) != 1:
        raise StackError(f"The gateway has the stages {', '.join(names)}: only one of them has a throttle.")
    limits = stages[0].get("methodSettings", {}).get(EVERY_ROUTE, {})
    rate, burst = limits.get("throttlingRateLimit", -1), limits.get("throttlingBurstLimit", -1)
    if rate < 1 or burst < 1:
        raise StackError(f"The stage {names[0]} of the gateway has no throttle for all routes.")
    return f"one stage, {names[0]}: {rate:g} requests a second and {burst} at once for each route"
