"""An AWS endpoint that answers as a test says, byte by byte, and writes down what it was asked."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

CUT = b""  # Instead of an answer: the connection is closed.


def answer(status: int, body: bytes, **headers: str) -> bytes:
    """An answer whose headers are named with underscores for dashes."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Any\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


@dataclass
class ScriptedAws:
    """Serves each connection in a thread. `answers` in their order; the last is repeated."""

    answers: list[bytes] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    closes_after_answer: bool = False
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def bodies(self) -> list[bytes]:
        return [request.partition(b"\r\n\r\n")[2] for request in self.requests]

    def serve(self) -> None:
        threads = []
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                threads.append(threading.Thread(target=self._serve_connection, args=(connection,)))
                threads[-1].start()
        for thread in threads:
            thread.join(30)

    def _serve_connection(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(20)
            self._answer_requests(connection)
        self.closed.release()

    def _answer_requests(self, connection: socket.socket) -> None:
        received = b""
        while True:
            head, end, body = received.partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            if not end or len(body) < length:
                try:
                    more = connection.recv(65_536)
                except OSError:
                    return
                if not more:
                    return
                received += more
                continue
            self.requests.append(received)
            received = b""
            response = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if response == CUT:
                return
            connection.sendall(response)
            if self.closes_after_answer:
                return


@contextmanager
def scripted_aws() -> Iterator[ScriptedAws]:
    aws = ScriptedAws()
    server = threading.Thread(target=aws.serve)
    server.start()
    try:
        yield aws
    finally:
        aws.listener.shutdown(socket.SHUT_RDWR)
        aws.listener.close()
        server.join(30)
