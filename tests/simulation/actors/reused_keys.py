"""An Idempotency-Key whose transcript was deleted opens another session, under the same id."""

from tests.simulation.actors.held_session import HeldSession
from tests.simulation.actors.person import Person
from tests.simulation.core import Simulation
from tests.simulation.faults import MINUTE_MS
from tests.simulation.scheduler import ViolationError

UNUSED_MS = 2 * MINUTE_MS  # since the listener's last request about it: none of those runs any more


def take_deleted_session(simulation: Simulation, person: Person) -> HeldSession | None:
    """A session of the person that is certainly deleted, and that nobody asks about any more; each only once."""
    last_ms = simulation.scheduler.now_ms - UNUSED_MS
    deleted = [
        session
        for reader, session in simulation.listened
        if reader is person and session.was_deleted and not session.is_reused
        if not session.listeners and session.left_ms < last_ms
    ]
    if not deleted:
        return None
    session: HeldSession = simulation.rng.choice(deleted)
    session.is_reused = True
    simulation.memory.restarts[session.session_id] += 1
    return session


def check_is_another(simulation: Simulation, session_id: str, transcript_id: str) -> None:
    """A start that has just been answered opened a session of its own. Raises ViolationError."""
    if transcript_id in [session.transcript_id for _, session in simulation.listened]:
        raise ViolationError(f"the key of {session_id} was answered with the session of a deleted transcript")
