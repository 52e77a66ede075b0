"""What the service earns and costs, for its owner: from the sums over all users, never from single movements."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .. import contract
from ..csv import CSV_CONTENT_TYPE, csv_text
from ..cursors import Cursors
from ..dates import day_range, rfc3339
from ..models.accounts import Caller
from ..models.aggregates import Line, Sums, together
from ..models.downloads import Download
from ..models.ledger import Hold
from ..pricing.price_files import MICRO_USD_PER_CENT, SERVICES, Prices
from ..repositories.aggregates import ACTIVE, Aggregates
from ..repositories.ledger import Ledger

GIVEN, SOLD = ("free_credits", "admin_grant"), ("purchase",)
TAKEN_BACK = ("clawback", "clawback_reversed", "admin_clawback")
MOVEMENTS = (*GIVEN, *SOLD, *TAKEN_BACK)
OVERDUE_SECONDS = 900  # the sweep comes every minute
UNTIL_DECIDED = "dispute"
HOLDS_SHOWN = 100
CSV_CURSOR, CSV_ROWS = "FROM#", 1_000
CSV_COLUMNS = (
    "date", "service", "provider", "model", "movements", "uses", "credits", "milliseconds", "input_tokens",
    "output_tokens", "revenue_cents", "cost_micro_usd", "active_users",
)  # fmt: skip
CSV_FIGURES = ("entries", "uses", "credits", "audio_ms", "input_tokens", "output_tokens", "cents", "cost_micro_usd")
Lines = Mapping[Line, Sums]


@dataclass(frozen=True)
class CostReport:
    """Revenue, costs, margin; what is owed to users in credits."""

    ledger: Ledger
    totals: Aggregates
    prices: Prices
    cursors: Cursors
    now: Callable[[], int]  # epoch seconds, UTC

    def costs(self, admin: Caller, query: contract.CostsQuery) -> contract.Costs:
        """The days asked for, how all users stand now, and what is held. Raises InvalidRequestError."""
        self.ledger.admit(admin)
        days = day_range(query.from_day, query.to_day, self.now())
        lines = self.totals.read(days[0], days[-1])
        by_day: dict[str, dict[Line, Sums]] = {day: {} for day in days}
        for line, sums in lines.items():
            by_day[line.date][line] = sums
        everything = self.totals.everything()
        outstanding = max(0, everything.sums.get("credits", 0))
        return contract.Costs(
            from_day=days[0],
            to_day=days[-1],
            counted_until=rfc3339(everything.counted_until) if everything.counted_until else "",
            totals=_sums(lines),
            services=self._services(lines),
            models=_models(lines),
            days=[self._day(day, found) for day, found in by_day.items()],
            outstanding=contract.Outstanding(credits=outstanding, liability_cents=self._liability_cents(outstanding)),
            holds=self._holds(),
            live_seconds=_live_seconds(lines),
        )

    def csv(self, admin: Caller, query: contract.CostsQuery) -> Download:
        """The lines of the days asked for, whole months at a time: some thousand in a file.

        Raises InvalidRequestError.
        """
        self.ledger.admit(admin)
        days = day_range(query.from_day, query.to_day, self.now())
        scope = (admin.user_id, days[0], days[-1])
        begin = self.cursors.decode(CSV_CURSOR, query.cursor, *scope)
        left = [day for day in days if day >= (begin or CSV_CURSOR + days[0]).removeprefix(CSV_CURSOR)]
        rows: list[list[object]] = []
        while left and len(rows) < CSV_ROWS:
            month = [day for day in left if day[:7] == left[0][:7]]
            left = left[len(month) :]
            rows += _rows(self.totals.read(month[0], month[-1]))
        following = f"{CSV_CURSOR}{left[0]}" if left else None
        next_cursor = self.cursors.encode(CSV_CURSOR, following, *scope)
        return Download(csv_text(CSV_COLUMNS, rows), CSV_CONTENT_TYPE, "costs.csv", next_cursor)

    def _day(self, day: str, lines: Lines) -> contract.DayCost:
        users = lines.get(Line(day, ACTIVE), {}).get("users", 0)
        return contract.DayCost(
            date=day, sums=_sums(lines), active_users=users, services=self._services(lines), models=_models(lines)
        )

    def _services(self, lines: Lines) -> list[contract.ServiceCost]:
        """Every service that the price file knows, and any other that was used."""
        used = {line.service for line in lines if _is_use(line)}
        found = []
        for service in [*SERVICES, *sorted(used - set(SERVICES))]:
            sums = together(sums for line, sums in lines.items() if line.service == service and not line.is_of_model)
            credits = -sums.get("credits", 0)
            found.append(
                contract.ServiceCost(
                    service=service,
                    credits=credits,
                    seconds=_seconds(sums.get("audio_ms", 0)),
                    uses=sums.get("entries", 0),
                    cost_micro_usd=sums.get("cost_micro_usd", 0),
                    value_micro_usd=self._value_micro_usd(credits),
                )
            )
        return found

    def _value_micro_usd(self, credits: int) -> int:
        packages = self.prices.packages.values()
        return min(credits * one.cents * MICRO_USD_PER_CENT // one.credits for one in packages)

    def _liability_cents(self, credits: int) -> int:
        return max(-(-credits * one.cents // one.credits) for one in self.prices.packages.values())

    def _holds(self) -> contract.OpenHolds:
        holds, is_complete = self.ledger.open_holds()
        overdue_at = self.now() - OVERDUE_SECONDS
        oldest = sorted(holds, key=lambda hold: hold.made_at)[:HOLDS_SHOWN]
        late = {hold.hold_id for hold in holds if hold.kind != UNTIL_DECIDED and hold.sweep_at < overdue_at}
        return contract.OpenHolds(
            count=len(holds),
            credits=sum(hold.credits for hold in holds),
            overdue=len(late),
            is_complete=is_complete,
            open=[_hold(hold, hold.hold_id in late) for hold in oldest],
        )


def _sums(lines: Lines) -> contract.CostTotals:
    """The money and credits of these lines; a model's line is part of its service's."""
    moved = {line: sums for line, sums in lines.items() if not line.is_of_model and line.service != ACTIVE}

    def total(name: str, of: Callable[[Line], bool]) -> int:
        return sum(sums.get(name, 0) for line, sums in moved.items() if of(line))

    revenue = total("cents", lambda _: True) * MICRO_USD_PER_CENT
    cost = total("cost_micro_usd", _is_use)
    fees = total("cost_micro_usd", lambda line: not _is_use(line))
    return contract.CostTotals(
        revenue_micro_usd=revenue,
        provider_cost_micro_usd=cost,
        payment_fees_micro_usd=fees,
        margin_micro_usd=revenue - cost - fees,
        credits_used=-total("credits", _is_use),
        credits_sold=total("credits", lambda line: line.service in SOLD),
        credits_given=total("credits", lambda line: line.service in GIVEN),
        credits_taken_back=-total("credits", lambda line: line.service in TAKEN_BACK),
        seconds=_seconds(total("audio_ms", _is_use)),
        uses=total("entries", _is_use),
    )


def _models(lines: Lines) -> list[contract.ModelCost]:
    found: dict[Line, Sums] = {}
    for line, sums in lines.items():
        if line.is_of_model:
            undated = Line("", line.service, line.provider, line.model)
            found[undated] = together([found.get(undated, {}), sums])
    return [
        contract.ModelCost(
            service=line.service,
            provider=line.provider,
            model=line.model,
            uses=sums.get("uses", 0),
            seconds=_seconds(sums.get("audio_ms", 0)),
            input_tokens=sums.get("input_tokens", 0),
            output_tokens=sums.get("output_tokens", 0),
            cost_micro_usd=sums.get("cost_micro_usd", 0),
        )
        for line, sums in sorted(found.items())
    ]


def _live_seconds(lines: Lines) -> contract.LiveSeconds:
    sums = together(sums for line, sums in lines.items() if line.service == "live" and not line.is_of_model)
    billed, told = _seconds(sums.get("reported_of_ms", 0)), _seconds(sums.get("reported_ms", 0))
    return contract.LiveSeconds(
        sessions=sums.get("reported_sessions", 0),
        billed_seconds=billed,
        client_reported_seconds=told,
        difference_seconds=billed - told,
    )


def _hold(hold: Hold, is_overdue: bool) -> contract.OpenHold:
    due_at = "" if hold.kind == UNTIL_DECIDED else rfc3339(hold.sweep_at)
    return contract.OpenHold(
        user_id=hold.user_id,
        hold_id=hold.hold_id,
        kind=hold.kind,
        credits=hold.credits,
        made_at=rfc3339(hold.made_at),
        due_at=due_at,
        is_overdue=is_overdue,
    )


def _rows(lines: Lines) -> Iterable[list[object]]:
    for line, sums in sorted(lines.items()):
        figures = [sums.get(name, 0) for name in CSV_FIGURES]
        yield [line.date, line.service, line.provider, line.model, *figures, sums.get("users", 0)]


def _is_use(line: Line) -> bool:
    return line.service not in MOVEMENTS and line.service != ACTIVE


def _seconds(ms: int) -> int:
    """Rounded up, as everywhere."""
    return -(-ms // 1000)
