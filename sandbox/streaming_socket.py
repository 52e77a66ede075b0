"""AssemblyAI's live room, `WS /v3/ws`: who may come in, and how a socket is closed.

Source: AssemblyAI's API specification (usm-streaming.yml, common-errors.mdx) and its Python SDK 1.8.2, read 2026-11.
"""

import json
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.calls import Call, Calls
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.recognition import Recogniser
from sandbox.streaming_options import Options, from_query
from sandbox.streaming_sessions import Session, Sessions
from sandbox.streaming_talk import ClosingError, Talk
from sandbox.streaming_token import Tokens, UnauthorizedError

STREAMING = "assemblyai.streaming"

REFUSALS = {
    "quota": (1008, "Unauthorized Connection: Insufficient account balance"),
    "too_many": (1008, "Unauthorized Connection: Too many concurrent sessions"),
    "3009": (3009, "Unauthorized Connection: Too many concurrent sessions"),
}
"""Close code and text by fault; the two pages about too many sessions name different codes."""
KINDS = set(REFUSALS) | {"3005", "cut", "stall"}
"""`3005`, `cut` (the connection is lost) and `stall` (no answers any more until a limit ends the session, not even to
Terminate) begin after `delay_seconds`."""

MAX_REASON_BYTES = 123


class Room:
    """The route `WS /v3/ws`."""

    def __init__(
        self, tokens: Tokens, sessions: Sessions, clock: Clock, recogniser: Recogniser, pending: Faults, calls: Calls
    ):
        self._tokens = tokens
        self._sessions = sessions
        self._clock = clock
        self._recogniser = recogniser
        self._faults = pending
        self._calls = calls

    async def enter(self, socket: WebSocket) -> None:
        """Serve one socket. Whatever is wrong is said after the upgrade: browsers do not tell why one was refused."""
        call = self._calls.received(STREAMING, socket)
        call.fields.update({name: value for name, value in socket.query_params.items() if name != "token"})
        fault = self._faults.take(STREAMING)
        call.fault = fault.kind if fault else None
        await socket.accept()
        try:
            if fault is not None and fault.kind in REFUSALS:
                raise ClosingError(*REFUSALS[fault.kind])
            session, options = self._admit(socket)
            await Talk(socket, session, options, fault, self._clock, self._recogniser).run()
            await _close(socket, call, 1000)
        except ClosingError as closing:
            await _refuse(socket, call, closing)
        except WebSocketDisconnect:
            # Returning without a close frame drops the connection, where it is not gone already.
            pass

    def _admit(self, socket: WebSocket) -> tuple[Session, Options]:
        """Open a session for a socket that may have one. Raises ClosingError."""
        try:
            credential = socket.query_params.get("token") or socket.headers.get("authorization", "")
            max_seconds = self._tokens.redeem(credential)
            options = from_query(socket.query_params)
        except UnauthorizedError as error:
            raise ClosingError(1008, f"Unauthorized Connection: {error}") from error
        except ValueError as error:
            raise ClosingError(3006, f"Invalid Message: {error}") from error
        self._calls.recognised(STREAMING)
        return self._sessions.open(options.model, max_seconds, options.inactivity_seconds), options


async def _refuse(socket: WebSocket, call: Call, closing: ClosingError) -> None:
    """Say why, then close with the same code."""
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(json.dumps({"type": "Error", "error_code": closing.code, "error": closing.error}))
    reason = closing.error.encode(errors="replace")
    if len(reason) > MAX_REASON_BYTES:
        reason = b"See Error message for details"
    await _close(socket, call, closing.code, reason.decode())


async def _close(socket: WebSocket, call: Call, code: int, reason: str = "") -> None:
    call.status = code
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.close(code, reason)
