"""Somebody who registers account after account for the free credits, from few networks, with variants of addresses."""

from tests.simulation.actors.person import Person
from tests.simulation.core import Simulation
from tests.simulation.faults import HOUR_MS, MINUTE_MS

NETWORKS, NAMES = 3, 40
VARIANTS = ("", "+a", "+b", "+c", "+d")  # of one address


def register_forever(simulation: Simulation) -> None:
    """Register many accounts, several at once."""
    rng = simulation.rng
    while True:
        simulation.think(rng.expovariate(1 / (2 * HOUR_MS)))
        name, is_at_once = rng.randrange(NAMES), rng.random() < 0.7
        for variant in rng.sample(VARIANTS, rng.choice([1, 2, 4])):
            person = Person(simulation, f"farm{name}{variant}@example.com", f"farm{name % NETWORKS}")
            delay_ms = 0 if is_at_once else rng.random() * MINUTE_MS
            simulation.start_actor(f"{person.email} registers", person.register, delay_ms)
