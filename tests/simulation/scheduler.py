"""Virtual time, and the processes that live in it: greenlets that take turns, never threads.

A process runs until it pauses, waits for another one, or ends. The one that is due first continues; how long it pauses
is drawn from the seed, so the seed decides the order. Time moves only when everybody pauses.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

from tests.fault_injection import Crash

NEVER_MS = 1 << 60


class ViolationError(BaseException):
    """Something that must always hold does not. No code of the product may catch this.

    `account`: the user it is about; empty where only the process that found it knows.
    """

    def __init__(self, message: str, account: str = ""):
        super().__init__(message)
        self.account = account


@dataclass(eq=False)
class Process:
    """Something that runs: a function of the backend, a client, a schedule.

    `started_ms`: when it began; `deadline_ms`: when it is killed. `account` and `subject`: the user it is about, and
    which session, job or purchase. `claim`: what its worker has claimed a job as. `table_failures`: how many of its
    calls to DynamoDB failed. `outcome` and `failure`: what it returned or raised, at its end.
    """

    name: str
    run: Callable[[], Any]
    deadline_ms: int = NEVER_MS
    account: str = ""
    subject: str = ""
    clock_error_ms: int = 0
    claim: str = ""
    table_failures: int = 0
    started_ms: int = 0
    ends_with_run: bool = False  # an actor that ends at its next step once the operations are done
    outcome: Any = None
    failure: BaseException | None = None
    has_ended: bool = False
    waiter: "Process | None" = None
    turn: int = 0  # of its turns in the queue, only the last one counts
    greenlet: greenlet = field(init=False)


class Scheduler:
    """Runs processes in the order of virtual time, in milliseconds since the epoch."""

    def __init__(self, start_ms: int):
        self.now_ms = start_ms
        self.current: Process | None = None
        self._queue: list[tuple[int, int, int, Process]] = []
        self._order = 0
        self._hub = getcurrent()
        self._alive: dict[Process, None] = {}

    # Starting processes, and running them

    def start(self, process: Process, delay_ms: int = 0) -> Process:
        """Let the process run from `delay_ms` from now on."""
        process.started_ms = self.now_ms + delay_ms
        process.greenlet = greenlet(lambda: self._run(process), parent=self._hub)
        self._alive[process] = None
        self._queue_up(process, self.now_ms + delay_ms)
        return process

    def run_until(self, is_over: Callable[[], bool], until_ms: int = NEVER_MS) -> None:
        """Run processes until `is_over`, until nothing is due before `until_ms`, or until one found a violation."""
        while self._queue and not is_over():
            at_ms, _, turn, process = self._queue[0]
            if at_ms > until_ms:
                break
            heapq.heappop(self._queue)
            if process.has_ended or turn != process.turn:
                continue
            self.now_ms = max(self.now_ms, at_ms)
            self.current = process
            process.greenlet.switch()
            if isinstance(process.failure, ViolationError):
                raise process.failure  # `current` stays the process that found it.
            self.current = None
        if until_ms < NEVER_MS and not is_over():
            self.now_ms = max(self.now_ms, until_ms)

    def kill_all(self) -> None:
        """End every process where it is."""
        for process in list(self._alive):
            process.has_ended, self.current = True, process
            process.greenlet.throw()
            self.current = None
        self._alive.clear()
        self._queue.clear()

    # For processes

    def pause(self, milliseconds: int) -> None:
        """Let others run for so long. Raises Crash where the process is killed meanwhile."""
        process = self.running
        if process.has_ended:  # It is being killed, and tries to go on.
            raise Crash
        self._queue_up(process, min(self.now_ms + milliseconds, process.deadline_ms))
        self._hub.switch()
        if self.now_ms >= process.deadline_ms:
            raise Crash

    def wait_for(self, other: Process, milliseconds: int) -> bool:
        """Wait for the other process to end; False if it takes longer."""
        process = self.running
        if not other.has_ended:
            other.waiter = process
            self._queue_up(process, min(self.now_ms + milliseconds, process.deadline_ms))
            self._hub.switch()
            other.waiter = None
        return other.has_ended

    @property
    def running(self) -> Process:
        """The process that runs now."""
        if self.current is None:
            raise RuntimeError("no process runs")
        return self.current

    def _queue_up(self, process: Process, at_ms: int) -> None:
        self._order += 1
        process.turn += 1
        heapq.heappush(self._queue, (at_ms, self._order, process.turn, process))

    def _run(self, process: Process) -> None:
        try:
            process.outcome = process.run()
        except GreenletExit:
            return
        except BaseException as failure:  # noqa: BLE001 - also a crash and a violation
            process.failure = failure
        process.has_ended = True
        self._alive.pop(process, None)
        if process.waiter:
            self._queue_up(process.waiter, self.now_ms)
