"""AssemblyAI's temporary tokens: each opens one live session of limited length.

Source: assemblyai.com/docs/streaming, pages api-spec/generate-streaming-token and authenticate-with-a-temporary-token,
read 2026-11. The text of the error for a used or expired token is not documented beyond its first words.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import faults
from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import Faults

TOKEN = "assemblyai.token"

MIN_EXPIRES_SECONDS, MAX_EXPIRES_SECONDS = 1, 600
MIN_SESSION_SECONDS, MAX_SESSION_SECONDS = 60, 10_800

REFUSALS = {
    "401": (401, "Authentication error, API token missing/invalid"),
    "429": (429, "Too many requests. Please try again later."),
    "quota": (400, "Your current account balance is negative. Please top up to continue using the API."),
    "500": (500, "Server error, developers have been alerted."),
    "503": (503, "Service unavailable, please try again later."),
    "504": (504, "The request timed out."),
}
"""Status and text per fault."""


class TokenApiError(Exception):
    """An error response."""

    def __init__(self, status: int, error: str):
        super().__init__(error)
        self.status, self.error = status, error

    async def response(self) -> Response:
        return JSONResponse({"error": self.error}, status_code=self.status)


class InvalidTokenError(Exception):
    """The credential opens no session; the text says why."""


@dataclass
class TokenGrant:
    """What a token grants. The socket must be open by `expires_at`; its session may go on."""

    max_session_seconds: int
    expires_at: float
    used: bool = False


class Tokens:
    """The route `GET /v3/token`, and the tokens issued by it."""

    def __init__(self, key: str, clock: Clock, fault_queue: Faults, calls: Calls):
        self._key = key
        self._clock = clock
        self._faults = fault_queue
        self._calls = calls
        self._grants: dict[str, TokenGrant] = {}

    async def create(self, request: Request) -> Response:
        call = self._calls.record_call(TOKEN, request)
        call.fields.update(request.query_params)
        fault = self._faults.take_fault(TOKEN)
        call.fault = fault.kind if fault else None
        serve: Callable[[], Awaitable[Response]]
        try:
            if not self._is_key(request.headers.get("authorization", "")):
                raise TokenApiError(*REFUSALS["401"])
            expires_seconds = _parse_seconds(request, "expires_in_seconds", MIN_EXPIRES_SECONDS, MAX_EXPIRES_SECONDS)
            max_session_seconds = _parse_seconds(
                request, "max_session_duration_seconds", MIN_SESSION_SECONDS, MAX_SESSION_SECONDS, MAX_SESSION_SECONDS
            )
            serve = partial(self._issue_token, expires_seconds, max_session_seconds)
        except TokenApiError as error:
            serve = error.response
        response = await faults.respond(fault, request, serve, fault_response)
        call.status = response.status_code
        return response

    def create_token(self, expires_in_seconds: int, max_session_seconds: int) -> str:
        token = secrets.token_urlsafe(32)
        self._grants[token] = TokenGrant(max_session_seconds, self._clock.now() + expires_in_seconds)
        return token

    def redeem_credential(self, credential: str) -> int:
        """Use up `credential`, a token or the key itself; returns the longest session it opens now, in seconds.

        A token opens one session. Raises InvalidTokenError.
        """
        if self._is_key(credential):
            return MAX_SESSION_SECONDS
        if not credential:
            raise InvalidTokenError("Missing Authorization header")
        grant = self._grants.get(credential)
        if grant is None:
            raise InvalidTokenError("Invalid token")
        if grant.used:
            raise InvalidTokenError("Token has already been used")
        if self._clock.now() > grant.expires_at:
            raise InvalidTokenError("Token has expired")
        grant.used = True
        return grant.max_session_seconds

    async def _issue_token(self, expires_in_seconds: int, max_session_seconds: int) -> Response:
        token = self.create_token(expires_in_seconds, max_session_seconds)
        return JSONResponse({"token": token, "expires_in_seconds": expires_in_seconds})

    def _is_key(self, credential: str) -> bool:
        """Whether `credential` is the bare key; `Bearer ` before it makes it invalid."""
        return hmac.compare_digest(credential.encode(), self._key.encode())


def _parse_seconds(request: Request, name: str, lowest: int, highest: int, default: int | None = None) -> int:
    """A query parameter in whole seconds, required without a default. Raises TokenApiError."""
    value = request.query_params.get(name)
    if value is None and default is not None:
        return default
    # Ten or more digits exceed every range, and digits of other scripts are not accepted.
    if value is None or not (value.isascii() and value.isdigit() and len(value) < 10):
        raise TokenApiError(400, f"{name} must be an integer from {lowest} to {highest}")
    if not lowest <= int(value) <= highest:
        raise TokenApiError(400, f"{name} must be from {lowest} to {highest}, not {int(value)}")
    return int(value)


async def fault_response(kind: str, retry_after_seconds: int) -> Response:
    """The error response for a fault."""
    response = await TokenApiError(*REFUSALS[kind]).response()
    if kind in ("429", "503"):
        response.headers["retry-after"] = str(retry_after_seconds)
    return response
