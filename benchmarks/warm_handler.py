"""Warm handler: the time of GET /credits/balance above its two AWS calls, for the rate limit and the balance."""

import io
import os
import time
from contextlib import redirect_stdout
from statistics import median

from benchmarks.cold_start import _event
from scripts.local.stack import LocalStack

REQUESTS = 200
BUDGET_MS, BUDGET_SHARE = 0.6, 0.20


def main() -> None:
    """Print the median of the added time, in ms and as a share of the calls."""
    with LocalStack(quiet=True) as stack:
        os.environ.update(stack.settings)
        import app
        from chalicelib.wiring import aws, use_cases

        event, context = _event(stack), type("Context", (), {"aws_request_id": "x"})()
        app.app(event, context)
        user_id = aws.verifier().caller(str(event["headers"]["authorization"]).split()[1]).user_id  # type: ignore[index]
        calls, requests = [], []
        for _ in range(REQUESTS):
            started = time.perf_counter()
            limiter = use_cases.rate_limiter()
            assert limiter.rate_limits.count(limiter.new_count("reads", user_id)), "over the limit"
            use_cases.ledger().balance(user_id)
            calls.append(time.perf_counter() - started)
            started = time.perf_counter()
            with redirect_stdout(io.StringIO()):  # its log line
                app.app(event, context)
            requests.append(time.perf_counter() - started)
        added_ms = (median(requests) - median(calls)) * 1000
        print(
            f"  {median(requests) * 1000:.2f} ms per request, of which {median(calls) * 1000:.2f} ms for the calls: "
            f"{added_ms:.2f} ms added (budget {BUDGET_MS} ms), {added_ms / (median(calls) * 1000):.0%} "
            f"(budget {BUDGET_SHARE:.0%}); {REQUESTS} requests"
        )
