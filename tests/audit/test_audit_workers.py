"""One audit runs at a time, and each of its pages counts once, whatever messages come and whichever worker dies."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from chalicelib.audit.service import MESSAGE
from chalicelib.errors import UnavailableError
from tests.audit.audit_env import OWNER, AuditedUsers, AuditEnv, break_books, create_all_items, figures
from tests.fakes import Clock

DAY = 86_400
MakeAuditEnv = Callable[..., AuditEnv]


@pytest.fixture
def users(audit_env: AuditEnv) -> AuditedUsers:
    return create_all_items(audit_env.backend)


@pytest.fixture
def make_audit_env(audit_env: AuditEnv) -> MakeAuditEnv:
    """Builds audits with other rules, on the same tables and clock."""
    return lambda **rules: AuditEnv.on(audit_env.backend.tables, audit_env.backend.clock, **rules)


def test_a_second_start_returns_the_running_audit(audit_env: AuditEnv, users: AuditedUsers) -> None:
    first = audit_env.audits.start(OWNER, recount=False)
    again = audit_env.audits.start(OWNER, recount=True)

    assert again == first
    latest = audit_env.audits.load_latest(OWNER)
    assert latest.report is None
    assert latest.running
    assert (latest.running.audit_id, latest.running.status) == (first.audit_id, "running")
    audit_env.work()
    assert audit_env.audits.load_latest(OWNER).running is None
    assert audit_env.audits.start(OWNER, recount=False).audit_id != first.audit_id


def test_concurrent_starts_return_one_audit(audit_env: AuditEnv) -> None:
    barrier = Barrier(8)

    def start(_: int) -> str:
        barrier.wait()
        return audit_env.audits.start(OWNER, recount=False).audit_id

    with ThreadPoolExecutor(8) as threads:
        started = set(threads.map(start, range(8)))

    assert len(started) == 1
    assert len(audit_env.queue.sent) == 1


def test_concurrent_messages_count_each_page_once(users: AuditedUsers, make_audit_env: MakeAuditEnv) -> None:
    paged = make_audit_env(items_per_page=1, items_per_scan=5)
    expected = figures(paged.run())
    started = paged.audits.start(OWNER, recount=False)
    paged.queue.sent.clear()

    with ThreadPoolExecutor(4) as threads:
        for _ in range(40):
            list(threads.map(lambda _: paged.audits.advance(started.audit_id), range(4)))
            paged.queue.sent.clear()
            if paged.audits.load_latest(OWNER).running is None:
                break

    report = paged.audits.load_latest(OWNER).report
    assert report
    assert report.audit_id == started.audit_id
    assert figures(report) == expected


def test_a_worker_whose_claim_has_expired_adds_nothing(audit_env: AuditEnv, users: AuditedUsers, clock: Clock) -> None:
    """It continues after another worker has processed the page."""
    started = audit_env.audits.start(OWNER, recount=False)
    audit_env.queue.sent.clear()
    break_books(audit_env, users.bob.user_id)
    slow = AuditEnv(audit_env.backend, audit_env.queue, audit_env.rules, pause=lambda _: overtake())
    overtaken = []

    def overtake() -> None:
        if not overtaken:
            overtaken.append(True)
            clock.forward(audit_env.rules.claim_seconds)
            audit_env.audits.advance(started.audit_id)

    slow.audits.advance(started.audit_id)
    audit_env.work()

    report = audit_env.audits.load_latest(OWNER).report
    assert report
    assert (report.users_checked, report.findings_count, len(report.findings)) == (3, 1, 1)


def test_a_message_for_an_ended_audit_returns_its_metrics_again(audit_env: AuditEnv, users: AuditedUsers) -> None:
    break_books(audit_env, users.bob.user_id)
    started = audit_env.audits.start(OWNER, recount=False)

    (metrics,) = audit_env.work()

    assert metrics == {"AuditFindings": 1, "AuditsFailed": 0, "AuditUsersChecked": 3, "AuditUsersMoving": 0}
    assert audit_env.audits.advance(started.audit_id) == metrics
    assert audit_env.audits.advance("never") is None


def test_the_sweep_continues_an_audit_without_progress(audit_env: AuditEnv, users: AuditedUsers, clock: Clock) -> None:
    audit_env.queue.is_down = True
    started = audit_env.audits.start(OWNER, recount=False)
    audit_env.queue.is_down = False
    assert (audit_env.audits.sweep(), audit_env.queue.sent) == (0, [])

    clock.forward(60)

    assert (audit_env.audits.sweep(), audit_env.queue.sent) == (1, [MESSAGE + started.audit_id])
    audit_env.work()
    assert audit_env.audits.sweep() == 0
    report = audit_env.audits.load_latest(OWNER).report
    assert report
    assert report.status == "done"


def test_the_sweep_leaves_a_claimed_audit_alone(audit_env: AuditEnv, users: AuditedUsers, clock: Clock) -> None:
    started = audit_env.audits.start(OWNER, recount=False)
    break_books(audit_env, users.bob.user_id)
    swept: list[int] = []

    def sweep(_: float) -> None:
        clock.forward(61)
        swept.append(audit_env.audits.sweep())

    AuditEnv(audit_env.backend, audit_env.queue, audit_env.rules, sweep).audits.advance(started.audit_id)

    assert swept == [0]


def test_a_stalled_audit_fails_and_another_can_start(audit_env: AuditEnv, users: AuditedUsers, clock: Clock) -> None:
    started = audit_env.audits.start(OWNER, recount=False)
    clock.forward(audit_env.rules.stalled_seconds)

    (metrics,) = audit_env.work()

    assert (metrics["AuditsFailed"], metrics["AuditUsersChecked"]) == (1, 0)
    latest = audit_env.audits.load_latest(OWNER)
    assert latest.running is None
    assert latest.report
    assert (latest.report.audit_id, latest.report.status) == (started.audit_id, "failed")
    assert audit_env.run().users_checked == 3


def test_the_daily_audit_starts_once_a_day(audit_env: AuditEnv, clock: Clock) -> None:
    assert [audit_env.audits.start_daily() for _ in range(3)] == [1, 0, 0]
    audit_env.work()
    clock.forward(audit_env.rules.daily_seconds - 1)
    assert audit_env.audits.start_daily() == 0
    clock.forward(1)
    assert audit_env.audits.start_daily() == 1
    audit_env.work()
    clock.forward(DAY)
    assert audit_env.audits.start_daily() == 1


def test_a_page_that_fails_releases_its_claim(audit_env: AuditEnv, users: AuditedUsers) -> None:
    started = audit_env.audits.start(OWNER, recount=False)
    break_books(audit_env, users.bob.user_id)

    def fail(_: float) -> None:
        raise UnavailableError("The database did not answer.")

    with pytest.raises(UnavailableError):
        AuditEnv(audit_env.backend, audit_env.queue, audit_env.rules, fail).audits.advance(started.audit_id)

    audit_env.work()
    assert audit_env.audits.load_latest(OWNER).running is None
