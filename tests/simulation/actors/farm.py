"""Somebody who registers account after account for the free credits, from few networks, with variants of addresses."""

from tests.simulation.actors.person import Person
from tests.simulation.core import Simulation
from tests.simulation.faults import HOUR_MS, MINUTE_MS

NETWORKS = 3
VARIANTS = ("", "+a", "+b", "+c", "+d")  # of one address


def register_forever(simulation: Simulation) -> None:
    """Register many accounts, several of one person at once; sign in to those of an earlier time, at once too."""
    rng = simulation.rng
    batches: list[list[Person]] = []
    while True:
        simulation.think(rng.expovariate(1 / (1 * HOUR_MS)))
        is_at_once = rng.random() < 0.8
        if batches and rng.random() < 0.5:  # Credits that a cap refused are granted on another day.
            batch = rng.choice(batches)
        else:
            network = f"farm{rng.randrange(NETWORKS)}"
            variants = rng.sample(VARIANTS, rng.choice([1, 2, 4]))
            batch = [Person(simulation, f"farm{len(batches)}{variant}@example.com", network) for variant in variants]
            batches.append(batch)
        for person in batch:
            delay_ms = 0 if is_at_once else rng.random() * MINUTE_MS
            act = person.sign_in if person.email in simulation.providers.user_pool.users else person.register
            simulation.start_actor(f"{person.email} wants credits", act, delay_ms)
