"""The cost report: every figure follows from the entries."""

import csv
import io
from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from chalicelib import contract
from chalicelib.admin.costs import CSV_COLUMNS, CostReport
from chalicelib.csv import BYTE_ORDER_MARK
from chalicelib.errors import InvalidRequestError
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Entry, Hold, ModelUse
from chalicelib.repositories.aggregates import Aggregates
from tests.default_prices import PRICES
from tests.fakes import CURSORS, Backend

NOV_30, DEC_1 = (int(datetime(2026, *day, 23, 59, 59, tzinfo=UTC).timestamp()) for day in ((11, 30), (12, 1)))
OWNER = Caller("owner", 0, "owner@example.com", ("admins",))
STREAMING, LUNA = "assemblyai/universal-streaming-english", "openai/gpt-6-luna"
LIVE = Entry(
    "e1", "usage", -20, NOV_30, service="live", audio_ms=119_001, cost_micro_usd=4_959,
    uses=(ModelUse(STREAMING, 119_001, 4_959),), reported_ms=125_000, reported_of_ms=119_001,
)  # fmt: skip
CATCHUP = Entry(
    "e2", "usage", -10, NOV_30 + 1, service="catchup", audio_ms=60_000, cost_micro_usd=2_540,
    uses=(ModelUse("assemblyai/universal-2", 60_000, 2_500), ModelUse(LUNA, 0, 40, 350, 10)),
)  # fmt: skip
ASK = Entry("e3", "usage", -5, DEC_1, service="ask", cost_micro_usd=60, uses=(ModelUse(LUNA, 0, 60, 500, 20),))
BOUGHT = Entry("e4", "purchase", 500, NOV_30, cents=299, cost_micro_usd=386_710)
REFUNDED = Entry("e5", "clawback", -250, DEC_1, cents=-150)
GRANTS = [Entry(f"f{n}", "free_credits", 200, NOV_30) for n in range(2)]


@pytest.fixture
def cost_report(backend: Backend) -> CostReport:
    backend.clock.at = DEC_1
    entries = [("ada", LIVE), ("ada", CATCHUP), ("bob", ASK), ("ada", BOUGHT), ("ada", REFUNDED)]
    aggregates = Aggregates(backend.tables)
    aggregates.count([*entries, ("ada", GRANTS[0]), ("bob", GRANTS[1])])
    return CostReport(backend.ledger, aggregates, PRICES, CURSORS, backend.clock)


def costs_query(
    first: tuple[int, int] = (11, 30), last: tuple[int, int] = (12, 1), **parameters: object
) -> contract.CostsQuery:
    return contract.CostsQuery(from_day=date(2026, *first), to_day=date(2026, *last), **parameters)  # type: ignore[arg-type]


