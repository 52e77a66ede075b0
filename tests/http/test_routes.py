"""Every route with its caller, limit and body. A route that is new or changed has to be listed here."""

from dataclasses import dataclass

import pytest
from chalice import Chalice, CognitoUserPoolAuthorizer

from app import AUDIO_TYPES, app
from chalicelib import contract
from chalicelib.http.endpoint import EndpointDecorator, route_spec
from chalicelib.http.parameters import MAX_LARGE_JSON_BYTES, Body, Source
from chalicelib.http.request import MAX_JSON_BYTES
from chalicelib.models.accounts import Caller
from chalicelib.models.rate_limits import GROUPS, UNCOUNTED
from chalicelib.streaming import audio

JSON, NO_BODY = MAX_JSON_BYTES, 0
# How a repeated request is recognised: by the key that its client sends, or by what it is about.
KEY, CONTENT = "Idempotency-Key", ""


@dataclass(frozen=True)
class Route:
    """`caller`: `anyone`, `user` (behind the gateway's authorizer) or `admin`. `body`: its maximum number of bytes."""

    caller: str
    limit: str
    body: int = NO_BODY
    repeated_by: str = CONTENT
    media_types: tuple[str, ...] = ("application/json",)


ROUTES = {
    "POST /auth/register": Route("anyone", "register", JSON),
    "POST /auth/confirm": Route("anyone", "codes", JSON),
    "POST /auth/resend-code": Route("anyone", "codes", JSON),
    "POST /auth/login": Route("anyone", "login", JSON),
    "POST /auth/refresh": Route("anyone", "refresh", JSON),
    "POST /auth/logout": Route("user", "account", JSON),
    "POST /auth/forgot-password": Route("anyone", "reset", JSON),
    "POST /auth/reset-password": Route("anyone", "reset", JSON),
    "GET /auth/user": Route("user", "reads"),
    "PATCH /auth/user": Route("user", "account", JSON),
    "DELETE /auth/user": Route("user", "account"),
    "POST /auth/user/export": Route("user", "bulk_reads", JSON),
    "GET /auth/user/export/{export_id}": Route("user", "reads"),
    "POST /transcription/stream": Route("user", "stream", MAX_LARGE_JSON_BYTES, KEY),
    "GET /transcription/sessions": Route("user", "bulk_reads"),
    "POST /transcription/stream/{session_id}/audio": Route(
        "user", "audio", audio.MAX_BYTES, "seq", media_types=tuple(AUDIO_TYPES)
    ),
    "POST /transcription/uploads": Route("user", "uploads", JSON),
    "POST /transcription/catchup": Route("user", "spend", JSON, KEY),
    "GET /transcription/catchup/{job_id}": Route("user", "reads"),
    "POST /transcription/ask": Route("user", "spend", JSON, KEY),
    "GET /transcription/history": Route("user", "reads"),
    "GET /transcription/search": Route("user", "bulk_reads"),
    "GET /transcription/history/{transcript_id}": Route("user", "bulk_reads"),
    "PATCH /transcription/history/{transcript_id}": Route("user", "account", JSON),
    "DELETE /transcription/history/{transcript_id}": Route("user", "account"),
    "GET /transcription/history/{transcript_id}/export": Route("user", "bulk_reads"),
    # A new address ends the earlier one, which is returned once.
    "POST /transcription/history/{transcript_id}/share": Route("user", "account", JSON),
    "DELETE /transcription/history/{transcript_id}/share": Route("user", "account"),
    "GET /credits/balance": Route("user", "reads"),
    "GET /credits/transactions": Route("user", "bulk_reads"),
    "GET /credits/packages": Route("anyone", "open", media_types=()),
    "POST /credits/purchase": Route("user", "spend", JSON, KEY),
    "GET /credits/purchases": Route("user", "bulk_reads"),
    "GET /credits/purchases/{purchase_id}": Route("user", "reads"),
    "GET /analytics/usage": Route("user", "reads"),
    "GET /analytics/costs": Route("admin", "admin"),
    "POST /admin/credits": Route("admin", "admin", JSON, KEY),
    "GET /admin/users": Route("admin", "admin"),
    "GET /admin/users/{user_id}": Route("admin", "admin"),
    "GET /admin/users/{user_id}/transactions": Route("admin", "admin"),
    "GET /admin/users/{user_id}/purchases": Route("admin", "admin"),
    "GET /admin/users/{user_id}/sessions": Route("admin", "admin"),
    "GET /admin/purchases": Route("admin", "admin"),
    "POST /admin/purchases/{purchase_id}/refund": Route("admin", "admin", JSON, KEY),
    "POST /admin/users/{user_id}/block": Route("admin", "admin", JSON),
    "POST /admin/users/{user_id}/unblock": Route("admin", "admin", JSON),
    "GET /admin/health": Route("admin", "admin"),
    "POST /admin/shares/end": Route("admin", "admin", JSON),
    "POST /admin/audit": Route("admin", "admin", JSON),
    "GET /admin/audit": Route("admin", "admin"),
    # A repetition is recognised by the id of the event or of the job.
    "POST /webhooks/assemblyai": Route("anyone", "webhooks", JSON),
    "POST /webhooks/stripe": Route("anyone", "webhooks", JSON),
    "GET /": Route("anyone", "open"),
    "GET /checkout/paid": Route("anyone", "open"),
    "GET /checkout/cancelled": Route("anyone", "open"),
    "GET /shared/{token}": Route("anyone", "shared"),
    "GET /admin": Route("anyone", "open"),
    "GET /docs": Route("anyone", "open"),
    "GET /docs/assets/{name}": Route("anyone", "open"),
    "GET /openapi.json": Route("anyone", "open", media_types=()),
    "GET /admin/assets/{name}": Route("anyone", "open"),
    "GET /health": Route("anyone", "open"),
}


