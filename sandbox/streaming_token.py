"""AssemblyAI's temporary tokens: each opens one live session of a limited length.

Source: assemblyai.com/docs/streaming, pages api-spec/generate-streaming-token and authenticate-with-a-temporary-token,
read 2026-11. What a socket hears about a used or expired token is not documented; only how such an answer begins.
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
"""Status and text by fault."""


class RefusalError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, error: str):
        super().__init__(error)
        self.status, self.error = status, error

    async def response(self) -> Response:
        return JSONResponse({"error": self.error}, status_code=self.status)


class UnauthorizedError(Exception):
    """A credential that opens no session; the text says why."""


@dataclass
class Grant:
    """What a token is good for. `expires_at`: the socket must be open by then; the session may go on."""

    max_session_seconds: int
    expires_at: float
    used: bool = False


class Tokens:
    """The route `GET /v3/token`, and the tokens it gave away."""

    def __init__(self, key: str, clock: Clock, pending: Faults, calls: Calls):
        self._key = key
        self._clock = clock
        self._faults = pending
        self._calls = calls
        self._grants: dict[str, Grant] = {}

    async def create(self, request: Request) -> Response:
        call = self._calls.received(TOKEN, request)
        call.fields.update(request.query_params)
        fault = self._faults.take(TOKEN)
        call.fault = fault.kind if fault else None
        serve: Callable[[], Awaitable[Response]]
        try:
            if not self._is_key(request.headers.get("authorization", "")):
                raise RefusalError(*REFUSALS["401"])
            expires = _seconds(request, "expires_in_seconds", MIN_EXPIRES_SECONDS, MAX_EXPIRES_SECONDS)
            longest = _seconds(
                request, "max_session_duration_seconds", MIN_SESSION_SECONDS, MAX_SESSION_SECONDS, MAX_SESSION_SECONDS
            )
            serve = partial(self._give, expires, longest)
        except RefusalError as refused:
            serve = refused.response
        response = await faults.answer(fault, request, serve, refusal)
        call.status = response.status_code
        return response

    def mint(self, expires_in_seconds: int, max_session_seconds: int) -> str:
        token = secrets.token_urlsafe(32)
        self._grants[token] = Grant(max_session_seconds, self._clock.now() + expires_in_seconds)
        return token

    def redeem(self, credential: str) -> int:
        """The longest session that `credential`, a token or the key itself, opens now, in seconds. A token opens one.

        Raises UnauthorizedError.
        """
        if self._is_key(credential):
            return MAX_SESSION_SECONDS
        if not credential:
            raise UnauthorizedError("Missing Authorization header")
        grant = self._grants.get(credential)
        if grant is None:
            raise UnauthorizedError("Invalid token")
        if grant.used:
            raise UnauthorizedError("Token has already been used")
        if self._clock.now() > grant.expires_at:
            raise UnauthorizedError("Token has expired")
        grant.used = True
        return grant.max_session_seconds

    async def _give(self, expires_in_seconds: int, max_session_seconds: int) -> Response:
        token = self.mint(expires_in_seconds, max_session_seconds)
        return JSONResponse({"token": token, "expires_in_seconds": expires_in_seconds})

    def _is_key(self, credential: str) -> bool:
        """The key as it is: with `Bearer ` before it, it is refused like any other wrong one."""
        return hmac.compare_digest(credential.encode(), self._key.encode())


def _seconds(request: Request, name: str, lowest: int, highest: int, default: int | None = None) -> int:
    """A query parameter in whole seconds; required where there is no default. Raises RefusalError."""
    given = request.query_params.get(name)
    if given is None and default is not None:
        return default
    # Ten digits and more are out of any range, and a number in other scripts is no number here.
    if given is None or not (given.isascii() and given.isdigit() and len(given) < 10):
        raise RefusalError(400, f"{name} must be a whole number from {lowest} to {highest}")
    if not lowest <= int(given) <= highest:
        raise RefusalError(400, f"{name} must be from {lowest} to {highest}, not {int(given)}")
    return int(given)


async def refusal(kind: str, retry_after_seconds: int) -> Response:
    """The answer to a fault."""
    response = await RefusalError(*REFUSALS[kind]).response()
    if kind in ("429", "503"):
        response.headers["retry-after"] = str(retry_after_seconds)
    return response
