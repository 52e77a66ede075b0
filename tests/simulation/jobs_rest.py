"""Catch-ups at rest: ended once, charged what the provider did, and everything that it did is booked.

Of a recording the books have one transcript that the provider made: which one, if a worker that came late ordered
another. A job that failed may have its whole range instead, at the dearest model: it was given up while the provider
was at work, or did not say what it had done.
"""

from typing import TYPE_CHECKING, Any, NoReturn

from tests.default_prices import PRICES
from tests.simulation.booked_work import uses_of
from tests.simulation.books import HoldState, number, text
from tests.simulation.engine import APP, stored_partitions
from tests.simulation.jobs_watch import ENDED, JOB, catchup_credits, service_of, stored_job
from tests.simulation.provider_prices import audio_cost, dearest_audio_cost
from tests.simulation.provider_work import Work
from tests.simulation.recordings import MODELS, OrderedTranscript
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
    booked = _booked_transcriptions(simulation)
    for job_id in sorted(by_job.keys() | booked.keys()):
        _check_booked(simulation, job_id, by_job.get(job_id, []), booked.get(job_id, []))
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


def _booked_transcriptions(simulation: "Simulation") -> dict[str, list[Work]]:
    """What is booked of recordings, by catch-up."""
    booked: dict[str, list[Work]] = {}
    for account in simulation.observer.books.accounts.values():
        for entry in account.entries.values():
            if text(entry, "service") == "catchup":
                uses = [use for use in uses_of(entry) if use.model not in PRICES.text_models]
                booked.setdefault(text(entry, "reference"), []).extend(uses)
    return booked


def _check_booked(simulation: "Simulation", job_id: str, ordered: list[OrderedTranscript], booked: list[Work]) -> None:
    """What the provider transcribed is our cost, once, whatever became of the job."""
    job = stored_job(job_id) or {}
    user_id = ordered[0].user_id if ordered else text(job, "user_id")
    paid = [
        transcript
        for transcript in ordered
        if not transcript.was_late and transcript.is_paid(simulation.scheduler.now_ms) and transcript.billed_ms
    ]
    if not booked:
        if paid:
            cost = audio_cost(paid[0].model, paid[0].billed_ms)
            _fail(job_id, user_id, f"what its transcript cost, {cost}, is not booked: {paid[0]}")
        return
    allowed = [_transcription(job_id, transcript.model, transcript.billed_ms) for transcript in ordered]
    if text(job, "state") != "done":
        ranges_ms = {transcript.order.to_ms - transcript.order.from_ms for transcript in ordered}
        ranges_ms |= {number(job, "to_ms") - number(job, "from_ms")} if job else set()
        allowed += [Work(job_id, MODELS[0], dearest_audio_cost("catchup", ms), audio_ms=ms) for ms in sorted(ranges_ms)]
    if len(booked) > 1 or booked[0] not in allowed:
        _fail(job_id, user_id, f"is booked as {booked}, it cost one of {allowed}")


def _transcription(job_id: str, model: str, milliseconds: int) -> Work:
    return Work(job_id, model, audio_cost(model, milliseconds), audio_ms=milliseconds)


def _fail(job_id: str, user_id: str, message: str) -> NoReturn:
    raise ViolationError(f"the catch-up {job_id} of {user_id}: {message}", user_id)
