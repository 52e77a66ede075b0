"""A gate before DynamoDB, on loopback: it lets every call through, or answers for the table as a table in trouble does.

The emulator is never full. What the functions hear, their SDK and their retries are real.
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
    """What may be the matter with the tables."""

    THROTTLED = "an on-demand table above what it takes"
    FULL = "a table's own throughput used up"
    FULL_INSIDE = "the same, told by cancelling transactions; reads pass"
    HALF_FULL = "one item of a transaction is too hot; reads and single writes pass"
    UNREACHABLE = "connections that end without an answer"


class DynamoDbGate:
    """A context manager around the gate. `upstream`: where DynamoDB is; asked with each call."""

    def __init__(self, upstream: Callable[[], str]):
        self.trouble: Failure | None = None
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

    def answer(self, operation: str, body: bytes) -> tuple[int, dict[str, Any]] | None:
        """What the table in trouble says to this call; None where it is let through."""
        match self.trouble, operation:
            case (Failure.THROTTLED, _):
                return 400, error_body("ThrottlingException")
            case (Failure.FULL, _) | (Failure.FULL_INSIDE, "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem"):
                return 400, error_body("ProvisionedThroughputExceededException")
            case (Failure.FULL_INSIDE | Failure.HALF_FULL, "TransactWriteItems"):
                code = "ThrottlingError" if self.trouble is Failure.HALF_FULL else "ProvisionedThroughputExceeded"
                others = len(json.loads(body)["TransactItems"]) - 1
                reasons = [{"Code": code, "Message": "injected"}, *({"Code": "None"} for _ in range(others))]
                return 400, error_body("TransactionCanceledException", CancellationReasons=reasons)
        return None

    def _handler(gate) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if gate.trouble is Failure.UNREACHABLE:
                    self.close_connection = True
                    return
                said = gate.answer(self.headers.get("x-amz-target", "").rpartition(".")[2], body)
                if said:
                    self._send(said[0], {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(said[1]).encode())
                    return
                there = urlsplit(gate._upstream())
                connection = HTTPConnection(there.hostname or "", there.port or 80, timeout=30)
                try:
                    connection.request("POST", self.path, body, dict(self.headers))
                    answer = connection.getresponse()
                    content = answer.read()
                finally:
                    connection.close()
                hop = {"connection", "transfer-encoding", "content-length", "date", "server"}
                self._send(answer.status, {n: v for n, v in answer.getheaders() if n.lower() not in hop}, content)

            def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """A test is told by its failures."""

        return Handler


def error_body(code: str, **fields: Any) -> dict[str, Any]:
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "injected", **fields}
