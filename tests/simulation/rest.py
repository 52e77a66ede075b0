"""The end of a run: faults stop, time goes on until nothing is due, and then everything has to add up."""

from typing import TYPE_CHECKING, NoReturn

from chalicelib import contract
from tests.simulation import final_checks
from tests.simulation.actors.asking import check_questions
from tests.simulation.actors.blocking import Blocking
from tests.simulation.actors.buyer import check_purchases
from tests.simulation.actors.catching_up import check_catchups
from tests.simulation.actors.held_session import check_transcript
from tests.simulation.actors.owner import Owner
from tests.simulation.actors.person import Person
from tests.simulation.actors.schedules import SCHEDULES, Schedules
from tests.simulation.actors.searching import check_search
from tests.simulation.actors.sharing import check_shares
from tests.simulation.actors.words_bounds import check_stored_words
from tests.simulation.booked_work import check_booked_work
from tests.simulation.engine import APP, LEDGER, stored_items, stored_partitions
from tests.simulation.erasure import check_deleted_transcripts, check_erasure
from tests.simulation.faults import DAY_MS, HOUR_MS, MINUTE_MS
from tests.simulation.jobs_rest import check_jobs
from tests.simulation.leftovers import check_leftovers
from tests.simulation.owed_credits import check_owed_credits
from tests.simulation.scheduler import ViolationError

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

ROUNDS = 40


def come_to_rest(
    simulation: "Simulation", schedules: Schedules, owner: Owner, blocking: Blocking, people: list[Person]
) -> None:
    """Let everything end that was begun, then check it. Raises ViolationError."""
    simulation.faults.stop()
    # Requests that still run end, actors end at their next step, banks and late messages do what they have to.
    simulation.scheduler.run_until(lambda: False, simulation.scheduler.now_ms + HOUR_MS)
    simulation.is_at_rest = True
    simulation.start_actor("rest", lambda: _rest(simulation, schedules, owner, blocking, people))
    simulation.scheduler.run_until(lambda: False)


def _rest(
    simulation: "Simulation", schedules: Schedules, owner: Owner, blocking: Blocking, people: list[Person]
) -> None:
    _settle_accounts(simulation, owner, blocking, people)
    for round_number in range(ROUNDS):
        simulation.think(MINUTE_MS if round_number < 5 else HOUR_MS)
        schedules.sweep()
        schedules.erase()
        schedules.reconcile()
        while simulation.observer.stream:
            schedules.count()
    _check_nothing_is_stuck(simulation)
    check_leftovers(simulation)
    check_owed_credits(simulation)
    while simulation.observer.stream:
        schedules.count()
    final_checks.check_totals(simulation, schedules.lost_records)
    if schedules.lost_records:
        _run_audit(simulation, schedules, owner, recount=True)
    simulation.observer.books.check_all()
    check_purchases(simulation)
    check_jobs(simulation)
    check_catchups(simulation)
    check_questions(simulation)
    check_booked_work(simulation)
    check_erasure(simulation)
    check_deleted_transcripts(simulation)
    check_stored_words(simulation)
    for check in (
        final_checks.check_sessions,
        final_checks.check_recognised_audio,
        final_checks.check_sockets,
        final_checks.check_allowances,
        final_checks.check_free_credits,
        final_checks.check_totals,
    ):
        check(simulation)
    owner.check()
    for person, session in simulation.listened:
        check_transcript(simulation, person, session)
    check_search(simulation)
    check_shares(simulation)
    _check_audit(simulation, schedules, owner)


def _settle_accounts(simulation: "Simulation", owner: Owner, blocking: Blocking, people: list[Person]) -> None:
    """Nobody stays blocked, and everybody is signed in or gone."""
    while not owner.person.sign_in():
        simulation.think(MINUTE_MS)
    blocking.unblock_all()
    for person in people:
        if not person.caller or person.has_left:
            continue
        if "deleted" in stored_items(LEDGER, f"USER#{person.user_id}").get("BALANCE", {}):
            person.has_left = True
            simulation.memory.erased_users[person.user_id] = person.email
        elif not person.sign_in():
            _fail(simulation, person.user_id, f"{person.user_id} cannot sign in")


def _check_nothing_is_stuck(simulation: "Simulation") -> None:
    """No hold is open but those of open disputes."""
    for user_id, account in sorted(simulation.observer.books.accounts.items()):
        stuck = [hold for hold in account.holds.items() if hold[1].state == "open" and hold[1].kind != "dispute"]
        if stuck:
            _fail(simulation, user_id, f"holds of {user_id} are stuck: {stuck}")
    waiting = [sk for sk in stored_partitions(APP).get("PURCHASES", {}) if sk.startswith("OPEN#")]
    if waiting:
        _fail(simulation, SCHEDULES, f"purchases are not ended: {waiting}")


def _check_audit(simulation: "Simulation", schedules: Schedules, owner: Owner) -> None:
    """The product's own audit of a day later, with totals of all that was booked, says zero."""
    simulation.think(DAY_MS)
    report = _run_audit(simulation, schedules, owner, recount=False)
    if report.status != "done" or report.findings_count or report.users_moving:
        _fail(simulation, SCHEDULES, f"the audit found: {report}")


def _run_audit(simulation: "Simulation", schedules: Schedules, owner: Owner, *, recount: bool) -> contract.AuditReport:
    """The report of an audit that the owner starts. `recount`: it also counts what the totals have missed."""
    admin = owner.person
    if not admin.sign_in():
        _fail(simulation, SCHEDULES, "the owner cannot sign in")
    admin.ask("start audit", lambda application: application.audits.start(admin.me, recount=recount))
    for _ in range(ROUNDS):
        simulation.think(2 * MINUTE_MS)
        schedules.sweep()
        latest = admin.ask("read audit", lambda application: application.audits.load_latest(admin.me))
        if latest.running is None and latest.report is not None:
            break
    else:
        _fail(simulation, SCHEDULES, "the audit did not end")
    return latest.report


def _fail(simulation: "Simulation", account: str, message: str) -> NoReturn:
    raise ViolationError(message, account)
