"""One seed from its beginning to its end: the actors act, the faults stop, the world comes to rest, all is checked."""

import gc
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.actors import listener
from tests.simulation.actors.buyer import Buyer
from tests.simulation.actors.cheater import Cheater
from tests.simulation.actors.listener import Listener
from tests.simulation.actors.owner import OWNER_EMAIL, Owner
from tests.simulation.actors.person import Person
from tests.simulation.actors.schedules import Schedules
from tests.simulation.core import Simulation
from tests.simulation.determinism import everything_from_the_seed
from tests.simulation.engine import simulated_tables
from tests.simulation.faults import HOUR_MS, MINUTE_MS, PROFILES
from tests.simulation.rest import come_to_rest
from tests.simulation.scheduler import ViolationError

PEOPLE, PEOPLE_PER_NETWORK = 16, 6  # more in a network than get free credits on one day


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
    gc.disable()  # A fifth of the time; what one run leaves is collected after it.
    violation, steps = "", list[str]()
    with simulated_tables() as names:
        simulation = Simulation(seed, PROFILES[profile], max_operations, names, keeps_trace=keeps_trace)
        with everything_from_the_seed(simulation):
            try:
                _simulate(simulation)
            except ViolationError as error:
                process = simulation.scheduler.current
                account = process.account if process else ""
                violation = str(error)
                steps = list(simulation.trace.of_account.get(account, []))
            finally:
                simulation.scheduler.kill_all()
                gc.enable()
    return Result(
        seed,
        profile,
        max_operations,
        simulation.operations,
        simulation.counts,
        simulation.trace.checksum,
        time.process_time() - began,
        (simulation.scheduler.now_ms - simulation.start_ms) / HOUR_MS,
        violation,
        steps,
        simulation.trace.lines,
    )


def _simulate(simulation: Simulation) -> None:
    people = [Person(simulation, _email(number), f"network{number // PEOPLE_PER_NETWORK}") for number in range(PEOPLE)]
    owner = Owner(simulation, Person(simulation, OWNER_EMAIL, "office"), people)
    schedules = Schedules(simulation)
    simulation.start_actor("owner", owner.act_forever)
    schedules.start()
    delay_ms = 0.0
    for number, person in enumerate(people):
        if not _is_alias(number):  # One that is registers at the same moment as its owner's first address.
            delay_ms = simulation.rng.random() * HOUR_MS
        simulation.start_actor(person.email, lambda person=person: _live(simulation, person), delay_ms)
    simulation.scheduler.run_until(lambda: simulation.is_over)
    come_to_rest(simulation, schedules, owner, people)


def _email(number: int) -> str:
    return f"per.son{number - 1}+tag@gmail.com" if _is_alias(number) else f"person{number}@gmail.com"


def _is_alias(number: int) -> bool:
    """Whether this person is the previous one, under another address."""
    return number % 4 == 3


def _live(simulation: Simulation, person: Person) -> None:
    """The days of one person."""
    rng = simulation.rng
    while not person.register():
        simulation.think(5 * MINUTE_MS)
    while True:
        simulation.think(rng.choice([MINUTE_MS, 20 * MINUTE_MS, 2 * HOUR_MS]) * rng.random())
        match rng.choice(["listen", "listen", "listen", "two devices", "buy", "read", "look", "sign in", "cheat"]):
            case "listen":
                Listener(simulation, person).stream()
            case "two devices":
                other = simulation.start_actor(f"{person.email} elsewhere", Listener(simulation, person).stream)
                Listener(simulation, person).stream()
                simulation.scheduler.wait_for(other, HOUR_MS)
            case "buy":
                simulation.start_actor(f"{person.email} buys", Buyer(simulation, person).buy)
            case "read":
                own = [session for reader, session in simulation.listened if reader is person]
                if own:
                    session = rng.choice(own)
                    listener.check_transcript(simulation, person, session)
            case "cheat":
                Cheater(simulation, person).cheat()
            case "look":
                person.look_at_balance()
            case "sign in":
                person.sign_in()
