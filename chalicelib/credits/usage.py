"""A user's usage day by day, from the daily totals that each settlement writes, never from single entries."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .. import contract
from ..dates import day_range
from ..models.accounts import Caller
from ..models.ledger import DayTotal
from ..pricing.price_files import SERVICES
from ..repositories.ledger import Ledger


@dataclass(frozen=True)
class UsageReport:
    """The caller's own usage."""

    ledger: Ledger
    now: Callable[[], int]  # epoch seconds, UTC

    def usage(self, caller: Caller, query: contract.UsageQuery) -> contract.Usage:
        """The usage of each day of the range, and its totals. Raises InvalidRequestError."""
        days = day_range(query.from_day, query.to_day, self.now())
        self.ledger.admit(caller)
        totals = self.ledger.day_totals(caller.user_id, days[0], days[-1])
        by_day: dict[str, list[DayTotal]] = {day: [] for day in days}
        for total in totals:
            by_day[total.date].append(total)
        return contract.Usage(
            from_day=days[0],
            to_day=days[-1],
            totals=contract.UsageTotals(**_add_up(totals)),
            services=_services(totals),
            days=[
                contract.DayUsage(date=day, **_add_up(used), services=_services(used)) for day, used in by_day.items()
            ],
        )


def _services(totals: list[DayTotal]) -> list[contract.ServiceUsage]:
    """Every service of the price file, and any other that was used."""
    services = [*SERVICES, *sorted({total.service for total in totals} - set(SERVICES))]
    return [
        contract.ServiceUsage(service=service, **_add_up(total for total in totals if total.service == service))
        for service in services
    ]


def _add_up(totals: Iterable[DayTotal]) -> dict[str, int]:
    """Credits, seconds and number of uses. Milliseconds are added up first, then rounded up to seconds."""
    found = list(totals)
    milliseconds = sum(total.audio_ms for total in found)
    return {
        "credits": sum(total.credits for total in found),
        "seconds": -(-milliseconds // 1000),
        "uses": sum(total.entries for total in found),
    }
