"""The demo's requests, sent to a server with prepared answers."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scripts.journey import Journey, StepFailedError

TOO_SLOW = (504, {"code": "provider_timeout", "message": "AssemblyAI was too slow."})


class Server(ThreadingHTTPServer):
    """Gives its `answers` in order, and keeps what it `received`."""

    answers: list[tuple[int, dict]]
    received: list[tuple[str, bytes]]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.received.append((self.path, self.rfile.read(length)))
        status, body = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.answers, server.received = [], []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def send(server: Server) -> dict:
    return Journey(f"http://127.0.0.1:{server.server_port}").call("POST", "/audio?seq=3", data=b"sound")


def test_a_request_is_sent_again_once_when_a_provider_was_too_slow(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [TOO_SLOW, (200, {"text": "words"})]

    assert send(server) == {"text": "words"}
    assert server.received == [("/audio?seq=3", b"sound")] * 2
    assert "provider_timeout, on a busy machine: sent again in 0 s …" in capsys.readouterr().out


def test_a_provider_that_stays_too_slow_fails_the_step(server: Server) -> None:
    server.answers = [TOO_SLOW, TOO_SLOW]

    with pytest.raises(StepFailedError, match=r"returned 504: .*provider_timeout"):
        send(server)


def test_another_error_fails_the_step_at_once(server: Server) -> None:
    server.answers = [(502, {"code": "provider_error"})]

    with pytest.raises(StepFailedError, match="returned 502"):
        send(server)
    assert len(server.received) == 1
