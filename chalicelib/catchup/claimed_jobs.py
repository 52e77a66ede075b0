"""A job while a worker has claimed it: every step is saved under the claim, which also renews it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from ..models.catchup import Job
from ..repositories.claims import LostClaimError, claim, release_claim
from ..repositories.jobs import (
    is_unfinished,
    job_from,
    job_key,
    mark_provider_copy_deleted,
    update_job,
)
from ..repositories.provider_copies import ProviderCopy, delete_copy, list_copies
from ..repositories.table import Tables, Write, WriteRefusedError
from .job_rules import JobRules


@dataclass(frozen=True)
class ClaimedJobs:
    """Reads jobs, and writes them for the worker that has claimed them."""

    tables: Tables
    rules: JobRules
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    def read(self, job_id: str) -> Job | None:
        item = self.tables.get(job_key(job_id))
        return job_from(item) if item else None

    def claim(self, job: Job) -> Job | None:
        """The job as it is now, claimed; None if another worker has it or it has just ended."""
        now, key = self.now(), job_key(job.job_id)
        until = now + self.rules.claim_seconds
        item = claim(self.tables, key, self.new_id(), until=until, now=now, is_claimable=is_unfinished())
        return job_from(item) if item else None

    def save(self, job: Job, extra_writes: Sequence[Write] = (), **changes: Any) -> Job:
        """The job with the changes and a renewed claim. Raises LostClaimError.

        `extra_writes` are written together with the job, or not at all.
        """
        while True:
            changed_job = replace(job, **changes, claimed_until=self.now() + self.rules.claim_seconds)
            try:
                if extra_writes:
                    self.tables.transact([update_job(job, changed_job), *extra_writes])
                else:
                    self.tables.write(update_job(job, changed_job))
                return changed_job
            except WriteRefusedError:
                job = self.reload(job)  # Only a notification was recorded meanwhile.

    def reload(self, job: Job) -> Job:
        """The job as it is stored now, while the claim lasts. Raises LostClaimError."""
        stored_job = self.read(job.job_id)
        if stored_job is None or stored_job.worker != job.worker:
            raise LostClaimError
        return stored_job

    def release_unless_notified(self, job: Job) -> Job:
        """The job without a claim, so that it waits; still claimed if a notification has just been recorded."""
        released_job = replace(job, worker="", claimed_until=0)
        try:
            self.tables.write(update_job(job, released_job))
        except WriteRefusedError:
            return self.reload(job)
        return released_job

    def release(self, job: Job) -> None:
        """End the claim after an error, so that the next worker need not wait for it to expire."""
        release_claim(self.tables, job_key(job.job_id), job.worker)

    def mark_provider_copy_deleted(self, ended_job: Job) -> None:
        """An ended job needs no claim: nothing else about it changes."""
        with suppress(
            WriteRefusedError
        ):  # It was deleted meanwhile, or a notification came: its message does the rest.
            self.tables.write(mark_provider_copy_deleted(ended_job))

    def list_copies(self, job_id: str) -> list[ProviderCopy]:
        """What the provider still has of a job that is deleted here."""
        return list_copies(self.tables, job_id)

    def delete_copy_record(self, copy: ProviderCopy) -> None:
        """The provider has deleted it."""
        self.tables.write(delete_copy(copy))
