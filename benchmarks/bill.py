"""Bill: what AWS charges for 1,000 streamed hours and for a month at rest, from what the app calls and writes."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.billed_use import HOURS_PER_MONTH, BilledUse, FunctionUse, StreamedHour
from benchmarks.metered_stage import Counts
from scripts.shipping import project
from scripts.shipping.alarms import ALARMS

PRICES: dict[str, Any] = json.loads((Path(__file__).parent / "aws_prices.json").read_text(encoding="utf-8"))
HOURS = 1_000
STREAMED_BUDGET_USD, REST_BUDGET_USD = Decimal("0.85"), Decimal(8)
SAMPLED_SHARE = Decimal("0.05")  # of the requests of a stage with Tracing: .chalice/api.yaml
# Lambda asks an idle queue by five long polls of 20 seconds, which SQS bills. Source: Lambda developer guide, "Using
# Lambda with Amazon SQS"; SQS developer guide, "Amazon SQS short and long polling".
POLLS_PER_MONTH = 5 * HOURS_PER_MONTH * 3_600 // 20
DASHBOARD, FREE_DASHBOARDS = "CloudWatch dashboard", 3
BYTES_PER_GB = 10**9


@dataclass(frozen=True)
class Line:
    """One line of a bill: how much of what, and the name of its price."""

    item: str
    quantity: Decimal
    price: str

    @property
    def usd(self) -> Decimal:
        price = PRICES["usd"][self.price]
        return self.quantity * Decimal(price["usd"]) / price["per"]


def measure_in_own_process() -> BilledUse:
    """What is billed, counted in a process of its own, because the app keeps what it has built."""
    command = [sys.executable, "-m", "benchmarks.billed_use"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=project.REPOSITORY)  # noqa: S603
    if result.returncode:
        raise RuntimeError(result.stderr)
    return msgspec.json.decode(result.stdout.splitlines()[-1], type=BilledUse)


def streamed_bill(hour: StreamedHour, *, is_traced: bool = False) -> list[Line]:
    """The bill of 1,000 such hours."""
    total = _sum(hour.calls)
    lines = [
        Line("requests to API Gateway", Decimal(total.gateway_requests * HOURS), "gateway_request"),
        *_lines_of_calls(hour.calls, HOURS),
        Line("GB sent to clients", Decimal(total.response_bytes * HOURS) / BYTES_PER_GB, "egress_gb"),
    ]
    if is_traced:
        lines.append(Line("X-Ray traces", total.gateway_requests * HOURS * SAMPLED_SHARE, "trace"))
    return lines


def rest_bill(use: BilledUse) -> list[Line]:
    """The bill of a month in which nobody calls, without the cache; the same for every stage."""
    queue_requests = POLLS_PER_MONTH + _sum(use.month_at_rest).queue_requests
    return [
        Line(DASHBOARD, Decimal(1), "dashboard_month"),
        Line("alarms", Decimal(len(ALARMS)), "alarm_month"),
        Line("KMS key", Decimal(1), "key_month"),
        Line("metrics of log lines", Decimal(use.metric_hours) / HOURS_PER_MONTH, "metric_month"),
        Line("requests to SQS", Decimal(queue_requests), "queue_request"),
        *_lines_of_calls(use.month_at_rest, 1),
    ]


def cache_usd(gigabytes: str) -> Decimal:
    """The gateway's cache for a month. `gigabytes`: as in .chalice/stages.json; only half a gigabyte is priced here."""
    if gigabytes == "none":
        return Decimal(0)
    if gigabytes != "0.5":
        raise ValueError(f"aws_prices.json has no price for a cache of {gigabytes} GB")
    return Line("", Decimal(HOURS_PER_MONTH), "gateway_cache_hour").usd


def total_usd(lines: Sequence[Line]) -> Decimal:
    return sum((line.usd for line in lines), Decimal(0))


def stage_parameters() -> dict[str, dict[str, str]]:
    """The parameters of each deployed stage."""
    parameters: dict[str, dict[str, str]] = json.loads((project.REPOSITORY / ".chalice" / "stages.json").read_text())
    return {stage: values for stage, values in parameters.items() if stage != "local"}


def _sum(uses: Sequence[FunctionUse]) -> Counts:
    total = Counts()
    for use in uses:
        total = total.add(use.counts)
    return total


def _lines_of_calls(uses: Sequence[FunctionUse], times: int) -> list[Line]:
    total, gb_seconds = _sum(uses), sum(map(_gb_seconds, uses))
    return [
        Line("DynamoDB write units", Decimal(total.write_units * times), "write_unit"),
        Line("DynamoDB read units", Decimal(total.read_units * times), "read_unit"),
        Line("Lambda invocations", Decimal(total.invocations * times), "lambda_request"),
        Line("Lambda GB-seconds", Decimal(gb_seconds * times), "lambda_gb_second"),
        Line("GB of logs", Decimal(total.log_bytes * times) / BYTES_PER_GB, "log_gb"),
    ]


def _gb_seconds(use: FunctionUse) -> float:
    """What Lambda bills of these invocations, by the assumed times."""
    assumed, counts = PRICES["assumed_ms"], use.counts
    milliseconds: float = (
        counts.invocations * assumed["own_work"]
        + counts.reads * assumed["read"]
        + (counts.writes + counts.queue_requests) * assumed["write"]
        + counts.transactions * assumed["transaction"]
        + counts.provider_calls * assumed["provider_call"]
    )
    config = project.read()
    own = config["lambda_functions"].get(use.function, {})
    memory_mb: int = own.get("lambda_memory_size", config["lambda_memory_size"])
    return milliseconds / 1_000 * memory_mb / 1_024


def main() -> None:
    """Print both bills, and how they compare with their budgets."""
    use = measure_in_own_process()
    print(
        f"  list prices of {PRICES['region']}, read {PRICES['read_on']}; assumed milliseconds: {PRICES['assumed_ms']}"
    )
    _print(f"{HOURS:,} streamed hours", streamed_bill(use.hour), STREAMED_BUDGET_USD)
    print(f"    a save takes {use.hour.largest_save_units:g} write units")
    _print(f"{HOURS:,} streamed hours, renewed as early as possible", streamed_bill(use.hour_renewed_early))
    _print(f"{HOURS:,} streamed hours, saved every 15 seconds", streamed_bill(use.hour_saved_often))
    _print(f"{HOURS:,} streamed hours, traced", streamed_bill(use.hour, is_traced=True))
    for stage, parameters in stage_parameters().items():
        _print(f"a month of {stage} at rest", rest_bill(use), REST_BUDGET_USD)
        print(f"    the cache besides: ${cache_usd(parameters.get('CacheGigabytes', 'none')):.2f}")


def _print(title: str, lines: list[Line], budget: Decimal | None = None) -> None:
    total = total_usd(lines)
    verdict = f", budget ${budget:.2f}: {'within' if total <= budget else 'OVER'}" if budget else ""
    print(f"  {title}: ${total:.3f}{verdict}")
    for line in lines:
        print(f"    {line.quantity:>12,.2f} {line.item:26} ${line.usd:.4f}")
