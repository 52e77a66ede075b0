"""How every call of Stripe's API comes in and goes out: key, parameters, idempotency, faults, headers.

Source: docs.stripe.com/api, sections Authentication, Errors, Idempotent requests, Versioning; read 2026-11.
"""

import asyncio
import hmac
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import faults, forms
from sandbox.calls import Calls
from sandbox.faults import Fault, Faults
from sandbox.stripe import parameters
from sandbox.stripe.errors import FAULTS, ParamError, RefusalError
from sandbox.stripe.idempotency import Results
from sandbox.stripe.objects import API_VERSION, new_id

KINDS = faults.HTTP_KINDS - {"quota", "missing_text"} | {"409", "late"}
"""`late`: it works for `delay_seconds` (SLOW_SECONDS), its idempotency key in flight, then answers."""
MAX_BODY_BYTES = 256 * 1024
FORM = "application/x-www-form-urlencoded"
POST = "POST"

Work = Callable[[dict[str, Any]], dict[str, Any]]
"""What an endpoint does: checked parameters in, an object out that stays as it is. Raises RefusalError."""


class Door:
    """Answers calls, each at its fault point."""

    def __init__(self, key: str, results: Results, pending: Faults, calls: Calls):
        self._key, self._results = key, results
        self._faults, self._calls = pending, calls

    async def answer(self, point: str, request: Request, schema: parameters.Schema | None, work: Work) -> Response:
        """The answer to a call whose parameters follow `schema`; None for any."""
        call = self._calls.received(point, request)
        key = request.headers.get("idempotency-key") if request.method == POST else None
        call.idempotency_key = key
        fault = self._faults.take(point)
        call.fault = fault.kind if fault else None
        request_id = new_id("req")

        def done(params: dict[str, Any]) -> dict[str, Any]:
            made = work(params if schema is None else parameters.read(schema, params))
            if request.method == POST:
                self._calls.recognised(point)
            return made

        def broken(_: dict[str, Any]) -> dict[str, Any]:
            raise RefusalError(*FAULTS["500"])

        try:
            given = await self._given(request)
            call.fields.update(given)
            self._check_key(request)
        except RefusalError as refused:
            response: Response = _json(refused.status, refused.body)
        else:

            async def serve() -> Response:
                return await self._once(key, request, given, request_id, done, _late_seconds(fault))

            async def refuse(kind: str, retry_after_seconds: int) -> Response:
                if kind == "500":  # It happens at work, so its result is kept like any other.
                    return await self._once(key, request, given, request_id, broken, 0)
                refused = RefusalError(*FAULTS[kind])
                answer = _json(refused.status, refused.body)
                if kind in ("429", "503"):
                    answer.headers["retry-after"] = str(retry_after_seconds)
                return answer

            late = fault is not None and fault.kind == "late"
            response = await faults.answer(None if late else fault, request, serve, refuse)
        response.headers["request-id"] = request_id
        response.headers["stripe-version"] = request.headers.get("stripe-version", API_VERSION)
        if key is not None:
            response.headers["idempotency-key"] = key
        call.status = response.status_code
        return response

    async def _once(
        self, key: str | None, request: Request, given: dict[str, Any], request_id: str, work: Work, late_seconds: float
    ) -> Response:
        """Do the work, or give the result that this key had before."""
        try:
            if key is None:
                await asyncio.sleep(late_seconds)
                return _json(200, work(given))
            earlier = self._results.begin(key, request.url.path, given, request_id)
            if earlier is not None:
                headers = {"idempotent-replayed": "true", "original-request": earlier.request_id}
                return JSONResponse(earlier.body, earlier.status or 200, headers)
            try:
                await asyncio.sleep(late_seconds)
                body, status = work(given), 200
            except ParamError:
                self._results.abandon(key)
                raise
            except RefusalError as refused:
                body, status = refused.body, refused.status
            except BaseException:
                self._results.abandon(key)
                raise
            self._results.finish(key, status, body)
            return _json(status, body)
        except RefusalError as refused:
            return _json(refused.status, refused.body)

    async def _given(self, request: Request) -> dict[str, Any]:
        """The parameters as sent, nested. Raises RefusalError."""
        try:
            body = await forms.whole_body(request, MAX_BODY_BYTES)
            text = body.decode() if request.method == POST else request.url.query
        except (forms.BodyTooLargeError, UnicodeDecodeError) as error:
            raise RefusalError(400, f"Invalid request: {error}") from error
        if body and not request.headers.get("content-type", FORM).startswith(FORM):
            raise RefusalError(400, f"Invalid request (check that your POST content type is {FORM}).")
        return parameters.decode(text)

    def _check_key(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            message = "You did not provide an API key. You need to provide your API key in the Authorization header."
            raise RefusalError(401, message)
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            raise RefusalError(*FAULTS["401"])


def _late_seconds(fault: Fault | None) -> float:
    if fault is None or fault.kind != "late":
        return 0
    return faults.SLOW_SECONDS if fault.delay_seconds is None else fault.delay_seconds


def _json(status: int, body: dict[str, Any]) -> Response:
    return JSONResponse(body, status_code=status)
