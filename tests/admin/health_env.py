"""The health report on the tables of a backend, with alarms and queues in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.admin.health import HealthReport
from chalicelib.errors import AppError
from chalicelib.models.alarms import AlarmState
from chalicelib.repositories.aggregates import Aggregates
from tests.fakes import Backend

STUCK_AFTER_SECONDS = 3 * 86_400
LOWEST_MARGIN_PERCENT = 20


@dataclass
class FakeAws:
    """Alarms and queues with the states that a test gives them; `error` is raised instead."""

    alarms: Sequence[AlarmState] = ()
    counts: tuple[int, int] = (0, 0)
    error: AppError | None = field(default=None)

    def states(self) -> list[AlarmState]:
        if self.error:
            raise self.error
        return list(self.alarms)

    def count(self) -> tuple[int, int]:
        if self.error:
            raise self.error
        return self.counts


def health_report_on(backend: Backend, aws: FakeAws | None = None) -> HealthReport:
    fake = aws or FakeAws()
    return HealthReport(
        ledger=backend.ledger,
        tables=backend.tables,
        aggregates=Aggregates(backend.tables),
        alarms=fake,
        dead_letters=fake,
        stage="prod",
        lowest_margin_percent=LOWEST_MARGIN_PERCENT,
        purchase_stuck_after_seconds=STUCK_AFTER_SECONDS,
        now=backend.clock,
    )
