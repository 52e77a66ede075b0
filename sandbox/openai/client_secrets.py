"""OpenAI's client secrets: what a browser is given in the key's place to open realtime sockets.

Source: OpenAI's openapi.yaml 2.3.0 and Python SDK 3.54.0 (types/realtime/client_secret_create_params.py), read 2026-11.
Unlike AssemblyAI's token a secret opens any number of sessions until it expires, nothing caps them but the service's
own limit, and who holds it may configure them anew.
"""

import hmac
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import faults, forms
from sandbox.calls import Call, Calls
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.openai.realtime_options import NEW, Session, configured
from sandbox.openai.transcriptions import RefusalError, check_key, refusal, set_headers

CLIENT_SECRET = "openai.client_secret"

MIN_EXPIRES_SECONDS, MAX_EXPIRES_SECONDS, DEFAULT_EXPIRES_SECONDS = 10, 7_200, 600
MAX_BODY_BYTES = 256 * 1024


class UnauthorizedError(Exception):
    """Neither the key nor a secret that is still good."""


@dataclass(frozen=True)
class Grant:
    """What a secret opens until `expires_at`; a session that is open by then goes on."""

    session: Session
    expires_at: int


class ClientSecrets:
    """The route `POST /realtime/client_secrets`, and the secrets it gave away."""

    def __init__(self, key: str, clock: Clock, pending: Faults, calls: Calls):
        self._key = key
        self._clock = clock
        self._faults = pending
        self._calls = calls
        self._grants: dict[str, Grant] = {}

    async def create(self, request: Request) -> Response:
        call = self._calls.received(CLIENT_SECRET, request)
        fault = self._faults.take(CLIENT_SECRET)
        call.fault = fault.kind if fault else None
        started = time.perf_counter()
        serve: Callable[[], Awaitable[Response]]
        try:
            expires_seconds, session = await self._read(request, call)
            serve = partial(self._give, expires_seconds, session)
        except RefusalError as error:
            serve = error.response
        response = await faults.answer(fault, request, serve, refusal)
        set_headers(response, started)
        call.status = response.status_code
        return response

    def mint(self, expires_seconds: int, session: Session) -> tuple[str, int]:
        """A new secret, and when it expires, in epoch seconds."""
        value, now = f"ek_{secrets.token_hex(16)}", self._clock.now()
        self._grants = {secret: grant for secret, grant in self._grants.items() if grant.expires_at >= now}
        self._grants[value] = Grant(session, int(now) + expires_seconds)
        return value, self._grants[value].expires_at

    def redeem(self, credential: str) -> Session:
        """The session that `credential`, a secret or the key itself, opens now. Raises UnauthorizedError."""
        if hmac.compare_digest(credential.encode(), self._key.encode()):
            return NEW
        grant = self._grants.get(credential)
        if grant is None or self._clock.now() > grant.expires_at:
            raise UnauthorizedError
        return grant.session

    async def _give(self, expires_seconds: int, session: Session) -> Response:
        value, expires_at = self.mint(expires_seconds, session)
        return JSONResponse({"value": value, "expires_at": expires_at, "session": described(session)})

    async def _read(self, request: Request, call: Call) -> tuple[int, Session]:
        """For how long, and for which session. Raises RefusalError."""
        try:
            body = await forms.whole_body(request, MAX_BODY_BYTES)
        except forms.BodyTooLargeError as error:
            raise RefusalError(413, f"Maximum content size limit exceeded: {error}") from error
        check_key(request, self._key)
        try:
            wish = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RefusalError(400, "We could not parse the JSON body of your request.") from error
        if not isinstance(wish, dict):
            raise RefusalError(400, "We could not parse the JSON body of your request: an object was expected.")
        call.fields.update(wish)
        for name in wish:
            if name not in ("expires_after", "session"):
                raise RefusalError(400, f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
        if "session" not in wish:
            message = "Missing required parameter: 'session' (the sandbox holds no conversations)."
            raise RefusalError(400, message, code="missing_required_parameter", param="session")
        return _expires_seconds(wish.get("expires_after", {})), configured(NEW, wish["session"])


def described(session: Session) -> dict[str, Any]:
    """A session as OpenAI tells of it, under a new id."""
    names = {"object": "realtime.transcription_session", "id": f"sess_{secrets.token_hex(12)}", "expires_at": 0}
    return {**session, **names}


def _expires_seconds(wish: Any) -> int:
    """Raises RefusalError."""
    path = "expires_after"
    if not isinstance(wish, dict) or not set(wish) <= {"anchor", "seconds"}:
        raise RefusalError(400, f"Invalid value for '{path}'.", code="invalid_value", param=path)
    if wish.get("anchor", "created_at") != "created_at":
        message = f"Invalid value for '{path}.anchor'. Supported values are: 'created_at'."
        raise RefusalError(400, message, code="invalid_value", param=f"{path}.anchor")
    seconds = wish.get("seconds", DEFAULT_EXPIRES_SECONDS)
    if type(seconds) is not int or not MIN_EXPIRES_SECONDS <= seconds <= MAX_EXPIRES_SECONDS:
        message = f"Invalid '{path}.seconds': from {MIN_EXPIRES_SECONDS} to {MAX_EXPIRES_SECONDS}."
        raise RefusalError(400, message, code="invalid_value", param=f"{path}.seconds")
    return seconds
