"""Routes by which tests read what the sockets received, where the ruler is in place of the recogniser."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.recognition.ruler import Rulers


class RecognitionControl:
    """They need no key: the sandbox is reachable from this machine only."""

    def __init__(self, rulers: Rulers):
        self._rulers = rulers

    async def list_rulers(self, _request: Request) -> Response:
        """Each socket with the `ranges` of samples that it received, oldest first; none without the ruler."""
        return JSONResponse(self._rulers.report())

    async def reset_rulers(self, _request: Request) -> Response:
        self._rulers.reset()
        return Response(status_code=204)
