"""Around every view: which page may call, what every answer carries, one log line with the metrics; events too."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
from chalice import Response
from chalice.app import Request

from ..errors import AppError, OriginNotAllowedError
from ..logs import log
from ..logs.request_log import RequestLog, collect_request_log, request_log
from ..settings.load import SettingsError
from ..settings.schema import Settings
from .responses import STATUS, error_response

# Chalice answers a few things before or after a view; these are their names in the contract.
CHALICE_CODES = {400: "invalid_request", 404: "not_found", 405: "not_found", 415: "unsupported_media_type"}
MESSAGES = {
    "invalid_request": "The request is not as the contract says.",
    "not_found": "There is no such path or method.",
    "unsupported_media_type": "Send the right Content-Type: application/json; for audio, audio/wav or audio/pcm.",
}
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
ELSEWHERE = ("cross-site", "same-site")  # the Sec-Fetch-Site of a page of another origin
CORS_ALLOW_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key"]
CORS_EXPOSE_HEADERS = [
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-Next-Cursor",
    "X-Request-Id",
]


class EventFailedError(Exception):
    """A scheduled or queued function failed, at least in part. The log says why; this names kinds of errors only."""


def http_middleware(settings: Callable[[], Settings], cors_headers: dict[str, str]) -> Any:
    """What every response carries and every request leaves behind: ids, headers, one log line, metrics."""

    def http(request: Request, get_response: Callable[[Request], Response]) -> Response:
        started = time.perf_counter()
        with collect_request_log() as counted:
            try:
                _check_origin(request, settings())
                response = get_response(request)
            except OriginNotAllowedError as error:
                response = error_response(error)
            except SettingsError as error:
                log.line("the settings are unfit", level="ERROR", problems=str(error))
                response = error_response(AppError("Something went wrong on our side."))
            request_id = _request_id(request)
            _spare(request, response)
            _finish(response, request_id, cors_headers)
            _log(request, response, counted, request_id, (time.perf_counter() - started) * 1000)
        return response

    return http


def run_event(name: str, parts: dict[str, Callable[[], int]]) -> dict[str, int]:
    """Do every part of what a scheduled or queued function does, and log how much there was; also its answer.

    A part that fails keeps no other from being done. Raises EventFailedError in the end, so that AWS calls again.
    """
    figures: dict[str, int] = {}
    failures: list[Exception] = []
    for part, do in parts.items():
        try:
            figures[part] = do()
        except Exception as failure:  # noqa: BLE001 - told below
            failures.append(failure)
    return log_figures(name, figures, failures)


def run_reporting_event(name: str, do: Callable[[], tuple[dict[str, int], list[Exception]]]) -> dict[str, int]:
    """The same for a function that tells its own figures and what failed in it."""
    figures: dict[str, int] = {}
    try:
        figures, failures = do()
    except Exception as failure:  # noqa: BLE001 - told below
        failures = [failure]
    return log_figures(name, figures, failures)


def log_figures(name: str, figures: dict[str, int], failures: list[Exception]) -> dict[str, int]:
    """Log what a function did; its figures are also its answer, and metrics that alarms look at.

    Where something failed, AWS is told, so that it calls again; it writes the text of what is raised into the log.
    """
    log.line(name, metrics={figure: (number, "Count") for figure, number in figures.items()}, figures=figures)
    for failure in failures:
        log.failure(f"{name} failed", failure)
    if failures:
        raise EventFailedError(f"{name} failed: {', '.join(type(failure).__name__ for failure in failures)}")
    return figures


def _check_origin(request: Request, used: Settings) -> None:
    """A browser says where its page is from; programs say nothing. Ours and the extension's may call.

    What a page only embeds (an image, a script, a `no-cors` call) names no Origin, but whether it is from elsewhere; a
    link that was followed is the person's doing. Source: W3C, "Fetch Metadata Request Headers".
    """
    origin = request.headers.get("origin")
    domain = request.context.get("domainName")
    own = f"https://{domain}" if domain else None
    is_embedded = request.headers.get("sec-fetch-mode") != "navigate"
    if origin is None and is_embedded and request.headers.get("sec-fetch-site") in ELSEWHERE:
        raise OriginNotAllowedError("Pages of other origins may embed nothing of this API.")
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
    request_log().notes["code"] = code
    return {"code": code, "message": MESSAGES.get(code, "Something went wrong on our side."), "request_id": ""}


def _log(request: Request, response: Response, counted: RequestLog, request_id: str, took_ms: float) -> None:
    """One structured line per request: no token, address, password, key or word of a transcript ever stands in it."""
    status = response.status_code
    metrics: dict[str, tuple[float, log.Unit]] = {
        "Latency": (round(took_ms, 1), "Milliseconds"),
        "ServerErrors": (int(status >= 500), "Count"),
        "AwsErrors": (int("aws_error" in counted.notes), "Count"),
        "RateLimited": (int(status == 429), "Count"),
        "LimiterFailures": (int("limiter" in counted.notes), "Count"),
        "ProviderErrors": (len(counted.provider_failures), "Count"),
        "ProviderQuotaUsedUp": (int("provider_quota" in counted.notes), "Count"),
        "PaymentAlarms": (int("payment_alarm" in counted.notes), "Count"),
    }
    log.line(
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
