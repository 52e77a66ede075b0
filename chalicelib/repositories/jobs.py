"""Catch-up jobs, their summaries, and which job belongs to a range of a source.

`JOB#<id>` / `JOB` is the job. `USER#<id>` / `CATCHUP#<hash>` names the job of a range of a source. A summary is stored
with its transcript, as `USER#<id>` / `SUMMARY#<transcript>#<job>`, so that it is deleted with it.
"""

from typing import Any

from msgspec.structs import asdict

from ..models.catchup import Job, JobState, TextUse
from ..models.transcripts import Moment, Summary
from .conditions import Attr, Condition
from .provider_copies import ProviderCopy, put_copy
from .table import Item, ItemKey, Path, Write

SUMMARY = "SUMMARY#"


def job_key(job_id: str) -> ItemKey:
    return ItemKey("app", f"JOB#{job_id}", "JOB")


def range_key(user_id: str, range_hash: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"CATCHUP#{range_hash}")


def summary_key(user_id: str, transcript_id: str, job_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"{SUMMARY}{transcript_id}#{job_id}")


def job_from(item: Item) -> Job:
    """The job that was read."""
    fields = {name: item[name] for name in Job.__struct_fields__ if name in item}
    text_uses = tuple(TextUse(*row) for row in item.get("text_uses", ()))
    use_ids = tuple(item.get("use_ids", ()))
    return Job(**fields | {"state": JobState(item["state"]), "text_uses": text_uses, "use_ids": use_ids})


def put_job(job: Job) -> Write:
    """A new job; refused if there is one with this id."""
    return Write(job_key(job.job_id), item=_fields(job), when=Attr("pk").not_exists())


def update_job(before: Job, after: Job, expires_at: int | None = None) -> Write:
    """The job after a step, if the same worker still has it, and nobody notified or abandoned it meanwhile."""
    old_fields, new_fields = _fields(before), _fields(after)
    changes: dict[Path, Any] = {name: value for name, value in new_fields.items() if old_fields.get(name) != value}
    changes["claimed_until"] = after.claimed_until
    if expires_at is not None:
        changes["expires_at"] = expires_at
    is_same = Attr("state").eq(before.state.value) & Attr("worker").eq(before.worker)
    is_same &= Attr("abandon_at").eq(before.abandon_at)
    return Write(job_key(before.job_id), put_in=changes, when=is_same & Attr("notified_id").eq(before.notified_id))


def is_unfinished() -> Condition:
    """The condition that the job has not ended."""
    return ~Attr("state").is_in([JobState.DONE.value, JobState.FAILED.value])


def record_notification(job_id: str, provider_id: str, instead_of: str = "") -> Write:
    """A provider has ended a transcript for this job: it has a copy then, even if an earlier one was deleted.

    Refused if the job has ended or is deleted, or if a notification of one that is not `instead_of` was recorded.
    """
    notification: dict[Path, Any] = {"notified_id": provider_id, "is_provider_copy_deleted": False}
    is_expected = is_unfinished() & Attr("notified_id").is_in([instead_of, provider_id])
    return Write(job_key(job_id), put_in=notification, when=is_expected)


def record_another_notification(job_id: str, job: Job | None, provider_id: str) -> list[Write]:
    """As `record_notification`, for the job as it was refused: nothing is lost that a notification named.

    A job that has ended, or is deleted, has no use for the transcript. The first write is refused if the job changed.
    """
    if job is None or job.has_ended:
        return [put_copy(ProviderCopy(job_id, provider_id))]
    replaced = {job.notified_id} - {"", provider_id, job.provider_id}
    return [
        record_notification(job_id, provider_id, job.notified_id),
        *(put_copy(ProviderCopy(job_id, earlier_id)) for earlier_id in replaced),
    ]


def put_copies(job: Job, due_at: int = 0) -> list[Write]:
    """Have everything deleted that the provider still has of the job, from `due_at` on."""
    return [put_copy(ProviderCopy(job.job_id, provider_id, due_at)) for provider_id in job.remaining_copies]


def mark_provider_copy_deleted(job: Job) -> Write:
    """The provider has deleted everything that it had of the job as read. Refused as `delete_job` is."""
    is_same = Attr("notified_id").eq(job.notified_id)
    return Write(job_key(job.job_id), put_in={"is_provider_copy_deleted": True}, when=is_same)


def delete_job(job: Job) -> list[Write]:
    """Delete an ended job as read; what the provider still has of it is deleted there later.

    Refused at the first write if the job was deleted, or an older release recorded a notification, meanwhile.
    """
    is_same = Attr("notified_id").eq(job.notified_id)
    return [Write(job_key(job.job_id), delete=True, when=is_same), *put_copies(job)]


def abandon_job(job_id: str) -> Write:
    """Let the next worker fail the job, if it has not ended."""
    is_running = Attr("pk").exists() & is_unfinished()
    return Write(job_key(job_id), put_in={"abandon_at": 0}, when=is_running)


def put_range(user_id: str, range_hash: str, job_id: str, instead_of: str | None) -> Write:
    """Name the job of the range, if the range still has no job, or still the job `instead_of`."""
    is_unchanged = Attr("job_id").eq(instead_of) if instead_of else Attr("pk").not_exists()
    return Write(range_key(user_id, range_hash), item={"job_id": job_id}, when=is_unchanged)


def put_summary(user_id: str, summary: Summary) -> Write:
    item = {
        "from_ms": summary.from_ms,
        "to_ms": summary.to_ms,
        "text": summary.text,
        "moments": [[moment.start_ms, moment.title] for moment in summary.moments],
        "is_whole": summary.is_whole,
    }
    return Write(summary_key(user_id, summary.transcript_id, summary.job_id), item=item)


def summary_from(item: Item) -> Summary:
    """The summary that was read."""
    transcript_id, job_id = item["sk"].removeprefix(SUMMARY).split("#")
    moments = tuple(Moment(start_ms, title) for start_ms, title in item["moments"])
    return Summary(
        transcript_id, job_id, item["from_ms"], item["to_ms"], item["text"], moments, is_whole=item["is_whole"]
    )


def _fields(job: Job) -> Item:
    text_uses = [[use.model, use.input_tokens, use.output_tokens] for use in job.text_uses]
    return asdict(job) | {"state": job.state.value, "text_uses": text_uses, "use_ids": list(job.use_ids)}
