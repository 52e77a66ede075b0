"""One seed from its beginning to its end: the actors act, the faults stop, the world comes to rest, all is checked."""

import time
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.actors import listener
from tests.simulation.actors.buyer import Buyer
from tests.simulation.actors.listener import Listener
from tests.simulation.actors.owner import OWNER_EMAIL, Owner
from tests.simulation.actors.person import Person
from tests.simulation.actors.schedules import Schedules
from tests.simulation.determinism import everything_from_the_seed
from tests.simulation.engine import simulated_tables
from tests.simulation.faults import HOUR_MS, MINUTE_MS, PROFILES
from tests.simulation.rest import come_to_rest
from tests.simulation.scheduler import ViolationError
from tests.simulation.world import START_MS, World

PEOPLE = 16


@dataclass
class Result:
    """What a run did. `violation`: empty if everything held. `steps`: the last ones of the account it is about."""

    seed: int
    profile: str
    max_operations: int
    operations: Counter[str]
    counts: Counter[str]
    checksum: int
    cpu_seconds: float
    virtual_hours: float
    violation: str = ""
    steps: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)


def run_seed(seed: int, profile: str, max_operations: int, *, keeps_trace: bool = False) -> Result:
    """Simulate one seed."""
    began = time.process_time()
    violation, steps = "", list[str]()
    with simulated_tables() as names:
        world = World(seed, PROFILES[profile], max_operations, names, keeps_trace=keeps_trace)
        with everything_from_the_seed(world):
            try:
                _simulate(world)
            except ViolationError as error:
                process = world.scheduler.current
                account = process.account if process else ""
                violation = str(error)
                steps = list(world.trace.of_account.get(account, []))
            finally:
                world.scheduler.kill_all()
    return Result(
        seed,
        profile,
        max_operations,
        world.operations,
        world.counts,
        world.trace.checksum,
        time.process_time() - began,
        (world.scheduler.now_ms - START_MS) / HOUR_MS,
        violation,
        steps,
        world.trace.lines,
    )


def _simulate(world: World) -> None:
    people = [Person(world, f"person{number}@example.com", f"network{number // 4}") for number in range(PEOPLE)]
    owner = Owner(world, Person(world, OWNER_EMAIL, "office"), people)
    schedules = Schedules(world)
    world.start_actor("owner", owner.act_forever)
    schedules.start()
    for person in people:
        world.start_actor(person.email, lambda person=person: _live(world, person))
    world.scheduler.run_until(lambda: world.is_over)
    come_to_rest(world, schedules, owner, people)


def _live(world: World, person: Person) -> None:
    """The days of one person."""
    rng = world.rng
    world.think(rng.random() * HOUR_MS)
    while not person.register():
        world.think(5 * MINUTE_MS)
    while True:
        world.think(rng.expovariate(1 / (10 * MINUTE_MS)))
        match rng.choice(["listen", "listen", "listen", "two devices", "buy", "read", "sign in"]):
            case "listen":
                Listener(world, person).stream()
            case "two devices":
                other = world.start_actor(f"{person.email} elsewhere", Listener(world, person).stream)
                Listener(world, person).stream()
                world.scheduler.wait_for(other, HOUR_MS)
            case "buy":
                world.start_actor(f"{person.email} buys", Buyer(world, person).buy)
            case "read":
                own = [session for reader, session in world.listened if reader is person]
                if own:
                    session = rng.choice(own)
                    listener.check_transcript(world, person, session)
            case "sign in":
                person.sign_in()
