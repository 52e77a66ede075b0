"""An audit goes on a page at a time, once for everybody, whatever messages come, and tells what it counted."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from chalicelib import contract
from chalicelib.audit.service import MESSAGE
from chalicelib.errors import UnavailableError
from chalicelib.models.ledger import Entry
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.ledger_items import balance_key, entry_put
from chalicelib.repositories.table import Write
from tests.audit.audit_env import OWNER, Office, World, everything, figures
from tests.fakes import Clock

DAY = 86_400
MakeOffice = Callable[..., Office]


@pytest.fixture
def world(office: Office) -> World:
    return everything(office.backend)


@pytest.fixture
def new_office(office: Office) -> MakeOffice:
    """An office with other rules, on the same tables and clock."""
    return lambda **rules: Office.on(office.backend.tables, office.backend.clock, **rules)


def spoil(office: Office, user_id: str) -> None:
    office.backend.tables.write(Write(balance_key(user_id), add={"available": 1}))


def test_the_report_says_what_there_is(office: Office, world: World) -> None:
    report = office.run()

    everybody = [who.user_id for who in (world.ada, world.bob, world.carol)]
    balances = [office.backend.ledger.balance(user_id) for user_id in everybody]
    assert (report.users_judged, report.users_moving, report.findings_count, report.findings) == (3, 0, 0, [])
    assert report.entries == sum(len(office.backend.entries(user_id)) for user_id in everybody)
    assert report.open_holds == len(office.backend.open_holds(world.ada.user_id)) == 2
    assert report.purchases == 3
    assert report.credits_outstanding == sum(one.available + one.held for one in balances)
    (top,) = report.top_users
    uses = [entry for entry in office.backend.entries(world.ada.user_id) if entry.kind == "usage"]
    assert (top.user_id, top.credits_used) == (world.ada.user_id, balances[0].used)
    assert top.provider_cost_micro_usd == sum(entry.cost_micro_usd for entry in uses) > 0
    assert top.revenue_cents == 2 * 999 - 333 - 100
    assert report.active_users == contract.ActiveUsers(day=1, week=1, month=1)


def test_many_pages_say_what_one_page_says(office: Office, world: World, new_office: MakeOffice) -> None:
    spoil(office, world.bob.user_id)
    whole, paged = office.run(), new_office(places_a_page=1, items_a_scan=7).run()

    assert whole.findings_count == 1
    assert figures(paged) == figures(whole)


def test_a_page_ends_when_its_time_is_over(office: Office, new_office: MakeOffice) -> None:
    for _ in range(3):
        office.backend.person()
    hurried = new_office(page_seconds=0)
    hurried.audits.start(OWNER, recount=False)

    steps = 0
    while hurried.queue.sent:
        hurried.audits.advance(hurried.queue.sent.pop(0).removeprefix(MESSAGE))
        steps += 1

    assert steps == 3 + 1 + 1  # Each user a page, one that finds nobody more, then the sums.
    report = hurried.audits.last(OWNER).report
    assert report
    assert report.users_judged == 3


def test_what_administrators_did_is_told_newest_first(office: Office, world: World) -> None:
    told = office.audits.last(OWNER).actions

    assert [one.action for one in told] == ["unblocked", "blocked", "credits_taken", "credits_given"]
    taken = told[2]
    assert (taken.user_id, taken.admin, taken.reason) == (world.carol.user_id, OWNER.email, "A mistake.")
    assert (taken.before, taken.after) == ({"available": 210}, {"available": -90})


def test_a_second_start_answers_the_running_one(office: Office, world: World) -> None:
    first = office.audits.start(OWNER, recount=False)
    again = office.audits.start(OWNER, recount=True)

    assert again == first
    told = office.audits.last(OWNER)
    assert told.report is None
    assert told.running
    assert (told.running.audit_id, told.running.status) == (first.audit_id, "running")
    office.work()
    assert office.audits.last(OWNER).running is None
    assert office.audits.start(OWNER, recount=False).audit_id != first.audit_id


def test_of_many_who_start_at_once_all_get_one_audit(office: Office) -> None:
    together = Barrier(8)

    def start(_: int) -> str:
        together.wait()
        return office.audits.start(OWNER, recount=False).audit_id

    with ThreadPoolExecutor(8) as threads:
        started = set(threads.map(start, range(8)))

    assert len(started) == 1
    assert len(office.queue.sent) == 1


def test_messages_that_come_at_once_count_each_page_once(world: World, new_office: MakeOffice) -> None:
    paged = new_office(places_a_page=1, items_a_scan=5)
    quiet = figures(paged.run())
    started = paged.audits.start(OWNER, recount=False)
    paged.queue.sent.clear()

    with ThreadPoolExecutor(4) as threads:
        for _ in range(40):
            list(threads.map(lambda _: paged.audits.advance(started.audit_id), range(4)))
            paged.queue.sent.clear()
            if paged.audits.last(OWNER).running is None:
                break

    report = paged.audits.last(OWNER).report
    assert report
    assert report.audit_id == started.audit_id
    assert figures(report) == quiet


def test_a_worker_whose_claim_ran_out_adds_nothing(office: Office, world: World, clock: Clock) -> None:
    """It comes back after another has done its page."""
    started = office.audits.start(OWNER, recount=False)
    office.queue.sent.clear()
    spoil(office, world.bob.user_id)
    slow = Office(office.backend, office.queue, office.rules, pause=lambda _: overtake())
    done = []

    def overtake() -> None:
        if not done:
            done.append(True)
            clock.forward(office.rules.claim_seconds)
            office.audits.advance(started.audit_id)

    slow.audits.advance(started.audit_id)
    office.work()

    report = office.audits.last(OWNER).report
    assert report
    assert (report.users_judged, report.findings_count, len(report.findings)) == (3, 1, 1)


def test_a_message_of_an_audit_that_ended_tells_its_figures_again(office: Office, world: World) -> None:
    spoil(office, world.bob.user_id)
    started = office.audits.start(OWNER, recount=False)

    (figures,) = office.work()

    assert figures == {"AuditFindings": 1, "AuditsFailed": 0, "AuditUsersJudged": 3, "AuditUsersMoving": 0}
    assert office.audits.advance(started.audit_id) == figures
    assert office.audits.advance("never") is None


def test_the_sweep_has_a_silent_audit_go_on(office: Office, world: World, clock: Clock) -> None:
    office.queue.is_down = True
    started = office.audits.start(OWNER, recount=False)
    office.queue.is_down = False
    assert (office.audits.sweep(), office.queue.sent) == (0, [])

    clock.forward(60)

    assert (office.audits.sweep(), office.queue.sent) == (1, [MESSAGE + started.audit_id])
    office.work()
    assert office.audits.sweep() == 0
    report = office.audits.last(OWNER).report
    assert report
    assert report.status == "done"


def test_the_sweep_leaves_a_claimed_audit_alone(office: Office, world: World, clock: Clock) -> None:
    started = office.audits.start(OWNER, recount=False)
    spoil(office, world.bob.user_id)
    seen: list[int] = []

    def look(_: float) -> None:
        clock.forward(61)
        seen.append(office.audits.sweep())

    Office(office.backend, office.queue, office.rules, look).audits.advance(started.audit_id)

    assert seen == [0]


def test_an_audit_without_progress_fails_and_makes_room(office: Office, world: World, clock: Clock) -> None:
    started = office.audits.start(OWNER, recount=False)
    clock.forward(office.rules.stalled_seconds)

    (figures,) = office.work()

    assert (figures["AuditsFailed"], figures["AuditUsersJudged"]) == (1, 0)
    told = office.audits.last(OWNER)
    assert told.running is None
    assert told.report
    assert (told.report.audit_id, told.report.status) == (started.audit_id, "failed")
    assert office.run().users_judged == 3


def test_the_daily_audit_starts_once_a_day(office: Office, clock: Clock) -> None:
    assert [office.audits.start_daily() for _ in range(3)] == [1, 0, 0]
    office.work()
    clock.forward(office.rules.daily_seconds - 1)
    assert office.audits.start_daily() == 0
    clock.forward(1)
    assert office.audits.start_daily() == 1
    office.work()
    clock.forward(DAY)
    assert office.audits.start_daily() == 1


def test_a_page_that_fails_leaves_no_claim_behind(office: Office, world: World) -> None:
    started = office.audits.start(OWNER, recount=False)
    spoil(office, world.bob.user_id)

    def fail(_: float) -> None:
        raise UnavailableError("The database did not answer.")

    with pytest.raises(UnavailableError):
        Office(office.backend, office.queue, office.rules, fail).audits.advance(started.audit_id)

    office.work()
    assert office.audits.last(OWNER).running is None


def test_whoever_is_written_to_all_the_time_is_moving_and_nothing_is_found_of_him(office: Office, world: World) -> None:
    """The books are wrong, but each reading is overtaken by a write."""
    tables, bob = office.backend.tables, world.bob.user_id
    spoil(office, bob)
    real = tables.query

    def query(table, pk, prefix, **how):
        if table == "ledger" and pk.endswith(bob):
            tables.write(Write(balance_key(bob), add={"version": 1}))
        return real(table, pk, prefix, **how)

    tables.query = query
    report = office.run()
    tables.query = real

    assert (report.users_judged, report.users_moving, report.findings_count) == (2, 1, 0)
    assert office.run().findings_count == 1


def test_what_is_wrong_in_one_reading_only_is_not_told(office: Office, world: World) -> None:
    """DynamoDB writes the items of a transaction some milliseconds apart."""
    spoil(office, world.bob.user_id)
    mend = lambda _: office.backend.tables.write(Write(balance_key(world.bob.user_id), add={"available": -1}))  # noqa: E731

    report = Office(office.backend, office.queue, office.rules, mend).run()

    assert (report.users_judged, report.findings_count) == (3, 0)


def test_a_thousand_findings_are_kept_and_all_are_counted(office: Office, new_office: MakeOffice) -> None:
    backend = office.backend
    who = backend.person(1)
    for n in range(12):
        entry = Entry(f"e{n}", "admin_grant", 0, backend.clock())
        backend.tables.write(entry_put(who.user_id, entry))

    report = new_office(findings_kept=10, findings_shown=7).run()

    assert (report.findings_count, len(report.findings)) == (12, 7)
    assert len(new_office(findings_kept=10, findings_shown=70).audits.last(OWNER).report.findings) == 10
    assert len(new_office(findings_kept=0).run().findings) == 0


def test_who_used_and_paid_when(office: Office, new_office: MakeOffice, clock: Clock) -> None:
    backend, began_at = office.backend, clock.at
    people = [backend.person(1_000) for _ in range(3)]
    for days, who in zip((40, 5, 0), people, strict=True):
        clock.at = began_at - days * DAY
        lease = backend.start(who, lease_seconds=60 * (days + 1))
        backend.send(who, lease.session_id, 0, seconds=60.0)
        backend.streaming.stop(who, lease.session_id)
    clock.at = began_at

    report = new_office(heaviest=1).run()

    assert report.active_users == contract.ActiveUsers(day=1, week=2, month=2)
    assert [top.user_id for top in report.top_users] == [min(who.user_id for who in people[1:])]


def test_a_guard_whose_user_never_was_is_found(office: Office) -> None:
    guard = Guard.free_credits("an address")
    office.backend.tables.write(Write(guard.key, item={"user_id": "nobody", "entry_id": "e", "at": 1}))

    assert office.found() == [("entry_missing", "nobody", "free_credits")]
