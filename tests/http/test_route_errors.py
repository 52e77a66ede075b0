"""The codes and reasons that the code of a route raises are those that the route declares."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app import app
from chalicelib import errors
from chalicelib.http.endpoint import route_spec
from chalicelib.http.openapi import errors as openapi_errors
from tests.http.route_errors import ErrorCollector, RaisedError
from tests.http.source_code import Program

ROOT = Path(__file__).parents[2]
ROUTES = {
    f"{method} {path}": entry.view_function for path, methods in app.routes.items() for method, entry in methods.items()
}
# What the code of a route could raise by its syntax, and does not: one function maps the errors of all of Cognito's
# operations, of which each call has only some.
OF_OTHER_SIGN_IN_CALLS = {"email_unverified", "invalid_credentials", "email_taken"}
NOT_RAISED: dict[str, set[str]] = {
    # A new account cannot be deleted within its own request.
    "POST /auth/register": OF_OTHER_SIGN_IN_CALLS - {"email_taken"} | {"unauthenticated", "signed_out"},
    "POST /auth/confirm": OF_OTHER_SIGN_IN_CALLS | {"unauthenticated", "signed_out"},
    "POST /auth/resend-code": OF_OTHER_SIGN_IN_CALLS,
    # The token was issued within this request.
    "POST /auth/login": {"email_taken", "malformed", "expired"},
    "POST /auth/refresh": {"email_unverified", "email_taken", "malformed", "expired"},
    "POST /auth/logout": OF_OTHER_SIGN_IN_CALLS,
    "POST /auth/forgot-password": OF_OTHER_SIGN_IN_CALLS,
    "POST /auth/reset-password": OF_OTHER_SIGN_IN_CALLS,
    # The address in a token was validated at the sign-up, and without a verified one there is no token.
    "GET /auth/user": {"email_unverified"},
    "PATCH /auth/user": OF_OTHER_SIGN_IN_CALLS,
    "GET /admin/users": OF_OTHER_SIGN_IN_CALLS,
    "GET /admin/users/{user_id}": OF_OTHER_SIGN_IN_CALLS,
    # The id of a purchase is derived from its user.
    "POST /credits/purchase": {"not_found"},
    # These files are part of the package.
    "GET /admin": {"not_found"},
    "GET /docs": {"not_found"},
    "GET /openapi.json": {"not_found"},
}


@cache
def collector_of_code() -> ErrorCollector:
    return ErrorCollector(Program.read(ROOT))


def raised_by(view: Any, collector: ErrorCollector | None = None) -> set[str]:
    """The codes and the reasons that the code of a view raises."""
    found = (collector or collector_of_code()).errors_of("app", view.__name__)
    return {getattr(errors, error.error).code for error in found} | {
        reason for error in found for reason in error.reasons
    }


def declared_by(view: Any) -> set[str]:
    spec = route_spec(view)
    return openapi_errors.codes(spec) | openapi_errors.reasons(spec)


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_declares_the_codes_and_reasons_that_its_code_raises(route: str) -> None:
    view = ROUTES[route]

    assert raised_by(view) - declared_by(view) == NOT_RAISED.get(route, set())


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_declares_no_code_or_reason_that_its_code_does_not_raise(route: str) -> None:
    view = ROUTES[route]
    spec = route_spec(view)

    assert {*spec.errors, *spec.reasons} <= raised_by(view)


def test_the_exceptions_name_existing_routes() -> None:
    assert NOT_RAISED.keys() <= ROUTES.keys()


# The test is able to fail


@pytest.mark.parametrize(
    ("path", "old", "new", "view", "expected"),
    [
        (
            "chalicelib/transcripts/history.py",
            '"session_running"',
            '"lease_open"',
            "delete_transcript",
            "lease_open",
        ),
        (
            "chalicelib/repositories/standing.py",
            "raise AccountBlockedError(",
            "raise EmailTakenError(",
            "balance",
            "email_taken",
        ),
        ("chalicelib/streaming/relay.py", "raise NotFoundError(", "raise ForbiddenError(", "relay_audio", "forbidden"),
    ],
)
def test_a_code_or_reason_that_is_changed_in_the_code_is_found(
    path: str, old: str, new: str, view: str, expected: str
) -> None:
    sources = {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8")
        for file in [ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")]
    }
    assert old in sources[path]
    sources[path] = sources[path].replace(old, new)

    changed = ErrorCollector(Program.of(sources))

    (function,) = [candidate for candidate in ROUTES.values() if candidate.__name__ == view]
    assert expected in raised_by(function, changed) - declared_by(function)


# What is followed

ERRORS = """
UnauthenticatedReason = Literal["expired"]
ConflictReason = Literal["busy", "late"]
class AppError(Exception): ...
class NotFoundError(AppError): ...
class ForbiddenError(AppError): ...
class ConflictError(AppError): ...
class ProviderError(AppError): ...
class ProviderTimeoutError(ProviderError): ...
"""
FEATURE = """
from typing import Protocol
from ..errors import *
from ..errors import ConflictError, ForbiddenError, NotFoundError, ProviderError, ProviderTimeoutError
from ..store import Store

