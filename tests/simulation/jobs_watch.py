"""Catch-up jobs, followed at every write: claims, states, and that a job ends together with its hold."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from tests.simulation.books import Books, number, text
from tests.simulation.engine import APP, stored_items
from tests.simulation.price_lists import price
from tests.simulation.scheduler import ViolationError

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

JOB = "JOB#"
STATES = ["queued", "submitting", "transcribing", "summarising", "done", "failed"]
ENDED = {"done", "failed"}
CLOCK_SLACK_SECONDS = 8  # clocks of two processes, and seconds that are cut off
CLAIM_SECONDS, OWN_CLOCK_SLACK_SECONDS = 55, 5  # how long a claim lasts; the clock of one process, and cut off seconds


def catchup_credits(job: dict[str, Any], milliseconds: int) -> int:
    """The price of so much of the recording or session of a stored job, at the prices with which it began."""
    return price(text(job, "price_version"), service_of(job), milliseconds)


def service_of(job: dict[str, Any]) -> str:
    """The service of a stored job in the price list."""
    return "catchup_session" if text(job, "session_id") else "catchup"


@dataclass(frozen=True)
class JobStep:
    """What the watch compares of a stored job. `stepped_at`: when it was last claimed, or its state last changed."""

    state: str
    worker: str
    claimed_until: int
    stepped_at: int


class JobsWatch:
    """Follows all jobs."""

    def __init__(self) -> None:
        self._steps: dict[str, JobStep] = {}

    def check(self, books: Books, job_id: str, now: int, claim: str) -> None:
        """Compare the stored job with what it was before.

        `now`: the true time, epoch seconds; `claim`: what the worker that wrote it has claimed its job as.
        """
        job = stored_job(job_id)
        if job is None:
            self._steps.pop(job_id, None)
            return
        before = self._steps.get(job_id)
        state, worker = text(job, "state"), text(job, "worker")
        is_step = before is None or (before.state, before.worker) != (state, worker)
        stepped_at = now if before is None or is_step else before.stepped_at
        step = JobStep(state, worker, number(job, "claimed_until"), stepped_at)
        self._steps[job_id] = step
        hold = books.accounts[text(job, "user_id")].holds.get(f"catchup:{job_id}")
        if hold is None or (step.state in ENDED) == (hold.state == "open"):
            _fail(job_id, f"is {step.state}, and its hold is {hold}")
        if step.state in ENDED and step.worker:
            _fail(job_id, f"has ended and is still claimed by {step.worker}")
        if before is None:
            return
        if before.state in ENDED and step.state != before.state:
            _fail(job_id, f"was {before.state} and is now {step.state}")
        if STATES.index(step.state) < STATES.index(before.state):
            _fail(job_id, f"went back from {before.state} to {step.state}")
        is_moved = (step.state, step.claimed_until) != (before.state, before.claimed_until)
        if is_moved and claim != before.worker and claim != step.worker:
            _fail(job_id, f"was moved on to {step.state} by a worker that had not claimed it: {before}")
        is_same = step.worker and step.worker == before.worker
        renewed_until = before.stepped_at + CLAIM_SECONDS - OWN_CLOCK_SLACK_SECONDS
        if is_same and step.state != before.state and step.claimed_until < renewed_until:
            _fail(job_id, f"is {step.state}, and its claim until {step.claimed_until} was not renewed, now {now}")
        is_other = before.worker and step.worker and step.worker != before.worker
        if is_other and before.claimed_until > now + CLOCK_SLACK_SECONDS:
            _fail(job_id, f"was claimed from a worker that had it until {before.claimed_until}, now {now}")


def stored_job(job_id: str) -> dict[str, Any] | None:
    """The job as it is stored."""
    return stored_items(APP, JOB + job_id).get("JOB")


def is_late(simulation: "Simulation", job_id: str) -> bool:
    """Whether the running worker was frozen for so long that its claim of the job has expired. Counts that."""
    job = stored_job(job_id)
    is_claimed = job is not None and text(job, "worker") == simulation.scheduler.running.claim != ""
    if not is_claimed:
        simulation.counts["faults: call of a worker that lost its claim"] += 1
    return not is_claimed


def covering_hold(simulation: "Simulation", job_id: str) -> str:
    """The user of the job, whose open hold covers its range. Raises ViolationError where a claimed job has none."""
    job = stored_job(job_id)
    if job is None:
        return simulation.scheduler.running.account
    user_id = text(job, "user_id")
    hold = simulation.observer.books.open_holds(user_id, "catchup").get(f"catchup:{job_id}")
    worst_case = catchup_credits(job, number(job, "to_ms") - number(job, "from_ms"))
    if text(job, "worker") == simulation.scheduler.running.claim and (hold is None or hold.credits < worst_case):
        _fail(job_id, f"called a provider for {worst_case} credits without a hold of them: {hold}")
    return user_id


def _fail(job_id: str, message: str) -> NoReturn:
    raise ViolationError(f"the catch-up {job_id} {message}", text(stored_job(job_id) or {}, "user_id"))
