"""A server on loopback that receives webhooks and serves files."""

import http.server
import queue
import threading
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Received:
    """A request. Names of headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Responds with 204, or with `statuses` to the first requests; GET returns the file of the path."""

    def __init__(self) -> None:
        self.received: queue.Queue[Received] = queue.Queue()
        self.statuses: list[int] = []
        self.files: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        """Paths that GET redirects, and their targets."""
        self.silence = threading.Event()
        """While it is cleared, no POST is answered."""
        self.silence.set()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def next(self) -> Received:
        """The next unread request. Raises queue.Empty if none arrives."""
        return self.received.get(timeout=60)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.silence.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(receiver) -> type[http.server.BaseHTTPRequestHandler]:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = receiver.files.get(self.path)
                receiver.received.put(Received(self.path, _lower(self.headers), b""))
                if self.path in receiver.moved:
                    self.send_response(302)
                    self.send_header("Location", receiver.moved[self.path])
                else:
                    self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write(body or b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.put(Received(self.path, _lower(self.headers), body))
                receiver.silence.wait()
                status = receiver.statuses.pop(0) if receiver.statuses else 204
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Tests do not log."""

        return Handler


def _lower(headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
