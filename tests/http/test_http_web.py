"""What every answer carries: origins, preflights, security headers, ids."""

import uuid
from typing import Any

import pytest

from scripts.local.stack import LocalStack
from tests.http.deployed_limits import IS_DEPLOYED
from tests.http.http_client import GOOD_REQUESTS, Api, Person, check_error, origin_of

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
EXPOSED = {"Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Request-Id"}


def filled(path: str) -> str:
    return path.replace("{session_id}", "5a1de7d4").replace("{transcript_id}", "5a1de7d4")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnoq",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop.evil.example",
        "CHROME-EXTENSION://ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP",
        "http://localhost",
        "https://",
        "*",
        "é",
    ],
)
def test_a_page_of_another_origin_may_call_nothing(api: Api, resident: Person, origin: str) -> None:
    headers = {"Origin": origin.encode()}

    check_error(resident.get("/credits/balance", headers=headers), 403, "origin_not_allowed")
    check_error(api.post("/auth/login", json={}, headers=headers), 403, "origin_not_allowed")
    check_error(api.get("/health", headers=headers), 403, "origin_not_allowed")


def test_the_extension_our_own_pages_and_programs_may_call(api: Api, resident: Person, stack: LocalStack) -> None:
    own = origin_of(api.url)
    for origin in (stack.dev["extension_origin"], own, own.replace("127.0.0.1", "localhost")):
        answer = resident.get("/credits/balance", headers={"Origin": origin})
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == stack.dev["extension_origin"]
    assert resident.get("/credits/balance").status_code == 200


def test_another_origin_costs_nothing_even_with_a_good_token(resident: Person) -> None:
    answer = resident.post(
        "/transcription/stream",
        json={"action": "start", "transport": "relay"},
        headers={"Origin": "https://evil.example"},
    )

    check_error(answer, 403, "origin_not_allowed")
    assert resident.balance() == (200, 0)


@pytest.mark.parametrize(("method", "path"), [*GOOD_REQUESTS, ("POST", "/auth/login"), ("GET", "/health")])
def test_every_route_answers_a_preflight(api: Api, stack: LocalStack, method: str, path: str) -> None:
    asked = {
        "Origin": stack.dev["extension_origin"],
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }

    answer = api.call("OPTIONS", filled(path), headers=asked)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == stack.dev["extension_origin"]
    assert method in answer.headers["Access-Control-Allow-Methods"]
    allowed = {name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert allowed >= {"authorization", "content-type", "idempotency-key"}
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_preflight_never_allows_another_origin(api: Api, stack: LocalStack) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}

    answer = api.call("OPTIONS", "/credits/balance", headers=asked)

    assert answer.headers.get("Access-Control-Allow-Origin") == stack.dev["extension_origin"]


@pytest.mark.parametrize(
    ("method", "path", "request_words", "status"),
    [
        ("GET", "/health", {}, 200),
        ("GET", "/credits/balance", {}, 401),
        ("POST", "/auth/login", {"json": {}}, 400),
        ("POST", "/auth/login", {"data": "x", "headers": {"Content-Type": "text/plain"}}, 415),
        ("GET", "/health", {"headers": {"Origin": "null"}}, 403),
    ],
)
def test_every_answer_carries_the_headers(
    api: Api, method: str, path: str, request_words: dict[str, Any], status: int
) -> None:
    answer = api.call(method, path, **request_words)
    expected = dict(SECURITY_HEADERS)
    if IS_DEPLOYED and status == 401:  # The gateway's own answer: it can say no value that has quotes.
        del expected["Content-Security-Policy"]

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in expected} == expected
    exposed = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert exposed >= EXPOSED
    assert answer.headers["Content-Type"] == "application/json"
    assert uuid.UUID(answer.headers["X-Request-Id"])


def test_every_request_has_an_id_of_its_own_whatever_the_client_sends(api: Api) -> None:
    headers = {"X-Request-Id": "chosen-by-the-client"}

    ids = {api.get("/health", headers=headers).headers["X-Request-Id"] for _ in range(5)}

    assert len(ids) == 5
    assert "chosen-by-the-client" not in ids
