"""Work that providers did, call by call: what it was, what it cost, and whether the backend could know and book it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fault_injection import Crash
from tests.simulation.faults import MINUTE_MS, SECOND_MS
from tests.simulation.scheduler import Process

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

TRIES_OF_A_BOOKING = 3
# Of the answers: their process is frozen at once, for longer than reservations, holds and claims last, and then goes on
# although its function's timeout is over.
OUTLIVED, SHORTEST_OUTLIVED_MS, LONGEST_OUTLIVED_MS = 0.04, 36 * SECOND_MS, 3 * MINUTE_MS


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
    """The work of one provider. `asked`: all that it did; `received`: what its answers told the backend."""

    simulation: "Simulation"
    asked: list[Work] = field(default_factory=list)
    received: list[ReceivedWork] = field(default_factory=list)

    def receive(self, work: Work) -> None:
        """The running process got the answer; now and then it is frozen, and outlives what it has reserved."""
        simulation, process = self.simulation, self.simulation.scheduler.running
        self.received.append(ReceivedWork(work, process, process.table_failures))
        if simulation.faults.happens_in_profile(OUTLIVED):
            simulation.counts["faults: frozen with a provider's answer, longer than its function's timeout"] += 1
            spread_ms = LONGEST_OUTLIVED_MS - SHORTEST_OUTLIVED_MS
            frozen_ms = SHORTEST_OUTLIVED_MS + int(simulation.rng.random() * spread_ms)
            left_ms = process.deadline_ms - simulation.scheduler.now_ms
            process.deadline_ms += frozen_ms
            simulation.scheduler.pause(frozen_ms)
            simulation.note(process.account, f"{process.name}: was frozen for {frozen_ms} ms, {left_ms} ms are left")
