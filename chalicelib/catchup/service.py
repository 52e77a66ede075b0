"""Catch-ups as their listener sees them: a summary of a range of a recording or of a live session.

A catch-up is a job. Its hold covers the whole range before any provider is called; worker.py does the work. The same
range of the same unchanged source is the same job: while it runs the request joins it, and once it is done the result
is free.
"""

import hmac
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from .. import contract
from ..dates import rfc3339
from ..errors import (
    OFF_RETRY_SECONDS,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    InvalidSignatureError,
    NotFoundError,
    UnavailableError,
)
from ..models.accounts import Caller
from ..models.catchup import Job, JobState, UploadForm
from ..models.ledger import Balance, HoldKind
from ..pricing.price_files import Prices
from ..providers.protocols import JobQueue
from ..repositories.jobs import (
    job_from,
    job_key,
    put_job,
    put_range,
    range_key,
    record_notification,
    summary_from,
    summary_key,
)
from ..repositories.ledger import ExtraWriteRefusedError, Ledger
from ..repositories.ledger_items import reschedule_sweep
from ..repositories.provider_copies import ProviderCopy, find_due_copies, postpone_copy, put_copy
from ..repositories.table import Tables, Write, WriteRefusedError
from ..repositories.transcripts import Transcripts, begin_catchup, transcript_key
from .job_answer import free_quote, job_answer
from .job_rules import JobRules, job_hold, webhook_secret
from .range_reader import RangeReader, Uploads
from .requested_range import RequestedRange

TRIES = 8


class UploadStore(Uploads, Protocol):
    """Where browsers upload recordings."""

    def create_form(self, user_id: str, upload_id: str, content_type: str, now: int) -> UploadForm: ...


