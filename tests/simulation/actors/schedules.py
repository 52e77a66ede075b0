"""What runs by itself: the sweep, the reconciler, the worker of messages, the totals from the stream, the audit."""

from collections.abc import Callable
from typing import Any

from chalicelib.errors import AppError
from chalicelib.repositories.aggregates import AggregatesBusyError
from tests.simulation.application import Application
from tests.simulation.books import Item, text
from tests.simulation.core import SCHEDULE_MS, STREAM_MS, WORKER_MS, Simulation
from tests.simulation.engine import expire_items
from tests.simulation.faults import HOUR_MS, MINUTE_MS, SECOND_MS
from tests.simulation.jobs_watch import stored_job
from tests.simulation.outcomes import NoAnswerError

SCHEDULES = "schedules"
BATCH = 40
# Less often than deployed, so that most operations of a run are those of people. A schedule may also be left out.
SWEEP_MS, RECONCILE_MS, STREAM_PAUSE_MS = 6 * MINUTE_MS, 15 * MINUTE_MS, 2 * MINUTE_MS
AUDIT_MS, EXPIRY_MS = 8 * HOUR_MS, 6 * HOUR_MS
ERASE_MS = 12 * MINUTE_MS
OUTAGES = 0.1  # how often records of the stream are lost, measured by messages


class Schedules:
    """Everything that no person starts. `lost_records`: the entries that a recount alone can count."""

    def __init__(self, simulation: Simulation):
        self.simulation, self.rng = simulation, simulation.rng
        self.lost_records: list[Item] = []
        simulation.providers.queue.handle = self.handle_message

    def start(self) -> None:
        """Start all schedules."""
        every = {
            "sweep": (self.sweep, SWEEP_MS),
            "erase": (self.erase, ERASE_MS),
            "reconcile": (self.reconcile, RECONCILE_MS),
            "count": (self.count, STREAM_PAUSE_MS),
            "audit": (self.start_audit, AUDIT_MS),
            "expiry": (self.expire_items, EXPIRY_MS),
        }
        for name, (run, pause_ms) in every.items():
            self.simulation.start_actor(name, lambda run=run, pause_ms=pause_ms: self._repeat(run, pause_ms))

    def _repeat(self, run: Callable[[], object], pause_ms: int) -> None:
        while True:
            self.simulation.think(self.rng.expovariate(1 / pause_ms))
            run()

    def call(
        self,
        operation: str,
        run: Callable[[Application], Any],
        limit_ms: int = SCHEDULE_MS,
        account: str = SCHEDULES,
        subject: str = "",
    ) -> Any:
        """What a schedule's function returned; None after an error, which the next run repairs."""
        self.simulation.operations_of_schedules += 1
        try:
            return self.simulation.call(
                operation, account, run, subject=subject, limit_ms=limit_ms, wait_ms=limit_ms + SECOND_MS
            )
        except (AppError, AggregatesBusyError, ExceptionGroup, NoAnswerError):
            return None

    def sweep(self) -> int:
        """End what was abandoned; returns how much there was, -1 after an error."""
        sweeps: dict[str, Callable[[Application], int]] = {
            "sweep": lambda application: application.streaming.sweep(),
            "sweep catch-ups": lambda application: application.catchups.sweep(),
            "sweep questions": lambda application: application.questions.sweep(),
            "sweep audits": lambda application: application.audits.sweep(),
        }
        return self._run_all(sweeps)

    def erase(self) -> int:
        """Erase what is to be erased; returns how much there was, -1 after an error."""
        return self._run_all(
            {
                "erase transcripts": lambda application: application.history.delete_marked_segments(),
                "sweep deletions": lambda application: application.deletion.sweep(),
                "sweep exports": lambda application: application.exports.sweep(),
            }
        )

    def _run_all(self, runs: dict[str, Callable[[Application], int]]) -> int:
        counts = [self.call(operation, run) for operation, run in runs.items()]
        return -1 if None in counts else sum(counts)

    def reconcile(self) -> int:
        """Find missed payments; returns the failures, or -1."""
        found = self.call("reconcile", lambda application: application.reconciler.reconcile())
        return -1 if found is None else len(found[1])

    def start_audit(self) -> None:
        self.call("start audit", lambda application: application.audits.start_daily())

    def expire_items(self) -> None:
        """DynamoDB deletes some of the expired items now, and others later."""
        expire_items(self.simulation.now, lambda: self.rng.random() < 0.5)

    def handle_message(self, message: str) -> bool:
        """Continue the job that a message names, and say whether that worked: otherwise it is delivered again."""
        kind, _, job_id = message.rpartition(":")
        job = stored_job(job_id)
        account = text(job, "user_id") if job else "" if kind == "audit" else job_id
        operation, run = {
            "audit": ("audit", lambda application: application.audits.advance(job_id) or True),
            "erase": ("erase account", lambda application: application.deletion.advance(job_id)),
            "export": ("make export", lambda application: application.exports.advance(job_id)),
            "": ("catch up", lambda application: application.catchup_worker.advance(job_id) or True),
        }[kind]
        return self.call(operation, run, WORKER_MS, account=account or SCHEDULES, subject=job_id) is not None

    def count(self) -> None:
        """Count new entries of the stream.

        A batch may come twice, even at once, some of it late, in any order; or it is lost.
        """
        stream, faults = self.simulation.observer.stream, self.simulation.faults
        batch = [stream.popleft() for _ in range(min(BATCH, len(stream)))]
        if not batch:
            return
        if faults.happens(faults.profile.lost * OUTAGES):  # They expired while their consumer failed for a day.
            self.simulation.counts["faults: record of the stream lost"] += len(batch)
            self.lost_records += batch
            return
        if faults.happens(faults.profile.doubled):
            self.rng.shuffle(batch)
            late = [batch.pop() for _ in range(self.rng.randrange(len(batch)))]
            stream.extend(late)
        if faults.happens(faults.profile.doubled):
            self.simulation.start_actor("count again", lambda: self._count(batch), self.rng.choice([0, SECOND_MS]))
        if self._count(batch) is None:
            stream.extendleft(reversed(batch))

    def _count(self, batch: list[dict[str, Any]]) -> Any:
        return self.call("count", lambda application: application.aggregates.count_changes(batch), STREAM_MS)
