"""What the service earns and costs, for its owner: read from the totals across all users, never from single entries."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .. import contract
from ..csv import CSV_CONTENT_TYPE, csv_text
from ..cursors import Cursors
from ..dates import day_range, rfc3339
from ..models.accounts import Caller
from ..models.aggregates import ACTIVE_USERS, AggregateKey, Amounts, AmountsByKey, add_amounts
from ..models.downloads import Download
from ..models.ledger import Hold, HoldKind
from ..pricing.price_files import MICRO_USD_PER_CENT, SERVICES, Prices
from ..repositories.aggregates import Aggregates
from ..repositories.ledger import Ledger

GRANT_KINDS, SALE_KINDS = ("free_credits", "admin_grant"), ("purchase",)
CLAWBACK_KINDS = ("clawback", "clawback_reversed", "admin_clawback")
MONEY_KINDS = (*GRANT_KINDS, *SALE_KINDS, *CLAWBACK_KINDS)
OVERDUE_SECONDS = 900  # the sweep runs every minute
HOLDS_SHOWN = 100
CSV_CURSOR, CSV_ROWS = "FROM#", 1_000
CSV_COLUMNS = (
    "date", "service", "provider", "model", "movements", "uses", "credits", "milliseconds", "input_tokens",
    "output_tokens", "revenue_cents", "cost_micro_usd", "active_users",
)  # fmt: skip
CSV_FIGURES = ("entries", "uses", "credits", "audio_ms", "input_tokens", "output_tokens", "cents", "cost_micro_usd")
Totals = Mapping[AggregateKey, Amounts]


@dataclass(frozen=True)
class CostReport:
    """Revenue, costs, margin, and the credits owed to users."""

    ledger: Ledger
    aggregates: Aggregates
    prices: Prices
    cursors: Cursors
    now: Callable[[], int]  # epoch seconds, UTC

    def costs(self, admin: Caller, query: contract.CostsQuery) -> contract.Costs:
        """The figures of a range of days, the credits outstanding and the open holds. Raises InvalidRequestError."""
        self.ledger.admit(admin)
        days = day_range(query.from_day, query.to_day, self.now())
        totals = self.aggregates.read(days[0], days[-1])
        by_day: dict[str, AmountsByKey] = {day: {} for day in days}
        for key, amounts in totals.items():
            by_day[key.date][key] = amounts
        all_time = self.aggregates.all_time()
        outstanding = max(0, all_time.amounts.get("credits", 0))
        return contract.Costs(
            from_day=days[0],
            to_day=days[-1],
            counted_until=rfc3339(all_time.counted_until) if all_time.counted_until else "",
            totals=cost_totals(totals),
            services=self._services(totals),
            models=_models(totals),
            days=[self._day(day, day_totals) for day, day_totals in by_day.items()],
            outstanding=contract.Outstanding(credits=outstanding, liability_cents=self._liability_cents(outstanding)),
            holds=self._holds(),
            live_seconds=_live_seconds(totals),
        )

    def csv(self, admin: Caller, query: contract.CostsQuery) -> Download:
        """The totals of a range of days, in pages of whole months with about 1,000 rows or more.

        Raises InvalidRequestError.
        """
        self.ledger.admit(admin)
        days = day_range(query.from_day, query.to_day, self.now())
        scope = (admin.user_id, days[0], days[-1])
        start = self.cursors.decode(CSV_CURSOR, query.cursor, *scope)
        remaining = [day for day in days if day >= (start or CSV_CURSOR + days[0]).removeprefix(CSV_CURSOR)]
        rows: list[list[object]] = []
        while remaining and len(rows) < CSV_ROWS:
            month = [day for day in remaining if day[:7] == remaining[0][:7]]
            remaining = remaining[len(month) :]
            rows += _rows(self.aggregates.read(month[0], month[-1]))
        next_start = f"{CSV_CURSOR}{remaining[0]}" if remaining else None
        next_cursor = self.cursors.encode(CSV_CURSOR, next_start, *scope)
        return Download(csv_text(CSV_COLUMNS, rows), CSV_CONTENT_TYPE, "costs.csv", next_cursor)

    def _day(self, day: str, totals: Totals) -> contract.DayCost:
        day_totals = cost_totals(totals)
        users = totals.get(AggregateKey(day, ACTIVE_USERS), {}).get("users", 0)
        return contract.DayCost(
            date=day,
            totals=day_totals,
            sums=day_totals,
            active_users=users,
            services=self._services(totals),
            models=_models(totals),
        )

    def _services(self, totals: Totals) -> list[contract.ServiceCost]:
        """Every service of the price file, then any other service that was used."""
        used = {key.service for key in totals if _is_use(key)}
        services = []
        for service in [*SERVICES, *sorted(used - set(SERVICES))]:
            amounts = _service_amounts(totals, service)
            credits = -amounts.get("credits", 0)
            services.append(
                contract.ServiceCost(
                    service=service,
                    credits=credits,
                    seconds=_seconds(amounts.get("audio_ms", 0)),
                    uses=amounts.get("entries", 0),
                    cost_micro_usd=amounts.get("cost_micro_usd", 0),
                    value_micro_usd=self._value_micro_usd(credits),
                )
            )
        return services

    def _value_micro_usd(self, credits: int) -> int:
        """What the credits are worth at the lowest price per credit."""
        packages = self.prices.packages.values()
        return min(credits * package.cents * MICRO_USD_PER_CENT // package.credits for package in packages)

    def _liability_cents(self, credits: int) -> int:
        """What the credits are worth at the highest price per credit, rounded up."""
        return max(-(-credits * package.cents // package.credits) for package in self.prices.packages.values())

    def _holds(self) -> contract.OpenHolds:
        holds, is_complete = self.ledger.open_holds()
        overdue_at = self.now() - OVERDUE_SECONDS
        oldest = sorted(holds, key=lambda hold: hold.made_at)[:HOLDS_SHOWN]
        overdue = {hold.hold_id for hold in holds if is_overdue(hold, overdue_at)}
        return contract.OpenHolds(
            count=len(holds),
            credits=sum(hold.credits for hold in holds),
            overdue=len(overdue),
            is_complete=is_complete,
            open=[_open_hold(hold, hold.hold_id in overdue) for hold in oldest],
        )


def is_overdue(hold: Hold, overdue_at: int) -> bool:
    """Whether the sweep should have ended the hold before `overdue_at`; a bank decides when a dispute ends."""
    return hold.kind != HoldKind.DISPUTE and hold.sweep_at < overdue_at


def cost_totals(totals: Totals) -> contract.CostTotals:
    """Money and credits. Amounts of models are left out: those of their service include them."""
    by_service = {key: amounts for key, amounts in totals.items() if not key.is_for_model and _is_entry(key)}

    def total(name: str, includes: Callable[[AggregateKey], bool]) -> int:
        return sum(amounts.get(name, 0) for key, amounts in by_service.items() if includes(key))

    revenue = total("cents", lambda _: True) * MICRO_USD_PER_CENT
    cost = total("cost_micro_usd", _is_use)
    fees = total("cost_micro_usd", lambda key: not _is_use(key))
    return contract.CostTotals(
        revenue_micro_usd=revenue,
        provider_cost_micro_usd=cost,
        payment_fees_micro_usd=fees,
        margin_micro_usd=revenue - cost - fees,
        credits_used=-total("credits", _is_use),
        credits_sold=total("credits", lambda key: key.service in SALE_KINDS),
        credits_given=total("credits", lambda key: key.service in GRANT_KINDS),
        credits_taken_back=-total("credits", lambda key: key.service in CLAWBACK_KINDS),
        seconds=_seconds(total("audio_ms", _is_use)),
        uses=total("entries", _is_use),
    )


def _models(totals: Totals) -> list[contract.ModelCost]:
    by_model: AmountsByKey = {}
    for key, amounts in totals.items():
        if key.is_for_model:
            undated = AggregateKey("", key.service, key.provider, key.model)
            by_model[undated] = add_amounts([by_model.get(undated, {}), amounts])
    return [
        contract.ModelCost(
            service=key.service,
            provider=key.provider,
            model=key.model,
            uses=amounts.get("uses", 0),
            seconds=_seconds(amounts.get("audio_ms", 0)),
            input_tokens=amounts.get("input_tokens", 0),
            output_tokens=amounts.get("output_tokens", 0),
            cost_micro_usd=amounts.get("cost_micro_usd", 0),
        )
        for key, amounts in sorted(by_model.items())
    ]


def _live_seconds(totals: Totals) -> contract.LiveSeconds:
    amounts = _service_amounts(totals, "live")
    billed, reported = _seconds(amounts.get("reported_of_ms", 0)), _seconds(amounts.get("reported_ms", 0))
    return contract.LiveSeconds(
        sessions=amounts.get("reported_sessions", 0),
        billed_seconds=billed,
        client_reported_seconds=reported,
        difference_seconds=billed - reported,
        implausible_sessions=amounts.get("implausible_sessions", 0),
        implausible_seconds=_seconds(amounts.get("implausible_ms", 0)),
    )


def _service_amounts(totals: Totals, service: str) -> Amounts:
    return add_amounts(amounts for key, amounts in totals.items() if key.service == service and not key.is_for_model)


def _open_hold(hold: Hold, is_overdue: bool) -> contract.OpenHold:
    due_at = "" if hold.kind == HoldKind.DISPUTE else rfc3339(hold.sweep_at)
    return contract.OpenHold(
        user_id=hold.user_id,
        hold_id=hold.hold_id,
        kind=hold.kind,
        credits=hold.credits,
        made_at=rfc3339(hold.made_at),
        due_at=due_at,
        is_overdue=is_overdue,
    )


def _rows(totals: Totals) -> Iterable[list[object]]:
    for key, amounts in sorted(totals.items()):
        figures = [amounts.get(name, 0) for name in CSV_FIGURES]
        yield [key.date, key.service, key.provider, key.model, *figures, amounts.get("users", 0)]


def _is_entry(key: AggregateKey) -> bool:
    """Whether the amounts are those of entries, not a count of users."""
    return key.service != ACTIVE_USERS


def _is_use(key: AggregateKey) -> bool:
    return key.service not in MONEY_KINDS and _is_entry(key)


def _seconds(ms: int) -> int:
    """Rounded up, as everywhere."""
    return -(-ms // 1000)
