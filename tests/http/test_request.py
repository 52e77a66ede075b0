"""The one place that knows status codes: every error has one, and nothing of a bug gets out."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from chalice import Chalice, Response
from chalice.test import Client

from chalicelib import contract, errors
from chalicelib.http import endpoint, middleware, request, responses
from chalicelib.settings import load
from chalicelib.settings.schema import Settings

SETTINGS = Settings(
    stage="local",
    aws_default_region="us-east-1",
    ledger_table="",
    app_table="",
    upload_bucket="",
    jobs_queue_url="",
    cognito_user_pool_id="",
    cognito_client_id="",
    cognito_client_secret="",
    identity_hmac_key="",
    extension_origin="chrome-extension://a",
    assemblyai_api_key="",
)
NOBODY: Any = None  # for views that nobody signs in to, and nobody counts
CORS = {"Access-Control-Allow-Origin": "chrome-extension://a"}


def all_errors(kind: type[errors.AppError] = errors.AppError) -> Iterator[type[errors.AppError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from all_errors(below)


def answer(
    view: Any, *, settings: Any = lambda: SETTINGS, headers: dict[str, str] | None = None
) -> tuple[int, Any, Any]:
    """Status, body and headers of one view behind the middleware."""
    app = Chalice(app_name="small", configure_logs=False)
    app.register_middleware(middleware.http_middleware(settings, CORS), "http")
    made = endpoint.Views(lambda: app.current_request, NOBODY, NOBODY)
    app.route("/x", methods=["POST"])(made.answers(limit="open")(lambda: view(app.current_request)))
    with Client(app) as client:
        words = {"Content-Type": "application/json"} | (headers or {})
        response = client.http.post("/x", headers=words, body=b'{"refresh_token": "t"}')
    return response.status_code, json.loads(response.body), response.headers


def raising(error: BaseException) -> Any:
    def view(_: Any) -> None:
        raise error

    return view


def test_every_error_has_a_status() -> None:
    assert {error.code for error in all_errors()} <= set(responses.STATUS)


@pytest.mark.parametrize("kind", list(all_errors()), ids=lambda kind: kind.__name__)
def test_every_error_comes_out_in_the_one_shape(kind: type[errors.AppError]) -> None:
    match kind:
        case errors.InvalidRequestError:
            error = kind("So it is.", "a.field")
        case errors.InsufficientCreditsError:
            error = kind(10, 5)
        case _:
            error = kind("So it is.")

    status, body, headers = answer(raising(error))

    assert (status, body["code"], body["message"]) == (responses.STATUS[kind.code], kind.code, error.message)
    assert set(body) <= {"code", "message", "request_id", "details"}
    assert body["request_id"] == headers["X-Request-Id"]
    assert headers["Access-Control-Allow-Origin"] == CORS["Access-Control-Allow-Origin"]
    assert ("Retry-After" in headers) == (status in (429, 503))


def test_seconds_to_wait_become_a_header_and_no_detail() -> None:
    status, body, headers = answer(raising(errors.ConflictError("Busy.", retry_after_seconds=7, seq=3)))

    assert (status, headers["Retry-After"], body["details"]) == (409, "7", {"seq": 3})


@pytest.mark.parametrize(
    "error", [KeyError("secret"), RuntimeError("secret"), RecursionError("secret"), AssertionError("secret")]
)
def test_a_bug_tells_nothing_to_the_client_nor_its_text_to_the_log(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    status, body, _ = answer(raising(error))

    assert (status, body["code"]) == (500, "internal_error")
    logged = capsys.readouterr().out
    assert "secret" not in json.dumps(body) + logged
    assert type(error).__name__ in logged


def test_unfit_settings_are_a_500_whose_reason_is_for_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    def unfit() -> Settings:
        raise load.SettingsError("settings: LEDGER_TABLE is missing")

    status, body, headers = answer(lambda _: contract.Nothing(), settings=unfit)

    assert (status, body["code"]) == (500, "internal_error")
    assert "LEDGER_TABLE" not in json.dumps(body)
    assert "LEDGER_TABLE is missing" in capsys.readouterr().out
    assert headers["Access-Control-Allow-Origin"] == CORS["Access-Control-Allow-Origin"]


def test_chalices_own_errors_are_put_into_our_words() -> None:
    status, body, _ = answer(lambda _: contract.Nothing(), headers={"Content-Type": "text/plain"})

    assert (status, body["code"]) == (415, "unsupported_media_type")


def test_a_status_that_nobody_planned_is_a_bug() -> None:
    app = Chalice(app_name="small", configure_logs=False)
    app.register_middleware(middleware.http_middleware(lambda: SETTINGS, CORS), "http")
    app.route("/x")(lambda: Response("<html>teapot</html>", status_code=418))
    with Client(app) as client:
        response = client.http.get("/x")

    assert (response.status_code, json.loads(response.body)["code"]) == (500, "internal_error")
    assert b"teapot" not in response.body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"email": "a@b.cd", "password": "x" * 10, "more": 1}, "body"),
        ({"email": 1, "password": "x" * 10}, "email"),
        ({"email": "a@b.cd", "password": "short"}, "password"),
    ],
)
def test_the_path_of_the_first_wrong_field_is_named(body: dict[str, Any], field: str) -> None:
    class Request:
        raw_body = json.dumps(body).encode()

    with pytest.raises(errors.InvalidRequestError) as refused:
        request.body(Request(), contract.Register)
    assert refused.value.details == {"field": field}
    assert not any(value in refused.value.message for value in map(str, body.values()))


def test_our_own_domain_may_call_and_a_missing_one_lets_nobody_in() -> None:
    class Request:
        def __init__(self, origin: str, context: dict[str, str]):
            self.headers, self.context = {"origin": origin}, context

    middleware._check_origin(Request("https://api.example", {"domainName": "api.example"}), SETTINGS)
    for origin, context in (
        ("https://", {}),
        ("https://None", {}),
        ("http://api.example", {"domainName": "api.example"}),
    ):
        with pytest.raises(errors.OriginNotAllowedError):
            middleware._check_origin(Request(origin, context), SETTINGS)


@pytest.mark.parametrize(
    ("site", "mode", "may"),
    [
        ("cross-site", "no-cors", False),
        ("same-site", "no-cors", False),
        ("cross-site", "cors", False),
        ("cross-site", "navigate", True),  # a link that was followed
        ("same-origin", "cors", True),
        ("same-origin", "no-cors", True),
        ("none", "navigate", True),
        ("none", "cors", True),  # an extension that its user let call us
    ],
)
def test_what_other_pages_embed_is_refused_though_it_names_no_origin(site: str, mode: str, may: bool) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}

    status, body, _ = answer(lambda _: contract.Nothing(), headers=headers)

    assert (status, body.get("code")) == ((200, None) if may else (403, "origin_not_allowed"))


# Where a request comes from


def network(source: object, headers: dict[str, str] | None = None) -> str:
    """The network of a request that the gateway says is from `source`."""
    return request.network(SimpleNamespace(context={"identity": {"sourceIp": source}}, headers=headers or {}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("addresses", "one"),
    [
        (["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"], "192.0.2.7"),
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:DB8:1:2:0:0:0:9"], "2001:db8:1:2::/64"),
        (["2001:db8:1:3::1"], "2001:db8:1:3::/64"),
        (["", "unknown", "192.0.2.7, 192.0.2.8", "192.0.2", None], ""),
    ],
)
def test_a_customers_addresses_are_one_network(addresses: list[object], one: str) -> None:
    """A customer gets 2⁶⁴ addresses of the new kind: each must not be somebody else to a limit, or to a cap."""
    assert {network(address) for address in addresses} == {one}


def test_what_a_client_writes_of_itself_is_not_asked() -> None:
    assert network("192.0.2.7", {"x-forwarded-for": "198.51.100.1", "forwarded": "for=198.51.100.1"}) == "192.0.2.7"
    assert request.network(SimpleNamespace(context={}, headers={"x-forwarded-for": "198.51.100.1"})) == ""  # type: ignore[arg-type]
