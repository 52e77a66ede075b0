"""The worker of catch-up jobs: transcribe, summarise, settle, as one state machine. No client waits for it.

A job changes by conditional writes, a worker holds it by a claim that expires, and every call of a provider stands
between two writes. So any step may be interrupted anywhere: the sweep sends the job again, and the next worker sees how
far it came.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ProviderError
from ..models.catchup import Job, JobState
from ..providers.protocols import TextModel
from ..repositories.claims import LostClaimError
from ..repositories.ledger import Ledger
from ..repositories.table import Tables
from ..repositories.transcripts import Transcripts
from .claimed_jobs import ClaimedJobs
from .job_rules import JobRules
from .settlement import JobSettlement
from .summarise import Summarisation
from .transcribe import ReadableUploads, RecordingProvider, Transcription

TOO_SLOW = "The catch-up took too long and was stopped. Nothing was charged. Start it again."


@dataclass(frozen=True)
class CatchupWorker:
    """Advances jobs as far as possible."""

    jobs: ClaimedJobs
    transcription: Transcription
    summarisation: Summarisation
    settlement: JobSettlement
    rules: JobRules
    now: Callable[[], int]  # epoch seconds, UTC

    @classmethod
    def assemble(
        cls,
        *,
        ledger: Ledger,
        tables: Tables,
        transcripts: Transcripts,
        recordings: RecordingProvider,
        uploads: ReadableUploads,
        text: TextModel,
        rules: JobRules,
        webhook_key: str,
        now: Callable[[], int],
        new_id: Callable[[], str],
    ) -> "CatchupWorker":
        jobs = ClaimedJobs(tables, rules, now, new_id)
        settlement = JobSettlement(ledger, jobs, rules, now)
        return cls(
            jobs=jobs,
            transcription=Transcription(jobs, settlement, recordings, uploads, rules, webhook_key),
            summarisation=Summarisation(jobs, settlement, transcripts, text),
            settlement=settlement,
            rules=rules,
            now=now,
        )

    def advance(self, job_id: str) -> JobState | None:
        """Do what can be done for the job now; its state afterwards, None if there is no such job.

        Safe to call at any time, any number of times, also concurrently. Raises UnavailableError, and ProviderError
        where only the provider's copy is left to delete: call again.
        """
        job = self.jobs.read(job_id)
        if job is None or job.has_ended:
            self.transcription.delete_remaining_copies(job_id, job)
            return job.state if job else None
        claimed_job = self.jobs.claim(job)
        if claimed_job is None:
            return job.state
        try:
            while claimed_job.worker:
                claimed_job = self._step(claimed_job)
        except LostClaimError:
            return claimed_job.state
        except Exception:
            self.jobs.release(claimed_job)
            raise
        if claimed_job.has_ended and claimed_job.remaining_copies:
            self.transcription.delete_remaining_copies(job_id, claimed_job)
        return claimed_job.state

    def _step(self, job: Job) -> Job:
        """The job after its next step; without a worker where it has ended or has to wait."""
        if self.now() >= job.abandon_at:
            return self._abandon(job)
        match job.state:
            case JobState.QUEUED if job.is_of_session:
                return self.jobs.save(job, state=JobState.SUMMARISING, billed_ms=job.range_ms)
            case JobState.QUEUED:
                return self.transcription.order(job)
            case JobState.SUBMITTING:
                return self.transcription.find_or_order(job)
            case JobState.TRANSCRIBING:
                return self.transcription.fetch(job)
            case _:
                return self.summarisation.summarise(self.transcription.delete_provider_copy(job))

    def _abandon(self, job: Job) -> Job:
        """The job failed, with what the provider did for it as our cost; waiting while the provider does not say."""
        try:
            job = self.transcription.record_work(job)
        except ProviderError:
            if self.now() < job.created_at + self.rules.give_up_after_seconds:
                return self.jobs.release_unless_notified(job)
            job = self.transcription.record_cost(job, job.range_ms)
        return self.settlement.fail(job, TOO_SLOW)
