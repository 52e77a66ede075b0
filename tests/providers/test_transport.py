"""Every way a provider can fail has one name, comes within the deadline and within bounds."""

import gzip
import socket
from collections.abc import Callable

import pytest

from chalicelib.errors import ProviderError, ProviderTimeoutError, ProviderUnavailableError
from chalicelib.logs.request_log import collect_request_log
from chalicelib.providers.transport import MAX_ANSWER_BYTES, QUOTA_MARKS, Transport

PARTS = [("config", (None, b"{}", "application/json")), ("audio", ("chunk.wav", b"RIFF", "audio/wav"))]
HASTY_SECONDS = 0.3


def failure(transport: Transport, url: str) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        transport.post(f"{url}/v1/transcribe", {"Authorization": "the-key"}, PARTS)
    assert "the-key" not in f"{raised.value} {raised.value.details}"
    return raised.value


def test_a_good_answer_comes_through_and_is_counted(serve, transport, http) -> None:
    server = serve(http(200, b'{"text": "hello"}', "X-Request-Id: r1\r\n"))

    with collect_request_log() as request_log:
        answer = transport().post(server.url, {"Authorization": "the-key"}, PARTS)

    assert (answer, request_log.provider_calls, request_log.provider_failures) == ({"text": "hello"}, 1, [])
    (request,) = server.requests
    assert b"Authorization: the-key\r\n" in request
    assert request.index(b'name="config"') < request.index(b'name="audio"')


def test_a_compressed_answer_is_read(serve, transport, http) -> None:
    packed = gzip.compress(b'{"text": "hello"}')

    answer = transport().post(serve(http(200, packed, "Content-Encoding: gzip\r\n")).url, {}, PARTS)

    assert answer == {"text": "hello"}


def test_an_answer_in_chunks_is_read(serve, transport) -> None:
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"text":\r\n5\r\n "a"}\r\n0\r\n\r\n'

    assert transport().post(serve(chunked).url, {}, PARTS) == {"text": "a"}


@pytest.mark.parametrize("status", [300, 304, 400, 401, 402, 403, 404, 409, 413, 415, 422, 500, 501, 502, 599])
def test_a_refusal_is_a_provider_error(serve, transport, http, status: int) -> None:
    server = serve(http(status, b"" if status == 304 else b"{}", "X-Request-Id: r1\r\n"))

    with collect_request_log() as request_log:
        error = failure(transport(), server.url)

    assert (error.code, error.details) == ("provider_error", {})
    assert request_log.provider_failures == [f"Provider: status {status} r1"]


@pytest.mark.parametrize("status", [408, 504])
def test_the_providers_own_timeout_is_a_timeout(serve, transport, http, status: int) -> None:
    assert failure(transport(), serve(http(status)).url).code == "provider_timeout"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ("Retry-After: 7\r\n", 7),
        ("Retry-After: 0\r\n", 1),
        ("Retry-After: 999999999999\r\n", 120),
        ("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", 5),
        ("Retry-After: -1\r\n", 5),
        ("Retry-After: 1.5\r\n", 5),
        ("Retry-After: \xb2\r\n", 5),
        ("Retry-After:\r\n", 5),
        ("", 5),
    ],
)
def test_an_overloaded_provider_says_when_within_reason(serve, transport, http, status, sent, seconds) -> None:
    error = failure(transport(), serve(http(status, headers=sent)).url)

    assert isinstance(error, ProviderUnavailableError)
    assert (error.code, error.details) == ("unavailable", {"retry_after_seconds": seconds})


