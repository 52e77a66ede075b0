"""Catch-up jobs besides what they do: their settings, their hold, their range, their secret. Pure rules."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InvalidRequestError
from ..models.catchup import Job
from ..models.ledger import Hold
from ..models.transcripts import Segment
from ..pricing.price_files import LONGEST_CATCHUP_MS

HOLD_KIND = "catchup"
WEBHOOK_SECRET_HEADER = "X-Webhook-Secret"
LONGEST_RANGE_MS = LONGEST_CATCHUP_MS


@dataclass(frozen=True)
class JobRules:
    """The settings of catch-ups, in seconds."""

    first_check_seconds: int = 60  # when the sweep looks at a job whose message was lost
    recheck_seconds: int = 50  # under the time between two sweeps, so that every one finds a silent job due
    abandon_after_seconds: int = 4 * 3600
    url_unchanged_seconds: int = 86_400  # how long what lies at a public address counts as the same
    # A silent worker's: above the slowest write and the longest call after it (15 and 40 s), under the time between two
    # sweeps.
    claim_seconds: int = 55
    submissions: int = 3
    failed_retention_seconds: int = 30 * 86_400


def job_hold(one: Job, sweep_at: int) -> Hold:
    """The hold that pays for the job; known before it is taken, so any step may run twice."""
    return Hold(one.user_id, f"{HOLD_KIND}:{one.job_id}", one.held, HOLD_KIND, one.job_id, sweep_at)


def webhook_secret(key: str, job_id: str) -> str:
    """What a provider has to say to be believed about this job, and no other."""
    # The first word keeps it apart from the other uses of the key.
    return hmac.digest(key.encode(), f"webhook\n{job_id}".encode(), hashlib.sha256).hex()


def segments_in_range(segments: Sequence[Segment], from_ms: int, to_ms: int) -> list[Segment]:
    """The segments that begin in the range or reach into it."""
    return [s for s in segments if s.start_ms < to_ms and max(s.end_ms, s.start_ms + 1) > from_ms]


def check_range(from_ms: int, to_ms: int | None) -> tuple[int, int]:
    """The range, if it is one of at most ten hours. Raises InvalidRequestError."""
    if to_ms is None:
        raise InvalidRequestError("Say where the range ends.", "to_ms")
    if to_ms <= from_ms:
        raise InvalidRequestError("The range must end after it begins.", "to_ms")
    if to_ms - from_ms > LONGEST_RANGE_MS:
        raise InvalidRequestError("A range may be 10 hours long at most.", "to_ms")
    return from_ms, to_ms


def hash_range(kind: str, source: str, language: str, from_ms: int, to_ms: int) -> str:
    """A word for this range of this source; another where anything of it is different."""
    said = "\n".join((kind, source, language, str(from_ms), str(to_ms)))
    return hashlib.sha256(said.encode()).hexdigest()
