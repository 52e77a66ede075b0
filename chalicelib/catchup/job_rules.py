"""The rules of catch-up jobs: their settings, hold, webhook secret and part of a transcript. Pure rules."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from ..models.catchup import Job
from ..models.ledger import Hold, HoldKind
from ..models.transcripts import Segment


@dataclass(frozen=True)
class JobRules:
    """The settings of catch-ups, in seconds, and how many of an account may read a session in a day."""

    first_check_seconds: int = 60  # when the sweep checks a job whose queue message was lost
    recheck_seconds: int = 50  # less than the time between two sweeps, so that each of them finds a silent job
    copy_retry_seconds: int = 900  # between two tries to have a provider delete its copy
    abandon_after_seconds: int = 4 * 3600
    # When an abandoned job ends although the provider does not answer what it did for it.
    give_up_after_seconds: int = 8 * 3600
    url_unchanged_seconds: int = 86_400  # how long the recording at a public address counts as unchanged
    # How long the claim of a silent worker lasts: more than the slowest write and the longest call after it (15 and
    # 40 s), less than the time between two sweeps.
    claim_seconds: int = 55
    submissions: int = 3
    failed_retention_seconds: int = 30 * 86_400
    session_reads_per_day: int = 1_440  # one a minute


def job_hold(job: Job, sweep_at: int) -> Hold:
    """The hold that pays for the job. Its id follows from the job, so any step may run twice."""
    return Hold(job.user_id, f"{HoldKind.CATCHUP}:{job.job_id}", job.held, HoldKind.CATCHUP, job.job_id, sweep_at)


def webhook_secret(key: str, job_id: str) -> str:
    """What a provider's webhook must carry to be trusted for this job, and for no other."""
    # The first line separates this from the other uses of the key.
    return hmac.digest(key.encode(), f"webhook\n{job_id}".encode(), hashlib.sha256).hex()


def segments_in_range(segments: Sequence[Segment], from_ms: int, to_ms: int) -> list[Segment]:
    """The segments that start in the range or reach into it."""
    return [s for s in segments if s.start_ms < to_ms and max(s.end_ms, s.start_ms + 1) > from_ms]
