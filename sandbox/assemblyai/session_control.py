"""Routes by which tests compare the bills of live sessions."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.assemblyai.streaming_sessions import BilledSessions


class SessionControl:
    """They need no key: the sandbox is reachable from this machine only."""

    def __init__(self, sessions: BilledSessions):
        self._sessions = sessions

    async def list_sessions(self, _request: Request) -> Response:
        return JSONResponse(self._sessions.report())

    async def reset_sessions(self, _request: Request) -> Response:
        self._sessions.reset()
        return Response(status_code=204)
