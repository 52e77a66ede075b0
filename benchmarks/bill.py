"""Bill: what AWS charges for 1,000 streamed hours and for a month at rest, from what the app really calls and writes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks.metered_stage import LISTENER, Counts, MeteredStage, metered_stage
from chalicelib.repositories.ledger import Guard, Ledger
from chalicelib.repositories.table import Tables
from scripts.shipping import project
from scripts.shipping.alarms import ALARMS

PRICES = json.loads((Path(__file__).parent / "aws_prices.json").read_text(encoding="utf-8"))
HOURS = 1_000
STREAMED_BUDGET_USD, REST_BUDGET_USD = Decimal("0.85"), Decimal("8")
STARTED_AT = 1_795_392_000
LEASE_SECONDS, SAVE_SECONDS, SESSION_SECONDS = 300, 60, 3_600
EARLIEST_RENEWAL_SECONDS = 240  # of a lease: 60 s before its end
# A minute of speech, as a provider cuts it into turns.
MINUTE = (
    "Good morning everybody, and thank you for joining at such short notice.",
    "Before we start, has anyone not seen the numbers that went out yesterday evening?",
    "All right, then let me walk you through them quickly, and please stop me if something is unclear.",
    "The first thing you will notice is that the second quarter was better than we had planned.",
    "Most of it comes from two customers in the north who renewed early, so I would not read too much into it.",
    "What worries me a little is support: the time to a first answer has gone up by almost a third since March.",
    "We have two open positions there, and one of them has been open for half a year now.",
    "I spoke with Maria last week, and she thinks that we can fill the first one by the end of October.",
    "So my proposal would be to move some of the travel budget, and to decide about the rest in the next meeting.",
)
SECONDS = {"minute": 60, "minutes": 60, "hour": 3_600, "hours": 3_600, "day": 86_400, "days": 86_400}
SECONDS_PER_MONTH = PRICES["hours_of_a_month"] * 3_600
# Lambda polls an idle queue with five long polls of 20 seconds. Source: Lambda developer guide, "Using Lambda with
# Amazon SQS"; SQS bills each.
QUEUE_POLLS_PER_MONTH = 5 * SECONDS_PER_MONTH // 20
SAMPLED_SHARE = Decimal("0.05")  # of the requests of a traced stage: .chalice/api.yaml
HOURS_OF_A_MONTH = PRICES["hours_of_a_month"]


@dataclass(frozen=True)
class Line:
    """One line of a bill: how much of what, and its price."""

    what: str
    quantity: Decimal
    price: str

    @property
    def usd(self) -> Decimal:
        row = PRICES["usd"][self.price]
        return self.quantity * Decimal(row["price"]) / row["per"]


class Measured(Struct):
    """What was counted: a streamed hour, the same with the earliest renewals, a month of timers, units of a save."""

    hour: Counts
    hour_renewed_early: Counts
    month_of_timers: Counts
    timer_gb_seconds: float
    metric_hours: float
    units_of_a_save: float
    longest_session_bytes: int


# Counting


def measure() -> Measured:
    """Count everything, on a stage of its own. Once in a process."""
    with metered_stage(STARTED_AT) as stage:
        month, gb_seconds, metric_hours = _month_of_timers(stage)
        hour, save = _streamed_hour(stage, LEASE_SECONDS)
        early, _ = _streamed_hour(stage, EARLIEST_RENEWAL_SECONDS)
        return Measured(hour, early, month, gb_seconds, metric_hours, save.write_units, 0)


def _streamed_hour(stage: MeteredStage, lease_seconds: int) -> tuple[Counts, Counts]:
    """A session of an hour with a save a minute, whose leases are renewed after so many seconds; and its dearest save."""
    tables = Tables(stage.reader, *stage.names)
    fact = f"{lease_seconds}"
    guard = Guard.reference(LISTENER.user_id, "bill", fact)
    Ledger(tables).grant(LISTENER.user_id, 5_000, "free_credits", guard, at=int(stage.clock.at), reason=fact)
    entries_before = len(_entries(stage))
    start = {
        "action": "start",
        "transport": "direct",
        "lease_seconds": LEASE_SECONDS,
        "language": "en",
        "title": "Stand-up",
    }
    lease, total = stage.request("POST", "/transcription/stream", start)
    session = {"session_id": lease["session_id"]}
    dearest, renewed_at = Counts(), 0
    for second in range(SAVE_SECONDS // 2, SESSION_SECONDS, SAVE_SECONDS // 2):
        stage.forward(SAVE_SECONDS // 2)
        counted = []
        if second % SAVE_SECONDS:
            saved, save = stage.request(
                "POST", "/transcription/stream", {"action": "save", **session, "segments": _turns(second)}
            )
            assert len(saved["saved"]) == len(MINUTE), saved
            counted.append(save)
            dearest = max(dearest, save, key=lambda each: each.write_units)
        if second - renewed_at >= lease_seconds:
            renewed_at = second
            counted.append(stage.request("POST", "/transcription/stream", {"action": "renew", **session})[1])
        for each in counted:
            total = total.add(each)
    stage.forward(SAVE_SECONDS // 2)
    total = total.add(stage.request("POST", "/transcription/stream", {"action": "stop", **session})[1])
    for entry in _entries(stage)[entries_before:]:
        total = total.add(stage.count([entry]))
    return total, dearest


def _entries(stage: MeteredStage) -> list[dict[str, Any]]:
    return stage.items(0, f"USER#{LISTENER.user_id}", "ENTRY#")


def _turns(second: int) -> list[dict[str, Any]]:
    first_seq, from_ms = second // SAVE_SECONDS * len(MINUTE), (second - SAVE_SECONDS // 2) * 1_000
    apart_ms = SAVE_SECONDS * 1_000 // len(MINUTE)
    times = [(from_ms + n * apart_ms, from_ms + (n + 1) * apart_ms - 417) for n in range(len(MINUTE))]
    return [
        {"seq": first_seq + n, "start_ms": start_ms, "end_ms": end_ms, "text": text}
        for n, ((start_ms, end_ms), text) in enumerate(zip(times, MINUTE, strict=True))
    ]


def _month_of_timers(stage: MeteredStage) -> tuple[Counts, float, float]:
    """All scheduled functions for a month on empty tables, their GB-seconds, and the hours in which metrics were sent."""
    total, gb_seconds, metric_hours = Counts(), 0.0, 0.0
    for name, period_seconds in _schedules(stage.app):
        runs = SECONDS_PER_MONTH // period_seconds
        counted, worked = stage.schedule(name), stage.work()
        hours = min(runs, HOURS_OF_A_MONTH)
        for each, function in ((counted, name), (worked, "work")):
            total = total.add(each, runs)
            gb_seconds += runs * gb_seconds_of(each, function)
            metric_hours += hours * len(each.metrics)
    return total, gb_seconds, metric_hours


def _schedules(app: Any) -> Iterator[tuple[str, int]]:
    """The scheduled functions and how far apart their runs are, in seconds."""
    for source in app.app.event_sources:
        if hasattr(source, "schedule_expression"):
            number, unit = source.schedule_expression.to_string().removeprefix("rate(").rstrip(")").split()
            yield source.name, int(number) * SECONDS[unit]


def gb_seconds_of(counts: Counts, function: str) -> float:
    """What Lambda bills of these invocations, by the assumed times."""
    assumed = PRICES["assumed_ms"]
    milliseconds = (
        counts.invocations * assumed["own_work"]
        + counts.reads * assumed["read"]
        + (counts.writes + counts.queue_requests) * assumed["write"]
        + counts.transactions * assumed["transaction"]
        + counts.provider_calls * assumed["provider_call"]
    )
    config = project.read()
    memory_mb = config["lambda_functions"].get(function, {}).get("lambda_memory_size", config["lambda_memory_size"])
    return float(milliseconds / 1_000 * memory_mb / 1_024)


# Bills


def streamed_bill(hour: Counts, *, is_traced: bool = False) -> list[Line]:
    """The bill of 1,000 such hours."""
    lines = [
        Line("requests to the gateway", Decimal(hour.gateway_requests * HOURS), "gateway_request"),
        *_bill_of_calls(hour, gb_seconds_of(hour, "api_handler"), HOURS),
        Line("GB to clients", Decimal(hour.response_bytes * HOURS) / 10**9, "egress_gb"),
    ]
    if is_traced:
        lines.append(Line("traces", hour.gateway_requests * HOURS * SAMPLED_SHARE, "trace"))
    return lines


def _bill_of_calls(counts: Counts, gb_seconds: float, times: int = 1) -> list[Line]:
    return [
        Line("write units", Decimal(counts.write_units * times), "write_unit"),
        Line("read units", Decimal(counts.read_units * times), "read_unit"),
        Line("invocations of functions", Decimal(counts.invocations * times), "lambda_request"),
        Line("GB-seconds of functions", Decimal(gb_seconds * times), "lambda_gb_second"),
        Line("GB of logs", Decimal(counts.log_bytes * times) / 10**9, "log_gb"),
    ]


def rest_bill(measured: Measured) -> list[Line]:
    """The bill of a month in which nobody calls, without the cache; the same for every stage."""
    month = measured.month_of_timers
    return [
        Line("alarms", Decimal(len(ALARMS)), "alarm_month"),
        Line("dashboard, beyond the account's first three", Decimal(1), "dashboard_month"),
        Line("KMS key", Decimal(1), "key_month"),
        Line("metrics of log lines", Decimal(measured.metric_hours) / HOURS_OF_A_MONTH, "metric_month"),
        Line("requests to the queue", Decimal(QUEUE_POLLS_PER_MONTH + month.queue_requests), "queue_request"),
        *_bill_of_calls(month, measured.timer_gb_seconds),
    ]


def cache_usd(gigabytes: str) -> Decimal:
    """The gateway's cache for a month; `gigabytes` as in .chalice/stages.json, of which half a gigabyte is priced."""
    if gigabytes == "none":
        return Decimal(0)
    if gigabytes != "0.5":
        raise ValueError(f"aws_prices.json has no price of a cache of {gigabytes} GB")
    return HOURS_OF_A_MONTH * Line("", Decimal(1), "gateway_cache_hour").usd


