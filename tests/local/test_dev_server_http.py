"""Every malformed request gets an error in the shape of the contract; none drops the connection."""

import json
import socket
import threading
import time
from http.client import HTTPConnection, HTTPResponse

import pytest

HOST = b"Host: x\r\n"


def send_raw(server, request: bytes, *, end_sending: bool = False) -> tuple[HTTPResponse, bytes]:
    """Send these bytes and read one response."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(request)
        if end_sending:
            connection.shutdown(socket.SHUT_WR)
        return read_response(connection)


def read_response(connection: socket.socket, method: str = "GET") -> tuple[HTTPResponse, bytes]:
    with HTTPResponse(connection, method=method) as response:
        response.begin()
        return response, response.read()


def assert_error(server, response_and_body, status, code):
    response, body = response_and_body
    error = json.loads(body)
    assert (response.status, error["code"]) == (status, code)
    assert sorted(error) == ["code", "message", "request_id"]
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Request-Id"] == error["request_id"]
    assert response.headers["Vary"] == "Origin"
    # Callers of any page: the gateway's own errors hold nothing of a person.
    assert response.headers["Access-Control-Allow-Origin"] in (None, server.origin)


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET /nothing HTTP/1.1\r\n" + HOST, 404, "not_found"),
        (b"GET /nothing HTTP/1.1\r\nAuthorization: Bearer x\r\n" + HOST, 404, "not_found"),
        (b"GET /nothing HTTP/1.1\r\nAuthorization: \xff\xfe\r\n" + HOST, 404, "not_found"),
        (b"GET //[ HTTP/1.1\r\n" + HOST, 404, "not_found"),
        (b"GET /things//parts HTTP/1.1\r\n" + HOST, 404, "not_found"),
        (b"OPTIONS /nothing HTTP/1.1\r\n" + HOST, 404, "not_found"),
        (b"DELETE /echo HTTP/1.1\r\n" + HOST, 404, "not_found"),
        (b"PROPFIND /echo HTTP/1.1\r\nContent-Length: 3\r\n" + HOST, 404, "not_found"),
        (b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST, 411, "invalid_request"),
        (b"POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip\r\nContent-Length: 3\r\n" + HOST, 411, "invalid_request"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: -1\r\n" + HOST, 400, "invalid_request"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: +1\r\n" + HOST, 400, "invalid_request"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 1_0\r\n" + HOST, 400, "invalid_request"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: many\r\n" + HOST, 400, "invalid_request"),
        (b"POST /echo HTTP/1.1\r\nContent-Length:\r\n" + HOST, 400, "invalid_request"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n" + HOST, 400, "invalid_request"),
        (b"POST /echo HTTP/1.1\r\nContent-Length : 3\r\n" + HOST, 400, "invalid_request"),
        (b"POST /echo HTTP/1.1\r\nX-Long: a\r\n folded\r\n" + HOST, 400, "invalid_request"),
        (b"POST /echo HTTP/1.1\r\nno colon here\r\nContent-Length: 3\r\n" + HOST, 400, "invalid_request"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 10485761\r\n" + HOST, 413, "too_large"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n" + HOST, 413, "too_large"),
        (b"POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n" + HOST, 413, "too_large"),
        (b"GET /echo HTTP/1.1\r\nX-Big: " + b"a" * 70_000 + b"\r\n" + HOST, 431, "invalid_request"),
        (b"GET /echo HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 150 + HOST, 431, "invalid_request"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST, 414, "invalid_request"),
        (b"GET /echo\r\n", 400, "invalid_request"),
        (b"nonsense\r\n", 400, "invalid_request"),
        (b"GET /echo HTTP/x\r\n", 400, "invalid_request"),
        (b"GET /echo HTTP/3.0\r\n" + HOST, 505, "invalid_request"),
        (b"\x16\x03\x01 tls hello\r\n", 400, "invalid_request"),
    ],
    ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else str(value),
)
def test_every_malformed_request_gets_an_error_response(dev_server, request_bytes, status, code):
    assert_error(dev_server, send_raw(dev_server, request_bytes + b"\r\n"), status, code)


def test_a_bug_of_the_gateway_returns_500_and_is_only_logged(dev_server, monkeypatch, capfd):
    def fail(*_):
        raise RuntimeError("an internal secret")

    monkeypatch.setattr(dev_server.gateway, "respond", fail)

    response = send_raw(dev_server, b"GET /things/new HTTP/1.1\r\n" + HOST + b"\r\n")

    assert_error(dev_server, response, 500, "internal_error")
    assert b"secret" not in response[1]
    assert "an internal secret" in capfd.readouterr().err


def test_a_body_that_ends_early_is_400(dev_server):
    request = b"POST /echo HTTP/1.1\r\nContent-Length: 10\r\n" + HOST + b"\r\nabc"

    assert_error(dev_server, send_raw(dev_server, request, end_sending=True), 400, "invalid_request")


def test_a_client_that_sends_a_too_large_body_can_still_read_the_error(dev_server):
    with socket.create_connection(("127.0.0.1", dev_server.port), timeout=60) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nContent-Length: 30000000\r\n" + HOST + b"\r\n")
        for _ in range(30):
            connection.sendall(b"x" * 1_000_000)

        assert_error(dev_server, read_response(connection), 413, "too_large")


def test_a_body_of_ten_megabytes_is_accepted(dev_server):
    body = b"x" * (10 * 1024 * 1024)

    status, echo = request_json(dev_server, "POST", "/echo", body, {"Content-Type": "text/plain"})

    assert (status, echo["bytes"]) == (200, len(body))


def test_expect_100_is_answered_if_the_body_is_accepted(dev_server):
    with socket.create_connection(("127.0.0.1", dev_server.port), timeout=60) as connection:
        head = b"POST /echo HTTP/1.1\r\nContent-Type: text/plain\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
        connection.sendall(head + HOST + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"ok")

        response, body = read_response(connection)

    assert (response.status, json.loads(body)["bytes"]) == (200, list(b"ok"))


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer x", "x.y.z", "a.!!!.b", "Bearer a.eyJzdWIiOiAiYWRhIn0.c", "\xff"]
)
def test_any_token_or_none_reaches_the_app_which_rejects_it(dev_server, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}

    status, body = request_json(dev_server, "GET", "/private", None, headers)

    assert (status, body["authorization"]) == (401, authorization)


def test_a_blank_line_before_a_request_is_skipped(dev_server):
    response, _ = send_raw(dev_server, b"\r\nGET /things/new HTTP/1.1\r\n" + HOST + b"\r\n")

    assert response.status == 200


def test_an_absolute_request_target_is_its_path(dev_server):
    response, body = send_raw(dev_server, b"GET http://127.0.0.1/things/new?a=1 HTTP/1.1\r\n" + HOST + b"\r\n")

    assert (response.status, json.loads(body)) == (200, {"literal": True})


def test_a_response_to_head_has_no_body_and_the_connection_stays_open(dev_server):
    with socket.create_connection(("127.0.0.1", dev_server.port), timeout=60) as connection:
        connection.sendall(b"HEAD /things/new HTTP/1.1\r\n" + HOST + b"\r\n")
        head, _ = read_response(connection, "HEAD")
        connection.sendall(b"GET /things/new HTTP/1.1\r\n" + HOST + b"\r\n")
        response, _ = read_response(connection)

    assert (head.status, response.status) == (404, 200)


def test_a_preflight_is_answered_from_the_routes_cors_settings(dev_server):
    response, _ = send_raw(dev_server, b"OPTIONS /things/1 HTTP/1.1\r\n" + HOST + b"\r\n")

    assert response.status == 200
    assert response.headers["Access-Control-Allow-Origin"] == dev_server.origin
    assert response.headers["Vary"] == "Origin"
    assert "GET" in response.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("chrome-extension://testtesttesttesttesttesttesttest", True),
        ("https://owner.example", True),
        ("https://owner.example.evil.example", False),
        ("HTTPS://OWNER.EXAMPLE", False),
        ("null", False),
        ("", False),
    ],
)
def test_a_preflight_of_each_allowed_origin_is_answered_by_its_name(dev_server, origin, is_allowed):
    sent = f"Origin: {origin}\r\n".encode()
    response, _ = send_raw(dev_server, b"OPTIONS /things/1 HTTP/1.1\r\n" + sent + HOST + b"\r\n")

    assert response.headers["Access-Control-Allow-Origin"] == (origin if is_allowed else dev_server.origin)
    assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["chrome-extension://a", "https://anyone.example", "null"])
@pytest.mark.parametrize(
    "start",
    [b"GET /nothing HTTP/1.1\r\n", b"DELETE /echo HTTP/1.1\r\n", b"POST /echo HTTP/1.1\r\nContent-Length: x\r\n"],
)
def test_errors_of_the_gateway_itself_echo_the_callers_origin(dev_server, origin, start):
    response, _ = send_raw(dev_server, start + f"Origin: {origin}\r\n".encode() + HOST + b"\r\n")

    assert response.status in (400, 404)
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", [b"https://a\r\n X-Injected: 1", b"https://\x01a", b"\xff\xfe", b"https://a\x0b"])
def test_an_origin_that_is_no_header_value_is_not_echoed(dev_server, origin):
    response, _ = send_raw(dev_server, b"GET /nothing HTTP/1.1\r\nOrigin: " + origin + b"\r\n" + HOST + b"\r\n")

    assert response.status in (400, 404)
    assert response.headers["Access-Control-Allow-Origin"] is None
    assert "X-Injected" not in response.headers


def test_a_persistent_connection_does_not_wait_for_delayed_acknowledgements(dev_server):
    connection = HTTPConnection("127.0.0.1", dev_server.port, timeout=60)
    try:
        fastest = min(measure_request(connection) for _ in range(20))
    finally:
        connection.close()

    assert fastest < 0.03  # With delayed acknowledgements every request takes at least 40 ms.


def measure_request(connection: HTTPConnection) -> float:
    started = time.monotonic()
    connection.request("POST", "/echo", b"hello", {"Content-Type": "text/plain"})
    connection.getresponse().read()
    return time.monotonic() - started


def test_32_parallel_requests_do_not_share_state(dev_server):
    responses: dict[int, dict] = {}

    def send(number: int) -> None:
        responses[number] = request_json(dev_server, "GET", f"/slow/name{number}?n={number}")[1]

    threads = [threading.Thread(target=send, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert {number: (response["name"], response["n"]) for number, response in responses.items()} == {
        number: (f"name{number}", str(number)) for number in range(32)
    }
    assert len({response["id"] for response in responses.values()}) == 32


def request_json(server, method, path, body=None, headers=None):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, path, body, {k: v.encode("latin-1") for k, v in (headers or {}).items()})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()
