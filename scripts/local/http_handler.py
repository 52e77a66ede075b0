"""HTTP on a socket for the dev server: whatever arrives gets an answer, and an answer is never 40 ms late."""

import base64
import contextlib
import re
import socket
import sys
import time
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import Any

from chalice.local import ChaliceRequestHandler, LocalGatewayException, ThreadedHTTPServer

from scripts.local.gateway import Gateway, GatewayError, error_answer

MAX_BODY_BYTES = 10 * 1024 * 1024  # API Gateway's payload quota.
LINGER_SECONDS = 10
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


class Server(ThreadedHTTPServer):
    """chalice local's threaded server: the gateway that answers, and the origin that may read its errors."""

    request_queue_size = 128  # The default of 5 makes a parallel burst wait a second for its next SYN.

    gateway: Gateway
    extension_origin: str

    def server_bind(self) -> None:
        """Without http.server's reverse look-up of our own name, which takes seconds on some machines."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(ChaliceRequestHandler):
    """One connection. Every way out of it is an answer in the contract's error shape or the app's own."""

    server: Server
    # One write per answer and no Nagle: header and body in two small packets cost a delayed acknowledgement, 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 60  # seconds a client may stay silent
    _body_is_unread = False

    def __init__(self, request: Any, client_address: Any, server: Server, **_: Any):
        # Not ChaliceRequestHandler's: it builds a gateway per connection.
        BaseHTTPRequestHandler.__init__(self, request, client_address, server)

    def parse_request(self) -> bool:
        """Also refuses what http.server lets through and would misread."""
        self._started, self._body_is_unread = time.monotonic(), False
        if not self.raw_requestline.strip():
            self.command, self.close_connection = "", False  # A blank line before a request is to be skipped.
            return False
        if not super().parse_request():
            return False
        if self.request_version == "HTTP/0.9":
            self.send_error(HTTPStatus.BAD_REQUEST, "The request line has no HTTP version.")
            return False
        bad_names = [name for name in self.headers if not TOKEN.fullmatch(name)]
        folded = any("\r" in value or "\n" in value for value in self.headers.values())
        if bad_names or folded or self.headers.defects:
            self.send_error(HTTPStatus.BAD_REQUEST, "A header line is malformed.")
            return False
        return True

    def handle_expect_100(self) -> bool:
        """Invites the body only if it will be read."""
        try:
            self._body_length()
        except GatewayError as error:
            self._send_error(error.status, error.code, error.message)
            return False
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def _generic_handle(self) -> None:
        try:
            body = self._read_body(self._body_length())
            answer = self.server.gateway.answer(
                self.command, self._path(), self.headers.items(), body, self.client_address[0]
            )
            self._send(answer)
        except GatewayError as error:
            self._send_error(error.status, error.code, error.message)
        except LocalGatewayException as error:  # An authorizer other than Cognito's refused.
            code = "unauthenticated" if error.CODE == 401 else "forbidden"
            self._send_error(error.CODE, code, "The authorizer refused.")
        except (ConnectionError, TimeoutError):
            raise
        except Exception:  # noqa: BLE001 - a bug must show in the log and still be answered
            traceback.print_exc()
            self._send_error(500, "internal_error", "Something went wrong here.")

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _generic_handle

    def _path(self) -> str:
        """The request target as an absolute path; proxies send a whole URL."""
        if self.path.startswith("/"):
            return self.path
        return "/" + self.path.partition("://")[2].partition("/")[2]

    def _body_length(self) -> int:
        """Content-Length. Raises GatewayError for what cannot be read safely: connection and body end there."""
        self._body_is_unread = True
        if "transfer-encoding" in self.headers:
            raise GatewayError(411, "invalid_request", "Send a Content-Length; chunked bodies are not taken.")
        lengths = self.headers.get_all("content-length", [])
        if not lengths:
            self._body_is_unread = False
            return 0
        if len(lengths) > 1 or not re.fullmatch("[0-9]+", lengths[0].strip(), re.ASCII):
            raise GatewayError(400, "invalid_request", "Content-Length must be one whole number.")
        digits = lengths[0].strip().lstrip("0")
        if len(digits) > len(str(MAX_BODY_BYTES)) or int(digits or "0") > MAX_BODY_BYTES:
            raise GatewayError(413, "too_large", f"A body may have {MAX_BODY_BYTES} bytes at most.")
        self._body_is_unread = False
        return int(digits or "0")

    def _read_body(self, length: int) -> bytes | None:
        self._body_is_unread = True
        try:
            body = self.rfile.read(length) if length else b""
        except TimeoutError as error:
            raise GatewayError(408, "invalid_request", "The rest of the body did not come.") from error
        if len(body) < length:
            raise GatewayError(400, "invalid_request", f"The body ended after {len(body)} of {length} bytes.")
        self._body_is_unread = False
        return body or None

    def _send(self, answer: dict[str, Any]) -> None:
        headers = answer["headers"] | answer["multiValueHeaders"]
        body = answer["body"] or b""
        if answer.get("isBase64Encoded"):
            body = base64.b64decode(body)
        self._write(answer["statusCode"], headers, body.encode() if isinstance(body, str) else body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """http.server's own complaints: what follows on the connection cannot be trusted, so it ends."""
        self._body_is_unread = True
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._send_error(404, "not_found", f"Nothing takes {self.command}.")
        else:
            self._send_error(code, "invalid_request", message or HTTPStatus(code).phrase)

    def _send_error(self, status: int, code: str, message: str) -> None:
        headers, body = error_answer(code, message, self.server.extension_origin)
        self._write(status, headers, body)

    def _write(self, status: int, headers: dict[str, Any], body: bytes) -> None:
        if self.request_version in ("", "HTTP/0.9"):  # Or http.server leaves out status line and headers.
            self.request_version = "HTTP/1.1"
        if self._body_is_unread:
            self.close_connection = True
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                for one in value if isinstance(value, list) else [value]:
                    self.send_header(name, str(one))
        if body and "content-type" not in (name.lower() for name in headers):
            self.send_header("Content-Type", "application/json")
        if status != HTTPStatus.NOT_MODIFIED:  # Its length would be that of the content which is left out.
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def finish(self) -> None:
        """Takes in, and forgets, what a refused client still sends: closing on it would reset the connection, and
        the client would never read why."""
        if self._body_is_unread:
            with contextlib.suppress(OSError):
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_WR)
                self.connection.settimeout(1)
                deadline = time.monotonic() + LINGER_SECONDS
                while time.monotonic() < deadline and self.connection.recv(65536):
                    pass
        super().finish()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002
        """One line per request, without the query, which may carry tokens."""
        path = getattr(self, "path", "-").split("?")[0]
        milliseconds = (time.monotonic() - getattr(self, "_started", time.monotonic())) * 1000
        line = f"{self.command or '-'} {path} {int(code)} {milliseconds:.0f} ms"
        print(line.encode("ascii", "backslashreplace").decode(), file=sys.stderr, flush=True)

    def log_error(self, format: str, *args: Any) -> None:
        """Silent: every error is answered, and log_request has its line."""
