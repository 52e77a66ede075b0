"""AssemblyAI's live socket, `WS /v3/ws`: who may open a session, and how a socket is closed.

Source: AssemblyAI's API specification (usm-streaming.yml, common-errors.mdx) and its Python SDK 1.8.2, read 2026-11.
"""

import json
from collections.abc import Callable
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.assemblyai.streaming_options import StreamingOptions, parse_query
from sandbox.assemblyai.streaming_protocol import SessionError, StreamingProtocol
from sandbox.assemblyai.streaming_sessions import BilledSession, BilledSessions
from sandbox.assemblyai.streaming_token import InvalidTokenError, Tokens
from sandbox.calls import Call, Calls
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.recognition.live_speech import LiveSpeech

STREAMING = "assemblyai.streaming"

REFUSALS = {
    "quota": (1008, "Unauthorized Connection: Insufficient account balance"),
    "too_many": (1008, "Unauthorized Connection: Too many concurrent sessions"),
    "3009": (3009, "Unauthorized Connection: Too many concurrent sessions"),
}
"""Close code and text per fault; the two pages about too many sessions name different codes."""
KINDS = set(REFUSALS) | {"3005", "cut", "stall"}
"""`3005`, `cut` (the connection is lost) and `stall` (nothing is sent any more until a limit ends the session, not even
in response to Terminate) begin after `delay_seconds`.
"""

MAX_REASON_BYTES = 123
OpenSpeech = Callable[[str, int, int], LiveSpeech]
"""The recognition of one socket's audio, by service, rate and `silence_ms`."""


class StreamingSocket:
    """The route `WS /v3/ws`."""

    def __init__(
        self,
        tokens: Tokens,
        sessions: BilledSessions,
        clock: Clock,
        open_speech: OpenSpeech,
        fault_queue: Faults,
        calls: Calls,
    ):
        self._tokens = tokens
        self._sessions = sessions
        self._clock = clock
        self._open_speech = open_speech
        self._faults = fault_queue
        self._calls = calls

    async def serve(self, socket: WebSocket) -> None:
        """Serve one socket. Errors are sent after the upgrade, because browsers hide why an upgrade was refused."""
        call = self._calls.record_call(STREAMING, socket)
        call.fields.update({name: value for name, value in socket.query_params.items() if name != "token"})
        fault = self._faults.take_fault(STREAMING)
        call.fault = fault.kind if fault else None
        await socket.accept()
        try:
            if fault is not None and fault.kind in REFUSALS:
                raise SessionError(*REFUSALS[fault.kind])
            session, options = self._open_session(socket)
            speech = self._open_speech(STREAMING, options.rate_hz, options.silence_ms)
            await StreamingProtocol(socket, session, options, fault, self._clock, speech).run()
            await _close(socket, call, 1000)
        except SessionError as error:
            await _refuse(socket, call, error)
        except WebSocketDisconnect:
            # Returning without a close frame drops a connection that is still open.
            pass

    def _open_session(self, socket: WebSocket) -> tuple[BilledSession, StreamingOptions]:
        """Authorise the socket and open its session. Raises SessionError."""
        try:
            credential = socket.query_params.get("token") or socket.headers.get("authorization", "")
            max_seconds = self._tokens.redeem_credential(credential)
            options = parse_query(socket.query_params)
        except InvalidTokenError as error:
            raise SessionError(1008, f"Unauthorized Connection: {error}") from error
        except ValueError as error:
            raise SessionError(3006, f"Invalid Message: {error}") from error
        self._calls.record_work(STREAMING)
        return self._sessions.open(options.model, max_seconds, options.inactivity_seconds), options


async def _refuse(socket: WebSocket, call: Call, error: SessionError) -> None:
    """Send an Error message, then close the socket with the same code."""
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(json.dumps({"type": "Error", "error_code": error.code, "error": error.error}))
    reason = error.error.encode(errors="replace")
    if len(reason) > MAX_REASON_BYTES:
        reason = b"See Error message for details"
    await _close(socket, call, error.code, reason.decode())


async def _close(socket: WebSocket, call: Call, code: int, reason: str = "") -> None:
    call.status = code
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.close(code, reason)
