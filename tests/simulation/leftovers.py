"""Nothing is left under way at rest: no export, audit, erasure or catch-up runs, no chunk is reserved, and nothing is
marked for deletion."""

from typing import TYPE_CHECKING, Any, NoReturn

from tests.simulation.books import USER, number, text
from tests.simulation.engine import APP, stored_partitions
from tests.simulation.faults import MINUTE_MS
from tests.simulation.scheduler import ViolationError
from tests.simulation.sessions_watch import SESSION

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

AUDIT, TRANSCRIPT = "AUDIT#", "TRANSCRIPT#"
ENDED_SESSIONS = ("stopped", "lapsed")
LATE_SECONDS = MINUTE_MS // 1000  # the sweep ran less than so long ago


def check_leftovers(simulation: "Simulation") -> None:
    """Look at everything that has a worker or a reservation. Raises ViolationError."""
    partitions = stored_partitions(APP)
    _check_exports(simulation, partitions.get("EXPORTS", {}))
    for user_id in partitions.get("ERASURES", {}):
        _fail(user_id, f"the erasure of {user_id} has not ended")
    for mark in partitions.get("ERASING", {}):
        _fail("", f"{mark} is still marked for deletion")
    if running := text(partitions.get("AUDITS", {}).get("KNOWN", {}), "running"):
        _fail("", f"the audit {running} has not ended")
    for pk, items in partitions.items():
        if pk.startswith(AUDIT):
            audit = items["AUDIT"]
            if text(audit, "state") == "running" or text(audit, "worker"):
                _fail("", f"the audit {pk} is {text(audit, 'state')}, claimed by {text(audit, 'worker')!r}")
        elif pk.startswith(USER):
            _check_user(pk.removeprefix(USER), items)


def _check_exports(simulation: "Simulation", exports: dict[str, Any]) -> None:
    """Every export has ended; it and its file are gone once they have expired."""
    for user_id, export in exports.items():
        state, worker = text(export, "state"), text(export, "worker")
        if state == "running" or worker:
            _fail(user_id, f"the export of {user_id} is {state}, claimed by {worker!r}")
        if number(export, "due_at") < simulation.now - LATE_SECONDS:
            _fail(user_id, f"the export of {user_id} was to be deleted at {number(export, 'due_at')}")
    for user_id, export_id in simulation.providers.exports.files:
        if text(exports.get(user_id, {}), "export_id") != export_id:
            _fail(user_id, f"the file of the export {export_id} of {user_id} is left over")


def _check_user(user_id: str, items: dict[str, Any]) -> None:
    for sk, item in items.items():
        if sk.startswith(SESSION):
            state, in_flight = text(item, "state"), item["inflight"]["M"]
            if state not in ENDED_SESSIONS or in_flight:
                _fail(user_id, f"the session {text(item, 'session_id')} is {state}, and reserves {in_flight}")
        elif sk.startswith(TRANSCRIPT) and number(item, "running_catchups"):
            _fail(user_id, f"the transcript {sk} still has running catch-ups: {number(item, 'running_catchups')}")


def _fail(user_id: str, message: str) -> NoReturn:
    raise ViolationError(message, user_id)
