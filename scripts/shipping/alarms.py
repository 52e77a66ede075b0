"""The alarms and the CloudWatch dashboard. docs/operations.md has a runbook for each alarm."""

import json
from dataclasses import dataclass
from typing import Any

from chalicelib.logs.log import NAMESPACE
from scripts.shipping.access import exported_value
from scripts.shipping.project import APP_NAME

FIVE_MINUTES, HOUR = 300, 3_600
GATEWAY = {"ApiName": {"Fn::Sub": f"{APP_NAME}-${{Stage}}"}, "Stage": "api"}
STAGE_ONLY = {"Stage": {"Ref": "Stage"}}
DEAD_JOBS = {"QueueName": exported_value("DeadJobsQueueName")}


def _of(function: str) -> dict[str, Any]:
    return {"FunctionName": {"Ref": function}}


@dataclass(frozen=True)
class Alarm:
    """Triggered when `metric` reaches `threshold` in each of `periods` periods (`is_below`: when it stays below)."""

    description: str
    metric: str
    dimensions: dict[str, Any]
    namespace: str = NAMESPACE
    threshold: int = 1
    period_seconds: int = FIVE_MINUTES
    periods: int = 1
    statistic: str = "Sum"
    is_below: bool = False


ALARMS = {
    "ServerErrors": Alarm("Requests failed with 5xx.", "5XXError", GATEWAY, "AWS/ApiGateway", 5),
    "Latency": Alarm(
        "One request in twenty takes longer than ten seconds.",
        "Latency", GATEWAY, "AWS/ApiGateway", 10_000, periods=3, statistic="p95",
    ),
    "DeadLetters": Alarm(
        "A job or a batch of ledger entries failed repeatedly and must be handled by hand.",
        "ApproximateNumberOfMessagesVisible", DEAD_JOBS, "AWS/SQS", statistic="Maximum",
    ),
    "ExpiredHolds": Alarm(
        "The sweep ended many sessions that were not stopped.",
        "leases_ended", STAGE_ONLY, threshold=100, period_seconds=HOUR,
    ),
    "ProviderErrors": Alarm(
        "A provider rejects requests, times out or returns invalid responses.",
        "ProviderErrors", STAGE_ONLY, threshold=10,
    ),
    "ProviderQuota": Alarm("The quota or the balance at a provider is used up.", "ProviderQuotaUsedUp", STAGE_ONLY),
    "MailQuota": Alarm("The emails of the day are used up, so nobody can sign up.", "MailQuotaUsedUp", STAGE_ONLY),
    "AuditMismatch": Alarm("The audit found a mismatch.", "AuditFindings", STAGE_ONLY),
    "AuditFailed": Alarm("An audit did not finish.", "AuditsFailed", STAGE_ONLY),
    "NoAudit": Alarm(
        # Not one period of a day: two starts can be a day and some seconds apart.
        "No audit was started for more than a day.",
        "audits_started", STAGE_ONLY, period_seconds=HOUR, periods=26, is_below=True,
    ),
    "StuckPurchases": Alarm("A purchase is still open after its checkout has expired.", "purchases_stuck", STAGE_ONLY),
    "PaymentEvents": Alarm("A payment event does not match the recorded purchase.", "PaymentAlarms", STAGE_ONLY),
    "PaymentsReconciled": Alarm(
        "The reconciler found a payment that does not match the recorded purchase.", "payment_alarms", STAGE_ONLY,
    ),
    "AwsErrors": Alarm(
        "A table, the queue, the bucket or the user pool cannot be reached or is throttled.",
        "AwsErrors", STAGE_ONLY, threshold=5,
    ),
    "Secrets": Alarm("A secret cannot be decrypted.", "SecretsUnreadable", STAGE_ONLY, period_seconds=60),
    "SweepFails": Alarm("The sweep fails repeatedly.", "Errors", _of("Sweep"), "AWS/Lambda", 3),
    "ErasuresOverdue": Alarm(
        "A deleted account is not erased after a day.",
        "accounts_overdue", STAGE_ONLY, period_seconds=HOUR, statistic="Maximum",
    ),
    "LimiterFailures": Alarm(
        "Requests are not counted by the rate limiter.", "LimiterFailures", STAGE_ONLY, threshold=50,
    ),
    "ReconcileFails": Alarm("Payments are not reconciled.", "Errors", _of("Reconcile"), "AWS/Lambda", 3, HOUR),
    "WorkFails": Alarm("Jobs fail repeatedly.", "Errors", _of("Work"), "AWS/Lambda", 5),
    "CountFails": Alarm("Ledger entries are not added to the aggregates.", "Errors", _of("Count"), "AWS/Lambda", 3),
    "CountLags": Alarm(
        "The aggregates over all users are 15 minutes behind.",
        "IteratorAge", _of("Count"), "AWS/Lambda", 900_000, periods=3, statistic="Maximum",
    ),
    "Throttled": Alarm("Lambda throttled requests.", "Throttles", _of("APIHandler"), "AWS/Lambda"),
}  # fmt: skip

