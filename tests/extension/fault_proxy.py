"""A proxy between the extension and the API that refuses, delays or loses requests, and remembers when each came."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

FORWARDED = ("Authorization", "Content-Type", "Idempotency-Key", "Origin", "Access-Control-Request-Method")
FORWARDED += ("Access-Control-Request-Headers",)
DROPPED = {"connection", "transfer-encoding", "content-length", "server", "keep-alive"}
HELD_SECONDS = 120
KINDS = ("429", "503", "502", "drop", "lost", "slow", "held")
REFUSALS = {"429": (429, "rate_limited"), "503": (503, "unavailable"), "502": (502, "provider_error")}


@dataclass
class Fault:
    """What happens to the next `times` requests with this `action`: that of a body, or a path.

    `kind`: `429`, `503` or `502`: refused by the proxy itself. `drop`: the connection breaks before the API has the
    request. `lost`: after the API has handled it. `slow`: the answer comes 3 seconds late. `held`: when it is released.
    """

    action: str
    kind: str
    times: int = 1
    retry_after_seconds: int | None = None


@dataclass
class Exchange:
    """A request and how it was answered; times are epoch seconds. `status` is 0 where the connection broke.

    `api_status`: what the API answered, also where its answer was lost; 0 where it was not asked.
    """

    action: str
    key: str | None
    body: dict[str, Any]
    began_at: float
    status: int = 0
    api_status: int = 0
    answer: dict[str, Any] = field(default_factory=dict)
    ended_at: float = 0
    fault: str | None = None

    @property
    def was_handled(self) -> bool:
        """Whether the API did it, also if the answer was lost."""
        return 200 <= self.api_status < 300


class FaultProxy:
    """Serves on a free port of loopback. The API, as its log, sees the requests of the extension as they were."""

    def __init__(self, api_url: str):
        self._address = urlsplit(api_url).netloc
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._released = threading.Event()
        self.exchanges: list[Exchange] = []
        self.url = ""

    def fail(self, action: str, kind: str, times: int = 1, retry_after_seconds: int | None = None) -> None:
        assert kind in KINDS, kind
        with self._lock:
            self._faults.append(Fault(action, kind, times, retry_after_seconds))

    def release(self) -> None:
        """Let the answers go that are held, and those that would be."""
        self._released.set()

    def reset(self) -> None:
        """Delete all faults and exchanges."""
        self._released.clear()
        with self._lock:
            self._faults.clear()
            self.exchanges.clear()

    def of(self, action: str, status: int = 200) -> list[Exchange]:
        """The requests of an action that ended with this status, in their order."""
        with self._lock:
            return [exchange for exchange in self.exchanges if (exchange.action, exchange.status) == (action, status)]

    def first_handled(self, action: str) -> Exchange:
        """The first request of an action that the API handled, whether or not its answer arrived."""
        with self._lock:
            return next(exchange for exchange in self.exchanges if exchange.action == action and exchange.was_handled)

    def leases(self) -> list[Exchange]:
        """The requests that began a lease, or repeated one that did, in their order."""
        with self._lock:
            return [
                exchange
                for exchange in self.exchanges
                if exchange.action in ("start", "renew") and exchange.was_handled
                if exchange.ended_at  # the answer to the last renewal may not be awaited any more
            ]

    def log(self) -> str:
        """The requests of live sessions, for the message of a test that fails."""
        return "\n".join(
            f"{exchange.began_at % 1000:.2f} to {exchange.ended_at % 1000:.2f}: {exchange.action} {exchange.status} "
            f"{exchange.fault} {exchange.body.get('interrupted', '')} {exchange.answer.get('lease_expires_at', '')}"
            for exchange in list(self.exchanges)
            if not exchange.action.startswith("/")
        )

    @contextmanager
    def running(self) -> Iterator["FaultProxy"]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                with suppress(ConnectionError):  # the browser has gone
                    super().handle_one_request()

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                proxy._handle(self, self.rfile.read(length) if length else b"")

            do_POST = do_PATCH = do_DELETE = do_OPTIONS = do_GET

            def log_message(self, *_: object) -> None:
                """Nothing is written about requests."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def _take_fault(self, action: str) -> Fault | None:
        with self._lock:
            fault = next((fault for fault in self._faults if fault.action == action), None)
            if fault:
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
            return fault

    def _handle(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        began_at = time.time()
        if handler.command == "OPTIONS":
            self._answer(handler, *self._forward(handler, body))
            return
        content = _json(body)
        action, key = str(content.get("action") or urlsplit(handler.path).path), handler.headers.get("Idempotency-Key")
        exchange = Exchange(action, key, content, began_at)
        fault = self._take_fault(exchange.action)
        exchange.fault = fault.kind if fault else None
        with self._lock:
            self.exchanges.append(exchange)
        if fault and fault.kind in REFUSALS:
            self._refuse(handler, exchange, fault)
        elif fault and fault.kind == "drop":
            _break_off(handler)
        else:
            status, headers, answer = self._forward(handler, body)
            exchange.api_status = status
            if fault and fault.kind == "lost":
                _break_off(handler)
            else:
                time.sleep(3 if fault and fault.kind == "slow" else 0)
                if fault and fault.kind == "held":
                    self._released.wait(HELD_SECONDS)
                exchange.status, exchange.answer = status, _json(answer)
                self._answer(handler, status, headers, answer)
        exchange.ended_at = time.time()

    def _forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        headers = {name: value for name in FORWARDED if (value := handler.headers.get(name)) is not None}
        connection = HTTPConnection(self._address, timeout=60)
        try:
            connection.request(handler.command, handler.path, body or None, headers)
            response = connection.getresponse()
            answered = {name: value for name, value in response.getheaders() if name.lower() not in DROPPED}
            return response.status, answered, response.read()
        finally:
            connection.close()

    def _refuse(self, handler: BaseHTTPRequestHandler, exchange: Exchange, fault: Fault) -> None:
        status, code = REFUSALS[fault.kind]
        answer = json.dumps({"code": code, "message": "Retry the request.", "request_id": "of the proxy"}).encode()
        headers = {"Content-Type": "application/json", "Access-Control-Expose-Headers": "Retry-After"}
        headers["Access-Control-Allow-Origin"] = handler.headers.get("Origin", "*")
        if fault.retry_after_seconds is not None:
            headers["Retry-After"] = str(fault.retry_after_seconds)
        exchange.status = status
        self._answer(handler, status, headers, answer)

    def _answer(self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def _json(body: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        if isinstance(content := json.loads(body or b"{}"), dict):
            return content
    return {}


def _break_off(handler: BaseHTTPRequestHandler) -> None:
    """The connection is lost without an answer."""
    handler.close_connection = True
    handler.connection.close()
