"""SQS in memory: messages to the worker, which come late, twice, in any order, or never."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import UnavailableError

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

MAX_RECEIVES, VISIBILITY_MS = 5, 900_000  # of a message, as .chalice/resources.yaml has them


@dataclass
class Queue:
    """Messages to the worker. `handle`: whether a worker handled the message; else it is delivered again.

    Nothing repeats a message that is lost, or that no worker handled so often that it went to the dead letters: the
    sweep has to send another one.
    """

    simulation: "Simulation"
    handle: Callable[[str], bool] = lambda message: True

    def send(self, message: str) -> None:
        self.simulation.call_provider(
            "queue", lambda: self._send(message), outage=lambda: UnavailableError("The queue failed.")
        )

    def _send(self, message: str) -> None:
        for delay_ms in self.simulation.faults.deliveries_ms("message to the worker"):
            self.simulation.start_actor(f"message {message}", lambda: self._deliver(message), delay_ms)

    def _deliver(self, message: str) -> None:
        for _ in range(MAX_RECEIVES):
            if self.handle(message):
                return
            self.simulation.think(VISIBILITY_MS)
        self.simulation.counts["faults: message to the dead letters"] += 1
