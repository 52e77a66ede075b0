"""What the owner has to know of when something went wrong: notes of requests and jobs, counted by the hour."""

from enum import StrEnum

from msgspec import Struct

from .field_kinds import Internal


class HealthKind(StrEnum):
    """`limit_met`: a rate limit, a daily cap, or a quota elsewhere."""

    WEBHOOK_APPLIED = "webhook_applied"
    WEBHOOK_REFUSED = "webhook_refused"
    PROVIDER_FAILURE = "provider_failure"
    LIMIT_MET = "limit_met"
    JOB_FAILED = "job_failed"


class HealthNote(Struct, frozen=True):
    """One thing that happened. It never holds what a caller sent.

    `subject`: the webhook, provider, limit or kind of job. `reason`: a code, or our own text. `reference`, `user_id`:
    the job and its owner, where there is one.
    """

    kind: HealthKind
    subject: str
    reason: str = ""
    reference: str = ""
    user_id: str = ""


class HealthRecord(Struct, frozen=True):
    """How often the same happened within one hour, and the last time it did (epoch seconds)."""

    kind: Internal[HealthKind]
    subject: Internal[str]
    reason: Internal[str]
    hour: Internal[str]
    count: Internal[int]
    last_at: Internal[int]
    reference: Internal[str] = ""
    user_id: Internal[str] = ""


class HealthAttributes:
    """What a stored record has besides; epoch seconds."""

    expires_at: Internal[int]
