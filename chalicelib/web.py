"""HTTP in and out: who calls, what the body says, what an error looks like, and one log line per request.

The only file that knows status codes. A view returns an answer of `contract`, or raises an `AppError`; `answers` turns
either into a response, and `middleware` puts on it what every response carries.
"""

import functools
import hashlib
import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from chalice import Response
from chalice.app import Request

from . import contract, logs
from .config import Settings, SettingsError
from .errors import (
    AppError,
    ForbiddenError,
    InvalidRequestError,
    OriginNotAllowedError,
    TooLargeError,
    UnauthenticatedError,
)
from .models import Caller
from .pages import Page
from .telemetry import Tally, counting, tally
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
# Chalice answers a few things before or after a view; these are their names in the contract.
CHALICE_CODES = {400: "invalid_request", 404: "not_found", 405: "not_found", 415: "unsupported_media_type"}
MESSAGES = {
    "invalid_request": "The request is not as the contract says.",
    "not_found": "There is no such path or method.",
    "unsupported_media_type": "Send the right Content-Type: application/json; for audio, audio/wav or audio/pcm.",
}
ADMINS = "admins"  # the user pool's group
MAX_JSON_BYTES = 512 * 1024
IPV6_CUSTOMER_BITS = 64
IDEMPOTENCY_KEY_CHARACTERS = 255
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
# A page of ours runs its own files and talks to its own API; nothing inline, nothing from elsewhere, in nobody's frame.
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
CORS_ALLOW_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key"]
CORS_EXPOSE_HEADERS = [
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-Next-Cursor",
    "X-Request-Id",
]

Shape = TypeVar("Shape")


# Reading a request


def caller(request: Request, verifier: TokenVerifier) -> Caller:
    """Who calls, by the ID token. Raises UnauthenticatedError, or UnavailableError when it cannot be checked."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError("Send your ID token: Authorization: Bearer <token>.")
    found = verifier.caller(token.strip())
    tally().user = hashlib.sha256(found.user_id.encode()).hexdigest()[:12]
    return found


def admin(request: Request, verifier: TokenVerifier) -> Caller:
    """Who calls, if it is an administrator. Raises as `caller` does, and ForbiddenError."""
    found = caller(request, verifier)
    if ADMINS not in found.groups:
        raise ForbiddenError("This is for administrators.")
    return found


def body(request: Request, shape: Any) -> Any:
    """The JSON body as `shape`. Raises InvalidRequestError with the path of the first wrong field, or TooLargeError."""
    raw = bytes(request.raw_body or b"")
    if len(raw) > MAX_JSON_BYTES:
        raise TooLargeError(f"A JSON body may have {MAX_JSON_BYTES} bytes at most.", max_bytes=MAX_JSON_BYTES)
    if not raw.strip() and shape is contract.Nothing:
        return contract.Nothing()
    try:
        return msgspec.json.decode(raw, type=shape)
    except RecursionError as error:
        raise InvalidRequestError("The JSON is nested too deeply.", "body") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise _invalid(error) from error


def query(request: Request, shape: type[Shape]) -> Shape:
    """The query parameters as `shape`. Raises InvalidRequestError; a parameter given twice is one error of many."""
    words: dict[str, str] = {}
    for name in request.query_params or {}:
        values = request.query_params.getlist(name)
        if len(values) != 1:
            raise InvalidRequestError("This parameter is given more than once.", name[:100])
        words[name] = values[0]
    try:
        return msgspec.convert(words, shape, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error


def header(request: Request, name: str) -> str:
    """A header, empty if it was not sent."""
    return str(request.headers.get(name.lower(), ""))


def network(request: Request) -> str:
    """Where the request came from: an IPv4 address, or the /64 of an IPv6 one, which is what one customer gets.

    The gateway's word, not a header's: those are the client's to write.
    """
    address = str(request.context.get("identity", {}).get("sourceIp", ""))
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, IPV6_CUSTOMER_BITS), strict=False))
    return str(found)


def public_url(request: Request, used: Settings) -> str:
    """Where the world reaches this API: by setting, or else where this request came."""
    if used.public_url:
        return used.public_url.rstrip("/")
    domain, path = request.context.get("domainName", ""), request.context.get("path", "").rstrip("/")
    stage = path.removesuffix(request.path).rstrip("/") if path.endswith(request.path) else ""
    return f"https://{domain}{stage}"


def raw_body(request: Request, max_bytes: int) -> bytes:
    """The raw bytes of the body. Raises TooLargeError."""
    raw = bytes(request.raw_body or b"")
    if len(raw) > max_bytes:
        raise TooLargeError(f"The body may have {max_bytes} bytes at most.", max_bytes=max_bytes)
    return raw


def content_type(request: Request) -> str:
    """The body's media type with its parameters; empty if none is given."""
    return str(request.headers.get("content-type", ""))


def identifier(value: str, field: str) -> str:
    """An id from the path. Raises InvalidRequestError for one that cannot be ours."""
    try:
        return msgspec.convert(value, contract.Identifier)
    except msgspec.ValidationError as error:
        raise InvalidRequestError("This is not an id.", field) from error


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key, if one is sent. Raises InvalidRequestError for one that is out of bounds."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= IDEMPOTENCY_KEY_CHARACTERS or not key.isascii() or not key.isprintable():
        raise InvalidRequestError("Idempotency-Key takes 1 to 255 printable ASCII characters.", "Idempotency-Key")
    return str(key)


def body_hash(request: Request) -> str:
    """A word for the exact bytes of the body."""
    return hashlib.sha256(bytes(request.raw_body or b"")).hexdigest()