def test_money_and_credits_of_the_range(cost_report: CostReport) -> None:
    report = cost_report.costs(OWNER, costs_query())

    assert report.totals == contract.CostTotals(
        revenue_micro_usd=1_490_000,
        provider_cost_micro_usd=7_559,
        payment_fees_micro_usd=386_710,
        margin_micro_usd=1_490_000 - 7_559 - 386_710,
        credits_used=35,
        credits_sold=500,
        credits_given=400,
        credits_taken_back=250,
        seconds=180,
        uses=3,
    )
    starter = PRICES.packages["starter"]
    liability_cents = -(-615 * starter.cents // starter.credits)  # rounded up
    assert report.outstanding == contract.Outstanding(credits=615, liability_cents=liability_cents)
    assert report.counted_until == "2026-12-01T23:59:59Z"


def test_each_day_includes_its_last_second(cost_report: CostReport) -> None:
    first, second = cost_report.costs(OWNER, costs_query()).days

    assert (first.date, second.date) == ("2026-11-30", "2026-12-01")
    assert (first.totals.revenue_micro_usd, second.totals.revenue_micro_usd) == (2_990_000, -1_500_000)
    assert (first.totals.credits_used, second.totals.credits_used) == (20, 15)
    assert (first.active_users, second.active_users) == (1, 2)
    assert [(model.service, model.model) for model in first.models] == [("live", "universal-streaming-english")]
    assert [(model.service, model.model) for model in second.models] == [
        ("ask", "gpt-6-luna"),
        ("catchup", "universal-2"),
        ("catchup", "gpt-6-luna"),
    ]


def test_every_service_is_listed_and_only_the_models_that_were_used(cost_report: CostReport) -> None:
    report = cost_report.costs(OWNER, costs_query())

    assert [(cost.service, cost.credits, cost.cost_micro_usd) for cost in report.services] == [
        ("live", 20, 4_959),
        ("catchup", 10, 2_540),
        ("catchup_session", 0, 0),
        ("ask", 5, 60),
    ]
    assert report.services[0].value_micro_usd == 20 * 19_990_000 // 5_000
    assert [(m.service, m.provider, m.model, m.cost_micro_usd, m.input_tokens) for m in report.models] == [
        ("ask", "openai", "gpt-6-luna", 60, 500),
        ("catchup", "assemblyai", "universal-2", 2_500, 0),
        ("catchup", "openai", "gpt-6-luna", 40, 350),
        ("live", "assemblyai", "universal-streaming-english", 4_959, 0),
    ]
    assert sum(model.cost_micro_usd for model in report.models) == report.totals.provider_cost_micro_usd


def test_billed_seconds_are_compared_with_those_that_clients_reported(cost_report: CostReport) -> None:
    assert cost_report.costs(OWNER, costs_query()).live_seconds == contract.LiveSeconds(
        sessions=1,
        billed_seconds=120,
        client_reported_seconds=125,
        difference_seconds=-5,
        implausible_sessions=0,
        implausible_seconds=0,
    )


def test_implausible_reports_are_counted_apart(backend: Backend, cost_report: CostReport) -> None:
    absurd = [
        replace(LIVE, entry_id=f"i{n}", reported_ms=None, reported_of_ms=0, implausible_ms=seconds * 1_000)
        for n, seconds in enumerate([600, 2_592_000])
    ]
    Aggregates(backend.tables).count([("eve", entry) for entry in absurd])

    live = cost_report.costs(OWNER, costs_query()).live_seconds

    assert (live.sessions, live.client_reported_seconds, live.difference_seconds) == (1, 125, -5)
    assert (live.implausible_sessions, live.implausible_seconds) == (2, 2_592_600)


def test_days_without_use_are_listed_and_days_outside_the_range_are_not(cost_report: CostReport) -> None:
    report = cost_report.costs(OWNER, costs_query((11, 27), (11, 30)))

    assert [(day.date, day.totals.uses, day.active_users) for day in report.days] == [
        ("2026-11-27", 0, 0),
        ("2026-11-28", 0, 0),
        ("2026-11-29", 0, 0),
        ("2026-11-30", 1, 1),
    ]
    assert report.totals.uses == 1


def test_a_report_without_any_entries_is_all_zero(backend: Backend) -> None:
    report = CostReport(backend.ledger, Aggregates(backend.tables), PRICES, CURSORS, backend.clock).costs(
        OWNER, contract.CostsQuery()
    )

    assert (report.counted_until, report.outstanding.liability_cents, len(report.days)) == ("", 0, 30)
    assert report.totals.margin_micro_usd == report.holds.count == 0


def test_open_holds_are_listed_oldest_first_and_overdue_ones_are_marked(
    cost_report: CostReport, backend: Backend
) -> None:
    ada = backend.person(1_000)
    now = backend.clock()
    for number, (kind, sweep_at) in enumerate(
        [("stream", now - 901), ("stream", now + 60), ("dispute", 253_402_300_799)]
    ):
        hold = Hold(ada.user_id, f"{kind}:{number}", 10 + number, kind, "x", sweep_at)
        backend.ledger.hold(ada, hold, at=now - number)

    holds = cost_report.costs(OWNER, costs_query()).holds

    assert [
        (hold.hold_id, hold.is_overdue, hold.due_at == "") for hold in holds.open if hold.user_id == ada.user_id
    ] == [
        ("dispute:2", False, True),
        ("stream:1", False, False),
        ("stream:0", True, False),
    ]
    assert (holds.count, holds.credits, holds.overdue, holds.is_complete) == (3, 33, 1, True)


def test_the_csv_file_has_every_row_and_continues_at_its_cursor(
    cost_report: CostReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_page = cost_report.csv(OWNER, costs_query())
    assert one_page.next_cursor is None
    rows = list(csv.DictReader(io.StringIO(one_page.content.removeprefix(BYTE_ORDER_MARK))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert sum(int(row["cost_micro_usd"]) for row in rows if row["provider"]) == 7_559
    assert sum(int(row["revenue_cents"]) for row in rows) == 149

    monkeypatch.setattr("chalicelib.admin.costs.CSV_ROWS", 1)
    pages = [cost_report.csv(OWNER, costs_query())]
    while pages[-1].next_cursor:
        pages.append(cost_report.csv(OWNER, costs_query(cursor=pages[-1].next_cursor)))

    assert len(pages) == 2
    assert [
        row for page in pages for row in csv.DictReader(io.StringIO(page.content.removeprefix(BYTE_ORDER_MARK)))
    ] == rows
    with pytest.raises(InvalidRequestError):
        cost_report.csv(Caller("another", 0, ""), costs_query(cursor=pages[0].next_cursor))
    with pytest.raises(InvalidRequestError):
        cost_report.csv(OWNER, costs_query((11, 29), cursor=pages[0].next_cursor))
