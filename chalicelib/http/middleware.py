"""Around every view: the check of the origin, the headers of every response, one log line with the metrics."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
from chalice import Response
from chalice.app import Request

from ..errors import AppError, OriginNotAllowedError
from ..logs import log
from ..logs.request_facts import collect_request_facts, request_facts
from ..settings.load import SettingsError
from ..settings.schema import Settings
from .log_line import write_log_line
from .responses import INTERNAL_ERROR_MESSAGE, STATUS, error_response

# Chalice itself answers a few requests; these are the codes for its statuses.
CHALICE_CODES = {400: "invalid_request", 404: "not_found", 405: "not_found", 415: "unsupported_media_type"}
MESSAGES = {
    "invalid_request": "The request is malformed. See the API reference at /docs.",
    "not_found": "This path or method does not exist.",
    "unsupported_media_type": "Send the Content-Type application/json or, for audio, audio/wav or audio/pcm.",
}
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
OTHER_ORIGIN_SITES = ("cross-site", "same-site")  # the Sec-Fetch-Site of a page of another origin
CORS_ALLOW_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key"]
CORS_EXPOSE_HEADERS = [
    "Date",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Content-Disposition",
    "X-Next-Cursor",
    "X-Request-Id",
]


def http_middleware(settings: Callable[[], Settings], cors_headers: dict[str, str]) -> Any:
    """The middleware that sets the request id and the headers, and writes the log line with the metrics."""

    def http(request: Request, get_response: Callable[[Request], Response]) -> Response:
        started_at = time.perf_counter()
        with collect_request_facts() as facts:
            try:
                _check_origin(request, settings())
                response = get_response(request)
            except OriginNotAllowedError as error:
                response = error_response(error)
            except SettingsError as error:
                log.line("the settings are invalid", level="ERROR", problems=str(error))
                response = error_response(AppError(INTERNAL_ERROR_MESSAGE))
            request_id = _request_id(request)
            _answer_not_modified(request, response)
            _add_common_headers(response, request_id, cors_headers)
            write_log_line(request, response, facts, request_id, (time.perf_counter() - started_at) * 1000)
        return response

    return http


def _check_origin(request: Request, settings: Settings) -> None:
    """Refuse browser pages of other origins than the extension's and this API's own. Raises OriginNotAllowedError.

    Programs send no origin. What a page embeds (an image, a script, a `no-cors` call) has no Origin header but a
    Sec-Fetch-Site; a link that a person follows is allowed. Source: W3C, "Fetch Metadata Request Headers".
    """
    origin = request.headers.get("origin")
    domain = request.context.get("domainName")
    own = f"https://{domain}" if domain else None
    is_embedded = request.headers.get("sec-fetch-mode") != "navigate"
    if origin is None and is_embedded and request.headers.get("sec-fetch-site") in OTHER_ORIGIN_SITES:
        raise OriginNotAllowedError("Pages of other origins may not embed parts of this API.")
    if origin is not None and origin != own and origin not in settings.allowed_origins:
        raise OriginNotAllowedError(
            "Pages of this origin may not call this API. The setting EXTENSION_ORIGIN names the origin that may."
        )


def _answer_not_modified(request: Request, response: Response) -> None:
    """Answer 304 without content if the browser has this version of the page. A cache may have marked the tag weak."""
    cached_tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if response.headers.get("ETag") in cached_tags:
        response.status_code, response.body = 304, ""


def _add_common_headers(response: Response, request_id: str, cors_headers: dict[str, str]) -> None:
    if response.status_code >= 400:
        fields = _error_fields(response)
        fields["request_id"] = request_id
        response.body = msgspec.json.encode(fields).decode()
        response.headers["Content-Type"] = "application/json"
        response.status_code = STATUS[fields["code"]]
    response.headers = SECURITY_HEADERS | response.headers | cors_headers | {"X-Request-Id": request_id}


def _error_fields(response: Response) -> dict[str, Any]:
    """The fields of an error of this API; for an error of Chalice, its code and our message."""
    if isinstance(response.body, str) and response.body.startswith('{"code":'):
        return dict(msgspec.json.decode(response.body))
    code = CHALICE_CODES.get(response.status_code, "internal_error")
    request_facts().notes["code"] = code
    return {"code": code, "message": MESSAGES.get(code, INTERNAL_ERROR_MESSAGE), "request_id": ""}


def _request_id(request: Request) -> str:
    request_id = request.context.get("requestId") or getattr(request.lambda_context, "aws_request_id", "")
    return str(request_id)
