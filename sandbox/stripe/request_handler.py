"""What all calls of Stripe's API share: key, parameters, idempotency, faults and headers.

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
from sandbox.stripe.errors import FAULTS, ParamError, StripeApiError
from sandbox.stripe.idempotency import IdempotencyResults
from sandbox.stripe.objects import API_VERSION, new_id

KINDS = faults.HTTP_KINDS - {"quota", "missing_text"} | {"409", "late"}
"""`late`: works for `delay_seconds` (SLOW_SECONDS) with its idempotency key in flight, then responds."""
MAX_BODY_BYTES = 256 * 1024
FORM = "application/x-www-form-urlencoded"
POST = "POST"

Work = Callable[[dict[str, Any]], dict[str, Any]]
"""The work of an endpoint: checked parameters in, an object out that no longer changes. Raises StripeApiError."""


class RequestHandler:
    """Handles calls, each at its fault point."""

    def __init__(self, key: str, results: IdempotencyResults, fault_queue: Faults, calls: Calls):
        self._key, self._results = key, results
        self._faults, self._calls = fault_queue, calls

    async def handle(self, point: str, request: Request, schema: parameters.Schema | None, work: Work) -> Response:
        """The response to a call whose parameters follow `schema`; None accepts any."""
        call = self._calls.record_call(point, request)
        key = request.headers.get("idempotency-key") if request.method == POST else None
        call.idempotency_key = key
        fault = self._faults.take_fault(point)
        call.fault = fault.kind if fault else None
        request_id = new_id("req")

        def do_work(params: dict[str, Any]) -> dict[str, Any]:
            result = work(params if schema is None else parameters.validate(schema, params))
            if request.method == POST:
                self._calls.record_work(point)
            return result

        def fail_work(_: dict[str, Any]) -> dict[str, Any]:
            raise StripeApiError(*FAULTS["500"])

        try:
            sent = await self._read_parameters(request)
            call.fields.update(sent)
            self._check_key(request)
        except StripeApiError as error:
            response: Response = _json(error.status, error.body)
        else:

            async def serve() -> Response:
                return await self._run_once_per_key(key, request, sent, request_id, do_work, _late_seconds(fault))

            async def refuse(kind: str, retry_after_seconds: int) -> Response:
                if kind == "500":  # It happens during the work, so its result is stored like any other.
                    return await self._run_once_per_key(key, request, sent, request_id, fail_work, 0)
                error = StripeApiError(*FAULTS[kind])
                answer = _json(error.status, error.body)
                if kind in ("429", "503"):
                    answer.headers["retry-after"] = str(retry_after_seconds)
                return answer

            late = fault is not None and fault.kind == "late"
            response = await faults.respond(None if late else fault, request, serve, refuse)
        response.headers["request-id"] = request_id
        response.headers["stripe-version"] = request.headers.get("stripe-version", API_VERSION)
        if key is not None:
            response.headers["idempotency-key"] = key
        call.status = response.status_code
        return response

    async def _run_once_per_key(
        self, key: str | None, request: Request, sent: dict[str, Any], request_id: str, work: Work, late_seconds: float
    ) -> Response:
        """Do the work, or return the stored result of the key."""
        try:
            if key is None:
                await asyncio.sleep(late_seconds)
                return _json(200, work(sent))
            earlier = self._results.begin(key, request.url.path, sent, request_id)
            if earlier is not None:
                headers = {"idempotent-replayed": "true", "original-request": earlier.request_id}
                return JSONResponse(earlier.body, earlier.status or 200, headers)
            try:
                await asyncio.sleep(late_seconds)
                body, status = work(sent), 200
            except ParamError:
                self._results.abandon(key)
                raise
            except StripeApiError as error:
                body, status = error.body, error.status
            except BaseException:
                self._results.abandon(key)
                raise
            self._results.finish(key, status, body)
            return _json(status, body)
        except StripeApiError as error:
            return _json(error.status, error.body)

    async def _read_parameters(self, request: Request) -> dict[str, Any]:
        """The parameters as sent, nested. Raises StripeApiError."""
        try:
            body = await forms.read_body(request, MAX_BODY_BYTES)
            text = body.decode() if request.method == POST else request.url.query
        except (forms.BodyTooLargeError, UnicodeDecodeError) as error:
            raise StripeApiError(400, f"Invalid request: {error}") from error
        if body and not request.headers.get("content-type", FORM).startswith(FORM):
            raise StripeApiError(400, f"Invalid request (check that your POST content type is {FORM}).")
        return parameters.decode(text)

    def _check_key(self, request: Request) -> None:
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not credential:
            message = "You did not provide an API key. You need to provide your API key in the Authorization header."
            raise StripeApiError(401, message)
        if not hmac.compare_digest(credential.encode(), self._key.encode()):
            raise StripeApiError(*FAULTS["401"])


def _late_seconds(fault: Fault | None) -> float:
    if fault is None or fault.kind != "late":
        return 0
    return faults.SLOW_SECONDS if fault.delay_seconds is None else fault.delay_seconds


def _json(status: int, body: dict[str, Any]) -> Response:
    return JSONResponse(body, status_code=status)
