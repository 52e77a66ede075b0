"""The end of a catch-up: its hold is settled in the same write that stores its result or its failure."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from ..logs.request_facts import request_facts
from ..models.catchup import Job, JobState, TextUse
from ..models.health import HealthKind, HealthNote
from ..models.ledger import Charge, ModelUse
from ..models.transcripts import Moment, Summary, Transcript
from ..pricing.price_files import load
from ..repositories.claims import LostClaimError
from ..repositories.jobs import put_copies, put_summary, update_job
from ..repositories.ledger import ExtraWriteRefusedError, HoldEndedError, Ledger
from ..repositories.table import Write
from ..repositories.transcripts import (
    end_catchup,
    mark_segments_for_deletion,
    put_transcript,
    was_not_counted,
)
from .claimed_jobs import ClaimedJobs
from .job_rules import JobRules, job_hold

TRANSCRIPT_DELETED = "The transcript was deleted before its summary was ready. Nothing was charged."


@dataclass(frozen=True)
class JobSettlement:
    """Ends claimed jobs. Each method raises LostClaimError."""

    ledger: Ledger
    jobs: ClaimedJobs
    rules: JobRules
    now: Callable[[], int]  # epoch seconds, UTC

    def complete(self, job: Job, text: str, moments: tuple[Moment, ...] = (), *, is_whole: bool) -> Job:
        """The job done: what was transcribed or read is charged, the rest of the hold is released.

        A job that was cancelled meanwhile is returned as it is.
        """
        summary = Summary(job.transcript_id, job.job_id, job.from_ms, job.to_ms, text, moments, is_whole)
        return self._complete(job, summary)

    def _complete(self, job: Job, summary: Summary, *, is_counted: bool = True) -> Job:
        prices = load(job.price_version)
        charge = Charge(
            credits=prices.credits_for(job.service, job.billed_ms),
            service=job.service,
            reference=job.job_id,
            audio_ms=job.billed_ms,
            price_version=job.price_version,
            uses=_model_uses(job),
        )
        done_job = replace(
            job, state=JobState.DONE, charged=charge.credits, ended_at=self.now(), worker="", submitted_url=""
        )
        history_write = (
            end_catchup(job.user_id, job.transcript_id, is_done=True, is_counted=is_counted)
            if job.is_of_session
            else put_transcript(job.user_id, _transcript(done_job))
        )
        extra_writes = [update_job(job, done_job), history_write, put_summary(job.user_id, summary)]
        extra_writes += self._copy_writes(done_job)
        try:
            self.ledger.settle(job_hold(job, 0), charge, at=self.now(), extra_writes=extra_writes)
        except HoldEndedError as ended:
            raise LostClaimError from ended
        except ExtraWriteRefusedError as refusal:
            if 0 not in refusal.refused:
                if is_counted and job.is_of_session and was_not_counted(refusal.refused[1]):
                    return self._complete(job, summary, is_counted=False)
                return self.fail(job, TRANSCRIPT_DELETED)
            current_job = self.jobs.reload(job)
            if current_job.is_cancelled:
                return current_job
            # Only a notification was recorded.
            return self._complete(current_job, summary, is_counted=is_counted)
        return done_job

    def fail(self, job: Job, reason: str) -> Job:
        """The job failed: its whole hold is released, and what it stored is marked for deletion.

        What providers charged for it is booked as our cost, at no credits. `reason` is for the client.
        """
        history_writes = (
            [end_catchup(job.user_id, job.transcript_id, is_done=False)]
            if job.is_of_session
            else [mark_segments_for_deletion(job.user_id, job.transcript_id, self.now())]
        )
        try:
            return self._fail(job, reason, history_writes)
        except ExtraWriteRefusedError as refusal:
            if 0 in refusal.refused:
                return self.jobs.reload(job)
        return self._fail(job, reason, [])  # The transcript is deleted, or does not count this catch-up.

    def book_lost_use(self, job: Job, use: TextUse, use_id: str) -> None:
        """Book what a text model did for a worker that has lost its claim, so that the job cannot book it.

        Booked once for each `use_id`.
        """
        charge = _loss(replace(job, model="", text_uses=(use,)))
        self.ledger.book_cost(job.user_id, charge, f"{job.job_id}/{use_id}", at=self.now())

    def _fail(self, job: Job, reason: str, history_writes: list[Write]) -> Job:
        failed_job = replace(job, state=JobState.FAILED, error=reason, ended_at=self.now(), worker="", submitted_url="")
        job_write = update_job(job, failed_job, expires_at=self.now() + self.rules.failed_retention_seconds)
        extra_writes = [job_write, *history_writes, *self._copy_writes(failed_job)]
        try:
            self.ledger.settle(job_hold(job, 0), _loss(job), at=self.now(), extra_writes=extra_writes)
        except HoldEndedError as ended:
            raise LostClaimError from ended
        request_facts().failed_jobs.append(
            HealthNote(HealthKind.JOB_FAILED, "catch-up", reason, job.job_id, job.user_id)
        )
        return failed_job

    def _copy_writes(self, ended_job: Job) -> list[Write]:
        """What the provider still has is deleted right after this, or else by the sweep."""
        return put_copies(ended_job, self.now() + self.rules.copy_retry_seconds)


def _loss(job: Job) -> Charge:
    """What providers did for the job, at no credits."""
    return Charge(0, job.service, job.job_id, 0, job.price_version, _model_uses(job))


def _model_uses(job: Job) -> tuple[ModelUse, ...]:
    uses = [ModelUse(job.model, job.billed_ms, job.cost_micro_usd)] if job.model else []
    prices = load(job.price_version)
    for model in sorted({use.model for use in job.text_uses}):
        input_tokens = sum(use.input_tokens for use in job.text_uses if use.model == model)
        output_tokens = sum(use.output_tokens for use in job.text_uses if use.model == model)
        cost = prices.text_cost_micro_usd(model, input_tokens, output_tokens)
        uses.append(ModelUse(model, 0, cost, input_tokens, output_tokens))
    return tuple(uses)


def _transcript(done_job: Job) -> Transcript:
    """The entry in the history of a recording that was transcribed."""
    return Transcript(
        transcript_id=done_job.transcript_id,
        kind="catchup",
        started_at=done_job.created_at,
        title=done_job.title,
        source_url=done_job.audio_url,
        language=done_job.language,
        state=done_job.state.value,
        ended_at=done_job.ended_at,
        audio_ms=done_job.billed_ms,
        recording_ms=done_job.recording_ms,
        credits=done_job.charged,
        covered_ms=((done_job.from_ms, done_job.from_ms + done_job.billed_ms),) if done_job.billed_ms else (),
    )
