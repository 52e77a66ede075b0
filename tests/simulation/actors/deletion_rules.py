"""When a transcript may be deleted: not while its session or a catch-up of it runs, computed beside the product."""

from dataclasses import dataclass

from chalicelib.errors import ConflictError
from tests.simulation.actors.held_session import CLOCK_SLACK_MS, HeldSession
from tests.simulation.books import Item, number, text
from tests.simulation.core import Simulation
from tests.simulation.faults import SECOND_MS
from tests.simulation.jobs_watch import ENDED, stored_job
from tests.simulation.scheduler import ViolationError


@dataclass(frozen=True)
class DeletionRequest:
    """A request to delete a transcript, as it begins. `running`: the catch-ups of its session that run then."""

    simulation: Simulation
    transcript_id: str
    sessions: list[HeldSession]
    started_ms: int
    running: list[str]

    @classmethod
    def begin(cls, simulation: Simulation, transcript_id: str, sessions: list[HeldSession]) -> "DeletionRequest":
        running = [text(job, "job_id") for job in _running_jobs(simulation, transcript_id)]
        return cls(simulation, transcript_id, sessions, simulation.scheduler.now_ms, running)

    def accept(self) -> None:
        """It was answered. Raises ViolationError where a catch-up ran from its beginning until now."""
        still_running = [job_id for job_id in self.running if _is_running(stored_job(job_id))]
        if still_running:
            raise ViolationError(
                f"the transcript {self.transcript_id} was deleted while its catch-up ran: {still_running}"
            )

    def refuse(self, conflict: ConflictError) -> None:
        """It was refused. Raises ViolationError where what the refusal says was not so."""
        match conflict.details.get("reason"):
            case "session_running":
                is_true = any(session.stopped_ms > self.started_ms for session in self.sessions) or not self.sessions
            case "catchup_running":
                is_true = bool(self.running) or any(map(self._began_meanwhile, self._jobs()))
            case _:
                is_true = False
        if not is_true:
            raise ViolationError(f"the transcript {self.transcript_id} could not be deleted: {conflict.details}")

    def _jobs(self) -> list[Item]:
        return _jobs_of_sessions(self.simulation, self.transcript_id)

    def _began_meanwhile(self, job: Item) -> bool:
        return number(job, "created_at") * SECOND_MS >= self.started_ms - CLOCK_SLACK_MS


def _running_jobs(simulation: Simulation, transcript_id: str) -> list[Item]:
    return [job for job in _jobs_of_sessions(simulation, transcript_id) if _is_running(job)]


def _jobs_of_sessions(simulation: Simulation, transcript_id: str) -> list[Item]:
    """The catch-ups of the session that has this transcript, as they are stored."""
    jobs = (stored_job(catchup.job_id) for catchup in simulation.memory.catchups)
    return [job for job in jobs if job and text(job, "session_id") and text(job, "transcript_id") == transcript_id]


def _is_running(job: Item | None) -> bool:
    return job is not None and text(job, "state") not in ENDED
