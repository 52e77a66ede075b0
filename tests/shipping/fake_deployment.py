"""A deployment on loopback for the smoke test, correct except for one fault."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from scripts.shipping.answers import MESSAGES

ORIGIN, BUILD = "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "0123456789ab"
OTHER_ORIGIN = "https://owner.example"
API_HEADERS = {
    "Access-Control-Allow-Origin": ORIGIN,
    "Access-Control-Expose-Headers": "Retry-After,RateLimit-Limit,X-Request-Id",
    "Strict-Transport-Security": "max-age=31536000",
}
COUNTED = {"RateLimit-Limit": "120", "RateLimit-Remaining": "119"}


@dataclass(frozen=True)
class ReceivedRequest:
    """`headers`: by lower-case name. `names`: of the headers, as they were sent."""

    method: str
    path: str
    headers: dict[str, str]
    names: frozenset[str] = frozenset()

    @property
    def origin(self) -> str | None:
        return self.headers.get("origin")


@dataclass
class Response:
    status: int
    body: object
    headers: dict[str, str] = field(default_factory=lambda: dict(API_HEADERS))


def error(status: int, code: str, message: str = "No.", **headers: str) -> Response:
    return Response(status, {"code": code, "message": message, "request_id": "1"}, API_HEADERS | headers)


def correct_response(request: ReceivedRequest) -> Response:
    """The response of a correct deployment and its gateway: an allowed origin is answered by its own name."""
    response = _respond(request)
    if request.origin in (ORIGIN, OTHER_ORIGIN):
        response.headers["Access-Control-Allow-Origin"] = request.origin
    return response


def _respond(request: ReceivedRequest) -> Response:
    if request.method == "OPTIONS":
        allowed = {"Access-Control-Allow-Headers": "Authorization,Content-Type,Idempotency-Key,X-Amz-Date"}
        return Response(200, {}, API_HEADERS | allowed)
    if request.origin not in (None, ORIGIN, OTHER_ORIGIN):
        return error(403, "origin_not_allowed")
    match (request.method, request.path.partition("?")[0]):
        case ("GET", "/health"):
            return Response(200, {"status": "ok", "stage": "prod", "build": BUILD})
        case ("GET", "/credits/balance" | "/auth/user" | "/transcription/history" | "/analytics/costs"):
            return error(401, "unauthenticated", MESSAGES["unauthenticated"])
        case ("GET", "/credits/packages"):
            return Response(200, {"packages": [{"package_id": "starter"}]})
        case ("POST", "/auth/login"):
            return error(401, "invalid_credentials", **COUNTED)
        case ("POST", "/webhooks/stripe" | "/webhooks/assemblyai"):
            return error(400, "invalid_signature")
        case ("GET", "/Stage/health"):  # the gateway, for a stage that it does not have
            return Response(403, {"message": "Forbidden"})
    return error(404, "not_found")


Fault = Callable[[ReceivedRequest, Response], Response | None]


@dataclass
class Deployment:
    """A server on loopback, correct except for what `fault` changes."""

    url: str = ""
    fault: Fault = lambda request, response: None

    def respond(self, request: ReceivedRequest) -> Response:
        response = correct_response(request)
        return self.fault(request, response) or response


@contextmanager
def serve_deployment() -> Iterator[Deployment]:
    """Serve a correct deployment until the block ends."""
    deployment = Deployment()

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = deployment.respond(ReceivedRequest(self.command, self.path, headers, frozenset(self.headers)))
            if response.status == 0:  # no response at all
                self.close_connection = True
                return
            body = response.body.encode() if isinstance(response.body, str) else json.dumps(response.body).encode()
            self.send_response(response.status)
            for name, value in {"Content-Length": str(len(body)), **response.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_OPTIONS = respond

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        deployment.url = f"http://127.0.0.1:{listening.server_port}"
        serving = Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        yield deployment
        listening.shutdown()
