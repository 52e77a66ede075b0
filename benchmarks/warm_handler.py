"""Warm handler: the time of GET /credits/balance above its two AWS calls, for the rate limit and the balance."""

import io
import os
import time
from contextlib import redirect_stdout
from statistics import median
from typing import Any
from unittest.mock import patch

from benchmarks.cold_start import _event
from chalicelib.providers.aws_json import AwsJsonClient
from scripts.local.stack import LocalStack

REQUESTS, WARM_UP_REQUESTS = 400, 20
BUDGET_MS = 0.6


def main() -> None:
    """Print the median of the time that a request takes outside its AWS calls.

    Both are taken from the same request, so the emulator's own speed does not matter.
    """
    with LocalStack(quiet=True) as stack:
        os.environ.update(stack.settings)
        import app

        event, context = _event(stack), type("Context", (), {"aws_request_id": "x"})()
        call_seconds: list[float] = []
        call_aws = AwsJsonClient._call

        def call_and_measure(client: AwsJsonClient, operation: str, /, **parameters: Any) -> Any:
            started = time.perf_counter()
            try:
                return call_aws(client, operation, **parameters)
            finally:
                call_seconds.append(time.perf_counter() - started)

        requests, calls = [], []
        with patch.object(AwsJsonClient, "_call", call_and_measure):
            for _ in range(WARM_UP_REQUESTS + REQUESTS):
                call_seconds.clear()
                log_lines = io.StringIO()
                started = time.perf_counter()
                with redirect_stdout(log_lines):
                    response = app.app(event, context)
                requests.append(time.perf_counter() - started)
                calls.append(sum(call_seconds))
                assert response["statusCode"] == 200, response
                assert len(call_seconds) == 2, "the calls of one balance"
        added_ms = [(request - call) * 1000 for request, call in zip(requests, calls, strict=True)][WARM_UP_REQUESTS:]
        print(
            f"  {median(requests) * 1000:.2f} ms per request, {median(added_ms):.2f} ms of it outside the calls "
            f"(fastest {min(added_ms):.2f} ms): budget {BUDGET_MS} ms: "
            f"{'within' if median(added_ms) <= BUDGET_MS else 'OVER'}; {REQUESTS} requests"
        )
