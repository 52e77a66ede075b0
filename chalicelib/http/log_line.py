"""The log line of a request, with its metrics: the one place that chooses its fields."""

from chalice import Response
from chalice.app import Request

from ..logs import log
from ..logs.request_facts import RequestFacts


def write_log_line(
    request: Request, response: Response, facts: RequestFacts, request_id: str, duration_ms: float
) -> None:
    """Write the line of one request: no tokens, addresses, passwords, keys or text of transcripts."""
    status = response.status_code
    metrics: dict[str, tuple[float, log.Unit]] = {
        "Latency": (round(duration_ms, 1), "Milliseconds"),
        "ServerErrors": (int(status >= 500), "Count"),
        "AwsErrors": (int("aws_error" in facts.notes), "Count"),
        "RateLimited": (int(status == 429), "Count"),
        "LimiterFailures": (int("limiter" in facts.notes), "Count"),
        "ProviderErrors": (len(facts.provider_failures), "Count"),
        "ProviderQuotaUsedUp": (int("provider_quota" in facts.notes), "Count"),
        "MailQuotaUsedUp": (int("mail_quota" in facts.notes), "Count"),
        "PaymentAlarms": (int("payment_alarm" in facts.notes), "Count"),
    }
    log.line(
        "request",
        metrics=metrics,
        request_id=request_id,
        method=request.method,
        route=request.path,
        status=status,
        ms=round(duration_ms, 1),
        user=facts.user,
        credits=facts.credits_used,
        aws_calls=facts.aws_calls,
        provider_calls=facts.provider_calls,
        provider_failures=facts.provider_failures,
        **facts.notes,
    )
