"""Catch-up jobs, what they made, and which range of which source they are for.

`JOB#<id>` / `JOB` is the job. `USER#<id>` / `CATCHUP#<hash>` names the job of a range of a source. What a job made lies
with its transcript, as `USER#<id>` / `SUMMARY#<transcript>#<job>`, so that it is erased with it.
"""

from typing import Any

from boto3.dynamodb.conditions import Attr
from msgspec.structs import asdict

from ..models.catchup import Job, JobState
from ..models.transcripts import Moment, Summary
from .table import Item, ItemKey, Path, Write

SUMMARY = "SUMMARY#"
USER_TEXT_FIELDS = ("title", "audio_url", "submitted_url", "upload_id", "language", "body_hash", "claim")


def job_key(job_id: str) -> ItemKey:
    return ItemKey("app", f"JOB#{job_id}", "JOB")


def range_key(user_id: str, claim: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"CATCHUP#{claim}")


def summary_key(user_id: str, transcript_id: str, job_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"{SUMMARY}{transcript_id}#{job_id}")


def job_from(item: Item) -> Job:
    """The job that was read."""
    fields = {name: item[name] for name in Job.__struct_fields__ if name in item}
    return Job(**fields | {"state": JobState(item["state"])})


def put_job(new: Job) -> Write:
    """A job that was not there before."""
    return Write(job_key(new.job_id), item=_fields(new), when=Attr("pk").not_exists())


def update_job(before: Job, after: Job, expires_at: int | None = None) -> Write:
    """The job after a step, if it is still in the hands it was in and nothing was notified meanwhile."""
    old, new = _fields(before), _fields(after)
    changed: dict[Path, Any] = {name: value for name, value in new.items() if old.get(name) != value}
    changed["claimed_until"] = after.claimed_until
    if expires_at is not None:
        changed["expires_at"] = expires_at
    same = Attr("state").eq(before.state.value) & Attr("worker").eq(before.worker)
    return Write(job_key(before.job_id), put_in=changed, when=same & Attr("notified_id").eq(before.notified_id))


def claim_job(job_id: str, worker: str, until: int, now: int) -> Write:
    """The job in the hands of `worker`, if it has not ended and nobody else has it."""
    free = Attr("worker").eq("") | Attr("claimed_until").lte(now)
    running = ~Attr("state").is_in([JobState.DONE.value, JobState.FAILED.value])
    return Write(job_key(job_id), put_in={"worker": worker, "claimed_until": until}, when=running & free)


def release_claim(held: Job) -> Write:
    """The job in nobody's hands, if it still is in those it was in, whatever happened to it."""
    mine = Attr("worker").eq(held.worker)
    return Write(job_key(held.job_id), put_in={"worker": "", "claimed_until": 0}, when=mine)


def record_notification(job_id: str, provider_id: str) -> Write:
    """A provider said that it ended a transcript for this job: so it has one, whatever it was told to forget before."""
    heard: dict[Path, Any] = {"notified_id": provider_id, "is_provider_copy_deleted": False}
    return Write(job_key(job_id), put_in=heard, when=Attr("pk").exists())


def mark_provider_copy_deleted(ended: Job) -> Write:
    """The provider has forgotten what it had of the job."""
    return Write(job_key(ended.job_id), put_in={"is_provider_copy_deleted": True}, when=Attr("pk").exists())


def abandon_job(job_id: str) -> Write:
    """Whoever looks at the job next gives it up, if it has not ended."""
    running = Attr("pk").exists() & ~Attr("state").is_in([JobState.DONE.value, JobState.FAILED.value])
    return Write(job_key(job_id), put_in={"give_up_at": 0}, when=running)


def has_user_text(one: Job) -> bool:
    """Whether the job still says what it was about, and where that lay."""
    return any(getattr(one, name) for name in USER_TEXT_FIELDS)


def clear_user_text(one: Job, expires_at: int) -> Write:
    """The job without a word of its user's. Webhooks may still come for it: then the provider is told to forget."""
    nothing: dict[Path, Any] = dict.fromkeys(USER_TEXT_FIELDS, "")
    return Write(job_key(one.job_id), put_in=nothing | {"expires_at": expires_at}, when=Attr("pk").exists())


def put_range(user_id: str, claim: str, job_id: str, instead_of: str | None) -> Write:
    """The range is this job's from now on, if it still is nobody's, or that of the job `instead_of`."""
    free = Attr("job_id").eq(instead_of) if instead_of else Attr("pk").not_exists()
    return Write(range_key(user_id, claim), item={"job_id": job_id}, when=free)


def put_summary(user_id: str, made: Summary) -> Write:
    item = {
        "from_ms": made.from_ms,
        "to_ms": made.to_ms,
        "text": made.text,
        "moments": [[moment.start_ms, moment.title] for moment in made.moments],
        "is_whole": made.is_whole,
    }
    return Write(summary_key(user_id, made.transcript_id, made.job_id), item=item)


def summary_from(item: Item) -> Summary:
    """The summary that was read."""
    transcript_id, job_id = item["sk"].removeprefix(SUMMARY).split("#")
    moments = tuple(Moment(start_ms, title) for start_ms, title in item["moments"])
    return Summary(
        transcript_id, job_id, item["from_ms"], item["to_ms"], item["text"], moments, is_whole=item["is_whole"]
    )


def _fields(one: Job) -> Item:
    return asdict(one) | {"state": one.state.value}
