"""JSON that is too deep, or holds numbers too large, is 400 on every route that takes JSON, and goes no further.

Every route, and every field of what it reads, is found in the code, so that a new one is tested as well; made-up
requests over HTTP (http/test_http_generated.py) and the fuzz targets go on from here.
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
from chalicelib.http.endpoint import Part, Raw, facts_of
from chalicelib.logs import log
from chalicelib.models.accounts import Caller
from chalicelib.payments.checkout import Purchases
from chalicelib.payments.fulfilment import Fulfilment
from chalicelib.providers.stripe_client import StripeGateway
from chalicelib.wiring import use_cases
from tests.http.test_endpoint import Door

NOBODY: Any = None
SECRET = "a secret for tests"
VALUES = {
    "too deep a list": b"[" * 100_000 + b"]" * 100_000,
    "too deep a list that never ends": b"[" * 100_000,
    "too deep an object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a number of 100,000 digits": b"9" * 100_000,
    "minus a number of 100,000 digits": b"-" + b"9" * 100_000,
    "a number above any float": b"1e400",
    "a number with 100,000 places": b"0." + b"1" * 100_000,
    "no number": b"NaN",
}


def routes() -> dict[str, tuple[Any, Any]]:
    """Each route that reads JSON: its view, and the shape of its body."""
    found = {}
    for path, methods in app.app.routes.items():
        for method, entry in methods.items():
            shape = facts_of(entry.view_function).shape_of(Part.BODY)
            if shape is not None and not isinstance(shape, Raw):
                found[f"{method} {path}"] = (entry.view_function, shape)
    return found


ROUTES = routes()


def bodies(shape: Any, value: bytes) -> Iterator[bytes]:
    """The value alone, and as each field, known or not, of what the route reads."""
    yield value
    for one in typing.get_args(shape) or (shape,):
        tag = one.__struct_config__.tag
        begin = json.dumps({one.__struct_config__.tag_field: tag}).encode()[:-1] + b"," if tag else b"{"
        for name in (*(field.encode_name for field in msgspec.structs.fields(one)), "unknown"):
            yield begin + json.dumps(name).encode() + b":" + value + b"}"


@pytest.fixture
def let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """An administrator calls, and no limit is met; there are no settings, so no use case can be made."""
    root = Caller("root", 100, "root@example.com", ("admins",))
    monkeypatch.setattr(request, "caller", lambda *_: root)
    monkeypatch.setattr(request, "admin", lambda *_: root)
    for name, stand_in in (("verifier", lambda: NOBODY), ("limiter", Door)):
        monkeypatch.setitem(vars(app.views), name, stand_in)


def answer(
    monkeypatch: pytest.MonkeyPatch, view: Any, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Status and code."""

    def unexpected(_message: str, error: BaseException, **_: Any) -> None:
        raise error

    event = {
        "multiValueQueryStringParameters": {"job": ["5a1de7d4"]},
        "headers": {"content-type": "application/json"} | (headers or {}),
        "pathParameters": None,
        "requestContext": {"httpMethod": "POST", "resourcePath": "/", "identity": {"sourceIp": "192.0.2.1"}},
        "body": body,
        "stageVariables": None,
    }
    monkeypatch.setattr(log, "failure", unexpected)
    monkeypatch.setattr(app.app, "current_request", Request(event), raising=False)
    # Ids of a path are read before the body: a good one for whatever the route calls it.
    path = {name: "5a1de7d4" for name, takes in facts_of(view).takes.items() if takes.part in (Part.ID, Part.PATH)}
    response = view(**path)
    return response.status_code, json.loads(response.body)["code"]


def test_all_routes_that_take_json_are_here() -> None:
    assert len(ROUTES) >= 19
    assert {"POST /auth/register", "POST /transcription/stream", "POST /webhooks/assemblyai"} <= set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.usefixtures("let_in")
def test_it_is_400_wherever_it_stands(monkeypatch: pytest.MonkeyPatch, route: str) -> None:
    view, shape = ROUTES[route]
    for value in VALUES.values():
        for body in bodies(shape, value):
            assert answer(monkeypatch, view, body) == (400, "invalid_request"), body[:80]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "around", [b"%b", b'{"id":%b}', b'{"id":"e","type":"refund.created","data":{"object":{"amount":%b}}}']
)
def test_stripes_webhook_refuses_it_even_with_a_good_signature(
    monkeypatch: pytest.MonkeyPatch, value: str, around: bytes
) -> None:
    gateway = StripeGateway("sk", (SECRET,), "live-transcription", "local", ())
    books = Fulfilment(NOBODY, gateway, "local", False, lambda: 0)
    selling = Purchases(NOBODY, NOBODY, NOBODY, books, True, frozenset(), "", "", lambda: 0)
    monkeypatch.setattr(use_cases, "purchases", lambda: selling)
    body = around % VALUES[value]
    signed = {"stripe-signature": WebhookSignature.generate_signature_header(body.decode(), SECRET)}

    status, code = answer(monkeypatch, app.stripe_webhook, body, signed)

    # A number that is JSON, but no amount, may be one of a release we do not know: it is to come again.
    assert (status, code) in {(400, "invalid_signature"), (503, "unavailable")}
    if status == 503:
        assert b"amount" in body
        assert "number" in value
