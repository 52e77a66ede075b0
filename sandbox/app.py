"""Every route of the sandbox.

AssemblyAI lives at the root, because its streaming SDK takes a host and a port but no path.
"""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute

from sandbox import assemblyai, control, openai, streaming_socket, streaming_token
from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import HTTP_KINDS, Faults
from sandbox.recognition import Recogniser
from sandbox.streaming_sessions import Sessions


@dataclass(frozen=True)
class Keys:
    """The provider keys the sandbox accepts."""

    assemblyai: str = "sandbox-assemblyai-key"
    openai: str = "sandbox-openai-key"


def create(keys: Keys, clock: Clock) -> Starlette:
    """The sandbox as an ASGI application; its model loads in the background once it serves."""
    recogniser = Recogniser()
    faults = Faults(
        {
            assemblyai.SYNC: HTTP_KINDS,
            openai.TRANSCRIPTIONS: HTTP_KINDS,
            streaming_token.TOKEN: HTTP_KINDS,
            streaming_socket.STREAMING: streaming_socket.KINDS,
        }
    )
    calls = Calls()
    sessions = Sessions(clock)
    sync = assemblyai.Sync(keys.assemblyai, recogniser, faults, calls)
    transcriptions = openai.Transcriptions(keys.openai, recogniser, faults, calls)
    tokens = streaming_token.Tokens(keys.assemblyai, clock, faults, calls)
    room = streaming_socket.Room(tokens, sessions, clock, recogniser, faults, calls)
    desk = control.Desk(faults, calls, sessions)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        threading.Thread(target=recogniser.load, daemon=True).start()
        yield

    return Starlette(
        routes=[
            Route("/sandbox/health", desk.health),
            Route("/sandbox/faults", desk.list_faults, methods=["GET"]),
            Route("/sandbox/faults", desk.add_fault, methods=["POST"]),
            Route("/sandbox/faults", desk.clear_faults, methods=["DELETE"]),
            Route("/sandbox/calls", desk.list_calls, methods=["GET"]),
            Route("/sandbox/calls", desk.reset_calls, methods=["DELETE"]),
            Route("/sandbox/sessions", desk.list_sessions, methods=["GET"]),
            Route("/sandbox/sessions", desk.forget_sessions, methods=["DELETE"]),
            Route("/v3/token", tokens.create),
            WebSocketRoute("/v3/ws", room.enter),
            Route("/v1/transcribe", sync.transcribe, methods=["POST"]),
            Route("/v1/transcribe/live", sync.transcribe_live, methods=["POST"]),
            Route("/v1/warm", sync.warm),
            Mount("/openai/v1", routes=[Route("/audio/transcriptions", transcriptions.create, methods=["POST"])]),
        ],
        exception_handlers={ClientDisconnect: _nobody_listens},
        lifespan=lifespan,
    )


async def _nobody_listens(_request: Request, _error: Exception) -> Response:
    """The client left while it was sending. No answer can reach it, and that is no error of the sandbox."""
    return Response(status_code=400)