# Alarms that take a release back while it gets a tenth of the requests: what it can break itself, and what shows within
# minutes. Not those about providers, whose outage is no reason to go back. At most ten.
# Source: CodeDeploy API reference, AlarmConfiguration, 2026-11-29.
RELEASE_ALARMS = (
    "ServerErrors", "AwsErrors", "Secrets", "LimiterFailures", "PaymentEvents",
    "WorkFails", "SweepFails", "CountFails",
)  # fmt: skip

# Title, statistic and metrics of each of the nine charts. A single name is a metric of the app.
CHARTS: list[tuple[str, str, list[list[str]]]] = [
    ("Requests and errors", "Sum", [["ApiGateway", name] for name in ("Count", "4XXError", "5XXError")]),
    ("Latency, p95, ms", "p95", [["ApiGateway", name] for name in ("Latency", "IntegrationLatency")]),
    (
        "Providers, AWS, secrets",
        "Sum",
        [["ProviderErrors"], ["ProviderQuotaUsedUp"], ["AwsErrors"], ["SecretsUnreadable"]],
    ),
    ("Ended by the sweep", "Sum", [["leases_ended"], ["questions_ended"], ["jobs_checked"]]),
    ("Payments", "Sum", [["events_applied"], ["purchases_stuck"], ["payment_alarms"], ["PaymentAlarms"]]),
    ("Audit", "Maximum", [["AuditFindings"], ["AuditsFailed"], ["AuditUsersChecked"], ["AuditUsersMoving"]]),
    ("Queued jobs and dead letters", "Maximum", [["SQS", "jobs"], ["SQS", "jobs-dead"]]),
    ("Errors of functions", "Sum", [["Lambda", name, "Errors"] for name in ("APIHandler", "Work", "Sweep", "Count")]),
    ("Delay of the aggregates, ms", "Maximum", [["Lambda", "Count", "IteratorAge"]]),
]


def alarms_and_dashboard() -> dict[str, dict[str, Any]]:
    """All alarms, which notify the topic `Alarms`, and the dashboard."""
    resources = {f"{name}Alarm": _alarm(name, alarm) for name, alarm in ALARMS.items()}
    body = json.dumps({"widgets": [_widget(index, *chart) for index, chart in enumerate(CHARTS)]})
    dashboard_name = {"Fn::Sub": f"{APP_NAME}-${{Stage}}-${{AWS::Region}}"}  # Regions of an account share the names.
    resources["Dashboard"] = {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardName": dashboard_name, "DashboardBody": {"Fn::Sub": body}},
    }
    return resources


def _alarm(name: str, alarm: Alarm) -> dict[str, Any]:
    kind = "ExtendedStatistic" if alarm.statistic.startswith("p") else "Statistic"
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": {"Fn::Sub": f"{APP_NAME}-${{Stage}}-{name}"},
            "AlarmDescription": f"{alarm.description} Runbook: docs/operations.md, {name}.",
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


def _widget(index: int, title: str, statistic: str, metrics: list[list[str]]) -> dict[str, Any]:
    properties = {"title": title, "region": "${AWS::Region}", "stat": statistic, "period": FIVE_MINUTES}
    position = {"x": index % 3 * 8, "y": index // 3 * 6, "width": 8, "height": 6}
    return {
        "type": "metric",
        **position,
        "properties": {**properties, "metrics": [_metric(*parts) for parts in metrics]},
    }


def _metric(*parts: str) -> list[str]:
    match parts:
        case ("ApiGateway", name):
            return ["AWS/ApiGateway", name, "ApiName", f"{APP_NAME}-${{Stage}}", "Stage", "api"]
        case ("SQS", queue):
            queue_name = f"{APP_NAME}-${{Stage}}-{queue}"
            return ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue_name]
        case ("Lambda", function, name):
            return ["AWS/Lambda", name, "FunctionName", f"${{{function}}}"]
        case (name,):
            return [NAMESPACE, name, "Stage", "${Stage}"]
    raise ValueError(parts)
