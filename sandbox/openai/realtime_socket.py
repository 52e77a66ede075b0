"""OpenAI's realtime socket for transcription, `WS /realtime?intent=transcription`: who may open it, how it is closed.

Source: developers.openai.com/api/docs/guides/realtime-transcription and OpenAI's Python SDK 3.54.0, read 2026-11. Two
things are not in OpenAI's reference and follow public clients: how a browser sends its secret (the subprotocols), and
how a socket is refused (an `error` event, then 3000 or 4000 with type and code as the reason).
"""

import json
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.breakdown import log_breakdown
from sandbox.calls import Call, Calls
from sandbox.faults import Faults
from sandbox.openai.client_secrets import ClientSecrets, InvalidSecretError
from sandbox.openai.realtime_events import new_event_id
from sandbox.openai.realtime_options import RATE_HZ, SessionConfig
from sandbox.openai.realtime_protocol import RealtimeProtocol, SessionExpiredError
from sandbox.openai.responses import REFUSALS, OpenAIError
from sandbox.stand_in import StandInParts

REALTIME = "openai.realtime"
KINDS = {"failed"}
"""`failed`: the first turn of the session is not transcribed."""

SUBPROTOCOL, SECRET_SUBPROTOCOL = "realtime", "openai-insecure-api-key."
UNAUTHORIZED, BAD_REQUEST, GOING_AWAY, INTERNAL_ERROR = 3000, 4000, 1001, 1011


class RealtimeSocket:
    """The route `WS /realtime`."""

    def __init__(self, secrets: ClientSecrets, parts: StandInParts, fault_queue: Faults, calls: Calls):
        self._secrets = secrets
        self._parts = parts
        self._faults = fault_queue
        self._calls = calls

    async def serve(self, socket: WebSocket) -> None:
        """Serve one socket. Errors are sent after the upgrade, because browsers hide why an upgrade was refused."""
        call = self._calls.record_call(REALTIME, socket)
        call.fields.update(socket.query_params)
        fault = self._faults.take_fault(REALTIME)
        call.fault = fault.kind if fault else None
        offered = socket.scope.get("subprotocols", [])
        await socket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
        try:
            session = self._authorise(socket, offered)
            await RealtimeProtocol(
                socket,
                session,
                fault is not None,
                self._parts.clock,
                self._parts.recogniser,
                self._parts.open_ruler(REALTIME, RATE_HZ),
                lambda: self._calls.record_work(REALTIME),
            ).run()
        except InvalidSecretError:
            await _refuse(socket, call, UNAUTHORIZED, OpenAIError(*REFUSALS["401"]))
        except OpenAIError as error:
            await _refuse(socket, call, BAD_REQUEST, error)
        except SessionExpiredError:
            message = "Your session hit the maximum duration of 60 minutes."
            await _refuse(socket, call, GOING_AWAY, OpenAIError(400, message, code="session_expired"))
        except WebSocketDisconnect as disconnect:
            call.status = disconnect.code
        except Exception as error:  # noqa: BLE001 - whatever it is, the session has to end
            log_breakdown("a realtime session", error)
            await _refuse(socket, call, INTERNAL_ERROR, OpenAIError(*REFUSALS["500"]))

    def _authorise(self, socket: WebSocket, offered: list[str]) -> SessionConfig:
        """The configuration of the session that the socket may open. Raises InvalidSecretError, OpenAIError."""
        session = self._secrets.redeem_credential(_credential(socket, offered))
        if socket.query_params.get("intent") != "transcription" or "model" in socket.query_params:
            message = "Pass intent=transcription and no model: the sandbox only transcribes."
            raise OpenAIError(400, message, code="missing_model")
        return session


def _credential(socket: WebSocket, offered: list[str]) -> str:
    """The credential of the Authorization header, or of the subprotocols: a browser cannot set headers."""
    scheme, _, credential = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credential
    shown = [name for name in offered if name.startswith(SECRET_SUBPROTOCOL)]
    return shown[0].removeprefix(SECRET_SUBPROTOCOL) if shown and SUBPROTOCOL in offered else ""


async def _refuse(socket: WebSocket, call: Call, code: int, refusal: OpenAIError) -> None:
    call.status = code
    error = refusal.error | {"event_id": None}
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(json.dumps({"type": "error", "event_id": new_event_id(), "error": error}))
        await socket.close(code, f"{error['type']}.{error['code']}")
