"""What the gateway's cache keeps for everybody: it costs no call to AWS, and is never our own error."""

import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import app
from chalicelib.errors import UnavailableError
from chalicelib.http.endpoint import route_spec
from chalicelib.models.rate_limits import UNCOUNTED
from chalicelib.settings import load
from chalicelib.wiring import aws, common, providers, use_cases
from scripts.shipping.template import CACHE_KEYS, CACHED_SECONDS
from tests.settings.test_settings import DEPLOYED

HEADERS: dict[str, tuple[str | None, ...]] = {
    "Content-Type": (None, "application/json", "text/plain", "multipart/form-data; boundary=x", "unknown", ""),
    "Accept": (None, "*/*", "image/png", "unknown"),
    "Authorization": (None, "Bearer unknown"),
    "If-None-Match": (None, "*", '"another"', 'W/"another", unknown'),
    "Content-Length": (None, "999999999"),
    "Cookie": (None, "a=b"),
}


BUILT = [
    built
    for module in (load, aws, common, providers, use_cases)
    for built in vars(module).values()
    if hasattr(built, "cache_clear")
]


@pytest.fixture
def attempted_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The calls to AWS that were tried. None succeeds: every service is unreachable, and every secret is sealed."""
    calls: list[str] = []

    class Unreachable:
        def __init__(self, service: str, *_: Any):
            self.service = service

        def __getattr__(self, operation: str) -> Any:
            def call(**_: Any) -> Any:
                calls.append(f"{self.service}.{operation}")
                raise UnavailableError("No service can be reached. Retry the request.")

            return call

    for name, value in DEPLOYED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "client", Unreachable)
    for built in BUILT:
        built.cache_clear()
    yield calls
    for built in BUILT:
        built.cache_clear()


def get(
    path: str, headers: dict[str, str], body: str | None = None, query: Any = None, parameters: Any = None
) -> dict[str, Any]:
    event = {
        "requestContext": {"httpMethod": "GET", "resourcePath": path, "requestId": "x", "identity": {}, "path": path},
        "headers": headers,
        "multiValueQueryStringParameters": query,
        "pathParameters": parameters or {},
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": False,
    }
    response: dict[str, Any] = app.app(event, SimpleNamespace(aws_request_id="x"))
    return response


@pytest.mark.parametrize("path", CACHED_SECONDS)
def test_callers_who_are_let_in_get_200_whatever_else_they_send(path: str, attempted_calls: list[str]) -> None:
    """The gateway keeps the answer by the headers of its key alone, so that any other could spoil it for everybody."""
    assert not {*HEADERS} - {"If-None-Match"} & {*CACHE_KEYS}
    bodies = set()
    for values in itertools.product(*HEADERS.values()):
        sent = {name: value for name, value in zip(HEADERS, values, strict=True) if value is not None}
        for origin in (None, app.ORIGINS[0]):
            headers = sent | ({"Origin": origin} if origin else {})
            response = get(path, headers, body="{", query={"limit": ["1", "2"], "": [""], "é": ["\x00"]})
            assert response["statusCode"] == 200, headers
            bodies.add(response["body"])

    assert len(bodies) == 1
    assert attempted_calls == []


@pytest.mark.parametrize("path", CACHED_SECONDS)
def test_a_cached_route_is_not_counted_and_reads_no_table(path: str, attempted_calls: list[str]) -> None:
    spec = route_spec(app.app.routes[path]["GET"].view_function)

    response = get(path, {})

    assert spec.limit in UNCOUNTED
    assert "RateLimit-Limit" not in response["headers"]
    assert attempted_calls == []


def test_a_browser_that_has_the_contract_is_answered_without_it(attempted_calls: list[str]) -> None:
    tag = get("/openapi.json", {})["headers"]["ETag"]

    again = get("/openapi.json", {"If-None-Match": f'"old", W/{tag}'})

    assert (again["statusCode"], again["body"], attempted_calls) == (304, "", [])


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/credits/packages", {}),
        ("/openapi.json", {}),
        ("/docs", {}),
        ("/docs/assets/{name}", {"name": "page.css"}),
        ("/admin/assets/{name}", {"name": "icon.svg"}),
    ],
)
@pytest.mark.usefixtures("attempted_calls")
def test_browsers_keep_what_is_the_same_for_everybody(path: str, parameters: dict[str, str]) -> None:
    response = get(path, {}, parameters=parameters)

    assert response["statusCode"] == 200
    assert response["headers"]["Cache-Control"] == f"public, max-age={app.KEEP_SECONDS}"
    assert response["headers"]["Vary"] == "Origin"


@pytest.mark.usefixtures("attempted_calls")
def test_browsers_keep_no_error() -> None:
    missing = get("/docs/assets/{name}", {}, parameters={"name": "nothing.css"})
    foreign = get("/credits/packages", {"Origin": "https://another.example"})

    assert [missing["statusCode"], foreign["statusCode"]] == [404, 403]
    assert {answer["headers"]["Cache-Control"] for answer in (missing, foreign)} == {"no-store"}


def test_the_gateway_keeps_nothing_for_longer_than_browsers_do() -> None:
    assert set(CACHED_SECONDS.values()) == {app.KEEP_SECONDS}