@dataclass(frozen=True)
class Catchups:
    """Uploads and catch-ups of a listener."""

    ledger: Ledger
    tables: Tables
    transcripts: Transcripts
    uploads: UploadStore
    queue: JobQueue
    prices: Prices
    rules: JobRules
    webhook_key: str
    is_on: bool
    now: Callable[[], int]  # epoch seconds, UTC
    new_ulid: Callable[[], str]

    def create_upload(self, caller: Caller, body: contract.NewUpload) -> contract.Upload:
        """A form that uploads one recording to our bucket within 15 minutes.

        Raises InsufficientCreditsError without a positive balance: nothing can be done with a recording then.
        """
        balance, _ = self.ledger.admit(caller)
        if balance.available < 1:
            raise InsufficientCreditsError(1, balance.available, balance.held)
        upload_id = self.new_ulid()
        form = self.uploads.create_form(caller.user_id, upload_id, body.content_type, self.now())
        return contract.Upload(
            upload_id=upload_id,
            url=form.url,
            fields=form.fields,
            expires_at=rfc3339(form.expires_at),
            max_bytes=form.max_bytes,
        )

    def start(
        self, caller: Caller, body: contract.Catchup, job_id: str, body_hash: str, webhook_base: str
    ) -> contract.CatchupJob | contract.Quote:
        """Hold the most that the range can cost and queue the job, or return the price only.

        A range without an end is held for as far as the balance reaches.

        If the same range of the same unchanged source was requested before, that job is returned, done or running, and
        nothing is held. The same `job_id` again returns the same job, if the body is the same. Raises
        InvalidRequestError, NotFoundError, ConflictError (the session has no saved text), InsufficientCreditsError,
        IdempotencyMismatchError, RateLimitedError; nothing is held then.
        """
        if not self.is_on:
            message = "Catch-ups are switched off on this server, because it has no text model."
            raise UnavailableError(message, retry_after_seconds=OFF_RETRY_SECONDS)
        reads_per_day = self.rules.session_reads_per_day
        ranges = RangeReader(
            self.ledger, self.tables, self.transcripts, self.uploads, self.prices, reads_per_day, self.now
        )
        requested = ranges.read(caller, body)
        range_item_key = range_key(caller.user_id, requested.range_hash)
        if body.quote:
            balance, (range_item,) = self.ledger.admit(caller, extra_keys=[range_item_key])
            earlier = self._find_earlier(caller, range_item["job_id"], requested) if range_item else None
            if earlier:
                return free_quote(earlier, balance.available, self.prices.version)
            return self._quote(ranges.cut(caller, requested, balance), balance)
        for _ in range(TRIES):
            balance, (job_item, range_item) = self.ledger.admit(caller, extra_keys=[job_key(job_id), range_item_key])
            if job_item:
                return self._repeat_answer(caller, job_from(job_item), body_hash)
            if range_item and (earlier := self._find_earlier(caller, range_item["job_id"], requested)):
                return earlier
            held = ranges.cut(caller, requested, balance)
            job = self._new_job(caller, body, held, job_id, body_hash, webhook_base)
            earlier_job_id = range_item["job_id"] if range_item else None
            extra_writes = [put_job(job), put_range(caller.user_id, requested.range_hash, job_id, earlier_job_id)]
            if job.is_of_session:
                extra_writes.append(begin_catchup(caller.user_id, job.transcript_id))
            try:
                sweep_at = self.now() + self.rules.first_check_seconds
                if not self.ledger.hold(caller, job_hold(job, sweep_at), at=self.now(), extra_writes=extra_writes):
                    self._check_exists(job_id)
                    continue
            except ExtraWriteRefusedError as refusal:  # The same request was made at the same moment.
                if 2 in refusal.refused:
                    raise NotFoundError("The transcript of this session was deleted.") from refusal
                continue
            except InsufficientCreditsError:  # That same request, or another one, may have taken the credits.
                if not held.can_be_cut and self.tables.get(range_item_key) == range_item:
                    raise
                continue
            with suppress(UnavailableError):  # The sweep finds the job without the message.
                self.queue.send(job_id)
            return job_answer(job)
        raise UnavailableError("The account is busy with other requests. Retry the request.")

    def get_status(self, caller: Caller, job_id: str) -> contract.CatchupJob:
        """The job's progress; when done, the summary. Raises NotFoundError, also once its transcript is deleted."""
        _, (item,) = self.ledger.admit(caller, extra_keys=[job_key(job_id)])
        if item is None or item["user_id"] != caller.user_id:
            raise NotFoundError("There is no catch-up with this id.")
        return self._load_answer(caller, job_from(item))

    def record_notification(self, job_id: str, secret: str, provider_id: str) -> contract.WebhookReceipt:
        """A provider reports that it has ended a transcript for this job.

        Safe to call at any time, any number of times, also before the order's answer has arrived. Raises
        InvalidSignatureError, UnavailableError.
        """
        if not hmac.compare_digest(webhook_secret(self.webhook_key, job_id).encode(), secret.encode()):
            raise InvalidSignatureError("The webhook's secret is not the secret of this job.")
        try:
            self.tables.write(record_notification(job_id, provider_id))
        except WriteRefusedError:  # The job does not exist any more.
            self.tables.write(put_copy(ProviderCopy(job_id, provider_id)))
        self.queue.send(job_id)
        return contract.WebhookReceipt(received=True)

    def sweep(self) -> int:
        """Queue every job that has been silent, or of which a provider has a copy to delete; how many.

        Safe to call at any time, also concurrently.
        """
        queued, failures = 0, []
        for job_id, postponement in self._due_jobs():
            try:
                self.queue.send(job_id)
                with suppress(WriteRefusedError):  # It has just ended.
                    self.tables.write(postponement)
                queued += 1
            except Exception as failure:  # noqa: BLE001 - one job that cannot be queued must not stop the others
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"{len(failures)} jobs could not be queued, {queued} were", failures)
        return queued

    def _due_jobs(self) -> Iterator[tuple[str, Write]]:
        """The jobs that need a message now, each with the write that postpones the next message."""
        recheck_at = self.now() + self.rules.recheck_seconds
        for hold in self.ledger.iter_due_holds(self.now()):
            if hold.kind == HoldKind.CATCHUP:
                yield hold.reference, reschedule_sweep(replace(hold, sweep_at=recheck_at))
        for copy in find_due_copies(self.tables, self.now()):
            yield copy.job_id, postpone_copy(copy, recheck_at)

    def _credits(self, requested: RequestedRange) -> int:
        """The most that the range can cost."""
        return self.prices.credits_for(requested.service, requested.to_ms - requested.from_ms)

    def _quote(self, requested: RequestedRange, balance: Balance) -> contract.Quote:
        return contract.Quote(
            credits=self._credits(requested),
            credits_available=balance.available,
            from_ms=requested.from_ms,
            to_ms=requested.to_ms,
            price_version=self.prices.version,
            is_stored=False,
        )

    def _new_job(
        self,
        caller: Caller,
        body: contract.Catchup,
        requested: RequestedRange,
        job_id: str,
        body_hash: str,
        webhook_base: str,
    ) -> Job:
        now = self.now()
        credits = self._credits(requested)
        return Job(
            job_id=job_id,
            user_id=caller.user_id,
            state=JobState.QUEUED,
            created_at=now,
            abandon_at=now + self.rules.abandon_after_seconds,
            from_ms=requested.from_ms,
            to_ms=requested.to_ms,
            held=credits,
            price_version=self.prices.version,
            claim=requested.range_hash,
            transcript_id=requested.transcript_id or self.new_ulid(),
            body_hash=body_hash,
            upload_id=requested.upload_id,
            audio_url=requested.audio_url,
            session_id=requested.session_id,
            is_to_end=requested.is_to_end,
            webhook_url=f"{webhook_base.rstrip('/')}/webhooks/assemblyai?job={job_id}",
            language=body.language,
            title=body.title,
        )

    # Existing jobs

    def _repeat_answer(self, caller: Caller, job: Job, body_hash: str) -> contract.CatchupJob:
        if job.user_id != caller.user_id:  # An id is derived from its user, so an honest client never gets here.
            raise NotFoundError("There is no catch-up with this id.")
        if job.body_hash != body_hash:
            raise IdempotencyMismatchError("This Idempotency-Key was already used with different parameters.")
        return self._load_answer(caller, job)

    def _check_exists(self, job_id: str) -> None:
        """A hold was made for a job with this id before. Raises NotFoundError if the job was deleted since."""
        if self.tables.get(job_key(job_id)) is None:
            raise NotFoundError("The transcript of this catch-up was deleted.")

    def _find_earlier(self, caller: Caller, job_id: str, requested: RequestedRange) -> contract.CatchupJob | None:
        """The job of the same range, if its result is still valid."""
        item = self.tables.get(job_key(job_id))
        if item is None:
            return None
        earlier_job = job_from(item)
        if earlier_job.state is JobState.FAILED:
            return None
        if requested.audio_url and earlier_job.created_at + self.rules.url_unchanged_seconds <= self.now():
            return None
        try:
            return self._load_answer(caller, earlier_job)
        except NotFoundError:
            return None  # Its transcript was deleted.

    def _load_answer(self, caller: Caller, job: Job) -> contract.CatchupJob:
        if job.state is not JobState.DONE:
            return job_answer(job)
        keys = [
            summary_key(caller.user_id, job.transcript_id, job.job_id),
            transcript_key(caller.user_id, job.transcript_id),
        ]
        summary_item, transcript_item = self.tables.get_many(keys)
        if summary_item is None or transcript_item is None or "started_at" not in transcript_item:
            raise NotFoundError("The transcript of this catch-up was deleted.")
        return job_answer(job, summary_from(summary_item))
