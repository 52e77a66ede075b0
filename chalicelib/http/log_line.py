"""The log line of a request, with its metrics: the one place that chooses its fields."""

from chalice import Response
from chalice.app import Request

from ..logs import log
from ..logs.request_facts import RequestFacts


def write_log_line(
    request: Request, response: Response, log_fields: RequestFacts, request_id: str, duration_ms: float
) -> None:
    """Write the line of one request: no tokens, addresses, passwords, keys or text of transcripts."""
    status = response.status_code
    metrics: dict[str, tuple[float, log.Unit]] = {
        "Latency": (round(duration_ms, 1), "Milliseconds"),
        "ServerErrors": (int(status >= 500), "Count"),
        "AwsErrors": (int("aws_error" in log_fields.notes), "Count"),
        "RateLimited": (int(status == 429), "Count"),
        "LimiterFailures": (int("limiter" in log_fields.notes), "Count"),
        "ProviderErrors": (len(log_fields.provider_failures), "Count"),
        "ProviderQuotaUsedUp": (int("provider_quota" in log_fields.notes), "Count"),
        "PaymentAlarms": (int("payment_alarm" in log_fields.notes), "Count"),
    }
    log.line(
        "request",
        metrics=metrics,
        request_id=request_id,
        method=request.method,
        route=request.path,
        status=status,
        ms=round(duration_ms, 1),
        user=log_fields.user,
        credits=log_fields.credits_used,
        aws_calls=log_fields.aws_calls,
        provider_calls=log_fields.provider_calls,
        provider_failures=log_fields.provider_failures,
        **log_fields.notes,
    )