def routes_of(application: Chalice) -> dict[str, Route]:
    """The same table, read from an app."""
    found = {}
    for path, methods in application.routes.items():
        for method, entry in methods.items():
            spec = route_spec(entry.view_function)
            is_behind_authorizer = isinstance(entry.authorizer, CognitoUserPoolAuthorizer)
            caller = "admin" if spec.shape_of(Source.ADMIN) else "user" if spec.shape_of(Source.CALLER) else "anyone"
            assert is_behind_authorizer == (caller != "anyone"), (
                f"{method} {path}: gateway and view disagree on the caller"
            )
            assert entry.cors, f"{method} {path} has no CORS"
            query = spec.shape_of(Source.QUERY)
            repeated_by = KEY if spec.shape_of(Source.IDEMPOTENCY_KEY) else "seq" if hasattr(query, "seq") else CONTENT
            found[f"{method} {path}"] = Route(
                caller, spec.limit, spec.max_body_bytes, repeated_by, tuple(entry.content_types)
            )
    return found


def test_every_route_is_listed_here() -> None:
    assert routes_of(app) == ROUTES


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_is_limited_by_user_if_it_knows_its_caller(name: str) -> None:
    route = ROUTES[name]

    if route.limit in UNCOUNTED:
        assert route.caller == "anyone"
    else:
        assert GROUPS[route.limit].by == ("network" if route.caller == "anyone" else "user")


def test_uncounted_routes_only_serve_files_and_settings_or_are_signed() -> None:
    uncounted = {name for name, route in ROUTES.items() if route.limit in UNCOUNTED}

    assert uncounted == {
        "GET /credits/packages",
        "GET /",
        "GET /checkout/paid",
        "GET /checkout/cancelled",
        "GET /admin",
        "GET /admin/assets/{name}",
        "GET /docs",
        "GET /docs/assets/{name}",
        "GET /openapi.json",
        "GET /health",
        "POST /webhooks/assemblyai",
        "POST /webhooks/stripe",
    }


def test_repeated_requests_that_change_credits_are_recognised() -> None:
    """Blocking twice changes nothing, and a running audit is returned."""
    spending = {name for name, route in ROUTES.items() if route.limit in ("stream", "audio", "spend")}
    changing = spending | {"POST /admin/credits"}

    assert {name for name in changing if not ROUTES[name].repeated_by} == set()


def test_what_reads_or_returns_much_has_a_limit_of_its_own_and_so_have_upload_forms() -> None:
    by_group = {group: {name for name, route in ROUTES.items() if route.limit == group} for group in GROUPS}

    assert by_group["bulk_reads"] == {
        "GET /transcription/history/{transcript_id}",
        "GET /transcription/history/{transcript_id}/export",
        "GET /transcription/search",
        "POST /auth/user/export",
        "GET /credits/transactions",
        "GET /credits/purchases",
        "GET /transcription/sessions",
    }
    assert by_group["uploads"] == {"POST /transcription/uploads"}


def test_every_body_is_bounded_and_only_writing_routes_have_one() -> None:
    for name, route in ROUTES.items():
        assert (route.body > 0) == name.startswith(("POST ", "PATCH ")), name
        assert route.body <= audio.MAX_BYTES


# No route can bypass the list


def small_app() -> tuple[Chalice, EndpointDecorator]:
    application = Chalice(app_name="small", configure_logs=False)
    return application, EndpointDecorator(lambda: application.current_request, lambda: None, lambda: None, lambda: None)  # type: ignore[arg-type, return-value]


def test_a_new_route_is_found() -> None:
    application, endpoint = small_app()

    @application.route("/new", methods=["POST"], cors=True)
    @endpoint(limit="login")
    def new(body: Body[contract.EmptyBody]) -> None: ...

    assert routes_of(application) == {"POST /new": Route("anyone", "login", JSON)}
    assert routes_of(application).keys() - ROUTES.keys() == {"POST /new"}


def test_a_route_without_the_endpoint_decorator_is_found() -> None:
    application, _ = small_app()
    application.route("/bare", methods=["GET"], cors=True)(dict)

    with pytest.raises(AttributeError):
        routes_of(application)


def test_a_route_without_a_limit_cannot_be_defined() -> None:
    _, endpoint = small_app()

    with pytest.raises(TypeError, match="limit"):
        endpoint()  # type: ignore[call-arg]


def test_authorizer_and_caller_have_to_go_together() -> None:
    application, endpoint = small_app()

    @application.route("/unprotected", methods=["GET"], cors=True)
    @endpoint(limit="reads")
    def view_without_authorizer(caller: Caller) -> None: ...

    with pytest.raises(AssertionError, match="gateway and view disagree"):
        routes_of(application)

    application, endpoint = small_app()

    @application.route(
        "/without-caller", methods=["GET"], cors=True, authorizer=CognitoUserPoolAuthorizer("c", provider_arns=["arn"])
    )
    @endpoint(limit="open")
    def without_caller() -> None: ...

    with pytest.raises(AssertionError, match="gateway and view disagree"):
        routes_of(application)


def test_a_route_without_cors_is_found() -> None:
    application, endpoint = small_app()

    @application.route("/without-cors", methods=["GET"])
    @endpoint(limit="open")
    def without_cors() -> None: ...

    with pytest.raises(AssertionError, match="no CORS"):
        routes_of(application)
