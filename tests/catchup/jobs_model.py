"""The rules of how catch-ups are paid, as plain Python: random histories are compared with it."""

from dataclasses import dataclass, field

RECORDING_MS, SESSION_MS = 120_000, 90_000
URL_UNCHANGED_SECONDS, ABANDON_AFTER_SECONDS = 86_400, 4 * 3_600


class RefusedError(Exception):
    """The message is the name of the expected error."""


@dataclass
class ModelJob:
    """`price`: what it costs if it is done; `may_fail`: a fault happened that excuses a failure.

    `lost_micro_usd`: our cost of a failed job.
    """

    source: str
    range_ms: tuple[int, int]
    held: int
    price: int
    created_at: int
    may_fail: bool = False
    state: str = "running"
    is_deleted: bool = False
    is_erased: bool = False
    lost_micro_usd: int = 0

    @property
    def has_summary(self) -> bool:
        """Whether its summary can be read."""
        return self.state == "done" and not self.is_deleted


@dataclass
class JobsModel:
    """One listener with an upload, a public address and a session."""

    granted: int
    jobs: dict[str, ModelJob] = field(default_factory=dict)
    is_session_deleted: bool = False

    @property
    def held_credits(self) -> int:
        return sum(job.held for job in self.jobs.values() if job.state == "running")

    @property
    def used_credits(self) -> int:
        return sum(job.price for job in self.jobs.values() if job.state == "done")

    @property
    def available(self) -> int:
        return self.granted - self.held_credits - self.used_credits

    def start(self, job_id: str, source: str, range_ms: tuple[int, int], now: int) -> str:
        """The id of the job that the range has from now on."""
        if source == "session" and self.is_session_deleted:
            raise RefusedError("NotFoundError")
        same = self.jobs.get(job_id)
        if same and not same.is_erased:
            if (same.source, same.range_ms) != (source, range_ms):
                raise RefusedError("IdempotencyMismatchError")
            if same.is_deleted:
                raise RefusedError("NotFoundError")
            return job_id
        if earlier := self._find_job(source, range_ms, now):
            return earlier
        if same:
            raise RefusedError("NotFoundError")
        held, price = prices(source, range_ms)
        if self.available < held:
            raise RefusedError("InsufficientCreditsError")
        self.jobs[job_id] = ModelJob(source, range_ms, held, price, now)
        return job_id

    def end(self, job_id: str, state: str, now: int) -> None:
        """Record the end of the real job: it must be allowed, and the job may not have ended before."""
        job = self.jobs[job_id]
        if job.state == state:
            return
        assert job.state == "running", f"{job_id} was {job.state} and is {state}"
        is_source_deleted = job.source == "session" and self.is_session_deleted
        if state == "failed":
            is_late = now >= job.created_at + ABANDON_AFTER_SECONDS
            assert is_source_deleted or is_late or job.may_fail or job.price == 0, f"{job_id} failed without a reason"
        else:
            assert not is_source_deleted, f"{job_id} is of a session that was deleted"
            assert job.price > 0, f"{job_id} is of a range beyond the recording's end"
        job.state = state

    def _find_job(self, source: str, range_ms: tuple[int, int], now: int) -> str | None:
        same_range = [name for name, job in self.jobs.items() if (job.source, job.range_ms) == (source, range_ms)]
        if not same_range:
            return None
        last = self.jobs[same_range[-1]]
        is_old = source == "url" and last.created_at + URL_UNCHANGED_SECONDS <= now
        return None if last.state == "failed" or last.is_deleted or is_old else same_range[-1]


def prices(source: str, range_ms: tuple[int, int]) -> tuple[int, int]:
    """What is held and what is charged: 1 credit per 6 s of a recording or per minute of a session, rounded up."""
    begin, end = range_ms
    if source == "session":
        return (-(-(end - begin) // 60_000),) * 2
    recorded_ms = max(0, min(end, RECORDING_MS) - begin)
    return -(-(end - begin) // 6_000), -(-recorded_ms // 6_000)
