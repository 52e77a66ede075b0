"""Work that providers did, call by call: what it was, what it cost, and whether the backend could know and book it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fault_injection import Crash
from tests.simulation.faults import MINUTE_MS, SECOND_MS
from tests.simulation.scheduler import Process

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

TRIES_OF_A_BOOKING = 3
# How long a process may be frozen with an answer: longer than reservations, holds and claims last, and until a sweep.
SHORTEST_FROZEN_MS, LONGEST_FROZEN_MS = 36 * SECOND_MS, 10 * MINUTE_MS


@dataclass(frozen=True)
class Work:
    """What one call used. `reference`: the session, catch-up or question that it was for."""

    reference: str
    model: str
    cost_micro_usd: int
    audio_ms: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class ReceivedWork:
    """Work whose answer the backend got. `failures`: how many calls of its process to the tables had failed before."""

    work: Work
    process: Process
    failures: int

    @property
    def excuse(self) -> str:
        """Why it may not be booked; empty where it has to be."""
        if isinstance(self.process.failure, Crash):
            return "its process died"
        was_cut_off = self.process.table_failures - self.failures >= TRIES_OF_A_BOOKING
        return "its process was cut off from the tables" if was_cut_off else ""


@dataclass
class WorkLog:
    """The work of one provider. `performed`: all that it did; `received`: what its answers told the backend.

    `frozen`: of the answers, how many find their process frozen at once, which goes on although its time has passed.
    """

    simulation: "Simulation"
    frozen: float
    performed: list[Work] = field(default_factory=list)
    received: list[ReceivedWork] = field(default_factory=list)

    def receive(self, work: Work) -> None:
        """The running process got the answer; now and then it is frozen, and outlives what it has reserved."""
        simulation, process = self.simulation, self.simulation.scheduler.running
        self.received.append(ReceivedWork(work, process, process.table_failures))
        if simulation.faults.happens_in_profile(self.frozen):
            simulation.counts["faults: frozen with a provider's answer, longer than its function's timeout"] += 1
            frozen_ms = simulation.rng.randrange(SHORTEST_FROZEN_MS, LONGEST_FROZEN_MS)
            process.deadline_ms += frozen_ms
            simulation.scheduler.pause(frozen_ms)
            simulation.note(process.account, f"{process.name}: was frozen for {frozen_ms} ms")
