"""The totals across all users are compared with the entries of closed days; a recount adds what they missed."""

import pytest

from chalicelib.dates import utc_date
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import ItemKey, Write
from tests.audit.audit_env import AuditedUsers, AuditEnv, create_all_items
from tests.fakes import Clock

pytestmark = pytest.mark.long

DAY = 86_400


@pytest.fixture
def users(audit_env: AuditEnv, clock: Clock) -> AuditedUsers:
    """Users with entries on three days, two of them closed, all counted."""
    clock.at -= 2 * DAY
    users = create_all_items(audit_env.backend)
    clock.forward(DAY)
    relay(audit_env, users, 20.0)
    clock.forward(DAY)
    relay(audit_env, users, 30.0)
    audit_env.backend.streaming.sweep()
    audit_env.count_all()
    return users


def relay(audit_env: AuditEnv, users: AuditedUsers, seconds: float) -> None:
    audit_env.backend.streaming.sweep()
    lease = audit_env.backend.start(users.ada, lease_seconds=120)
    audit_env.backend.send(users.ada, lease.session_id, 0, seconds=seconds)
    audit_env.backend.streaming.stop(users.ada, lease.session_id)


def keys_of_closed_days(audit_env: AuditEnv, clock: Clock) -> list[ItemKey]:
    """The keys of the totals of the closed days."""
    found = []
    for shard in range(4):
        items, _ = audit_env.backend.tables.query("app", f"SYSTEM#{utc_date(clock.at)[:7]}#{shard}", "")
        found += [ItemKey("app", item["pk"], item["sk"]) for item in items]
    return [key for key in found if key.sk[:10] < utc_date(clock.at)]


def test_correct_totals_are_no_finding(audit_env: AuditEnv, users: AuditedUsers) -> None:
    assert audit_env.find_problems() == []


def test_each_wrong_total_is_a_finding(audit_env: AuditEnv, users: AuditedUsers, clock: Clock) -> None:
    keys = keys_of_closed_days(audit_env, clock)
    assert {key.sk.split("#")[1] for key in keys} >= {"live", "catchup", "ask", "purchase", "clawback", "active"}
    for key in keys:
        audit_env.backend.tables.write(Write(key, add={"entries": 1}))

    found = audit_env.find_problems()

    references = sorted({" ".join(part for part in key.sk.split("#") if part) for key in keys})
    assert found == [("totals_differ", "", reference) for reference in references]


def test_a_missing_total_and_one_of_a_month_without_entries_are_findings(
    audit_env: AuditEnv, users: AuditedUsers, clock: Clock
) -> None:
    missing = next(key for key in keys_of_closed_days(audit_env, clock) if "#live##" in key.sk)
    audit_env.backend.tables.write(Write(missing, delete=True))
    extra = ItemKey("app", "SYSTEM#2026-03#1", "2026-03-31#live##")
    audit_env.backend.tables.write(Write(extra, add={"entries": 1}))

    assert [reference for _, _, reference in audit_env.find_problems()] == [
        "2026-03-31 live",
        f"{missing.sk[:10]} live",
    ]


def test_today_is_not_compared(audit_env: AuditEnv, users: AuditedUsers, clock: Clock) -> None:
    relay(audit_env, users, 5.0)  # Not counted yet.

    assert audit_env.find_problems() == []


def test_a_day_closes_fifteen_minutes_after_its_end(audit_env: AuditEnv, clock: Clock) -> None:
    clock.at = clock.at // DAY * DAY - 1
    audit_env.backend.person()

    clock.forward(900)
    assert audit_env.find_problems() == []
    clock.forward(1)
    assert [kind for kind, _, _ in audit_env.find_problems()] == ["totals_differ"]


def test_a_recount_counts_missed_entries_and_no_entry_twice(
    audit_env: AuditEnv, users: AuditedUsers, clock: Clock
) -> None:
    relay(audit_env, users, 7.0)
    clock.forward(DAY)
    assert {kind for kind, _, _ in audit_env.find_problems()} == {"totals_differ"}

    assert audit_env.run(recount=True).findings_count == 0

    assert audit_env.find_problems() == []
    assert audit_env.aggregates.all_time().amounts["credits"] == audit_env.run(recount=True).credits_outstanding


def test_the_comparison_does_not_depend_on_the_number_of_pages(audit_env: AuditEnv, users: AuditedUsers) -> None:
    paged = AuditEnv.on(audit_env.backend.tables, audit_env.backend.clock, items_per_page=1)

    assert paged.find_problems() == []


def test_closed_days_of_users_who_are_changing_are_compared_too(audit_env: AuditEnv, users: AuditedUsers) -> None:
    tables, ada = audit_env.backend.tables, users.ada.user_id
    query_table = tables.query

    def query(table, pk, prefix, **options):
        if table == "ledger" and pk.endswith(ada):
            tables.write(Write(balance_key(ada), add={"version": 1}))
        return query_table(table, pk, prefix, **options)

    tables.query = query
    report = audit_env.run()
    tables.query = query_table

    assert (report.users_moving, report.findings_count) == (1, 0)
