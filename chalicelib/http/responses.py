"""Turns what a view returns, or the error it raises, into an HTTP response. Only this file knows error statuses."""

import unicodedata
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec
from chalice import Response

from ..errors import AppError
from ..logs.request_facts import request_facts
from ..models.downloads import Download
from ..models.text import file_stem
from .shared_page import SharedPage, error_page
from .static_files import Page

Shape = TypeVar("Shape")
Status = TypeVar("Status", bound=int)
STATUS = {
    "invalid_request": 400,
    "invalid_signature": 400,
    "provider_not_offered": 400,
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
# A page may load its own files and call its own API: no inline code, no other origin, no framing.
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


INTERNAL_ERROR_MESSAGE = "Something went wrong on our side. Retry the request."
DEFAULT_RETRY_AFTER_SECONDS = "5"
MAY_BE_RETRIED = (429, 502, 503, 504)


class ResponseWithStatus(msgspec.Struct, Generic[Status, Shape], frozen=True):
    """A response whose status differs from the route's usual one."""

    status: Status
    value: Shape


class RepeatedResponse(msgspec.Struct, Generic[Shape], frozen=True):
    """The stored response of an earlier request. No new work was done, so the request counts against its limit."""

    value: Shape


def to_response(value: Any, status: int) -> Response:
    """A view's value as a response: JSON with `status` unless the value says otherwise."""
    match value:
        case Download():
            return _download(value)
        case Page():
            return _page(value)
        case SharedPage():
            return Response(value.content, status_code=value.status, headers=value.headers)
        case ResponseWithStatus():
            return _json(value.value, value.status)
        case RepeatedResponse():
            return _json(value.value, status)
    return _json(value, status)


def error_response(error: AppError) -> Response:
    """An error in the shape that all errors have. The middleware fills in the request id."""
    status, details = STATUS[error.code], dict(error.details)
    headers = {}
    if "retry_after_seconds" in details:
        headers["Retry-After"] = str(details.pop("retry_after_seconds"))
    elif status in MAY_BE_RETRIED:
        headers["Retry-After"] = DEFAULT_RETRY_AFTER_SECONDS
    request_facts().notes["code"] = error.code
    if log_notes := getattr(error, "__notes__", None):
        request_facts().notes["reason"] = log_notes[0]
    fields: dict[str, Any] = {"code": error.code, "message": error.message, "request_id": ""}
    return _json(fields | ({"details": details} if details else {}), status, headers)


def error_page_response(error: AppError) -> Response:
    """An error as a page, for people who follow a link."""
    response = error_response(error)
    page = error_page(response.status_code, error.message, response.headers.get("Retry-After", ""))
    return to_response(page, response.status_code)


def _download(download: Download) -> Response:
    headers = {
        "Content-Type": download.content_type,
        "Content-Disposition": _attachment(download.file_name),
    }
    if download.next_cursor:
        headers["X-Next-Cursor"] = download.next_cursor
    return Response(download.content, status_code=200, headers=headers)


def _attachment(file_name: str) -> str:
    """The header that names a file: in ASCII for old browsers and, where that is not the name, in UTF-8 (RFC 6266)."""
    decomposed = unicodedata.normalize("NFKD", file_name).encode("ascii", "ignore").decode()
    stem, _, ending = decomposed.rpartition(".")
    stem = file_stem(stem.replace('"', "'"))
    plain = f"{stem or 'file'}.{file_stem(ending)}"  # Decomposed, a letter may be a slash or a dot.
    header = f'attachment; filename="{plain}"'
    return header if plain == file_name else f"{header}; filename*=UTF-8''{quote(file_name, safe='')}"


def _page(page: Page) -> Response:
    headers = PAGE_HEADERS | {"Content-Type": page.content_type, "ETag": page.etag}
    return Response(page.content, status_code=200, headers=headers)


def _json(value: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    text = msgspec.json.encode(value).decode()
    return Response(text, status_code=status, headers={"Content-Type": "application/json", **(headers or {})})
