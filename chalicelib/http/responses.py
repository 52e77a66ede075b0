"""What a view returns, or the error it raises, as an HTTP response. This file alone knows status codes."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from chalice import Response

from ..errors import AppError
from ..logs.request_log import request_log
from .static_files import Page

Shape = TypeVar("Shape")
Status = TypeVar("Status", bound=int)
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


def response(value: Any, status: int) -> Response:
    """A view's value as a response; JSON with `status` unless the value says otherwise."""
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
    request_log().notes["code"] = error.code
    if reasons := getattr(error, "__notes__", None):
        request_log().notes["reason"] = reasons[0]
    fields: dict[str, Any] = {"code": error.code, "message": error.message, "request_id": ""}
    return _json(fields | ({"details": details} if details else {}), status, headers)


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
