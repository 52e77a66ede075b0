"""HTTP connections of the dev server: every request gets a response, without the 40 ms of a delayed acknowledgement."""

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

from scripts.local.gateway import Gateway, GatewayError, error_response

MAX_BODY_BYTES = 10 * 1024 * 1024  # API Gateway's payload quota.
LINGER_SECONDS = 10
SHARED = re.compile(r"(/shared/)[^/]+")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


class Server(ThreadedHTTPServer):
    """The threaded server of chalice local, with the gateway that answers."""

    request_queue_size = 128  # With the default of 5 parallel requests wait a second to connect.

    gateway: Gateway

    def __init__(self, address: tuple[str, int], handler: Any, listener: socket.socket | None = None):
        """`listener`: a socket that listens already, instead of a new one on `address`."""
        super().__init__(address, handler, bind_and_activate=listener is None)
        if listener is not None:
            self.socket.close()
            self.socket = listener
            self.server_address = listener.getsockname()
            self.server_name, self.server_port = self.server_address[:2]

    def server_bind(self) -> None:
        """Bind without the reverse look-up of the host name in http.server, which takes seconds on some machines."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close their connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(ChaliceRequestHandler):
    """One connection. Every request ends with the response of the app or an error in the shape of the contract."""

    server: Server
    # One write per response and no Nagle algorithm: two small packets would cost a delayed acknowledgement of 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 60  # seconds without data from the client
    _body_is_unread = False

    def __init__(self, request: Any, client_address: Any, server: Server, **_: Any):
        # Not that of ChaliceRequestHandler, which builds a gateway for each connection.
        BaseHTTPRequestHandler.__init__(self, request, client_address, server)

    def parse_request(self) -> bool:
        """Also reject requests that http.server accepts but parses wrongly."""
        self._started, self._body_is_unread = time.monotonic(), False
        if not self.raw_requestline.strip():
            self.command, self.close_connection = "", False  # A blank line before a request is skipped.
            return False
        if not super().parse_request():
            return False
        if self.request_version == "HTTP/0.9":
            self.send_error(HTTPStatus.BAD_REQUEST, "The request line must end with an HTTP version.")
            return False
        bad_names = [name for name in self.headers if not TOKEN.fullmatch(name)]
        folded = any("\r" in value or "\n" in value for value in self.headers.values())
        if bad_names or folded or self.headers.defects:
            self.send_error(HTTPStatus.BAD_REQUEST, "A header line is malformed.")
            return False
        return True

    def handle_expect_100(self) -> bool:
        """Send 100 Continue only if the body will be read."""
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
            response = self.server.gateway.respond(
                self.command, self._path(), self.headers.items(), body, self.client_address[0]
            )
            self._send(response)
        except GatewayError as error:
            self._send_error(error.status, error.code, error.message)
        except LocalGatewayException as error:  # An authorizer other than Cognito's rejected the request.
            code = "unauthenticated" if error.CODE == 401 else "forbidden"
            self._send_error(error.CODE, code, "The authorizer rejected the request.")
        except (ConnectionError, TimeoutError):
            raise
        except Exception:  # noqa: BLE001 - a bug is logged, and the client still gets a response
            traceback.print_exc()
            self._send_error(500, "internal_error", "An internal error occurred. See the log of the API.")

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _generic_handle

    def _path(self) -> str:
        """The request target as an absolute path; proxies send a full URL."""
        if self.path.startswith("/"):
            return self.path
        return "/" + self.path.partition("://")[2].partition("/")[2]

    def _body_length(self) -> int:
        """The Content-Length. Raises GatewayError for a body that cannot be read safely, and closes the connection."""
        self._body_is_unread = True
        if "transfer-encoding" in self.headers:
            raise GatewayError(411, "invalid_request", "Send a Content-Length. Chunked bodies are not supported.")
        lengths = self.headers.get_all("content-length", [])
        if not lengths:
            self._body_is_unread = False
            return 0
        if len(lengths) > 1 or not re.fullmatch("[0-9]+", lengths[0].strip(), re.ASCII):
            raise GatewayError(400, "invalid_request", "Content-Length must be one whole number.")
        digits = lengths[0].strip().lstrip("0")
        if len(digits) > len(str(MAX_BODY_BYTES)) or int(digits or "0") > MAX_BODY_BYTES:
            raise GatewayError(413, "too_large", f"The body may have at most {MAX_BODY_BYTES:,} bytes.")
        self._body_is_unread = False
        return int(digits or "0")

    def _read_body(self, length: int) -> bytes | None:
        self._body_is_unread = True
        try:
            body = self.rfile.read(length) if length else b""
        except TimeoutError as error:
            raise GatewayError(408, "invalid_request", "The body was not received in time.") from error
        if len(body) < length:
            raise GatewayError(400, "invalid_request", f"The body ended after {len(body):,} of {length:,} bytes.")
        self._body_is_unread = False
        return body or None

    def _send(self, response: dict[str, Any]) -> None:
        headers = response["headers"] | response["multiValueHeaders"]
        body = response["body"] or b""
        if response.get("isBase64Encoded"):
            body = base64.b64decode(body)
        self._write(response["statusCode"], headers, body.encode() if isinstance(body, str) else body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Send an error of http.server and close the connection, whose further bytes cannot be trusted."""
        self._body_is_unread = True
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._send_error(404, "not_found", f"The method {self.command} is not supported.")
        else:
            self._send_error(code, "invalid_request", message or HTTPStatus(code).phrase)

    def _send_error(self, status: int, code: str, message: str) -> None:
        received = getattr(self, "headers", None)  # none where the request line is malformed
        headers, body = error_response(code, message, received and received.get("origin"))
        self._write(status, headers, body)

    def _write(self, status: int, headers: dict[str, Any], body: bytes) -> None:
        if self.request_version in ("", "HTTP/0.9"):  # Otherwise http.server omits the status line and the headers.
            self.request_version = "HTTP/1.1"
        if self._body_is_unread:
            self.close_connection = True
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                for item in value if isinstance(value, list) else [value]:
                    self.send_header(name, str(item))
        if body and "content-type" not in (name.lower() for name in headers):
            self.send_header("Content-Type", "application/json")
        if status != HTTPStatus.NOT_MODIFIED:  # Its length would be that of the omitted body.
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def finish(self) -> None:
        """Read and discard what a rejected client still sends.

        Closing earlier would reset the connection, and the client could not read the error.
        """
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
        """Write one line per request, without the query and the secret of a shared address."""
        path = SHARED.sub(r"\1{token}", getattr(self, "path", "-").split("?")[0])
        milliseconds = (time.monotonic() - getattr(self, "_started", time.monotonic())) * 1000
        line = f"{self.command or '-'} {path} {int(code)} {milliseconds:.0f} ms"
        print(line.encode("ascii", "backslashreplace").decode(), file=sys.stderr, flush=True)

    def log_error(self, format: str, *args: Any) -> None:
        """Write nothing: log_request logs the response to the error."""
