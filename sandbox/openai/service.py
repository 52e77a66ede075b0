"""The sandbox's OpenAI: its parts put together, and their routes."""

from starlette.routing import Mount, Route, WebSocketRoute

from sandbox.faults import HTTP_KINDS
from sandbox.openai import realtime_socket, text
from sandbox.openai.client_secrets import CLIENT_SECRET, ClientSecrets
from sandbox.openai.transcriptions import TRANSCRIPTIONS, TranscriptionRoutes
from sandbox.stand_in import StandInParts, StandInRoutes

FAULTS = {
    TRANSCRIPTIONS: HTTP_KINDS,
    text.CHAT: text.KINDS,
    text.RESPONSES: text.KINDS,
    CLIENT_SECRET: HTTP_KINDS,
    realtime_socket.REALTIME: realtime_socket.KINDS,
}


def create(parts: StandInParts) -> StandInRoutes:
    """The audio, text and realtime API for one key."""
    key, faults, calls = parts.key("openai"), parts.faults, parts.calls
    transcriptions = TranscriptionRoutes(key, parts.recogniser, faults, calls)
    texts = text.TextRoutes(key, faults, calls)
    client_secrets = ClientSecrets(key, parts.clock, faults, calls)
    realtime = realtime_socket.RealtimeSocket(client_secrets, parts, faults, calls)
    routes = [
        Route("/audio/transcriptions", transcriptions.create, methods=["POST"]),
        Route("/chat/completions", texts.chat, methods=["POST"]),
        Route("/responses", texts.responses, methods=["POST"]),
        Route("/realtime/client_secrets", client_secrets.create, methods=["POST"]),
        WebSocketRoute("/realtime", realtime.serve),
    ]
    return StandInRoutes([Mount("/openai/v1", routes=routes)])
