"""A gate before DynamoDB, on loopback: it passes every call on, or fails it as a table with a problem does.

The emulator never throttles. The responses, the SDK of the functions and its retries are real.
"""

import json
from collections.abc import Callable
from enum import StrEnum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import urlsplit


class Failure(StrEnum):
    """The failures of tables."""

    THROTTLED = "an on-demand table above its limit"
    FULL = "the provisioned throughput of a table is used up"
    FULL_INSIDE = "the same, reported by cancelled transactions; reads pass"
    HALF_FULL = "one item of a transaction is too hot; reads and single writes pass"
    UNREACHABLE = "connections that end without a response"


class DynamoDbGate:
    """A context manager around the gate. `upstream`: returns the address of DynamoDB, for each call."""

    def __init__(self, upstream: Callable[[], str]):
        self.failure: Failure | None = None
        self._upstream = upstream
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fail(self, operation: str, body: bytes) -> tuple[int, dict[str, Any]] | None:
        """The status and body of the failure; None if the call passes."""
        match self.failure, operation:
            case (Failure.THROTTLED, _):
                return 400, error_body("ThrottlingException")
            case (Failure.FULL, _) | (Failure.FULL_INSIDE, "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem"):
                return 400, error_body("ProvisionedThroughputExceededException")
            case (Failure.FULL_INSIDE | Failure.HALF_FULL, "TransactWriteItems"):
                code = "ThrottlingError" if self.failure is Failure.HALF_FULL else "ProvisionedThroughputExceeded"
                others = len(json.loads(body)["TransactItems"]) - 1
                reasons = [{"Code": code, "Message": "injected"}, *({"Code": "None"} for _ in range(others))]
                return 400, error_body("TransactionCanceledException", CancellationReasons=reasons)
        return None

    def _handler(gate) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if gate.failure is Failure.UNREACHABLE:
                    self.close_connection = True
                    return
                failure = gate.fail(self.headers.get("x-amz-target", "").rpartition(".")[2], body)
                if failure:
                    status, fields = failure
                    self._send(status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(fields).encode())
                    return
                address = urlsplit(gate._upstream())
                connection = HTTPConnection(address.hostname or "", address.port or 80, timeout=30)
                try:
                    connection.request("POST", self.path, body, dict(self.headers))
                    response = connection.getresponse()
                    content = response.read()
                finally:
                    connection.close()
                hop_headers = {"connection", "transfer-encoding", "content-length", "date", "server"}
                headers = {name: value for name, value in response.getheaders() if name.lower() not in hop_headers}
                self._send(response.status, headers, content)

            def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        return Handler


def error_body(code: str, **fields: Any) -> dict[str, Any]:
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "injected", **fields}
