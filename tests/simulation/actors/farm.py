"""Somebody who registers account after account for the free credits, from few networks, with variants of addresses."""

from tests.simulation.actors.person import Person
from tests.simulation.core import Simulation
from tests.simulation.faults import HOUR_MS, MINUTE_MS

NETWORKS, NAMES = 3, 40


def register_forever(simulation: Simulation) -> None:
    """Register many accounts, several at once."""
    rng = simulation.rng
    while True:
        simulation.think(rng.expovariate(1 / (2 * HOUR_MS)))
        for _ in range(rng.choice([1, 2, 4])):
            name, variant = rng.randrange(NAMES), rng.choice(["", "", "+a", "+b"])
            person = Person(simulation, f"farm{name}{variant}@example.com", f"farm{name % NETWORKS}")
            simulation.start_actor(f"{person.email} registers", person.register, rng.random() * MINUTE_MS)
