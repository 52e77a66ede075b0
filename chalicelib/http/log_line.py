"""The log line of a request, with its metrics: the one place that chooses its fields."""

from chalice import Response
from chalice.app import Request

from ..logs import log
from ..logs.request_facts import RequestFacts


def write_log_line(
    request: Request, response: Response, facts: RequestFacts, request_id: str, duration_ms: float
) -> None:
    """Write the line of one request: no tokens, addresses, passwords, keys or text of transcripts.

    Counts of zero are no metrics: they would be half of each line, and alarms take a missing one for zero. API Gateway
    has the latency as a metric, for free.
    """
    status = response.status_code
    counts = {
        "ServerErrors": int(status >= 500),
        "AwsErrors": int("aws_error" in facts.notes),
        "RateLimited": int(status == 429),
        "LimiterFailures": int("limiter" in facts.notes),
        "ProviderErrors": len(facts.provider_failures),
        "ProviderQuotaUsedUp": int("provider_quota" in facts.notes),
        "MailQuotaUsedUp": int("mail_quota" in facts.notes),
        "PaymentAlarms": int("payment_alarm" in facts.notes),
    }
    log.line(
        "request",
        metrics={name: (count, "Count") for name, count in counts.items() if count},
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
