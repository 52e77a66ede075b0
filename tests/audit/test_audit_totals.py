"""The sums over all users are compared with what the entries of closed days add up to; a recount makes them whole."""

import pytest

from chalicelib.dates import utc_date
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import ItemKey, Write
from tests.audit.audit_env import Office, World, everything
from tests.fakes import Clock

DAY = 86_400


@pytest.fixture
def yesterdays(office: Office, clock: Clock) -> World:
    """A world whose movements are of three days, two of them closed, all counted."""
    clock.at -= 2 * DAY
    world = everything(office.backend)
    clock.forward(DAY)
    use(office, world, 20.0)
    clock.forward(DAY)
    use(office, world, 30.0)
    office.backend.streaming.sweep()
    office.count_all()
    return world


def use(office: Office, world: World, seconds: float) -> None:
    office.backend.streaming.sweep()
    lease = office.backend.start(world.ada, lease_seconds=120)
    office.backend.send(world.ada, lease.session_id, 0, seconds=seconds)
    office.backend.streaming.stop(world.ada, lease.session_id)


def lines(office: Office, clock: Clock) -> list[ItemKey]:
    """Where the sums of the closed days lie."""
    found = []
    for shard in range(4):
        items, _ = office.backend.tables.query("app", f"SYSTEM#{utc_date(clock.at)[:7]}#{shard}", "")
        found += [ItemKey("app", item["pk"], item["sk"]) for item in items]
    return [key for key in found if key.sk[:10] < utc_date(clock.at)]


def test_sums_that_are_right_are_no_finding(office: Office, yesterdays: World) -> None:
    assert office.found() == []


def test_each_line_that_is_off_is_named(office: Office, yesterdays: World, clock: Clock) -> None:
    off = lines(office, clock)
    assert {key.sk.split("#")[1] for key in off} >= {"live", "catchup", "ask", "purchase", "clawback", "active"}
    for key in off:
        office.backend.tables.write(Write(key, add={"entries": 1}))

    found = office.found()

    named = sorted({" ".join(part for part in key.sk.split("#") if part) for key in off})
    assert found == [("totals_differ", "", name) for name in named]


def test_a_line_that_is_gone_and_one_of_a_month_without_entries_are_named(
    office: Office, yesterdays: World, clock: Clock
) -> None:
    gone = next(key for key in lines(office, clock) if "#live##" in key.sk)
    office.backend.tables.write(Write(gone, delete=True))
    extra = ItemKey("app", "SYSTEM#2026-03#1", "2026-03-31#live##")
    office.backend.tables.write(Write(extra, add={"entries": 1}))

    assert [name for _, _, name in office.found()] == ["2026-03-31 live", f"{gone.sk[:10]} live"]


def test_today_is_not_compared(office: Office, yesterdays: World, clock: Clock) -> None:
    use(office, yesterdays, 5.0)  # Nobody counted it yet.

    assert office.found() == []


def test_a_day_is_closed_a_quarter_of_an_hour_after_its_end(office: Office, clock: Clock) -> None:
    clock.at = clock.at // DAY * DAY - 1
    office.backend.person()

    clock.forward(900)
    assert office.found() == []
    clock.forward(1)
    assert [kind for kind, _, _ in office.found()] == ["totals_differ"]


def test_a_recount_counts_what_was_missed_and_nothing_twice(office: Office, yesterdays: World, clock: Clock) -> None:
    use(office, yesterdays, 7.0)
    clock.forward(DAY)
    assert {kind for kind, _, _ in office.found()} == {"totals_differ"}

    assert office.run(recount=True).findings_count == 0

    assert office.found() == []
    assert office.totals.everything().sums["credits"] == office.run(recount=True).credits_outstanding


def test_many_pages_compare_as_one(office: Office, yesterdays: World) -> None:
    paged = Office.on(office.backend.tables, office.backend.clock, places_a_page=1)

    assert paged.found() == []


def test_closed_days_count_also_of_those_who_are_written_to(office: Office, yesterdays: World) -> None:
    tables, ada = office.backend.tables, yesterdays.ada.user_id
    real = tables.query

    def query(table, pk, prefix, **how):
        if table == "ledger" and pk.endswith(ada):
            tables.write(Write(balance_key(ada), add={"version": 1}))
        return real(table, pk, prefix, **how)

    tables.query = query
    report = office.run()
    tables.query = real

    assert (report.users_moving, report.findings_count) == (1, 0)
