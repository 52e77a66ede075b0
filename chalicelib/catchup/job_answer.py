"""A catch-up job, and the quote of its range, as the client gets them."""

from .. import contract
from ..dates import rfc3339
from ..models.catchup import Job, JobState
from ..models.transcripts import Summary

PROGRESS = {
    JobState.QUEUED: 0,
    JobState.SUBMITTING: 5,
    JobState.TRANSCRIBING: 20,
    JobState.SUMMARISING: 75,
    JobState.DONE: 100,
    JobState.FAILED: 100,
}
PUBLIC_STATUS = {JobState.SUBMITTING: "queued"}  # all other states have their own name in the contract


def job_answer(job: Job, summary: Summary | None = None) -> contract.CatchupJob:
    """`summary` is what a job that is done has made."""
    answer = contract.CatchupJob(
        job_id=job.job_id,
        status=PUBLIC_STATUS.get(job.state, job.state.value),
        progress=PROGRESS[job.state],
        from_ms=job.from_ms,
        to_ms=job.to_ms,
        credits_held=0 if job.has_ended else job.held,
        credits_used=job.charged,
        created_at=rfc3339(job.created_at),
        session_id=job.session_id,
    )
    if job.recording_ms:
        answer.recording_ms = job.recording_ms
    if job.state is JobState.FAILED:
        answer.error = contract.JobError(code="provider_error", message=job.error)
    if summary:
        answer.transcript_id = job.transcript_id
        answer.summary = summary.text
        answer.key_moments = [
            contract.KeyMoment(start_ms=moment.start_ms, title=moment.title) for moment in summary.moments
        ]
        answer.summary_is_whole = summary.is_whole
    return answer


def free_quote(earlier: contract.CatchupJob, credits_available: int, price_version: str) -> contract.Quote:
    """Of a range that was requested before: the request would return that job."""
    return contract.Quote(
        credits=0,
        credits_available=credits_available,
        from_ms=earlier.from_ms,
        to_ms=earlier.to_ms,
        price_version=price_version,
        is_stored=earlier.status == JobState.DONE,
        job_id=earlier.job_id,
    )
