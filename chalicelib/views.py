"""A view's signature says what its route reads; its answer, or the error it raises, becomes the response.

`STATUS` and this file alone know status codes. What a signature may name:

    who: Caller                       whoever the token belongs to
    who: Admin                        the same, if an administrator
    session_id: Id                    an id in the path; any other word of the path is `str`
    wish: Body[contract.Buy]          the JSON body
    asked: Query[contract.PageQuery]  the query parameters
    sent: Annotated[bytes, Raw(9)]    the raw body, of at most so many bytes
    once: Once                        what the Idempotency-Key stands for
    word: Annotated[str, Header("X")] a header; empty if it was not sent

and what it may answer:

    -> contract.Buy                        that, as JSON, with the route's status
    -> Answered[Literal[202], contract.Buy]   the same with another status
    -> Annotated[Download, "text/csv"]     a file, or a page, of one of these media types
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar, get_args

import msgspec
from chalice import Response
from chalice.app import Request

from . import logs, web
from .errors import AppError
from .limiting import Limiter
from .limits import GROUPS, UNCOUNTED
from .models import Caller
from .pages import Page
from .repositories.limits import Count
from .telemetry import tally
from .tokens import TokenVerifier

STATUS = {
    "invalid_request": 400,
    "invalid_signature": 400,
    "unauthenticated": 401,
    "invalid_credentials": 401,
    "insufficient_credits": 402,
    "forbidden": 403,
    "email_unverified": 403,
    "account_blocked": 403,
    "origin_not_allowed": 403,
    "not_found": 404,
    "conflict": 409,
    "email_taken": 409,
    "idempotency_mismatch": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "internal_error": 500,
    "provider_error": 502,
    "unavailable": 503,
    "provider_timeout": 504,
}
# A page of ours runs its own files and talks to its own API; nothing inline, nothing from elsewhere, in nobody's frame.
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


class Part(Enum):
    """What of a request a parameter of a view stands for."""

    CALLER = "caller"
    ADMIN = "admin"
    PATH = "path"
    ID = "id"
    BODY = "body"
    QUERY = "query"
    ONCE = "once"
    HEADER = "header"


@dataclass(frozen=True)
class Raw:
    """A body that is taken as it is."""

    max_bytes: int


CALLERS = (Part.CALLER, Part.ADMIN)


@dataclass(frozen=True)
class Header:
    """A header that a route reads for itself."""

    name: str


Shape = TypeVar("Shape")
Status = TypeVar("Status", bound=int)
Admin = Annotated[Caller, Part.ADMIN]
Id = Annotated[str, Part.ID]
Body = Annotated[Shape, Part.BODY]
Query = Annotated[Shape, Part.QUERY]
Once = web.Once


@dataclass(frozen=True)
class Takes:
    """What one parameter of a view is read from; `shape` is the contract's, a `Raw` or a `Header`."""

    part: Part
    shape: Any


@dataclass(frozen=True)
class Facts:
    """What is known of a route from its view: for the limiter, the reference, and the test that pins all routes.

    `errors`: the codes that only the use case raises; those that every view of its kind may have are not named.
    """

    status: int
    limit: str
    errors: tuple[str, ...]
    takes: dict[str, Takes]
    answer: Any

    @property
    def callers(self) -> dict[str, Takes]:
        """The parameter that is who calls, if there is one."""
        return {name: one for name, one in self.takes.items() if one.part in CALLERS}

    @property
    def others(self) -> dict[str, Takes]:
        return {name: one for name, one in self.takes.items() if one.part not in CALLERS}

    def shape_of(self, *parts: Part) -> Any:
        """The shape of the parameter that is read from one of `parts`; None if there is none."""
        return next((one.shape for one in self.takes.values() if one.part in parts), None)


# Answers


@dataclass(frozen=True)
class Answered(Generic[Status, Shape]):
    """An answer with another status than the route's other answers have."""

    status: Status
    value: Shape


@dataclass(frozen=True)
class Download:
    """An answer that is a file to save."""

    content: str
    content_type: str
    name: str
    next_cursor: str | None = None


