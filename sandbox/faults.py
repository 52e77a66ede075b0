"""Faults on request: tests choose how a provider fails."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

REFUSALS = {"401", "429", "quota", "500", "503"}
"""Kinds that the service answers with its own error response, without doing the work."""
HTTP_KINDS = REFUSALS | {"timeout", "bad_json", "wrong_shape", "missing_text", "cut", "lost", "slow"}
SLOW_SECONDS = 5


@dataclass
class Fault:
    """`kind` applies to the next `times` requests of `service`; -1 repeats it until cleared."""

    service: str
    kind: str
    times: int = 1
    retry_after_seconds: int = 1
    """Value of the Retry-After header of 429 and 503."""
    delay_seconds: float | None = None
    """`timeout` and `lost`: seconds until the 504, None for never. `slow`: seconds that the body takes, None for
    SLOW_SECONDS. In a live session: seconds until the fault begins, None for at once.
    """


class Faults:
    """The pending faults, in the order in which they were added."""

    def __init__(self, services: Mapping[str, set[str]]):
        """`services`: the kinds of fault that each service supports."""
        self.services = services
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._pending.append(fault)

    def clear(self) -> None:
        self._pending.clear()

    def take_fault(self, service: str) -> Fault | None:
        """The fault for a request of `service` that has just arrived; None if none is pending."""
        fault = next((fault for fault in self._pending if fault.service == service), None)
        if fault is not None and fault.times > 0:
            fault.times -= 1
            if fault.times == 0:
                self._pending.remove(fault)
        return fault

    def report(self) -> dict[str, Any]:
        return {"pending": [asdict(fault) for fault in self._pending]}


async def respond(
    fault: Fault | None,
    request: Request,
    serve: Callable[[], Awaitable[Response]],
    refuse: Callable[[str, int], Awaitable[Response]],
) -> Response:
    """The response to a request whose body has been read, with `fault` applied.

    `serve` does the real work. `refuse` builds the service's own error response for a kind in REFUSALS or `504`, given
    the kind and the seconds for Retry-After. With `cut`, `lost` and `slow` the work is done, but its response is
    truncated, never sent or sent late: the provider bills for a response that its customer never received.
    """
    if fault is None:
        return await serve()
    match fault.kind:
        case "timeout":
            await _wait_for_disconnect(request, fault.delay_seconds)
            return await refuse("504", fault.retry_after_seconds)
        case "bad_json":
            return Response(b'{"text": "half a senten', media_type="application/json")
        case "wrong_shape":
            return JSONResponse(["a list where an object belongs"])
        case "missing_text":
            return JSONResponse({"transcript": "the text under another name"})
        case "cut":
            return TruncatedResponse(await serve())
        case "lost":
            await serve()
            await _wait_for_disconnect(request, fault.delay_seconds)
            return await refuse("504", fault.retry_after_seconds)
        case "slow":
            return SlowResponse(await serve(), SLOW_SECONDS if fault.delay_seconds is None else fault.delay_seconds)
        case kind:
            return await refuse(kind, fault.retry_after_seconds)


async def _wait_for_disconnect(request: Request, within_seconds: float | None) -> None:
    """Wait until the client closes its connection or the time has passed."""
    try:
        async with asyncio.timeout(within_seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        pass


class TruncatedResponse(Response):
    """Announces the whole body, sends half of it and closes the connection.

    An incomplete response makes uvicorn close the connection and log a line about it.
    """

    def __init__(self, response: Response):
        super().__init__(response.body, response.status_code)
        self.raw_headers = response.raw_headers

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


class SlowResponse(Response):
    """Sends the headers at once and the body byte by byte over `seconds`."""

    def __init__(self, response: Response, seconds: float):
        super().__init__(response.body, response.status_code)
        self.raw_headers = response.raw_headers
        self._seconds = seconds

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for position in range(len(body)):
            await asyncio.sleep(self._seconds / len(body))
            await send({"type": "http.response.body", "body": body[position : position + 1], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
