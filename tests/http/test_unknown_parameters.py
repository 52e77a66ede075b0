"""Query parameters that a route does not declare, over all routes: refused by name, or ignored where others decorate
the address."""

import functools
import json
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from chalice import Response
from chalice.app import MultiDict

from app import app
from chalicelib import contract
from chalicelib.http.endpoint import EndpointDecorator, route_spec
from chalicelib.http.openapi.examples import EXAMPLES
from chalicelib.http.parameters import RawBody, Source
from scripts.shipping.template import CACHED_SECONDS
from tests.http.test_endpoint import FakeAdministrators, FakeLimiter, FakeVerifier

ROUTES = {f"{method} {path}": entry for path, methods in app.routes.items() for method, entry in methods.items()}
# Pages get parameters of Stripe, mail programs and trackers; a provider may add its own to a webhook; and the gateway
# answers what it caches whatever the parameters are, refusals included.
TOLERANT = {
    "GET /",
    "GET /admin",
    "GET /admin/assets/{name}",
    "GET /checkout/cancelled",
    "GET /checkout/paid",
    "GET /credits/packages",
    "GET /docs",
    "GET /docs/assets/{name}",
    "GET /openapi.json",
    "GET /shared/{token}",
    "POST /webhooks/stripe",
}
UNKNOWN = {
    "colour": ["red"],
    "utm_source": ["a", "b"],
    "session_id2": [""],
    "语言": ["zh"],
    "x" * 300: ["1"],
    "\ud800": ["\udc00"],  # halves of pairs
}


def call(name: str, parameters: dict[str, list[str]]) -> tuple[Response, list[str]]:
    """The response of a route, called by an administrator with all that it requires; and whether its view ran."""
    view, ran = ROUTES[name].view_function, []
    spec = route_spec(view)

    @functools.wraps(view.__wrapped__)
    def watched_view(**_: Any) -> contract.EmptyBody:
        ran.append(name)
        return contract.EmptyBody()

    query, body = spec.shape_of(Source.QUERY), spec.shape_of(Source.BODY)
    required = [field.encode_name for field in msgspec.structs.fields(query or contract.NoQuery) if field.required]
    examples = msgspec.to_builtins(EXAMPLES[query]) if required else {}
    shapes = getattr(body, "__args__", (body,))
    raw = b"" if body is None or isinstance(body, RawBody) else msgspec.json.encode(EXAMPLES[shapes[0]])
    request = SimpleNamespace(
        headers={"authorization": "Bearer root", "content-type": "application/json"},
        query_params=MultiDict({key: [str(examples[key])] for key in required} | parameters),
        raw_body=raw,
        context={"identity": {"sourceIp": "192.0.2.1"}},
    )
    endpoint = EndpointDecorator(lambda: request, FakeVerifier, FakeLimiter, FakeAdministrators)  # type: ignore[arg-type, return-value]
    path = {key: "7f3a" for key, parameter in spec.parameters.items() if parameter.source in (Source.ID, Source.PATH)}
    return endpoint(limit=spec.limit)(watched_view)(**path), ran


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_a_route_without_unknown_parameters_reaches_its_view(name: str) -> None:
    response, ran = call(name, {})

    assert (response.status_code, ran) == (200, [name])


@pytest.mark.parametrize("name", sorted(ROUTES.keys() - TOLERANT))
def test_an_unknown_parameter_is_refused_by_its_name_on_every_route(name: str) -> None:
    for parameter, values in UNKNOWN.items():
        response, ran = call(name, {parameter: values})

        error = json.loads(response.body)
        assert (response.status_code, error["code"], ran) == (400, "invalid_request", [])
        assert error["details"] == {"field": parameter[:100].replace("\ud800", "\ufffd")}
        assert error["message"] == "This parameter is unknown. Remove it."


@pytest.mark.parametrize("name", sorted(TOLERANT))
def test_an_address_that_others_decorate_ignores_unknown_parameters(name: str) -> None:
    response, ran = call(name, UNKNOWN)

    assert (response.status_code, ran) == (200, [name])


def test_what_the_gateway_caches_is_refused_to_nobody_for_the_parameters_of_another() -> None:
    assert {f"GET {path}" for path in CACHED_SECONDS} <= TOLERANT
