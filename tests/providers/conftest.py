"""Fixtures: a socket server that sends exact bytes, a transport, and the providers' stand-ins."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from chalicelib.providers.transport import ProviderSession, Transport
from tests.providers.stand_in import StandIn

Script = Callable[[socket.socket], None]


@dataclass
class RawServer:
    """Reads one complete request of each connection, then runs `script` with the socket."""

    listener: socket.socket
    script: Script
    requests: list[bytes] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(60)
                self.requests.append(read_request(connection))
                self.script(connection)


def read_request(connection: socket.socket) -> bytes:
    """Raises OSError when the client hangs up."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _receive(connection)
    head, _, start = received.partition(b"\r\n\r\n")
    body = bytearray(start)
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while len(body) < sum(lengths):  # A GET has no body and no Content-Length.
        body += _receive(connection)
    return head + b"\r\n\r\n" + bytes(body)


def _receive(connection: socket.socket) -> bytes:
    if not (received := connection.recv(65_536)):
        raise ConnectionError
    return received


@pytest.fixture
def serve() -> Iterator[Callable[[bytes | Script], RawServer]]:
    """Starts a server that responds with these bytes and closes, or runs the script."""
    running: list[tuple[RawServer, threading.Thread]] = []

    def start(script: bytes | Script) -> RawServer:
        response = script
        run = (lambda connection: connection.sendall(response)) if isinstance(response, bytes) else response
        server = RawServer(socket.create_server(("127.0.0.1", 0)), run)
        thread = threading.Thread(target=server.serve)
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.ending.set()
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join()


@pytest.fixture
def transport() -> Iterator[Callable[..., Transport]]:
    """Makes transports; no test reaches the default deadline."""
    with ProviderSession() as session:
        session.trust_env = False
        yield lambda deadline_seconds=60.0: Transport(session, "Provider", deadline_seconds)


def http(status: int, body: bytes = b"{}", headers: str = "") -> bytes:
    """A complete HTTP response."""
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n{headers}Connection: close\r\n\r\n"
    return head.encode() + body


@pytest.fixture(name="http")
def http_fixture() -> Callable[..., bytes]:
    return http


@pytest.fixture(scope="package")
def running_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with StandIn.running(tmp_path_factory.mktemp("stand-in") / "stderr.txt") as running:
        yield running


@pytest.fixture
def stand_in(running_stand_in: StandIn) -> StandIn:
    """The providers' stand-ins in a process of their own, without faults and with no recorded calls."""
    running_stand_in.reset()
    return running_stand_in
