"""OpenAI's realtime socket for transcription, `WS /realtime?intent=transcription`: who may come in, how it is closed.

Source: developers.openai.com/api/docs/guides/realtime-transcription and OpenAI's Python SDK 3.54.0, read 2026-11. How a
browser shows its secret (the subprotocols) and how a socket is refused (an `error` event, then 3000 or 4000 with type
and code as the reason) is not in OpenAI's reference; it is what public clients do and saw.
"""

import json
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.calls import Call, Calls
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.openai import REFUSALS, RefusalError
from sandbox.openai_options import Session
from sandbox.openai_secrets import ClientSecrets, UnauthorizedError
from sandbox.openai_talk import ExpiredError, Talk, new_event_id
from sandbox.recognition import Recogniser

REALTIME = "openai.realtime"
KINDS = {"failed"}
"""`failed`: the first turn of the session is not transcribed."""

SUBPROTOCOL, SECRET_SUBPROTOCOL = "realtime", "openai-insecure-api-key."
UNAUTHORIZED, UNFIT, GOING_AWAY = 3000, 4000, 1001


class Realtime:
    """The route `WS /realtime`."""

    def __init__(self, secrets: ClientSecrets, clock: Clock, recogniser: Recogniser, pending: Faults, calls: Calls):
        self._secrets = secrets
        self._clock = clock
        self._recogniser = recogniser
        self._faults = pending
        self._calls = calls

    async def enter(self, socket: WebSocket) -> None:
        """Serve one socket. What is wrong is said after the upgrade: browsers do not tell why one was refused."""
        call = self._calls.received(REALTIME, socket)
        call.fields.update(socket.query_params)
        fault = self._faults.take(REALTIME)
        call.fault = fault.kind if fault else None
        offered = socket.scope.get("subprotocols", [])
        await socket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
        try:
            session = self._admit(socket, offered)
            await Talk(
                socket,
                session,
                fault is not None,
                self._clock,
                self._recogniser,
                lambda: self._calls.recognised(REALTIME),
            ).run()
        except UnauthorizedError:
            await _refuse(socket, call, UNAUTHORIZED, RefusalError(*REFUSALS["401"]))
        except RefusalError as refusal:
            await _refuse(socket, call, UNFIT, refusal)
        except ExpiredError:
            message = "Your session hit the maximum duration of 60 minutes."
            await _refuse(socket, call, GOING_AWAY, RefusalError(400, message, code="session_expired"))
        except WebSocketDisconnect as gone:
            call.status = gone.code

    def _admit(self, socket: WebSocket, offered: list[str]) -> Session:
        """The session that the socket may have. Raises UnauthorizedError, RefusalError."""
        session = self._secrets.redeem(_credential(socket, offered))
        if socket.query_params.get("intent") != "transcription" or "model" in socket.query_params:
            message = "You must pass intent=transcription and no model; the sandbox holds no conversations."
            raise RefusalError(400, message, code="missing_model")
        return session


def _credential(socket: WebSocket, offered: list[str]) -> str:
    """From the Authorization header, or as a browser shows it, which can set no header: among the subprotocols."""
    scheme, _, credential = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credential
    shown = [name for name in offered if name.startswith(SECRET_SUBPROTOCOL)]
    return shown[0].removeprefix(SECRET_SUBPROTOCOL) if shown and SUBPROTOCOL in offered else ""


async def _refuse(socket: WebSocket, call: Call, code: int, refusal: RefusalError) -> None:
    call.status = code
    error = refusal.error | {"event_id": None}
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(json.dumps({"type": "error", "event_id": new_event_id(), "error": error}))
        await socket.close(code, f"{error['type']}.{error['code']}")
