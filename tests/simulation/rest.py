"""The end of a run: faults stop, time goes on until nothing is due, and then everything has to add up."""

from typing import TYPE_CHECKING, NoReturn

from tests.simulation.actors.buyer import check_purchases
from tests.simulation.actors.listener import check_transcript
from tests.simulation.actors.owner import Owner
from tests.simulation.actors.person import Person
from tests.simulation.actors.schedules import NOBODY, Schedules
from tests.simulation.engine import APP, stored_partitions
from tests.simulation.faults import DAY_MS, HOUR_MS, MINUTE_MS
from tests.simulation.scheduler import ViolationError

if TYPE_CHECKING:
    from tests.simulation.world import World

LONGEST_REST_MS = 20 * DAY_MS
ROUNDS = 40


def come_to_rest(world: "World", schedules: Schedules, owner: Owner, people: list[Person]) -> None:
    """Let everything end that was begun, then check it. Raises ViolationError."""
    world.faults.stop()
    # Requests that still run end, actors end at their next step, banks and late messages do what they have to.
    world.scheduler.run_until(lambda: False, world.scheduler.now_ms + HOUR_MS)
    world.is_at_rest = True
    world.start_actor("rest", lambda: _rest(world, schedules, owner, people))
    world.scheduler.run_until(lambda: False)


def _rest(world: "World", schedules: Schedules, owner: Owner, people: list[Person]) -> None:
    for round_number in range(ROUNDS):
        world.think(MINUTE_MS if round_number < 5 else HOUR_MS)
        schedules.sweep()
        schedules.reconcile()
        while world.observer.stream:
            schedules.count()
    _check_nothing_is_stuck(world)
    world.observer.books.check_all()
    check_purchases(world)
    owner.check()
    for person, session in world.listened:
        check_transcript(world, person, session)
    _check_audit(world, schedules, owner)


def _check_nothing_is_stuck(world: "World") -> None:
    """No hold is open but those of open disputes."""
    for user_id, account in sorted(world.observer.books.accounts.items()):
        stuck = [hold for hold in account.holds.items() if hold[1].state == "open" and hold[1].kind != "dispute"]
        if stuck:
            _fail(world, user_id, f"holds of {user_id} are stuck: {stuck}")
    waiting = [sk for sk in stored_partitions(APP).get("PURCHASES", {}) if sk.startswith("OPEN#")]
    if waiting:
        _fail(world, NOBODY, f"purchases are not ended: {waiting}")


def _check_audit(world: "World", schedules: Schedules, owner: Owner) -> None:
    """The product's own audit of a day later, with totals of all that was booked, says zero."""
    world.think(DAY_MS)
    admin = owner.person
    if not admin.sign_in():
        _fail(world, NOBODY, "the owner cannot sign in")
    admin.ask("start audit", lambda application: application.audits.start(admin.me, recount=False))
    for _ in range(ROUNDS):
        world.think(2 * MINUTE_MS)
        schedules.sweep()
        latest = admin.ask("read audit", lambda application: application.audits.load_latest(admin.me))
        if latest.running is None and latest.report is not None:
            break
    else:
        _fail(world, NOBODY, "the audit did not end")
    report = latest.report
    if report.status != "done" or report.findings_count or report.users_moving:
        _fail(world, NOBODY, f"the audit found: {report}")


def _fail(world: "World", account: str, message: str) -> NoReturn:
    if process := world.scheduler.current:
        process.account = account  # Its steps are shown.
    raise ViolationError(message)
