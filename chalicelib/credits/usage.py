"""What a user used, day by day, from the daily totals that each settlement writes; never from single movements."""

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
    """The caller's own use."""

    ledger: Ledger
    now: Callable[[], int]  # epoch seconds, UTC

    def usage(self, caller: Caller, query: contract.UsageQuery) -> contract.Usage:
        """The use of each day of the range, and its sums. Raises InvalidRequestError."""
        days = day_range(query.from_day, query.to_day, self.now())
        self.ledger.admit(caller)
        totals = self.ledger.day_totals(caller.user_id, days[0], days[-1])
        by_day: dict[str, list[DayTotal]] = {day: [] for day in days}
        for one in totals:
            by_day[one.date].append(one)
        return contract.Usage(
            from_day=days[0],
            to_day=days[-1],
            totals=contract.UsageTotals(**_sums(totals)),
            services=_services(totals),
            days=[contract.DayUsage(date=day, **_sums(used), services=_services(used)) for day, used in by_day.items()],
        )


def _services(totals: list[DayTotal]) -> list[contract.ServiceUsage]:
    """Every service that the price file knows, and any other that was used."""
    names = [*SERVICES, *sorted({one.service for one in totals} - set(SERVICES))]
    return [
        contract.ServiceUsage(service=name, **_sums(one for one in totals if one.service == name)) for name in names
    ]


def _sums(totals: Iterable[DayTotal]) -> dict[str, int]:
    """Credits, seconds and uses. Seconds are summed to the millisecond, then rounded up."""
    found = list(totals)
    milliseconds = sum(one.audio_ms for one in found)
    return {
        "credits": sum(one.credits for one in found),
        "seconds": -(-milliseconds // 1000),
        "uses": sum(one.entries for one in found),
    }
