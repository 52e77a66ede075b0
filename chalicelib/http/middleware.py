"""Around every view: the check of the origin, the headers of every response, one log line with the metrics."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from chalice import Response
from chalice.app import Request

from ..errors import AppError, OriginNotAllowedError
from ..logs import log
from ..logs.request_facts import collect_request_facts, request_facts
from ..settings.load import SettingsError
from ..settings.schema import EXACT_ORIGIN, Settings
from .cors import origin_headers
from .health_notes import HealthRecorder, notes_of_request
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


def http_middleware(
    settings: Callable[[], Settings],
    cors_headers: dict[str, str],
    allowed_origins: Sequence[str],
    health_recorder: Callable[[], HealthRecorder] | None = None,
) -> Any:
    """The middleware that sets the request id and the headers, and writes the log line with the metrics.

    `cors_headers`: the same for all origins. `allowed_origins`: they are known even where the settings are invalid.
    `health_recorder`: takes what the owner has to know of a request, if there is anything.
    """

    def http(request: Request, get_response: Callable[[Request], Response]) -> Response:
        started_at = time.perf_counter()
        with collect_request_facts() as facts:
            try:
                settings()  # Raises SettingsError: with invalid settings no request is served.
                _check_origin(request, allowed_origins)
                response = get_response(request)
            except OriginNotAllowedError as error:
                response = error_response(error)
            except SettingsError as error:
                log.line("the settings are invalid", level="ERROR", problems=str(error))
                response = error_response(AppError(INTERNAL_ERROR_MESSAGE))
            request_id = _request_id(request)
            _answer_not_modified(request, response)
            _redirect_from_final_slash(request, response)
            allowed = origin_headers(request.headers.get("origin"), allowed_origins)
            _add_common_headers(response, request_id, cors_headers | allowed)
            # What could not reach AWS would not reach it for this either, and the caller is waiting.
            notes = notes_of_request(request.path, response.status_code, facts)
            if health_recorder and notes and "aws_error" not in facts.notes:
                health_recorder().record(notes)
            write_log_line(request, response, facts, request_id, (time.perf_counter() - started_at) * 1000)
        return response

    return http


def _check_origin(request: Request, allowed_origins: Sequence[str]) -> None:
    """Refuse browser pages of other origins than those allowed and this API's own. Raises OriginNotAllowedError.

    Programs send no origin. What a page embeds (an image, a script, a `no-cors` call) has no Origin header but a
    Sec-Fetch-Site; a link that a person follows is allowed. Source: W3C, "Fetch Metadata Request Headers".
    """
    origin = request.headers.get("origin")
    domain = request.context.get("domainName")
    own = f"https://{domain}" if domain else None
    is_embedded = request.headers.get("sec-fetch-mode") != "navigate"
    if origin is None and is_embedded and request.headers.get("sec-fetch-site") in OTHER_ORIGIN_SITES:
        raise OriginNotAllowedError(
            "Pages of other origins may not embed parts of this API. Use the extension or this API's own pages."
        )
    if origin is not None and origin != own and origin not in allowed_origins:
        raise _origin_not_allowed(origin)


def _origin_not_allowed(origin: str) -> OriginNotAllowedError:
    """The error that says which origin called, and what to set if it is the caller's own."""
    if not EXACT_ORIGIN.fullmatch(origin):  # "null", empty, or no origin that a browser sends
        return OriginNotAllowedError(
            "A page without an origin (a file, a sandboxed frame or a data URL) may not call this API. "
            "Call it from a page or worker of the extension."
        )
    return OriginNotAllowedError(
        f"Pages of {origin} may not call this API. If this is your extension or page, add {origin} to the setting "
        "EXTENSION_ORIGIN of the server (comma-separated), and restart or deploy it.",
        origin=origin,
    )


def _answer_not_modified(request: Request, response: Response) -> None:
    """Answer 304 without content if the browser has this version of the page. A cache may have marked the tag weak."""
    cached_tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if response.headers.get("ETag") in cached_tags:
        response.status_code, response.body = 304, ""


def _redirect_from_final_slash(request: Request, response: Response) -> None:
    """Send browsers from `/docs/` to `/docs`: the links of a page are relative to its own address."""
    path = request.context.get("path", "")
    if _is_page(response) and response.status_code == 200 and request.path != "/" and path.endswith("/"):
        response.status_code, response.body = 308, ""
        response.headers["Location"] = f"../{path.rstrip('/').rpartition('/')[2]}"


def _is_page(response: Response) -> bool:
    return str(response.headers.get("Content-Type", "")).startswith("text/html")


def _add_common_headers(response: Response, request_id: str, cors_headers: dict[str, str]) -> None:
    if response.status_code >= 400 and not _is_page(response):
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