def _invalid(error: Exception) -> InvalidRequestError:
    """msgspec's `Expected `int`, got `str` - at `$.segments[3].end_ms`` with its path taken out."""
    message, _, path = str(error).partition(" - at `$")
    return InvalidRequestError(message[:300], path.rstrip("`").lstrip(".") or "body")


# Answering


@dataclass(frozen=True)
class Answered:
    """An answer with another status than the route's other answers have."""

    status: int
    value: contract.Answer


@dataclass(frozen=True)
class Download:
    """An answer that is a file to save."""

    content: str
    content_type: str
    name: str
    next_cursor: str | None = None


def answers(status: int = 200) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Make a view answer in the contract's words: its value as JSON with `status`, an AppError as its error."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @functools.wraps(view)
        def answering(**path_parameters: str) -> Response:
            try:
                value = view(**path_parameters)
                if isinstance(value, Download):
                    return _file(value)
                if isinstance(value, Page):
                    return _page(value)
                return _json(value.value, value.status) if isinstance(value, Answered) else _json(value, status)
            except AppError as error:
                return error_response(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the client gets our shape and we a log line
                logs.failure("a view failed", error)
                return error_response(AppError("Something went wrong on our side."))

        return answering

    return decorate


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


def middleware(settings: Callable[[], Settings], cors_headers: dict[str, str]) -> Any:
    """What every response carries and every request leaves behind: ids, headers, one log line, metrics."""

    def http(request: Request, get_response: Callable[[Request], Response]) -> Response:
        started = time.perf_counter()
        with counting() as counted:
            try:
                _check_origin(request, settings())
                response = get_response(request)
            except OriginNotAllowedError as error:
                response = error_response(error)
            except SettingsError as error:
                logs.line("the settings are unfit", level="ERROR", problems=str(error))
                response = error_response(AppError("Something went wrong on our side."))
            request_id = _request_id(request)
            _spare(request, response)
            _finish(response, request_id, cors_headers)
            _log(request, response, counted, request_id, (time.perf_counter() - started) * 1000)
        return response

    return http


def event_done(name: str, parts: dict[str, Callable[[], int]]) -> dict[str, int]:
    """Do every part of what a scheduled or queued function does, and log how much there was; also its answer.

    A part that fails keeps no other from being done; it is raised in the end, so that AWS sees it.
    """
    figures: dict[str, int] = {}
    failures: list[Exception] = []
    for part, do in parts.items():
        try:
            figures[part] = do()
        except Exception as failure:  # noqa: BLE001 - raised below
            failures.append(failure)
    return figures_done(name, figures, failures)


def figures_done(name: str, figures: dict[str, int], failures: list[Exception]) -> dict[str, int]:
    """Log what a function did; its figures are also its answer, and metrics that alarms look at.

    What failed is raised after that, so that AWS sees it.
    """
    logs.line(name, metrics={figure: (number, "Count") for figure, number in figures.items()}, figures=figures)
    if failures:
        raise failures[0] if len(failures) == 1 else ExceptionGroup(f"{name} failed in part", failures)
    return figures


def _check_origin(request: Request, used: Settings) -> None:
    """A browser says where its page is from; programs send no Origin. Ours and the extension's may call."""
    origin = request.headers.get("origin")
    domain = request.context.get("domainName")
    own = f"https://{domain}" if domain else None
    if origin is not None and origin != own and origin not in used.allowed_origins:
        raise OriginNotAllowedError(
            "Pages of this origin may not call this API: EXTENSION_ORIGIN names the one that may."
        )


def _spare(request: Request, response: Response) -> None:
    """Answer 304, without the content, to a browser that has this very page. A cache may have marked the tag weak."""
    had = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if response.headers.get("ETag") in had:
        response.status_code, response.body = 304, ""


def _finish(response: Response, request_id: str, cors_headers: dict[str, str]) -> None:
    if response.status_code >= 400:
        fields = _error_fields(response)
        fields["request_id"] = request_id
        response.body = msgspec.json.encode(fields).decode()
        response.headers["Content-Type"] = "application/json"
        response.status_code = STATUS[fields["code"]]
    response.headers = SECURITY_HEADERS | response.headers | cors_headers | {"X-Request-Id": request_id}


def _error_fields(response: Response) -> dict[str, Any]:
    """Our own error, or Chalice's put into our words; whatever else went wrong is an internal error."""
    if isinstance(response.body, str) and response.body.startswith('{"code":'):
        return dict(msgspec.json.decode(response.body))
    code = CHALICE_CODES.get(response.status_code, "internal_error")
    tally().notes["code"] = code
    return {"code": code, "message": MESSAGES.get(code, "Something went wrong on our side."), "request_id": ""}


def _log(request: Request, response: Response, counted: Tally, request_id: str, took_ms: float) -> None:
    """One structured line per request: no token, address, password, key or word of a transcript ever stands in it."""
    status = response.status_code
    metrics: dict[str, tuple[float, logs.Unit]] = {
        "Latency": (round(took_ms, 1), "Milliseconds"),
        "ServerErrors": (int(status >= 500), "Count"),
        "ProviderErrors": (len(counted.provider_failures), "Count"),
        "ProviderQuotaUsedUp": (int("provider_quota" in counted.notes), "Count"),
        "PaymentAlarms": (int("payment_alarm" in counted.notes), "Count"),
    }
    logs.line(
        "request",
        metrics=metrics,
        request_id=request_id,
        method=request.method,
        route=request.path,
        status=status,
        ms=round(took_ms, 1),
        user=counted.user,
        credits=counted.credits_used,
        aws_calls=counted.aws_calls,
        provider_calls=counted.provider_calls,
        provider_failures=counted.provider_failures,
        **counted.notes,
    )


def _request_id(request: Request) -> str:
    given = request.context.get("requestId") or getattr(request.lambda_context, "aws_request_id", "")
    return str(given)


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
