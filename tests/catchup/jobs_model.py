"""Catch-ups as they should be paid, in a few lines of plain Python: what histories of real ones are held against."""

from dataclasses import dataclass, field

RECORDING_MS, SESSION_MS = 120_000, 90_000
URL_UNCHANGED_SECONDS, GIVE_UP_SECONDS = 86_400, 4 * 3_600


class RefusedError(Exception):
    """Says the name of what is raised."""


@dataclass
class ModelJob:
    """`due`: what it costs if it is done; `may_fail`: something happened to it that excuses a failure.

    `lost_micro_usd`: what we paid for one that failed.
    """

    source: str
    range_ms: tuple[int, int]
    held: int
    due: int
    created_at: int
    may_fail: bool = False
    state: str = "running"
    is_deleted: bool = False
    is_erased: bool = False
    lost_micro_usd: int = 0

    @property
    def is_standing(self) -> bool:
        """Whether its summary is there to be read."""
        return self.state == "done" and not self.is_deleted


@dataclass
class JobsModel:
    """One listener with an upload, a public address and a session."""

    granted: int
    jobs: dict[str, ModelJob] = field(default_factory=dict)
    is_session_deleted: bool = False

    @property
    def held(self) -> int:
        return sum(job.held for job in self.jobs.values() if job.state == "running")

    @property
    def used(self) -> int:
        return sum(job.due for job in self.jobs.values() if job.state == "done")

    @property
    def available(self) -> int:
        return self.granted - self.held - self.used

    def start(self, job_id: str, source: str, range_ms: tuple[int, int], now: int) -> str:
        """The job that stands for the range from now on."""
        if source == "session" and self.is_session_deleted:
            raise RefusedError("NotFoundError")
        same = self.jobs.get(job_id)
        if same and not same.is_erased:
            if (same.source, same.range_ms) != (source, range_ms):
                raise RefusedError("IdempotencyMismatchError")
            if same.is_deleted:
                raise RefusedError("NotFoundError")
            return job_id
        if earlier := self._standing(source, range_ms, now):
            return earlier
        if same:
            raise RefusedError("NotFoundError")
        held, due = prices(source, range_ms)
        if self.available < held:
            raise RefusedError("InsufficientCreditsError")
        self.jobs[job_id] = ModelJob(source, range_ms, held, due, now)
        return job_id

    def end(self, job_id: str, state: str, now: int) -> None:
        """The real job has ended like this: it must have been allowed to, and may not have ended before."""
        job = self.jobs[job_id]
        if job.state == state:
            return
        assert job.state == "running", f"{job_id} was {job.state} and is {state}"
        gone = job.source == "session" and self.is_session_deleted
        if state == "failed":
            is_late = now >= job.created_at + GIVE_UP_SECONDS
            assert gone or is_late or job.may_fail or job.due == 0, f"{job_id} failed for no reason"
        else:
            assert not gone, f"{job_id} is of a session that was deleted"
            assert job.due > 0, f"{job_id} is of a range beyond the recording's end"
        job.state = state

    def _standing(self, source: str, range_ms: tuple[int, int], now: int) -> str | None:
        alike = [name for name, job in self.jobs.items() if (job.source, job.range_ms) == (source, range_ms)]
        if not alike:
            return None
        last = self.jobs[alike[-1]]
        is_old = source == "url" and last.created_at + URL_UNCHANGED_SECONDS <= now
        return None if last.state == "failed" or last.is_deleted or is_old else alike[-1]


def prices(source: str, range_ms: tuple[int, int]) -> tuple[int, int]:
    """What is held, and what is due of it: a tenth of a minute a credit, of a session a minute; started ones count."""
    begin, end = range_ms
    if source == "session":
        return (-(-(end - begin) // 60_000),) * 2
    heard = max(0, min(end, RECORDING_MS) - begin)
    return -(-(end - begin) // 6_000), -(-heard // 6_000)
