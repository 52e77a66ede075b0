"""What failed lately and what needs the owner: each source is read by itself, and none that fails looks good."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from .. import contract
from ..dates import DAY_SECONDS, rfc3339, utc_date
from ..errors import UnavailableError
from ..models.accounts import Caller
from ..models.alarms import AlarmState
from ..models.health import HealthKind, HealthRecord
from ..repositories.aggregates import Aggregates
from ..repositories.health_records import last_applied, newest_records
from ..repositories.ledger import Ledger
from ..repositories.purchases import list_open_purchases
from ..repositories.table import Tables
from .attention import attention
from .costs import OVERDUE_SECONDS, cost_totals, is_overdue

WEBHOOKS = ("stripe", "assemblyai")
RECORDS_SHOWN = 50
PURCHASES_COUNTED = 100
MARGIN_DAYS = 7
REPLAY_COMMAND = ".venv/bin/python -m scripts.replay --stage {stage}"
T = TypeVar("T")


class AlarmReader(Protocol):
    """The alarms of this stage. Raises UnavailableError."""

    def states(self) -> list[AlarmState]: ...


class DeadLetterCounter(Protocol):
    """Dead letters, and messages in the queue of jobs. Raises UnavailableError."""

    def count(self) -> tuple[int, int]: ...


@dataclass(frozen=True)
class HealthReport:
    """Reads a bounded number of items, whatever there is."""

    ledger: Ledger
    tables: Tables
    aggregates: Aggregates
    alarms: AlarmReader
    dead_letters: DeadLetterCounter
    stage: str
    lowest_margin_percent: int
    purchase_stuck_after_seconds: int
    now: Callable[[], int]  # epoch seconds, UTC

    def health(self, admin: Caller) -> contract.AdminHealth:
        """Everything that could be read."""
        self.ledger.admit(admin)
        unreadable: list[str] = []

        def read(name: str, source: Callable[[], T]) -> T | None:
            try:
                return source()
            except UnavailableError:
                unreadable.append(name)
                return None

        report = contract.AdminHealth(
            checked_at=rfc3339(self.now()),
            attention=[],
            unreadable=unreadable,
            webhooks=read("webhooks", self._webhooks),
            failed_jobs=read("failed_jobs", lambda: self._counts(HealthKind.JOB_FAILED)),
            dead_letters=read("dead_letters", self._dead_letters),
            stuck=read("stuck", self._stuck),
            provider_failures=read("provider_failures", lambda: self._counts(HealthKind.PROVIDER_FAILURE)),
            limits=read("limits", lambda: self._counts(HealthKind.LIMIT_MET)),
            alarms=read("alarms", self._alarms),
            margin=read("margin", self._margin),
        )
        report.attention.extend(attention(report, self.now()))
        return report

    def _counts(self, kind: HealthKind) -> list[contract.HealthCount]:
        return [_count(record) for record in newest_records(self.tables, kind, RECORDS_SHOWN)]

    def _webhooks(self) -> contract.WebhookHealth:
        applied = []
        for webhook in WEBHOOKS:
            last = last_applied(self.tables, webhook)
            applied.append(contract.AppliedWebhook(webhook=webhook, at=rfc3339(last.last_at) if last else ""))
        return contract.WebhookHealth(applied=applied, refused=self._counts(HealthKind.WEBHOOK_REFUSED))

    def _dead_letters(self) -> contract.DeadLetterHealth:
        count, waiting = self.dead_letters.count()
        return contract.DeadLetterHealth(count=count, waiting=waiting, command=REPLAY_COMMAND.format(stage=self.stage))

    def _stuck(self) -> contract.StuckHealth:
        holds, is_complete = self.ledger.open_holds()
        overdue_at = self.now() - OVERDUE_SECONDS
        before = self.now() - self.purchase_stuck_after_seconds
        purchases = list_open_purchases(self.tables, before, PURCHASES_COUNTED)
        return contract.StuckHealth(
            holds_overdue=sum(is_overdue(hold, overdue_at) for hold in holds),
            purchases_stuck=len(purchases),
            is_complete=is_complete and len(purchases) < PURCHASES_COUNTED,
        )

    def _alarms(self) -> list[contract.AlarmHealth]:
        return [
            contract.AlarmHealth(
                name=alarm.name,
                state=alarm.state,
                since=rfc3339(alarm.since) if alarm.since else "",
                description=alarm.description,
            )
            for alarm in self.alarms.states()
        ]

    def _margin(self) -> contract.MarginHealth:
        first, last = utc_date(self.now() - (MARGIN_DAYS - 1) * DAY_SECONDS), utc_date(self.now())
        totals = cost_totals(self.aggregates.read(first, last))
        revenue, margin = totals.revenue_micro_usd, totals.margin_micro_usd
        return contract.MarginHealth(
            from_day=first,
            to_day=last,
            revenue_micro_usd=revenue,
            margin_micro_usd=margin,
            percent=margin * 100 // revenue if revenue > 0 else None,
            lowest_percent=self.lowest_margin_percent,
            is_below=margin * 100 < max(0, revenue) * self.lowest_margin_percent,
        )


def _count(record: HealthRecord) -> contract.HealthCount:
    return contract.HealthCount(
        hour=f"{record.hour}:00:00Z",
        subject=record.subject,
        reason=record.reason,
        count=record.count,
        last_at=rfc3339(record.last_at),
        reference=record.reference,
        user_id=record.user_id,
    )
