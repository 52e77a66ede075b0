"""Every trap of an HTTP connection has an answer in the contract's error shape; none drops the connection."""

import json
import socket
import threading
import time
from http.client import HTTPConnection, HTTPResponse

import pytest

HOST = b"Host: x\r\n"


def raw(server, request: bytes, *, end_sending: bool = False) -> tuple[HTTPResponse, bytes]:
    """Sends these bytes and reads one answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(request)
        if end_sending:
            connection.shutdown(socket.SHUT_WR)
        return read(connection)


def read(connection: socket.socket, method: str = "GET") -> tuple[HTTPResponse, bytes]:
    with HTTPResponse(connection, method=method) as response:
        response.begin()
        return response, response.read()


def assert_error(server, answer, status, code):
    response, body = answer
    error = json.loads(body)
    assert (response.status, error["code"]) == (status, code)
    assert sorted(error) == ["code", "message", "request_id"]
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Request-Id"] == error["request_id"]
    assert response.headers["Access-Control-Allow-Origin"] == server.origin
    assert response.headers["Vary"] == "Origin"


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
def test_whatever_arrives_is_answered(dev_server, request_bytes, status, code):
    assert_error(dev_server, raw(dev_server, request_bytes + b"\r\n"), status, code)


def test_a_bug_of_the_gateway_is_a_500_and_stays_in_the_log(dev_server, monkeypatch, capfd):
    def fails(*_):
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(dev_server.gateway, "answer", fails)

    answer = raw(dev_server, b"GET /things/new HTTP/1.1\r\n" + HOST + b"\r\n")

    assert_error(dev_server, answer, 500, "internal_error")
    assert b"secret" not in answer[1]
    assert "a secret of ours" in capfd.readouterr().err


def test_a_body_that_ends_early_is_400(dev_server):
    request = b"POST /echo HTTP/1.1\r\nContent-Length: 10\r\n" + HOST + b"\r\nabc"

    assert_error(dev_server, raw(dev_server, request, end_sending=True), 400, "invalid_request")


def test_a_client_that_sends_a_too_large_body_to_its_end_still_reads_the_answer(dev_server):
    with socket.create_connection(("127.0.0.1", dev_server.port), timeout=10) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nContent-Length: 30000000\r\n" + HOST + b"\r\n")
        for _ in range(30):
            connection.sendall(b"x" * 1_000_000)

        assert_error(dev_server, read(connection), 413, "too_large")


def test_a_body_of_ten_megabytes_is_taken(dev_server):
    body = b"x" * (10 * 1024 * 1024)

    status, answer = ask(dev_server, "POST", "/echo", body, {"Content-Type": "text/plain"})

    assert (status, answer["bytes"]) == (200, len(body))


def test_expect_100_invites_a_body_that_will_be_taken(dev_server):
    with socket.create_connection(("127.0.0.1", dev_server.port), timeout=5) as connection:
        head = b"POST /echo HTTP/1.1\r\nContent-Type: text/plain\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
        connection.sendall(head + HOST + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"ok")

        response, body = read(connection)

    assert (response.status, json.loads(body)["bytes"]) == (200, list(b"ok"))


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer x", "x.y.z", "a.!!!.b", "Bearer a.eyJzdWIiOiAiYWRhIn0.c", "\xff"]
)
def test_any_token_or_none_reaches_the_app_which_refuses_it(dev_server, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}

    status, answer = ask(dev_server, "GET", "/mine", None, headers)

    assert (status, answer["seen"]) == (401, authorization)


def test_a_blank_line_before_a_request_is_skipped(dev_server):
    response, _ = raw(dev_server, b"\r\nGET /things/new HTTP/1.1\r\n" + HOST + b"\r\n")

    assert response.status == 200


def test_an_absolute_request_target_is_its_path(dev_server):
    response, body = raw(dev_server, b"GET http://127.0.0.1/things/new?a=1 HTTP/1.1\r\n" + HOST + b"\r\n")

    assert (response.status, json.loads(body)) == (200, {"literal": True})


def test_head_has_no_body_and_the_connection_lives_on(dev_server):
    with socket.create_connection(("127.0.0.1", dev_server.port), timeout=5) as connection:
        connection.sendall(b"HEAD /things/new HTTP/1.1\r\n" + HOST + b"\r\n")
        head, _ = read(connection, "HEAD")
        connection.sendall(b"GET /things/new HTTP/1.1\r\n" + HOST + b"\r\n")
        response, _ = read(connection)

    assert (head.status, response.status) == (404, 200)


def test_a_preflight_is_answered_from_the_routes_cors_settings(dev_server):
    response, _ = raw(dev_server, b"OPTIONS /things/1 HTTP/1.1\r\n" + HOST + b"\r\n")

    assert response.status == 200
    assert response.headers["Access-Control-Allow-Origin"] == dev_server.origin
    assert "GET" in response.headers["Access-Control-Allow-Methods"]


def test_a_kept_alive_connection_does_not_wait_for_delayed_acknowledgements(dev_server):
    connection = HTTPConnection("127.0.0.1", dev_server.port, timeout=5)
    try:
        fastest = min(timed_request(connection) for _ in range(20))
    finally:
        connection.close()

    assert fastest < 0.03  # With the trap every request takes at least 40 ms.


def timed_request(connection: HTTPConnection) -> float:
    started = time.monotonic()
    connection.request("POST", "/echo", b"hello", {"Content-Type": "text/plain"})
    connection.getresponse().read()
    return time.monotonic() - started


def test_32_parallel_requests_do_not_see_each_other(dev_server):
    answers: dict[int, dict] = {}

    def one(number: int) -> None:
        answers[number] = ask(dev_server, "GET", f"/slow/name{number}?n={number}")[1]

    threads = [threading.Thread(target=one, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert {number: (answer["name"], answer["n"]) for number, answer in answers.items()} == {
        number: (f"name{number}", str(number)) for number in range(32)
    }
    assert len({answer["id"] for answer in answers.values()}) == 32


def ask(server, method, path, body=None, headers=None):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body, {k: v.encode("latin-1") for k, v in (headers or {}).items()})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()
