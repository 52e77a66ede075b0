"""Every route with what holds for it. A route that is new or changed has to be put down here, all of it."""

from dataclasses import dataclass

import pytest
from chalice import Chalice, CognitoUserPoolAuthorizer

from app import AUDIO_TYPES, app
from chalicelib import contract
from chalicelib.http.endpoint import Views, facts_of
from chalicelib.http.parameters import Body, Part, Raw
from chalicelib.http.request import MAX_JSON_BYTES
from chalicelib.models.accounts import Caller
from chalicelib.models.rate_limits import GROUPS, UNCOUNTED
from chalicelib.streaming import audio

JSON, NOTHING = MAX_JSON_BYTES, 0
# How a request that came twice is known: by the key that its client gives it, or by what it is about.
KEY, ITSELF = "Idempotency-Key", ""


@dataclass(frozen=True)
class Route:
    """`who`: `anyone`, `user` (behind the gateway's authorizer) or `admin`. `body`: its most bytes."""

    who: str
    limit: str
    body: int = NOTHING
    once: str = ITSELF
    media: tuple[str, ...] = ("application/json",)


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
    "POST /auth/user/export": Route("user", "account", JSON),
    "GET /auth/user/export/{export_id}": Route("user", "reads"),
    "POST /transcription/stream": Route("user", "stream", JSON, KEY),
    "POST /transcription/stream/{session_id}/audio": Route(
        "user", "audio", audio.MAX_BYTES, "seq", media=tuple(AUDIO_TYPES)
    ),
    "POST /transcription/uploads": Route("user", "spend", JSON),
    "POST /transcription/catchup": Route("user", "spend", JSON, KEY),
    "GET /transcription/catchup/{job_id}": Route("user", "reads"),
    "POST /transcription/ask": Route("user", "spend", JSON, KEY),
    "GET /transcription/history": Route("user", "reads"),
    "GET /transcription/history/{transcript_id}": Route("user", "reads"),
    "DELETE /transcription/history/{transcript_id}": Route("user", "account"),
    "GET /transcription/history/{transcript_id}/export": Route("user", "reads"),
    "GET /credits/balance": Route("user", "reads"),
    "GET /credits/transactions": Route("user", "reads"),
    "GET /credits/packages": Route("anyone", "open"),
    "POST /credits/purchase": Route("user", "spend", JSON, KEY),
    "GET /analytics/usage": Route("user", "reads"),
    "GET /analytics/costs": Route("admin", "admin"),
    "POST /admin/credits": Route("admin", "admin", JSON, KEY),
    "GET /admin/users": Route("admin", "admin"),
    "POST /admin/users/{user_id}/block": Route("admin", "admin", JSON),
    "POST /admin/users/{user_id}/unblock": Route("admin", "admin", JSON),
    "POST /admin/audit": Route("admin", "admin", JSON),
    "GET /admin/audit": Route("admin", "admin"),
    # The event's own id, and the job's, are what these are known by.
    "POST /webhooks/assemblyai": Route("anyone", "webhooks", JSON),
    "POST /webhooks/stripe": Route("anyone", "webhooks", JSON),
    "GET /admin": Route("anyone", "open"),
    "GET /docs": Route("anyone", "open"),
    "GET /docs/assets/{name}": Route("anyone", "open"),
    "GET /openapi.json": Route("anyone", "open"),
    "GET /admin/assets/{name}": Route("anyone", "open"),
    "GET /health": Route("anyone", "open"),
}


def routes_of(made: Chalice) -> dict[str, Route]:
    """The same table, read off an app."""
    found = {}
    for path, methods in made.routes.items():
        for method, entry in methods.items():
            facts = facts_of(entry.view_function)
            is_behind = isinstance(entry.authorizer, CognitoUserPoolAuthorizer)
            who = "admin" if facts.shape_of(Part.ADMIN) else "user" if facts.shape_of(Part.CALLER) else "anyone"
            assert is_behind == (who != "anyone"), f"{method} {path}: the gateway and the view disagree on who may call"
            assert entry.cors, f"{method} {path} has no CORS"
            shape, asked = facts.shape_of(Part.BODY), facts.shape_of(Part.QUERY)
            body = NOTHING if shape is None else shape.max_bytes if isinstance(shape, Raw) else JSON
            once = KEY if facts.shape_of(Part.ONCE) else "seq" if hasattr(asked, "seq") else ITSELF
            found[f"{method} {path}"] = Route(who, facts.limit, body, once, tuple(entry.content_types))
    return found


