"""When a person is called, and what the dashboard shows. docs/operations.md has a runbook for each alarm."""

import json
from dataclasses import dataclass
from typing import Any

from chalicelib.logs.log import NAMESPACE
from scripts.shipping.access import exported
from scripts.shipping.project import APP_NAME

FIVE_MINUTES, HOUR = 300, 3_600
GATEWAY = {"ApiName": {"Fn::Sub": f"{APP_NAME}-${{Stage}}"}, "Stage": "api"}
OURS = {"Stage": {"Ref": "Stage"}}
DEAD_JOBS = {"QueueName": exported("DeadJobsQueueName")}


def _of(function: str) -> dict[str, Any]:
    return {"FunctionName": {"Ref": function}}


@dataclass(frozen=True)
class Alarm:
    """Rings when `metric` reaches `threshold` in each of `periods` periods (`is_below`: when it stays under it)."""

    says: str
    metric: str
    dimensions: dict[str, Any]
    namespace: str = NAMESPACE
    threshold: int = 1
    period_seconds: int = FIVE_MINUTES
    periods: int = 1
    statistic: str = "Sum"
    is_below: bool = False


ALARMS = {
    "ServerErrors": Alarm("Requests were answered with 5xx.", "5XXError", GATEWAY, "AWS/ApiGateway", 5),
    "Latency": Alarm(
        "One request in twenty takes longer than ten seconds.",
        "Latency", GATEWAY, "AWS/ApiGateway", 10_000, periods=3, statistic="p95",
    ),
    "DeadLetters": Alarm(
        "A job failed five times and waits for a person.",
        "ApproximateNumberOfMessagesVisible", DEAD_JOBS, "AWS/SQS", statistic="Maximum",
    ),
    "ExpiredHolds": Alarm(
        "Many sessions were ended by the sweep, not by their listeners.",
        "leases_ended", OURS, threshold=100, period_seconds=HOUR,
    ),
    "ProviderErrors": Alarm("A provider refuses, is late or answers nonsense.", "ProviderErrors", OURS, threshold=10),
    "ProviderQuota": Alarm("A provider's quota or balance is used up.", "ProviderQuotaUsedUp", OURS),
    "AuditMismatch": Alarm("The audit found sums that do not agree.", "AuditFindings", OURS),
    "AuditFailed": Alarm("An audit came to no end.", "AuditsFailed", OURS),
    "NoAudit": Alarm(
        # Not one period of a day: two starts are a day and some seconds apart, and a day without one lies between.
        "No audit was started for a day.", "audits_started", OURS, period_seconds=HOUR, periods=26, is_below=True,
    ),
    "StuckPurchases": Alarm("A purchase is open longer than any checkout lives.", "purchases_stuck", OURS),
    "PaymentEvents": Alarm("A webhook said what does not fit the books.", "PaymentAlarms", OURS),
    "PaymentsReconciled": Alarm("The reconciler found what does not fit the books.", "payment_alarms", OURS),
    "AwsErrors": Alarm(
        "A table, the queue, the bucket or the user pool is out of reach, or full.", "AwsErrors", OURS, threshold=5
    ),
    "Secrets": Alarm("A secret cannot be decrypted.", "SecretsUnreadable", OURS, period_seconds=60),
    "SweepFails": Alarm("The sweep fails again and again.", "Errors", _of("Sweep"), "AWS/Lambda", 3),
    "EraseFails": Alarm("What was deleted is not erased.", "Errors", _of("Erase"), "AWS/Lambda", 3),
    "ErasuresOverdue": Alarm(
        "A deleted account is not gone after a day.", "accounts_overdue", OURS, period_seconds=HOUR, statistic="Maximum"
    ),
    "LimiterFailures": Alarm("Requests pass their limit uncounted.", "LimiterFailures", OURS, threshold=50),
    "ReconcileFails": Alarm("Payments are not reconciled.", "Errors", _of("Reconcile"), "AWS/Lambda", 3, HOUR),
    "DailyAuditFails": Alarm("The day's audit was not started.", "Errors", _of("DailyAudit"), "AWS/Lambda"),
    "WorkFails": Alarm("Jobs fail again and again.", "Errors", _of("Work"), "AWS/Lambda", 5),
    "CountFails": Alarm("Entries are not counted.", "Errors", _of("Count"), "AWS/Lambda", 3),
    "CountLags": Alarm(
        "The sums over all users are a quarter of an hour behind.",
        "IteratorAge", _of("Count"), "AWS/Lambda", 900_000, periods=3, statistic="Maximum",
    ),
    "Throttled": Alarm("Lambda had no room for a request.", "Throttles", _of("APIHandler"), "AWS/Lambda"),
}  # fmt: skip

