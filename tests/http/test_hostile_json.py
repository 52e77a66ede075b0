"""JSON that is too deep, or has numbers that are too large, is 400 on every route that reads JSON.

The routes and their fields are read from the code, so that a new one is tested as well. Generated requests over HTTP
(test_http_generated.py) and the fuzz targets go further.
"""

import json
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from chalice.app import Request
from stripe import WebhookSignature

import app
from chalicelib.http import request
from chalicelib.http.endpoint import RawBody, Source, route_spec
from chalicelib.logs import log
from chalicelib.models.accounts import Caller
from chalicelib.payments.checkout import Purchases
from chalicelib.payments.fulfilment import Fulfilment
from chalicelib.providers.stripe_client import StripeGateway
from chalicelib.settings.load import SettingsError
from chalicelib.wiring import use_cases
from tests.http.test_endpoint import FakeLimiter

UNUSED: Any = None
SECRET = "a secret for tests"
VALUES = {
    "too deep a list": b"[" * 100_000 + b"]" * 100_000,
    "too deep a list that never ends": b"[" * 100_000,
    "too deep an object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a number of 100,000 digits": b"9" * 100_000,
    "minus a number of 100,000 digits": b"-" + b"9" * 100_000,
    "a number above any float": b"1e400",
    "a number with 100,000 places": b"0." + b"1" * 100_000,
    "not a number": b"NaN",
}

# The ends of a catch-up's range take any number: it is rounded, and below zero it is zero.
ROUNDED = {"minus a number of 100,000 digits", "a number with 100,000 places"}


def routes() -> dict[str, tuple[Any, Any]]:
    """Each route that reads JSON: its view, and the shape of its body."""
    found = {}
    for path, methods in app.app.routes.items():
        for method, entry in methods.items():
            shape = route_spec(entry.view_function).shape_of(Source.BODY)
            if shape is not None and not isinstance(shape, RawBody):
                found[f"{method} {path}"] = (entry.view_function, shape)
    return found


ROUTES = routes()


def bodies(shape: Any, value: bytes) -> Iterator[bytes]:
    """The value alone, and as each field of what the route reads, known or unknown."""
    yield value
    for member in typing.get_args(shape) or (shape,):
        tag = member.__struct_config__.tag
        begin = json.dumps({member.__struct_config__.tag_field: tag}).encode()[:-1] + b"," if tag else b"{"
        for name in (*(field.encode_name for field in msgspec.structs.fields(member)), "unknown"):
            yield begin + json.dumps(name).encode() + b":" + value + b"}"


@pytest.fixture
def admitted_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    """An administrator calls within all limits. There are no settings, so no use case can be built."""
    root = Caller("root", 100, "root@example.com", ("admins",))
    monkeypatch.setattr(request, "caller", lambda *_: root)
    monkeypatch.setattr(request, "admin", lambda *_: root)
    for name, stand_in in (("verifier", lambda: UNUSED), ("limiter", FakeLimiter), ("administrators", lambda: UNUSED)):
        monkeypatch.setitem(vars(app.endpoint), name, stand_in)


def status_and_code(
    monkeypatch: pytest.MonkeyPatch, view: Any, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """The status and the code of the response of a view."""

    def raise_failure(_message: str, error: BaseException, **_: Any) -> None:
        raise error

    event = {
        "multiValueQueryStringParameters": {"job": ["5a1de7d4"]} if view is app.assemblyai_webhook else None,
        "headers": {"content-type": "application/json"} | (headers or {}),
        "pathParameters": None,
        "requestContext": {"httpMethod": "POST", "resourcePath": "/", "identity": {"sourceIp": "192.0.2.1"}},
        "body": body,
        "stageVariables": None,
    }
    monkeypatch.setattr(log, "failure", raise_failure)
    monkeypatch.setattr(app.app, "current_request", Request(event), raising=False)
    # Ids in the path are read before the body, so they have to be valid.
    path = {
        name: "5a1de7d4"
        for name, parameter in route_spec(view).parameters.items()
        if parameter.source in (Source.ID, Source.PATH)
    }
    response = view(**path)
    return response.status_code, json.loads(response.body)["code"]


def test_all_routes_that_read_json_are_found() -> None:
    assert len(ROUTES) >= 19
    assert {"POST /auth/register", "POST /transcription/stream", "POST /webhooks/assemblyai"} <= set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.usefixtures("admitted_admin")
def test_hostile_json_is_400_in_every_place(monkeypatch: pytest.MonkeyPatch, route: str) -> None:
    view, shape = ROUTES[route]
    for name, value in VALUES.items():
        for body in bodies(shape, value):
            if name in ROUNDED and body.startswith((b'{"from_ms"', b'{"to_ms"')):
                with pytest.raises(SettingsError):  # It is read, and the use case is called.
                    status_and_code(monkeypatch, view, body)
            else:
                assert status_and_code(monkeypatch, view, body) == (400, "invalid_request"), body[:80]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "template", [b"%b", b'{"id":%b}', b'{"id":"e","type":"refund.created","data":{"object":{"amount":%b}}}']
)
def test_the_stripe_webhook_refuses_it_even_with_a_valid_signature(
    monkeypatch: pytest.MonkeyPatch, value: str, template: bytes
) -> None:
    gateway = StripeGateway("sk", (SECRET,), "live-transcription", "local", ())
    fulfilment = Fulfilment(UNUSED, gateway, "local", False, lambda: 0)
    purchases = Purchases(UNUSED, UNUSED, UNUSED, fulfilment, True, (), "", "", lambda: 0, UNUSED)
    monkeypatch.setattr(use_cases, "purchases", lambda: purchases)
    body = template % VALUES[value]
    signed = {"stripe-signature": WebhookSignature.generate_signature_header(body.decode(), SECRET)}

    status, code = status_and_code(monkeypatch, app.stripe_webhook, body, signed)

    # JSON with an impossible amount may come from a newer API version: the event has to be delivered again.
    assert (status, code) in {(400, "invalid_signature"), (503, "unavailable")}
    if status == 503:
        assert b"amount" in body
        assert "number" in value
