"""The routes under `/sandbox` that all stand-ins share: health, faults and calls."""

import json
from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import Fault, Faults


class ControlRoutes:
    """Routes by which tests add faults and read the recorded calls.

    They need no key: the sandbox is reachable from this machine only.
    """

    def __init__(self, faults: Faults, calls: Calls, clock: Clock):
        self._faults = faults
        self._calls = calls
        self._clock = clock

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def show_clock(self, _request: Request) -> Response:
        """`now`: the time of all providers here, in epoch seconds."""
        return JSONResponse({"now": self._clock.now()})

    async def list_faults(self, _request: Request) -> Response:
        return JSONResponse(self._faults.report())

    async def add_fault(self, request: Request) -> Response:
        """Add a fault. 201 with all pending faults; 400 for an unknown field, service or kind."""
        try:
            self._faults.add(parse_fault(json.loads(await request.body()), self._faults.services))
        except (JSONDecodeError, UnicodeDecodeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(self._faults.report(), status_code=201)

    async def clear_faults(self, _request: Request) -> Response:
        self._faults.clear()
        return Response(status_code=204)

    async def list_calls(self, _request: Request) -> Response:
        # The fields are as the client sent them; JSONResponse rejects NaN and lone surrogates.
        return Response(json.dumps(self._calls.report()), media_type="application/json")

    async def reset_calls(self, _request: Request) -> Response:
        self._calls.reset()
        return Response(status_code=204)


def parse_fault(body: Any, services: Mapping[str, set[str]]) -> Fault:
    """The fault that a JSON body describes. Raises ValueError, whose text names the invalid field."""
    if not isinstance(body, dict):
        raise ValueError("a fault must be a JSON object")
    unknown = set(body) - {"service", "kind", "times", "retry_after_seconds", "delay_seconds"}
    if unknown:
        raise ValueError(f"unknown fields: {sorted(unknown)}")
    service, kind = body.get("service"), body.get("kind")
    if not isinstance(service, str) or service not in services:
        raise ValueError(f"service must be one of {sorted(services)}")
    if not isinstance(kind, str) or kind not in services[service]:
        raise ValueError(f"kind must be one of {sorted(services[service])}")
    times = body.get("times", 1)
    if not _is_number(times, int) or (times < 1 and times != -1):
        raise ValueError("times must be an integer of at least 1, or -1 to repeat until cleared")
    retry_after_seconds = body.get("retry_after_seconds", 1)
    if not _is_number(retry_after_seconds, int) or retry_after_seconds < 0:
        raise ValueError("retry_after_seconds must be an integer of at least 0")
    delay_seconds = body.get("delay_seconds")
    if delay_seconds is not None and not (_is_number(delay_seconds, int, float) and 0 <= delay_seconds <= 3600):
        raise ValueError("delay_seconds must be a number from 0 to 3600")
    return Fault(service, kind, times, retry_after_seconds, delay_seconds)


def _is_number(value: Any, *types: type) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)