def total_usd(lines: list[Line]) -> Decimal:
    return sum((line.usd for line in lines), Decimal(0))


def main() -> None:
    """Print both bills, and how they compare with their budgets."""
    measured = measure()
    print(
        f"  list prices of {PRICES['region']}, read {PRICES['read_on']}; Lambda's times are assumed: {PRICES['assumed_ms']}"
    )
    _print(f"{HOURS:,} streamed hours", streamed_bill(measured.hour), STREAMED_BUDGET_USD)
    print(f"    a save takes {measured.units_of_a_save:g} write units at most")
    _print(f"{HOURS:,} streamed hours, renewed as early as possible", streamed_bill(measured.hour_renewed_early))
    _print(f"{HOURS:,} streamed hours, traced", streamed_bill(measured.hour, is_traced=True))
    for stage, parameters in _stage_parameters().items():
        if stage != "local":
            _print(f"a month of {stage} at rest", rest_bill(measured), REST_BUDGET_USD)
            print(f"    and ${cache_usd(parameters.get('CacheGigabytes', 'none')):.2f} for the cache")


def _stage_parameters() -> dict[str, dict[str, str]]:
    parameters: dict[str, dict[str, str]] = json.loads((project.REPOSITORY / ".chalice" / "stages.json").read_text())
    return parameters


def _print(title: str, lines: list[Line], budget: Decimal | None = None) -> None:
    total = total_usd(lines)
    verdict = f", budget ${budget}: {'within' if total <= budget else 'OVER'}" if budget else ""
    print(f"  {title}: ${total:.3f}{verdict}")
    for line in lines:
        print(f"    {line.quantity:>14,.2f} {line.what:44} ${line.usd:.4f}")


if __name__ == "__main__":
    print(msgspec.json.encode(measure()).decode())
