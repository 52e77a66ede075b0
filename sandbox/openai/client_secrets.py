"""OpenAI's client secrets: what a browser uses instead of the API key to open realtime sockets.

Source: OpenAI's openapi.yaml 2.3.0 and Python SDK 3.54.0 (types/realtime/client_secret_create_params.py), read 2026-11.
Unlike AssemblyAI's token, a secret opens any number of sessions until it expires. Only the service's own limit caps
them, and the client may reconfigure them.
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
from sandbox.openai.realtime_options import DEFAULT_CONFIG, SessionConfig, apply_session_update
from sandbox.openai.responses import OpenAIError, check_key, fault_response, set_headers

CLIENT_SECRET = "openai.client_secret"

MIN_EXPIRES_SECONDS, MAX_EXPIRES_SECONDS, DEFAULT_EXPIRES_SECONDS = 10, 7_200, 600
MAX_BODY_BYTES = 256 * 1024


class InvalidSecretError(Exception):
    """The credential is neither the key nor a valid secret."""


@dataclass(frozen=True)
class SecretGrant:
    """What a secret opens until `expires_at`; an open session may go on."""

    session: SessionConfig
    expires_at: int


class ClientSecrets:
    """The route `POST /realtime/client_secrets`, and the secrets issued by it."""

    def __init__(self, key: str, clock: Clock, fault_queue: Faults, calls: Calls):
        self._key = key
        self._clock = clock
        self._faults = fault_queue
        self._calls = calls
        self._grants: dict[str, SecretGrant] = {}

    async def create(self, request: Request) -> Response:
        call = self._calls.record_call(CLIENT_SECRET, request)
        fault = self._faults.take_fault(CLIENT_SECRET)
        call.fault = fault.kind if fault else None
        started = time.perf_counter()
        serve: Callable[[], Awaitable[Response]]
        try:
            expires_seconds, session = await self._read(request, call)
            serve = partial(self._issue_secret, expires_seconds, session)
        except OpenAIError as error:
            serve = error.response
        response = await faults.respond(fault, request, serve, fault_response)
        set_headers(response, started)
        call.status = response.status_code
        return response

    def create_secret(self, expires_seconds: int, session: SessionConfig) -> tuple[str, int]:
        """A new secret, and its expiry in epoch seconds."""
        value, now = f"ek_{secrets.token_hex(16)}", self._clock.now()
        self._grants = {secret: grant for secret, grant in self._grants.items() if grant.expires_at >= now}
        self._grants[value] = SecretGrant(session, int(now) + expires_seconds)
        return value, self._grants[value].expires_at

    def redeem_credential(self, credential: str) -> SessionConfig:
        """The session that `credential`, a secret or the key itself, opens now. Raises InvalidSecretError."""
        if hmac.compare_digest(credential.encode(), self._key.encode()):
            return DEFAULT_CONFIG
        grant = self._grants.get(credential)
        if grant is None or self._clock.now() > grant.expires_at:
            raise InvalidSecretError
        return grant.session

    async def _issue_secret(self, expires_seconds: int, session: SessionConfig) -> Response:
        value, expires_at = self.create_secret(expires_seconds, session)
        return JSONResponse({"value": value, "expires_at": expires_at, "session": session_json(session)})

    async def _read(self, request: Request, call: Call) -> tuple[int, SessionConfig]:
        """The lifetime in seconds and the session configuration. Raises OpenAIError."""
        try:
            raw = await forms.read_body(request, MAX_BODY_BYTES)
        except forms.BodyTooLargeError as error:
            raise OpenAIError(413, f"Maximum content size limit exceeded: {error}") from error
        check_key(request, self._key)
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise OpenAIError(400, "We could not parse the JSON body of your request.") from error
        if not isinstance(body, dict):
            raise OpenAIError(400, "We could not parse the JSON body of your request: an object was expected.")
        call.fields.update(body)
        for name in body:
            if name not in ("expires_after", "session"):
                raise OpenAIError(400, f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
        if "session" not in body:
            message = "Missing required parameter: 'session' (the sandbox only transcribes)."
            raise OpenAIError(400, message, code="missing_required_parameter", param="session")
        return _expires_seconds(body.get("expires_after", {})), apply_session_update(DEFAULT_CONFIG, body["session"])


def session_json(session: SessionConfig) -> dict[str, Any]:
    """A session as OpenAI returns it, with a new id."""
    names = {"object": "realtime.transcription_session", "id": f"sess_{secrets.token_hex(12)}", "expires_at": 0}
    return {**session, **names}


def _expires_seconds(expires_after: Any) -> int:
    """The lifetime that `expires_after` asks for. Raises OpenAIError."""
    path = "expires_after"
    if not isinstance(expires_after, dict) or not set(expires_after) <= {"anchor", "seconds"}:
        raise OpenAIError(400, f"Invalid value for '{path}'.", code="invalid_value", param=path)
    if expires_after.get("anchor", "created_at") != "created_at":
        message = f"Invalid value for '{path}.anchor'. Supported values are: 'created_at'."
        raise OpenAIError(400, message, code="invalid_value", param=f"{path}.anchor")
    seconds = expires_after.get("seconds", DEFAULT_EXPIRES_SECONDS)
    if type(seconds) is not int or not MIN_EXPIRES_SECONDS <= seconds <= MAX_EXPIRES_SECONDS:
        message = f"Invalid '{path}.seconds': from {MIN_EXPIRES_SECONDS} to {MAX_EXPIRES_SECONDS}."
        raise OpenAIError(400, message, code="invalid_value", param=f"{path}.seconds")
    return seconds
