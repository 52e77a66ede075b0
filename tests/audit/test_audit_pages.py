"""An audit advances page by page, counts each page once whatever messages come, and reports its figures."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib import contract
from chalicelib.audit.service import MESSAGE
from chalicelib.models.ledger import Entry
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.ledger_items import balance_key, entry_put
from chalicelib.repositories.table import Write
from tests.audit.audit_env import OWNER, AuditedUsers, AuditEnv, break_books, create_all_items, figures
from tests.fakes import Clock
from tests.payments.payments_env import CENTS, THIRD_CENTS

DAY = 86_400
MakeAuditEnv = Callable[..., AuditEnv]


@pytest.fixture
def users(audit_env: AuditEnv) -> AuditedUsers:
    return create_all_items(audit_env.backend)


@pytest.fixture
def make_audit_env(audit_env: AuditEnv) -> MakeAuditEnv:
    """Builds audits with other rules, on the same tables and clock."""
    return lambda **rules: AuditEnv.on(audit_env.backend.tables, audit_env.backend.clock, **rules)


def test_the_report_has_the_figures_of_all_users(audit_env: AuditEnv, users: AuditedUsers) -> None:
    report = audit_env.run()

    user_ids = [caller.user_id for caller in (users.ada, users.bob, users.carol)]
    balances = [audit_env.backend.ledger.balance(user_id) for user_id in user_ids]
    assert (report.users_checked, report.users_moving, report.findings_count, report.findings) == (3, 0, 0, [])
    assert report.entries == sum(len(audit_env.backend.entries(user_id)) for user_id in user_ids)
    assert report.open_holds == len(audit_env.backend.open_holds(users.ada.user_id)) == 2
    assert report.purchases == 3
    assert report.credits_outstanding == sum(balance.available + balance.held for balance in balances)
    (top,) = report.top_users
    uses = [entry for entry in audit_env.backend.entries(users.ada.user_id) if entry.kind == "usage"]
    assert (top.user_id, top.credits_used) == (users.ada.user_id, balances[0].used)
    assert top.provider_cost_micro_usd == sum(entry.cost_micro_usd for entry in uses) > 0
    assert top.revenue_cents == 2 * CENTS - THIRD_CENTS - 100
    assert report.active_users == contract.ActiveUsers(day=1, week=1, month=1)


def test_many_pages_report_the_same_as_one_page(
    audit_env: AuditEnv, users: AuditedUsers, make_audit_env: MakeAuditEnv
) -> None:
    break_books(audit_env, users.bob.user_id)
    one_page, many_pages = audit_env.run(), make_audit_env(items_per_page=1, items_per_scan=7).run()

    assert one_page.findings_count == 1
    assert figures(many_pages) == figures(one_page)


def test_a_page_ends_after_its_time(audit_env: AuditEnv, make_audit_env: MakeAuditEnv) -> None:
    for _ in range(3):
        audit_env.backend.person()
    short_pages = make_audit_env(page_seconds=0)
    short_pages.audits.start(OWNER, recount=False)

    pages = 0
    while short_pages.queue.sent:
        short_pages.audits.advance(short_pages.queue.sent.pop(0).removeprefix(MESSAGE))
        pages += 1

    assert pages == 3 + 1 + 1  # A page for each user, one that finds no more users, then the totals.
    report = short_pages.audits.load_latest(OWNER).report
    assert report
    assert report.users_checked == 3


def test_actions_of_administrators_are_listed_newest_first(audit_env: AuditEnv, users: AuditedUsers) -> None:
    actions = audit_env.audits.load_latest(OWNER).actions

    assert [action.action for action in actions] == ["unblocked", "blocked", "credits_taken", "credits_given"]
    clawback = actions[2]
    assert (clawback.user_id, clawback.admin, clawback.reason) == (users.carol.user_id, OWNER.email, "A mistake.")
    assert (clawback.before, clawback.after) == ({"available": 210}, {"available": -90})


def test_a_user_who_keeps_changing_is_not_checked(audit_env: AuditEnv, users: AuditedUsers) -> None:
    """The books are wrong, but a write follows each read."""
    tables, bob = audit_env.backend.tables, users.bob.user_id
    break_books(audit_env, bob)
    query_table = tables.query

    def query(table, pk, prefix, **options):
        if table == "ledger" and pk.endswith(bob):
            tables.write(Write(balance_key(bob), add={"version": 1}))
        return query_table(table, pk, prefix, **options)

    tables.query = query
    report = audit_env.run()
    tables.query = query_table

    assert (report.users_checked, report.users_moving, report.findings_count) == (2, 1, 0)
    assert audit_env.run().findings_count == 1


def test_a_problem_that_a_second_read_does_not_confirm_is_not_reported(
    audit_env: AuditEnv, users: AuditedUsers
) -> None:
    """DynamoDB writes the items of a transaction some milliseconds apart."""
    break_books(audit_env, users.bob.user_id)
    fix = lambda _: audit_env.backend.tables.write(Write(balance_key(users.bob.user_id), add={"available": -1}))  # noqa: E731

    report = AuditEnv(audit_env.backend, audit_env.queue, audit_env.rules, fix).run()

    assert (report.users_checked, report.findings_count) == (3, 0)


def test_all_findings_are_counted_and_a_limited_number_is_stored(
    audit_env: AuditEnv, make_audit_env: MakeAuditEnv
) -> None:
    backend = audit_env.backend
    caller = backend.person(1)
    for n in range(12):
        entry = Entry(f"e{n}", "admin_grant", 0, backend.clock())
        backend.tables.write(entry_put(caller.user_id, entry))

    report = make_audit_env(max_findings_stored=10, max_findings_shown=7).run()

    assert (report.findings_count, len(report.findings)) == (12, 7)
    assert (
        len(make_audit_env(max_findings_stored=10, max_findings_shown=70).audits.load_latest(OWNER).report.findings)
        == 10
    )
    assert len(make_audit_env(max_findings_stored=0).run().findings) == 0


def test_the_report_has_active_users_and_top_users(
    audit_env: AuditEnv, make_audit_env: MakeAuditEnv, clock: Clock
) -> None:
    backend, started_at = audit_env.backend, clock.at
    callers = [backend.person(1_000) for _ in range(3)]
    for days, caller in zip((40, 5, 0), callers, strict=True):
        clock.at = started_at - days * DAY
        lease = backend.start(caller, lease_seconds=60 * (days + 1))
        backend.send(caller, lease.session_id, 0, seconds=60.0)
        backend.streaming.stop(caller, lease.session_id)
    clock.at = started_at

    report = replace(audit_env, max_top_users=1).run()

    assert report.active_users == contract.ActiveUsers(day=1, week=2, month=2)
    assert [top.user_id for top in report.top_users] == [min(caller.user_id for caller in callers[1:])]


def test_a_guard_of_a_user_who_does_not_exist_is_found(audit_env: AuditEnv) -> None:
    guard = Guard.free_credits("an address")
    audit_env.backend.tables.write(Write(guard.key, item={"user_id": "nobody", "entry_id": "e", "at": 1}))

    assert audit_env.find_problems() == [("entry_missing", "nobody", "free_credits")]
