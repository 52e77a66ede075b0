"""The transcription of a catch-up: order it, find an order whose answer was lost, fetch it, delete the provider's copy.

An order cannot simply be repeated, because the provider has no idempotency key: before a second one, the first is
looked for by the address of its webhook.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import (
    ProviderDeniedError,
    ProviderError,
    ProviderFailedError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from ..models.catchup import Job, JobState, Recording, TranscriptionOrder
from ..pricing.price_files import load
from ..repositories.transcripts import put_segments, split_into_blocks
from .claimed_jobs import ClaimedJobs
from .job_rules import JobRules, webhook_secret
from .segmenting import build_segments, recorded_ms, words_in_range
from .settlement import JobSettlement

ORDER_UNANSWERED = "The speech service did not answer. Nothing was charged. Start again later."
ORDER_REJECTED = "The speech service rejected the recording. Nothing was charged. Check the recording and start again."
ORDER_LOST = "The speech service lost the recording. Nothing was charged. Start the catch-up again."
RANGE_AFTER_END = "The range starts after the end of the recording. Nothing was charged. Choose an earlier range."


class RecordingProvider(Protocol):
    """Transcribes recordings. Each call raises ProviderError."""

    def submit(self, order: TranscriptionOrder) -> str: ...

    def find(self, order: TranscriptionOrder) -> str | None: ...

    def recording(self, transcript_id: str) -> Recording | None: ...

    def delete(self, transcript_id: str) -> None: ...


class ReadableUploads(Protocol):
    """Gives a provider access to an uploaded recording."""

    def readable_url(self, user_id: str, upload_id: str) -> str: ...


@dataclass(frozen=True)
class Transcription:
    """The steps of a claimed job at the provider; each returns the job after it, and raises LostClaimError."""

    jobs: ClaimedJobs
    settlement: JobSettlement
    provider: RecordingProvider
    uploads: ReadableUploads
    rules: JobRules
    webhook_key: str

    def order(self, job: Job) -> Job:
        if job.submissions >= self.rules.submissions:
            return self.settlement.fail(job, ORDER_UNANSWERED)
        url = job.audio_url or self.uploads.readable_url(job.user_id, job.upload_id)
        submitting_job = self.jobs.save(
            job, state=JobState.SUBMITTING, submissions=job.submissions + 1, submitted_url=url
        )
        try:
            provider_id = self.provider.submit(self._order_of(submitting_job))
        except ProviderRefusedError:
            return self.settlement.fail(submitting_job, ORDER_REJECTED)
        except ProviderUnavailableError:  # Not counted as an attempt; but a gateway's 503 may hide an accepted order.
            return self.jobs.release_unless_notified(self.jobs.save(submitting_job, submissions=job.submissions))
        except ProviderError:  # The order may have been accepted, or may be in a moment: the sweep looks for it.
            return self.jobs.release_unless_notified(submitting_job)
        return self.jobs.save(submitting_job, state=JobState.TRANSCRIBING, provider_id=provider_id)

    def find_or_order(self, job: Job) -> Job:
        """Continue with the order that may have been accepted; order again if the provider has none."""
        try:
            provider_id = job.notified_id or self.provider.find(self._order_of(job))
        except ProviderError:
            return self.jobs.release_unless_notified(job)
        if provider_id:
            return self.jobs.save(job, state=JobState.TRANSCRIBING, provider_id=provider_id)
        return self.order(job)

    def fetch(self, job: Job) -> Job:
        """Store the transcript if it is ready; otherwise the job waits."""
        try:
            recording = self.provider.recording(job.provider_id)
        except ProviderFailedError as failure:
            return self.settlement.fail(job, failure.reason)
        except ProviderDeniedError:
            return self.jobs.release_unless_notified(job)
        except ProviderRefusedError:
            return self.settlement.fail(job, ORDER_LOST)
        except ProviderError:
            return self.jobs.release_unless_notified(job)
        if recording is None:
            return self.jobs.release_unless_notified(job)
        if not recording.model:
            return self.jobs.save(job, state=JobState.SUMMARISING)
        billed_ms = recorded_ms(recording.audio_ms, job.from_ms, job.to_ms)
        if billed_ms == 0:
            return self.settlement.fail(job, RANGE_AFTER_END)
        segments = build_segments(words_in_range(recording, job.from_ms, job.to_ms))
        # A worker that continues after a crash writes the same blocks again, so they replace what was stored. Each is
        # written together with the claim: segments written after the job has failed would never be deleted.
        for number, block in enumerate(split_into_blocks(segments)):
            job = self.jobs.save(
                job, extra_writes=[put_segments(job.user_id, job.transcript_id, f"{number:05d}", block)]
            )
        end = {"to_ms": job.from_ms + billed_ms, "recording_ms": recording.audio_ms} if job.is_to_end else {}
        return self.record_cost(job, billed_ms, recording.model, state=JobState.SUMMARISING, **end)

    def record_work(self, job: Job) -> Job:
        """The abandoned job with what the provider did for it: its length and cost, and the id of its copy.

        Work in progress counts as the whole range, because the provider may charge for it. Raises ProviderError.
        """
        if job.model or job.state not in (JobState.SUBMITTING, JobState.TRANSCRIBING):
            return job
        provider_id = job.provider_id or job.notified_id or self.provider.find(self._order_of(job))
        if not provider_id:
            return job
        job = self.jobs.save(job, state=JobState.TRANSCRIBING, provider_id=provider_id)
        try:
            recording = self.provider.recording(provider_id)
        except ProviderFailedError:  # It costs nothing.
            return job
        except ProviderDeniedError:
            raise
        except ProviderRefusedError:  # The provider lost what it may have done.
            recording = None
        if recording is None:
            return self.record_cost(job, job.range_ms)
        if not recording.model:
            return job
        return self.record_cost(job, recorded_ms(recording.audio_ms, job.from_ms, job.to_ms), recording.model)

    def record_cost(self, job: Job, billed_ms: int, model: str = "", **changes: Any) -> Job:
        """The job with so much transcribed by `model`; by the service's dearest one where the model is not known."""
        prices = load(job.price_version)
        cost = prices.audio_cost_micro_usd(job.service, model, billed_ms)
        model = model or prices.services[job.service].models[0]
        return self.jobs.save(job, billed_ms=billed_ms, model=model, cost_micro_usd=cost, **changes)

    def delete_provider_copy(self, job: Job) -> Job:
        """Have the provider delete its copy; if that fails, or is not all, it is left for `delete_remaining_copies`."""
        if job.remaining_copies != [job.provider_id]:
            return job
        try:
            self._delete(job.provider_id)
        except ProviderError:
            return job
        return self.jobs.save(job, is_provider_copy_deleted=True)

    def delete_remaining_copies(self, ended_job: Job) -> None:
        """Have the provider delete all that it still has of an ended job. Raises ProviderError."""
        for provider_id in ended_job.remaining_copies:
            self._delete(provider_id)
        if ended_job.is_known_to_provider:
            self.jobs.mark_provider_copy_deleted(ended_job)

    def delete_copies_of_deleted_job(self, job_id: str) -> None:
        """Have the provider delete all that it still has of a job that is deleted here. Raises ProviderError."""
        for copy in self.jobs.list_copies(job_id):
            self._delete(copy.provider_id)
            self.jobs.delete_copy_record(copy)

    def _delete(self, provider_id: str) -> None:
        try:
            self.provider.delete(provider_id)
        except ProviderDeniedError:
            raise
        except ProviderRefusedError:
            return  # It is deleted already.

    def _order_of(self, job: Job) -> TranscriptionOrder:
        return TranscriptionOrder(
            audio_url=job.submitted_url,
            from_ms=job.from_ms,
            to_ms=job.to_ms,
            language=job.language,
            webhook_url=job.webhook_url,
            webhook_secret=webhook_secret(self.webhook_key, job.job_id),
        )
