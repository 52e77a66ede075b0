"""What every answer carries: origins, preflights, security headers, ids."""

import re
import uuid
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from scripts.local.extension import EXTENSION_ORIGIN
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
EXPOSED = {
    "Content-Disposition",
    "Date",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-Request-Id",
}


def fill_path(path: str) -> str:
    return path.replace("{session_id}", "5a1de7d4").replace("{transcript_id}", "5a1de7d4")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        EXTENSION_ORIGIN[:-1] + ("q" if EXTENSION_ORIGIN.endswith("p") else "p"),
        f"{EXTENSION_ORIGIN}.evil.example",
        EXTENSION_ORIGIN.upper(),
        "http://localhost",
        "https://",
        "*",
        "é",
    ],
)
def test_a_page_of_another_origin_can_call_nothing(api: Api, signed_in_user: Person, origin: str) -> None:
    headers = {"Origin": origin.encode()}

    check_error(signed_in_user.get("/credits/balance", headers=headers), 403, "origin_not_allowed")
    check_error(api.post("/auth/login", json={}, headers=headers), 403, "origin_not_allowed")
    check_error(api.get("/health", headers=headers), 403, "origin_not_allowed")


def test_the_extension_own_pages_and_programs_can_call(api: Api, signed_in_user: Person, stack: LocalStack) -> None:
    own = origin_of(api.url)
    for origin in (stack.dev["extension_origin"], own, own.replace("127.0.0.1", "localhost")):
        preflight = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        answers = {
            200: signed_in_user.get("/credits/balance", headers={"Origin": origin}),
            401: api.get("/credits/balance", headers={"Origin": origin}),
            400: api.post("/auth/login", json={}, headers={"Origin": origin}),
            404: api.get("/nothing", headers={"Origin": origin}),
        }
        if not IS_DEPLOYED:  # The emulated gateway runs no mapping templates: tests/shipping/test_template.py does.
            answers[0] = api.call("OPTIONS", "/credits/balance", headers=preflight)
        for status, answer in answers.items():
            assert answer.status_code == (status or 200)
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert answer.headers["Vary"] == "Origin"
    assert signed_in_user.get("/credits/balance").status_code == 200


def test_another_origin_is_refused_even_with_a_valid_token(signed_in_user: Person) -> None:
    answer = signed_in_user.post(
        "/transcription/stream",
        json={"action": "start", "transport": "relay"},
        headers={"Origin": "https://evil.example"},
    )

    check_error(answer, 403, "origin_not_allowed")
    assert signed_in_user.balance() == (200, 0)


@pytest.mark.parametrize(("method", "path"), [*GOOD_REQUESTS, ("POST", "/auth/login"), ("GET", "/health")])
def test_every_route_answers_a_preflight(api: Api, stack: LocalStack, method: str, path: str) -> None:
    requested = {
        "Origin": stack.dev["extension_origin"],
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }

    answer = api.call("OPTIONS", fill_path(path), headers=requested)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == stack.dev["extension_origin"]
    assert method in answer.headers["Access-Control-Allow-Methods"]
    allowed = {name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert allowed >= {"authorization", "content-type", "idempotency-key"}
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_preflight_never_allows_another_origin(api: Api, stack: LocalStack) -> None:
    requested = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}

    answer = api.call("OPTIONS", "/credits/balance", headers=requested)

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
def test_every_response_has_the_security_headers(
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


def test_every_request_gets_its_own_id_whatever_the_client_sends(api: Api) -> None:
    headers = {"X-Request-Id": "chosen-by-the-client"}

    ids = {api.get("/health", headers=headers).headers["X-Request-Id"] for _ in range(5)}

    assert len(ids) == 5
    assert "chosen-by-the-client" not in ids


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("/", ["Live transcription API", 'href="{base}/docs"', 'href="{base}/admin"']),
        ("/checkout/paid?credits=2000", ["Paid: 2,000 credits.", "You can close this tab."]),
        ("/checkout/paid?credits=1&session_id=cs_1", ["Paid: 1 credit.", "You can close this tab."]),
        ("/checkout/paid?credits=1&credits=2", ["Paid: 1 credit.", "You can close this tab."]),
        ("/checkout/paid", ["Thank you.", "You can close this tab."]),
        ("/checkout/paid?credits=%3Cscript%3E", ["Thank you."]),
        ("/checkout/paid?credits=99999999", ["Thank you."]),
        ("/checkout/cancelled", ["Nothing was paid.", "You can close this tab"]),
    ],
)
def test_a_person_who_follows_a_link_sees_a_page(api: Api, path: str, texts: list[str]) -> None:
    answer = api.get(path)
    base = urlsplit(api.url).path

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert [text for text in texts if text.format(base=base) not in answer.text] == []
    assert "<script" not in answer.text
    style = re.findall('rel="stylesheet" href="([^"]+)"', answer.text)
    assert [api.get(address.removeprefix(base)).status_code for address in style] == [200]


@pytest.mark.parametrize("path", ["/docs", "/admin", "/checkout/paid"])
def test_a_page_with_a_final_slash_leads_to_the_page_without(api: Api, path: str) -> None:
    """The links of a page are relative to its own address."""
    answer = api.call("GET", f"{path}/", allow_redirects=False)

    assert (answer.status_code, answer.text) == (308, "")
    assert urljoin(f"{api.url}{path}/", answer.headers["Location"]) == f"{api.url}{path}"
    assert api.get(f"{path}/").text == api.get(path).text
    assert api.get("/health/").json()["status"] == "ok"