def test_every_route_is_as_it_is_put_down_here() -> None:
    assert routes_of(app) == ROUTES


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_is_limited_by_what_is_known_of_its_caller(name: str) -> None:
    route = ROUTES[name]

    if route.limit in UNCOUNTED:
        assert route.who == "anyone"
    else:
        assert GROUPS[route.limit].by == ("network" if route.who == "anyone" else "user")


def test_what_is_not_counted_only_reads_files_and_settings_or_is_signed() -> None:
    uncounted = {name for name, route in ROUTES.items() if route.limit in UNCOUNTED}

    assert uncounted == {
        "GET /credits/packages",
        "GET /admin",
        "GET /admin/assets/{name}",
        "GET /docs",
        "GET /docs/assets/{name}",
        "GET /openapi.json",
        "GET /health",
        "POST /webhooks/assemblyai",
        "POST /webhooks/stripe",
    }


def test_what_spends_credits_or_moves_them_is_known_when_it_comes_twice() -> None:
    """Uploads are forms, which cost nothing; whoever is blocked twice is blocked, and an audit that runs is joined."""
    spending = {name for name, route in ROUTES.items() if route.limit in ("stream", "audio", "spend")}
    moving = spending | {"POST /admin/credits"}

    assert {name for name in moving if not ROUTES[name].once} == {"POST /transcription/uploads"}


def test_every_body_is_bounded_and_only_what_writes_has_one() -> None:
    for name, route in ROUTES.items():
        assert (route.body > 0) == name.startswith(("POST ", "PATCH ")), name
        assert route.body <= audio.MAX_BYTES


# That the table cannot be got round


def small_app() -> tuple[Chalice, Views]:
    made = Chalice(app_name="small", configure_logs=False)
    return made, Views(lambda: made.current_request, lambda: None, lambda: None)  # type: ignore[arg-type, return-value]


def test_a_new_route_does_not_pass_unseen() -> None:
    made, views = small_app()

    @made.route("/new", methods=["POST"], cors=True)
    @views.answers(limit="login")
    def new(body: Body[contract.Nothing]) -> None: ...

    assert routes_of(made) == {"POST /new": Route("anyone", "login", JSON)}
    assert routes_of(made).keys() - ROUTES.keys() == {"POST /new"}


def test_a_route_that_is_not_made_by_a_view_of_ours_is_found() -> None:
    made, _ = small_app()
    made.route("/bare", methods=["GET"], cors=True)(dict)

    with pytest.raises(AttributeError):
        routes_of(made)


def test_a_route_that_names_no_limit_is_not_made() -> None:
    _, views = small_app()

    with pytest.raises(TypeError, match="limit"):
        views.answers()  # type: ignore[call-arg]


def test_a_caller_without_the_authorizer_and_the_authorizer_without_a_caller_are_found() -> None:
    made, views = small_app()

    @made.route("/open-door", methods=["GET"], cors=True)
    @views.answers(limit="reads")
    def open_door(caller: Caller) -> None: ...

    with pytest.raises(AssertionError, match="the gateway and the view disagree"):
        routes_of(made)

    made, views = small_app()

    @made.route("/nobody", methods=["GET"], cors=True, authorizer=CognitoUserPoolAuthorizer("c", provider_arns=["arn"]))
    @views.answers(limit="open")
    def nobody() -> None: ...

    with pytest.raises(AssertionError, match="the gateway and the view disagree"):
        routes_of(made)


def test_a_route_without_cors_is_found() -> None:
    made, views = small_app()

    @made.route("/silent", methods=["GET"])
    @views.answers(limit="open")
    def silent() -> None: ...

    with pytest.raises(AssertionError, match="no CORS"):
        routes_of(made)