# Title, statistic, and what each of nine pictures shows; a metric of ours by its name alone.
PICTURES: list[tuple[str, str, list[list[str]]]] = [
    ("Requests and errors", "Sum", [["ApiGateway", name] for name in ("Count", "4XXError", "5XXError")]),
    ("Latency, 95 of 100, ms", "p95", [["ApiGateway", name] for name in ("Latency", "IntegrationLatency")]),
    (
        "Providers, AWS, secrets",
        "Sum",
        [["ProviderErrors"], ["ProviderQuotaUsedUp"], ["AwsErrors"], ["SecretsUnreadable"]],
    ),
    ("Ended by the sweep", "Sum", [["leases_ended"], ["questions_ended"], ["jobs_checked"]]),
    ("Payments", "Sum", [["events_applied"], ["purchases_stuck"], ["payment_alarms"], ["PaymentAlarms"]]),
    ("Audit", "Maximum", [["AuditFindings"], ["AuditsFailed"], ["AuditUsersJudged"], ["AuditUsersMoving"]]),
    ("Jobs waiting and dead", "Maximum", [["SQS", "jobs"], ["SQS", "jobs-dead"]]),
    ("Functions failing", "Sum", [["Lambda", name, "Errors"] for name in ("APIHandler", "Work", "Sweep", "Count")]),
    ("Sums behind, ms", "Maximum", [["Lambda", "Count", "IteratorAge"]]),
]


def alarms_and_dashboard() -> dict[str, dict[str, Any]]:
    """All alarms, which tell the topic `Alarms`, and the dashboard."""
    made = {f"{name}Alarm": _alarm(name, alarm) for name, alarm in ALARMS.items()}
    body = json.dumps({"widgets": [_widget(place, *picture) for place, picture in enumerate(PICTURES)]})
    named = {"Fn::Sub": f"{APP_NAME}-${{Stage}}"}
    made["Dashboard"] = {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardName": named, "DashboardBody": {"Fn::Sub": body}},
    }
    return made


def _alarm(name: str, alarm: Alarm) -> dict[str, Any]:
    kind = "ExtendedStatistic" if alarm.statistic.startswith("p") else "Statistic"
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": {"Fn::Sub": f"{APP_NAME}-${{Stage}}-{name}"},
            "AlarmDescription": f"{alarm.says} Runbook: docs/operations.md, {name}.",
            "Namespace": alarm.namespace,
            "MetricName": alarm.metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in alarm.dimensions.items()],
            kind: alarm.statistic,
            "Period": alarm.period_seconds,
            "EvaluationPeriods": alarm.periods,
            "Threshold": alarm.threshold,
            "ComparisonOperator": "LessThanThreshold" if alarm.is_below else "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "breaching" if alarm.is_below else "notBreaching",
            "AlarmActions": [{"Ref": "Alarms"}],
            "OKActions": [{"Ref": "Alarms"}],
        },
    }


def _widget(place: int, title: str, statistic: str, shown: list[list[str]]) -> dict[str, Any]:
    properties = {"title": title, "region": "${AWS::Region}", "stat": statistic, "period": FIVE_MINUTES}
    where = {"x": place % 3 * 8, "y": place // 3 * 6, "width": 8, "height": 6}
    return {"type": "metric", **where, "properties": {**properties, "metrics": [_metric(*words) for words in shown]}}


def _metric(*words: str) -> list[str]:
    match words:
        case ("ApiGateway", name):
            return ["AWS/ApiGateway", name, "ApiName", f"{APP_NAME}-${{Stage}}", "Stage", "api"]
        case ("SQS", queue):
            queue_name = f"{APP_NAME}-${{Stage}}-{queue}"
            return ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue_name]
        case ("Lambda", function, name):
            return ["AWS/Lambda", name, "FunctionName", f"${{{function}}}"]
        case (name,):
            return [NAMESPACE, name, "Stage", "${Stage}"]
    raise ValueError(words)