@dataclass(frozen=True)
class Views:
    """Makes Chalice's views out of ours."""

    request: Callable[[], Request]
    verifier: Callable[[], TokenVerifier]
    limiter: Callable[[], Limiter]

    def answers(
        self, status: int = 200, *, limit: str, errors: tuple[str, ...] = ()
    ) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
        """Give a view what its signature names, who calls first; turn its value into JSON with `status`, its AppError
        into an error. `limit` names the group of limits.py that its calls are counted in, `errors` the codes that are
        this route's own. Raises ValueError, when the route is made, for a group that does not fit it or no such code.
        """
        if unknown := set(errors) - set(STATUS):
            raise ValueError(f"no such codes: {unknown}")

        def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
            facts = _facts(view, status, limit, errors)
            _check_group(facts)

            @functools.wraps(view)
            def answering(**path: str) -> Response:
                try:
                    return self._answered(view, facts, path)
                except AppError as error:
                    return error_response(error)
                except Exception as error:  # noqa: BLE001 - whatever it is, the client gets our shape and we a log line
                    logs.failure("a view failed", error)
                    return error_response(AppError("Something went wrong on our side."))

            answering.facts = facts  # type: ignore[attr-defined]
            return answering

        return decorate

    def _answered(self, view: Callable[..., Any], facts: Facts, path: dict[str, str]) -> Response:
        """Who calls, then the limit, then everything else."""
        request = self.request()
        known = {name: self._read(request, name, takes, path) for name, takes in facts.callers.items()}

        def rest() -> Response:
            others = {name: self._read(request, name, takes, path) for name, takes in facts.others.items()}
            return _response(view(**known, **others), facts.status)

        if facts.limit in UNCOUNTED:
            return rest()
        who = next((caller.user_id for caller in known.values()), web.network(request))
        count = self.limiter().count(facts.limit, who)
        try:
            with self.limiter().counting(facts.limit, count):
                response = rest()
        except AppError as error:
            response = error_response(error)
        response.headers |= _limit_headers(count)
        return response

    def _read(self, request: Request, name: str, takes: Takes, path: dict[str, str]) -> Any:
        match takes.part:
            case Part.CALLER:
                return web.caller(request, self.verifier())
            case Part.ADMIN:
                return web.admin(request, self.verifier())
            case Part.PATH:
                return path[name]
            case Part.ID:
                return web.identifier(path[name], name)
            case Part.QUERY:
                return web.query(request, takes.shape)
            case Part.BODY if isinstance(takes.shape, Raw):
                return web.raw_body(request, takes.shape.max_bytes)
            case Part.BODY:
                return web.body(request, takes.shape)
            case Part.ONCE:
                return web.once(request)
            case Part.HEADER:
                return web.header(request, takes.shape.name)


def facts_of(view: Any) -> Facts:
    """What `Views.answers` knows of a view. Raises AttributeError for a view it did not make."""
    known: Facts = view.facts
    return known


def _facts(view: Callable[..., Any], status: int, limit: str, errors: tuple[str, ...]) -> Facts:
    words = dict(view.__annotations__)
    answer = words.pop("return", None)
    takes = {name: _takes(annotation) for name, annotation in words.items()}
    # Who calls comes before what is said: a stranger learns nothing of a body's faults.
    takes = dict(sorted(takes.items(), key=lambda named: named[1].part not in CALLERS))
    return Facts(status, limit, errors, takes, answer)


def _check_group(facts: Facts) -> None:
    if facts.limit not in UNCOUNTED and facts.limit not in GROUPS:
        raise ValueError(f"there is no group of limits named {facts.limit}")
    by = GROUPS[facts.limit].by if facts.limit in GROUPS else "network"
    if (by == "user") != bool(facts.callers):
        raise ValueError(f"{facts.limit} counts by {by}: does the route know its caller?")


def _takes(annotation: Any) -> Takes:
    shape, *marks = get_args(annotation) if hasattr(annotation, "__metadata__") else (annotation,)
    match marks:
        case [Part() as part]:
            return Takes(part, shape)
        case [Raw() as raw]:
            return Takes(Part.BODY, raw)
        case [Header() as header]:
            return Takes(Part.HEADER, header)
    plain = {Caller: Part.CALLER, Once: Part.ONCE, str: Part.PATH}
    return Takes(plain[shape], shape)


def _response(value: Any, status: int) -> Response:
    match value:
        case Download():
            return _file(value)
        case Page():
            return _page(value)
        case Answered():
            return _json(value.value, value.status)
    return _json(value, status)


def error_response(error: AppError) -> Response:
    """The one shape of all errors. The request id is put in by the middleware."""
    status, details = STATUS[error.code], dict(error.details)
    headers = {}
    if "retry_after_seconds" in details:
        headers["Retry-After"] = str(details.pop("retry_after_seconds"))
    elif status in (429, 503):
        headers["Retry-After"] = "5"
    tally().notes["code"] = error.code
    if reasons := getattr(error, "__notes__", None):
        tally().notes["reason"] = reasons[0]
    fields: dict[str, Any] = {"code": error.code, "message": error.message, "request_id": ""}
    return _json(fields | ({"details": details} if details else {}), status, headers)


def _limit_headers(count: Count) -> dict[str, str]:
    """How the caller stands with the limit, if that is known; others of the caller's requests may be on their way."""
    if not count.is_known:
        return {}
    full_after_us = max(0, count.tat_us - count.now_us)
    return {
        "RateLimit-Limit": str(count.limit.requests),
        "RateLimit-Remaining": str(count.limit.remaining(count.tat_us, count.now_us)),
        "RateLimit-Reset": str(-(-full_after_us // 1_000_000)),
    }


def _file(file: Download) -> Response:
    headers = {"Content-Type": file.content_type, "Content-Disposition": f'attachment; filename="{file.name}"'}
    if file.next_cursor:
        headers["X-Next-Cursor"] = file.next_cursor
    return Response(file.content, status_code=200, headers=headers)


def _page(page: Page) -> Response:
    headers = PAGE_HEADERS | {"Content-Type": page.content_type, "ETag": page.etag}
    return Response(page.content, status_code=200, headers=headers)


def _json(value: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    text = msgspec.json.encode(value).decode()
    return Response(text, status_code=status, headers={"Content-Type": "application/json", **(headers or {})})
