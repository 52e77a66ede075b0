"""Every failure of a provider is mapped to one error, within the deadline and within the size limit."""

import gzip
import socket
from collections.abc import Callable

import pytest

from chalicelib.errors import ProviderError, ProviderTimeoutError, ProviderUnavailableError
from chalicelib.logs.request_facts import collect_request_facts
from chalicelib.providers.transport import MAX_RESPONSE_BYTES, QUOTA_MARKS, Transport

PARTS = [("config", (None, b"{}", "application/json")), ("audio", ("chunk.wav", b"RIFF", "audio/wav"))]
SHORT_TIMEOUT_SECONDS = 0.3


def failure(transport: Transport, url: str) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        transport.post(f"{url}/v1/transcribe", {"Authorization": "the-key"}, PARTS)
    assert "the-key" not in f"{raised.value} {raised.value.details}"
    return raised.value


def test_a_valid_response_is_returned_and_counted(serve, transport, http) -> None:
    server = serve(http(200, b'{"text": "hello"}', "X-Request-Id: r1\r\n"))

    with collect_request_facts() as request_facts:
        response = transport().post(server.url, {"Authorization": "the-key"}, PARTS)

    assert (response, request_facts.provider_calls, request_facts.provider_failures) == ({"text": "hello"}, 1, [])
    (request,) = server.requests
    assert b"Authorization: the-key\r\n" in request
    assert request.index(b'name="config"') < request.index(b'name="audio"')


def test_a_compressed_response_is_read(serve, transport, http) -> None:
    compressed = gzip.compress(b'{"text": "hello"}')

    response = transport().post(serve(http(200, compressed, "Content-Encoding: gzip\r\n")).url, {}, PARTS)

    assert response == {"text": "hello"}


def test_a_chunked_response_is_read(serve, transport) -> None:
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"text":\r\n5\r\n "a"}\r\n0\r\n\r\n'

    assert transport().post(serve(chunked).url, {}, PARTS) == {"text": "a"}


@pytest.mark.parametrize("status", [300, 304, 400, 401, 402, 403, 404, 409, 413, 415, 422, 500, 501, 502, 599])
def test_an_error_status_is_a_provider_error(serve, transport, http, status: int) -> None:
    server = serve(http(status, b"" if status == 304 else b"{}", "X-Request-Id: r1\r\n"))

    with collect_request_facts() as request_facts:
        error = failure(transport(), server.url)

    assert (error.code, error.details) == ("provider_error", {})
    assert request_facts.provider_failures == [f"Provider: status {status} r1"]


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
def test_the_retry_time_of_an_overloaded_provider_is_passed_on_within_limits(
    serve, transport, http, status, sent, seconds
) -> None:
    error = failure(transport(), serve(http(status, headers=sent)).url)

    assert isinstance(error, ProviderUnavailableError)
    assert (error.code, error.details) == ("unavailable", {"retry_after_seconds": seconds})


@pytest.mark.parametrize("mark", QUOTA_MARKS)
@pytest.mark.parametrize("status", [400, 402, 403, 429])
def test_an_exhausted_quota_is_named_in_the_log_for_the_owner(serve, transport, http, status: int, mark: bytes) -> None:
    server = serve(http(status, b'{"error": "' + mark + b'"}', "Retry-After: 1\r\n"))

    with collect_request_facts() as request_facts:
        error = failure(transport(), server.url)

    assert (error.code, error.details) == ("unavailable", {"retry_after_seconds": 300})
    assert request_facts.notes == {"provider_quota": "Provider"}


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
def test_a_body_that_is_no_json_object_is_a_provider_error(serve, transport, http, body: bytes) -> None:
    assert failure(transport(), serve(http(200, body)).url).code == "provider_error"


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"HTTP/1.1 200",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"text": "complete JSON, but shorter than declared"}',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}",
    ],
    ids=lambda response: f"{response[-30:]!r}",
)
def test_a_broken_response_is_a_provider_error(serve, transport, response: bytes) -> None:
    assert failure(transport(), serve(response).url).code == "provider_error"


def test_a_connection_that_is_reset_is_a_provider_error(serve, transport) -> None:
    def reset(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    assert failure(transport(), serve(reset).url).code == "provider_error"


def test_a_provider_that_cannot_be_reached_is_a_provider_error(transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    assert failure(transport(), url).code == "provider_error"


def wait_for_hang_up(connection: socket.socket, send: Callable[[], None] = lambda: None) -> None:
    """Call `send` every 50 ms until the client closes the connection."""
    connection.settimeout(0.05)
    while True:
        try:
            if not connection.recv(1):
                return
        except TimeoutError:
            send()


def test_no_response_is_a_timeout(serve, transport) -> None:
    error = failure(transport(SHORT_TIMEOUT_SECONDS), serve(wait_for_hang_up).url)

    assert isinstance(error, ProviderTimeoutError)


@pytest.mark.parametrize(
    "head", [b"200 OK\r\nContent-Length: 1000000\r\n", b"200 OK\r\n", b"500 Oh\r\n", b"302 Found\r\nLocation: /x\r\n"]
)
def test_a_slow_body_ends_at_the_deadline(serve, transport, head: bytes) -> None:
    """Each byte arrives within the socket's timeout, so only a deadline for the whole response ends this."""

    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 " + head + b"\r\n")
        wait_for_hang_up(connection, lambda: connection.sendall(b" "))

    assert failure(transport(SHORT_TIMEOUT_SECONDS), serve(trickle).url).code == "provider_timeout"


def test_a_response_above_the_size_limit_is_a_provider_error(serve, transport, http) -> None:
    too_large = http(200, b'{"text": "' + b"x" * MAX_RESPONSE_BYTES + b'"}')

    assert failure(transport(), serve(too_large).url).code == "provider_error"


def test_a_response_that_decompresses_above_the_size_limit_is_a_provider_error(serve, transport, http) -> None:
    bomb = gzip.compress(b'{"text": "' + b"x" * 20 * MAX_RESPONSE_BYTES + b'"}')
    assert len(bomb) < MAX_RESPONSE_BYTES / 10

    assert failure(transport(), serve(http(200, bomb, "Content-Encoding: gzip\r\n")).url).code == "provider_error"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(serve, transport, http, status: int) -> None:
    target = serve(http(200, b'{"text": "not us"}'))
    server = serve(http(status, headers=f"Location: {target.url}/\r\n"))

    assert failure(transport(), server.url).log_note == f"status {status}"
    assert target.requests == []


def test_a_failed_call_is_not_retried(serve, transport, http) -> None:
    server = serve(http(500))

    failure(transport(), server.url)

    assert len(server.requests) == 1


def test_slow_headers_end_at_the_deadline(serve, transport) -> None:
    """A client that reads headers line by line would wait for all of them."""
    lines = iter(
        f"X-{n}: 1\r\n".encode() for n in range(40)
    )  # With more than a hundred, http.client itself ends the call.

    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        connection.settimeout(0.05)
        for line in lines:
            connection.sendall(line)

            try:
                connection.recv(1)
            except TimeoutError:
                continue

    assert failure(transport(SHORT_TIMEOUT_SECONDS), serve(trickle).url).code == "provider_timeout"
