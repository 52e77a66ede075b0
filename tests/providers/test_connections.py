"""A connection that died while the function slept: what may be sent twice is, what may cost money twice is not."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from chalicelib.errors import ProviderError, ProviderTimeoutError
from chalicelib.logs.request_facts import collect_request_facts
from chalicelib.models.sessions import LiveOptions
from chalicelib.providers import connections, stripe_client
from chalicelib.providers.assemblyai_live import AssemblyAILive
from chalicelib.providers.connections import LONGEST_PAUSE_SECONDS
from chalicelib.providers.openai_live import OpenAILive
from chalicelib.providers.stripe_client import StripeGateway
from chalicelib.providers.transport import Transport
from tests.providers.conftest import RawServer, read_request
from tests.providers.stripe_checkout_steps import new_purchase

ANSWER = b'{"text": "hello", "token": "t", "value": "t", "expires_at": 9, "expires_in_seconds": 60}'
CHECKOUT = b'{"object": "checkout.session", "id": "cs_1", "url": "https://pay.example.com/1", "livemode": false}'
LARGE = [("audio", ("chunk.wav", bytes(16_000_000), "audio/wav"))]  # more than the buffers of two sockets hold
SMALL = [("audio", ("chunk.wav", b"RIFF", "audio/wav"))]
Call = Callable[[Transport, str], object]
REPEATABLE: dict[str, Call] = {
    "GET": lambda transport, url: transport.get(url, {}, {}),
    "DELETE": lambda transport, url: transport.delete(url, {}),
    "token of AssemblyAI": lambda transport, url: AssemblyAILive(
        transport, url, "key", now=lambda: 9
    ).create_socket_credential(60, LiveOptions()),
    "client secret of OpenAI": lambda transport, url: OpenAILive(
        transport, url, "key", "model"
    ).create_socket_credential(60, LiveOptions()),
}
COSTS_MONEY: dict[str, Call] = {
    "audio": lambda transport, url: transport.post(url, {}, SMALL),
    "an order or a question": lambda transport, url: transport.post_json(url, {}, {"question": "What?"}),
}


@dataclass
class DyingServer:
    """Answers the first request of each connection; the second one of the first connection fails in some way."""

    fail: Callable[[socket.socket], None]
    body: bytes = ANSWER
    requests: list[int] = field(default_factory=list)  # the number of the connection of each
    kept_open: list[socket.socket] = field(default_factory=list)
    connections: int = 0

    def __call__(self, connection: socket.socket) -> None:
        self.connections += 1
        self.requests.append(self.connections)
        self.answer(connection)
        if self.connections == 1:
            self.fail(connection)

    def answer(self, connection: socket.socket) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        connection.sendall(head.encode() + self.body)

    def close(self) -> None:
        for connection in self.kept_open:
            connection.close()


@pytest.fixture
def dying(serve) -> Callable[..., tuple[DyingServer, RawServer]]:
    def start(failure: str, body: bytes = ANSWER) -> tuple[DyingServer, RawServer]:
        def reset(connection: socket.socket) -> None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

        def fail(connection: socket.socket) -> None:
            if failure == "reset while it is written":
                connection.recv(100)
                reset(connection)
                return
            read_request(connection)
            server.requests.append(1)
            if failure == "silent":
                server.kept_open.append(connection.dup())
            elif failure == "reset":
                reset(connection)

        server = DyingServer(fail, body)
        return server, serve(server)

    return start


@pytest.mark.parametrize("failure", ["reset", "closed", "silent"])
@pytest.mark.parametrize("call", REPEATABLE.values(), ids=REPEATABLE)
def test_what_costs_nothing_is_sent_once_more(dying, transport, call: Call, failure: str) -> None:
    server, raw = dying(failure)
    used = transport(1.0)
    first = call(used, raw.url)

    with collect_request_facts() as facts:
        assert call(used, raw.url) == first

    assert server.requests == [1, 1, 2]
    assert (facts.provider_calls, facts.provider_failures) == (2, [])
    server.close()


@pytest.mark.parametrize("failure", ["reset", "closed"])
@pytest.mark.parametrize("call", COSTS_MONEY.values(), ids=COSTS_MONEY)
def test_what_costs_money_is_not_sent_again_once_it_was_written(dying, transport, call: Call, failure: str) -> None:
    server, raw = dying(failure)
    used = transport()
    call(used, raw.url)

    with pytest.raises(ProviderError, match=r"^Provider could not be reached\. Retry the request\.$"):
        call(used, raw.url)

    assert server.requests == [1, 1]


def test_a_silent_connection_is_a_timeout_for_what_costs_money(dying, transport) -> None:
    server, raw = dying("silent")
    used = transport(0.3)
    used.post(raw.url, {}, SMALL)

    with pytest.raises(ProviderTimeoutError):
        used.post(raw.url, {}, SMALL)

    assert server.requests == [1, 1]
    server.close()


def test_what_costs_money_is_sent_again_if_it_was_not_written_whole(dying, transport) -> None:
    server, raw = dying("reset while it is written")
    used = transport()
    used.post(raw.url, {}, SMALL)

    assert used.post(raw.url, {}, LARGE)["text"] == "hello"

    assert server.requests == [1, 2]


@pytest.mark.parametrize(
    ("pause_seconds", "connections_used"),
    [
        (0, [1, 1]),
        (LONGEST_PAUSE_SECONDS - 0.01, [1, 1]),
        (LONGEST_PAUSE_SECONDS, [1, 2]),
        (3_600, [1, 2]),
        (-9, [1, 2]),
    ],
)
@pytest.mark.parametrize("call", COSTS_MONEY.values(), ids=COSTS_MONEY)
def test_a_connection_is_not_used_after_a_pause(
    dying, transport, monkeypatch: pytest.MonkeyPatch, call: Call, pause_seconds: float, connections_used: list[int]
) -> None:
    now = [1_795_400_000.0]
    monkeypatch.setattr(connections, "time", SimpleNamespace(time=lambda: now[0]))
    server, raw = dying("answered")
    server.fail = lambda connection: (read_request(connection), server.requests.append(1), server.answer(connection))
    used = transport()
    call(used, raw.url)

    now[0] += pause_seconds
    call(used, raw.url)

    assert server.requests == connections_used


def test_a_second_dead_connection_is_an_error(dying, transport) -> None:
    server, raw = dying("reset")
    used = transport()
    used.get(raw.url, {}, {})
    server.answer = lambda connection: None  # type: ignore[method-assign]

    with pytest.raises(ProviderError, match="could not be reached"):
        used.get(raw.url, {}, {})

    assert server.requests == [1, 1, 2]


def test_an_answer_that_breaks_off_is_not_requested_again(serve, transport) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    with pytest.raises(ProviderError, match=r"could not be reached|before its response was complete"):
        transport().get(server.url, {}, {})

    assert len(server.requests) == 1


@pytest.mark.parametrize("failure", ["reset", "closed", "silent"])
def test_a_checkout_is_opened_on_a_second_connection_with_its_key(
    dying, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    monkeypatch.setattr(stripe_client, "READ_SECONDS", 0.3)
    server, raw = dying(failure, CHECKOUT)
    gateway = StripeGateway("sk_test_canary", ("whsec",), "app", "local", ("card",), raw.url)
    purchase = new_purchase()
    gateway.open_checkout(purchase)

    assert gateway.open_checkout(purchase).session_id == "cs_1"

    assert server.requests == [1, 1, 2]
    assert gateway.client is not None
    gateway.client._requestor._get_http_client().close()
    server.close()
