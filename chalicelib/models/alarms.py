"""The alarms of a stage, as the owner sees them. scripts/shipping/alarms.py defines them; a test compares both."""

from msgspec import Struct

ALARM_NAMES = (
    "ServerErrors", "Latency", "DeadLetters", "ExpiredHolds", "ProviderErrors", "ProviderQuota", "MailQuota",
    "AuditMismatch", "AuditFailed", "NoAudit", "StuckPurchases", "PaymentEvents", "PaymentsReconciled", "AwsErrors",
    "Secrets", "SweepFails", "ErasuresOverdue", "LimiterFailures", "ReconcileFails", "WorkFails", "CountFails",
    "CountLags", "Throttled",
)  # fmt: skip


class AlarmState(Struct, frozen=True):
    """`state`: OK, ALARM or INSUFFICIENT_DATA. `since`: epoch seconds, 0 if unknown."""

    name: str
    state: str
    since: int
    description: str