@pytest.mark.parametrize("mark", QUOTA_MARKS)
@pytest.mark.parametrize("status", [400, 402, 403, 429])
def test_an_unpaid_bill_is_noted_for_the_owner(serve, transport, http, status: int, mark: bytes) -> None:
    server = serve(http(status, b'{"error": "' + mark + b'"}', "Retry-After: 1\r\n"))

    with collect_request_log() as request_log:
        error = failure(transport(), server.url)

    assert (error.code, error.details) == ("unavailable", {"retry_after_seconds": 300})
    assert request_log.notes == {"provider_quota": "Provider"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"<html></html>",
        b'{"text": NaN}',
        b'{"a":' * 50_000,
        b"{} {}",
    ],
    ids=lambda body: f"{body[:14]!r}",
)
def test_nonsense_is_a_provider_error(serve, transport, http, body: bytes) -> None:
    assert failure(transport(), serve(http(200, body)).url).code == "provider_error"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"text": "complete JSON, but not all that was promised"}',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}",
    ],
    ids=lambda answer: f"{answer[-30:]!r}",
)
def test_a_broken_answer_is_a_provider_error(serve, transport, answer: bytes) -> None:
    assert failure(transport(), serve(answer).url).code == "provider_error"


def test_a_connection_that_is_reset_is_a_provider_error(serve, transport) -> None:
    def reset(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    assert failure(transport(), serve(reset).url).code == "provider_error"


def test_a_provider_that_is_not_there_is_a_provider_error(transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    assert failure(transport(), url).code == "provider_error"


def until_gone(connection: socket.socket, say: Callable[[], None] = lambda: None) -> None:
    """Say something every twentieth of a second until the client hangs up."""
    connection.settimeout(0.05)
    while True:
        try:
            if not connection.recv(1):
                return
        except TimeoutError:
            say()


def test_silence_is_a_timeout(serve, transport) -> None:
    error = failure(transport(HASTY_SECONDS), serve(until_gone).url)

    assert isinstance(error, ProviderTimeoutError)


@pytest.mark.parametrize(
    "head", [b"200 OK\r\nContent-Length: 1000000\r\n", b"200 OK\r\n", b"500 Oh\r\n", b"302 Found\r\nLocation: /x\r\n"]
)
def test_a_body_that_trickles_is_cut_off_at_the_deadline(serve, transport, head: bytes) -> None:
    """Each byte comes well within a socket's own time-out: only a deadline over all of them ends this."""

    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 " + head + b"\r\n")
        until_gone(connection, lambda: connection.sendall(b" "))

    assert failure(transport(HASTY_SECONDS), serve(trickle).url).code == "provider_timeout"


def test_an_answer_over_the_limit_is_not_read_on(serve, transport, http) -> None:
    endless = http(200, b'{"text": "' + b"x" * MAX_ANSWER_BYTES + b'"}')

    assert failure(transport(), serve(endless).url).code == "provider_error"


def test_an_answer_that_unpacks_over_the_limit_is_not_read_on(serve, transport, http) -> None:
    bomb = gzip.compress(b'{"text": "' + b"x" * 20 * MAX_ANSWER_BYTES + b'"}')
    assert len(bomb) < MAX_ANSWER_BYTES / 10

    assert failure(transport(), serve(http(200, bomb, "Content-Encoding: gzip\r\n")).url).code == "provider_error"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(serve, transport, http, status: int) -> None:
    elsewhere = serve(http(200, b'{"text": "not us"}'))
    server = serve(http(status, headers=f"Location: {elsewhere.url}/\r\n"))

    assert failure(transport(), server.url).log_note == f"status {status}"
    assert elsewhere.requests == []


def test_nothing_is_tried_twice(serve, transport, http) -> None:
    server = serve(http(500))

    failure(transport(), server.url)

    assert len(server.requests) == 1


def test_a_head_that_trickles_is_cut_off_at_the_deadline(serve, transport) -> None:
    """A client that reads a head line by line would wait for its end."""
    lines = iter(f"X-{n}: 1\r\n".encode() for n in range(40))  # More than a hundred end it, whoever waits.

    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        connection.settimeout(0.05)
        for line in lines:
            connection.sendall(line)

            try:
                connection.recv(1)
            except TimeoutError:
                continue

    assert failure(transport(HASTY_SECONDS), serve(trickle).url).code == "provider_timeout"
