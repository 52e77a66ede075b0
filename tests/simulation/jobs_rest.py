"""Catch-ups at rest: ended once, charged what the provider did, and everything that it did is booked."""

from typing import TYPE_CHECKING, Any, NoReturn

from tests.default_prices import PRICES
from tests.simulation.books import HoldState, number, text
from tests.simulation.engine import APP, stored_partitions
from tests.simulation.jobs_watch import ENDED, JOB, catchup_credits, service_of
from tests.simulation.recordings import OrderedTranscript
from tests.simulation.scheduler import ViolationError

if TYPE_CHECKING:
    from tests.simulation.core import Simulation


def check_jobs(simulation: "Simulation") -> None:
    """Every job that is stored, and everything that was ordered."""
    ordered = simulation.providers.recordings.ordered
    by_job: dict[str, list[OrderedTranscript]] = {}
    for transcript in ordered.values():
        by_job.setdefault(transcript.job_id, []).append(transcript)
    for pk, items in stored_partitions(APP).items():
        if pk.startswith(JOB):
            _check_job(simulation, items["JOB"], by_job.get(pk.removeprefix(JOB), []))
    for transcript in ordered.values():
        _check_booked(simulation, transcript)
    left = [transcript for transcript in ordered.values() if not transcript.deleted_ms and not transcript.was_late]
    if left:
        _fail(left[0].job_id, left[0].user_id, f"the provider still has its transcript: {left[0]}")


def _check_job(simulation: "Simulation", job: dict[str, Any], ordered: list[OrderedTranscript]) -> None:
    job_id, user_id, state = text(job, "job_id"), text(job, "user_id"), text(job, "state")
    books = simulation.observer.books.accounts[user_id]
    charged, hold = number(job, "charged"), books.holds[f"catchup:{job_id}"]
    if state not in ENDED or text(job, "worker"):
        _fail(job_id, user_id, f"is {state}, claimed by {text(job, 'worker')!r}")
    if state == "failed" and charged:
        _fail(job_id, user_id, f"failed and charged {charged}")
    if hold.charged != charged or books.by_reference["usage", job_id] != -charged:
        _fail(job_id, user_id, f"charged {charged}, its hold {hold}, its entry {books.by_reference['usage', job_id]}")
    if state == "done":
        _check_charge(job, hold, ordered)


def _check_charge(job: dict[str, Any], hold: HoldState, ordered: list[OrderedTranscript]) -> None:
    """A session costs its range; a recording costs what the provider found of the range."""
    allowed = {number(job, "to_ms") - number(job, "from_ms")}
    if service_of(job) == "catchup":
        allowed = {transcript.billed_ms for transcript in ordered}
    credits = {catchup_credits(job, milliseconds) for milliseconds in allowed}
    if hold.charged not in credits:
        _fail(text(job, "job_id"), text(job, "user_id"), f"charged {hold.charged}, should be one of {sorted(credits)}")


def _check_booked(simulation: "Simulation", transcript: OrderedTranscript) -> None:
    """What the provider transcribed is our cost, whatever became of the job."""
    if transcript.was_late or not transcript.is_paid(simulation.scheduler.now_ms) or not transcript.billed_ms:
        return
    cost = PRICES.cost_micro_usd(transcript.model, transcript.billed_ms)
    entries = simulation.observer.books.accounts[transcript.user_id].entries.values()
    booked = [entry for entry in entries if text(entry, "reference") == transcript.job_id]
    if sum(number(entry, "cost_micro_usd") for entry in booked) < cost:
        _fail(
            transcript.job_id,
            transcript.user_id,
            f"what its transcript cost, {cost}, is not booked: {booked} {transcript}",
        )


def _fail(job_id: str, user_id: str, message: str) -> NoReturn:
    raise ViolationError(f"the catch-up {job_id} of {user_id}: {message}", user_id)
