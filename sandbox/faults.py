"""Faults on request: how a provider fails, so that every way to fail is a test."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

REFUSALS = {"401", "429", "quota", "500", "503"}
"""Answered by the service in its own words, without doing the work."""
HTTP_KINDS = REFUSALS | {"timeout", "bad_json", "wrong_shape", "missing_text", "cut", "lost", "slow"}
SLOW_SECONDS = 5


@dataclass
class Fault:
    """`kind` is shown to the next `times` requests of `service`; -1 means until cleared."""

    service: str
    kind: str
    times: int = 1
    retry_after_seconds: int = 1
    """For 429 and 503."""
    delay_seconds: float | None = None
    """For `timeout` and `lost` the time until 504, None for never; for `slow` the time the body takes, None for
    SLOW_SECONDS; in a live session the time until it begins, None for at once."""


class Faults:
    """The faults still to be shown, in the order they were asked for."""

    def __init__(self, services: Mapping[str, set[str]]):
        """`services`: the kinds each of them can show."""
        self.services = services
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._pending.append(fault)

    def clear(self) -> None:
        self._pending.clear()

    def take(self, service: str) -> Fault | None:
        """The fault to show to the request of `service` that has just arrived, if any."""
        fault = next((fault for fault in self._pending if fault.service == service), None)
        if fault is not None and fault.times > 0:
            fault.times -= 1
            if fault.times == 0:
                self._pending.remove(fault)
        return fault

    def report(self) -> dict[str, Any]:
        return {"pending": [asdict(fault) for fault in self._pending]}


async def answer(
    fault: Fault | None,
    request: Request,
    serve: Callable[[], Awaitable[Response]],
    refuse: Callable[[str, int], Awaitable[Response]],
) -> Response:
    """The answer to a request whose body has been read.

    `serve` does the real work, `refuse` is the service's own words for a kind out of REFUSALS or `504`, given the
    kind and the seconds for Retry-After. With `cut`, `lost` and `slow` the work is done: only its answer is broken off,
    never comes or comes late, as when a provider bills for what its customer never saw.
    """
    if fault is None:
        return await serve()
    match fault.kind:
        case "timeout":
            await _client_gone(request, fault.delay_seconds)
            return await refuse("504", fault.retry_after_seconds)
        case "bad_json":
            return Response(b'{"text": "half a senten', media_type="application/json")
        case "wrong_shape":
            return JSONResponse(["a list where an object belongs"])
        case "missing_text":
            return JSONResponse({"transcript": "the text under another name"})
        case "cut":
            return CutResponse(await serve())
        case "lost":
            await serve()
            await _client_gone(request, fault.delay_seconds)
            return await refuse("504", fault.retry_after_seconds)
        case "slow":
            return SlowResponse(await serve(), SLOW_SECONDS if fault.delay_seconds is None else fault.delay_seconds)
        case kind:
            return await refuse(kind, fault.retry_after_seconds)


async def _client_gone(request: Request, within_seconds: float | None) -> None:
    """Wait until the client closes its connection, or the time has passed."""
    try:
        async with asyncio.timeout(within_seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        pass


class CutResponse(Response):
    """Promises the whole of a body, sends half of it and closes the connection.

    Leaving an answer incomplete is what makes uvicorn close the connection (and log a line saying so).
    """

    def __init__(self, whole: Response):
        super().__init__(whole.body, whole.status_code)
        self.raw_headers = whole.raw_headers

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


class SlowResponse(Response):
    """Sends the headers at once and the body byte by byte over `seconds`."""

    def __init__(self, whole: Response, seconds: float):
        super().__init__(whole.body, whole.status_code)
        self.raw_headers = whole.raw_headers
        self._seconds = seconds

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for position in range(len(body)):
            await asyncio.sleep(self._seconds / len(body))
            await send({"type": "http.response.body", "body": body[position : position + 1], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