class Provider(Protocol):
    def fetch(self): ...

def check(item):
    if not item:
        raise NotFoundError("No.")

def refusal(is_late):
    return ConflictError("No.", "late" if is_late else "busy")

class Room:
    store: Store
    providers: list[Provider]

    def by_function(self): check(None)
    def by_method(self): self.by_function()
    def by_collaborator(self): self.store.load()
    def by_parameter(self, other: Store): other.load()
    def by_variable(self):
        other = Store()
        other.load()
    def by_protocol(self):
        for provider in self.providers:
            provider.fetch()
    def by_returned_error(self): raise refusal(True)
    def caught(self):
        try:
            self.by_protocol()
        except ProviderError:
            return None
    def caught_by_another_handler(self):
        try:
            self.by_protocol()
        except NotFoundError:
            return None
    def raised_again(self):
        try:
            self.by_protocol()
        except ProviderError:
            raise
    def kept(self):
        failure = None
        try:
            self.by_protocol()
        except ProviderError as error:
            failure = error
        raise failure
    def suppressed(self):
        with suppress(ForbiddenError):
            self.store.load()
    def recursive(self):
        self.by_function()
        self.recursive()
"""
STORE = """
from .errors import ForbiddenError
class Base:
    def load(self): raise ForbiddenError("No.")
class Store(Base): ...
"""
PROVIDER = """
from ..errors import ProviderTimeoutError
class Fetcher:
    def fetch(self): raise ProviderTimeoutError("No.")
"""
NOT_FOUND, FORBIDDEN = RaisedError("NotFoundError"), RaisedError("ForbiddenError")
TIMEOUT, CONFLICT = RaisedError("ProviderTimeoutError"), RaisedError("ConflictError", frozenset({"late", "busy"}))


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("by_function", {NOT_FOUND}),
        ("by_method", {NOT_FOUND}),
        ("by_collaborator", {FORBIDDEN}),
        ("by_parameter", {FORBIDDEN}),
        ("by_variable", {FORBIDDEN}),
        ("by_protocol", {TIMEOUT}),
        ("by_returned_error", {CONFLICT}),
        ("caught", set()),
        ("caught_by_another_handler", {TIMEOUT}),
        ("raised_again", {TIMEOUT}),
        ("kept", {TIMEOUT}),
        ("suppressed", set()),
        ("recursive", {NOT_FOUND}),
    ],
)
def test_calls_are_followed_and_caught_errors_left_out(method: str, expected: set[RaisedError]) -> None:
    program = Program.of(
        {
            "chalicelib/errors.py": ERRORS,
            "chalicelib/store.py": STORE,
            "chalicelib/room/service.py": FEATURE,
            "chalicelib/providers/fetcher.py": PROVIDER,
        }
    )

    assert ErrorCollector(program).errors_of("chalicelib.room.service", f"Room.{method}") == expected
