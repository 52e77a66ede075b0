"""One seed from its beginning to its end: the actors act, the faults stop, the world comes to rest, all is checked."""

import gc
import time
from collections import Counter
from dataclasses import dataclass, field

from chalicelib.errors import AppError
from tests.simulation.actors import farm, listener
from tests.simulation.actors.account_life import AccountLife
from tests.simulation.actors.asking import Asking
from tests.simulation.actors.blocking import Blocking
from tests.simulation.actors.buyer import Buyer
from tests.simulation.actors.catching_up import CatchingUp
from tests.simulation.actors.listener import Listener
from tests.simulation.actors.owner import OWNER_EMAIL, Owner
from tests.simulation.actors.person import GaveUpError, Person
from tests.simulation.actors.schedules import Schedules
from tests.simulation.core import Simulation
from tests.simulation.determinism import everything_from_the_seed
from tests.simulation.engine import simulated_tables
from tests.simulation.faults import HOUR_MS, MINUTE_MS, PROFILES
from tests.simulation.rest import come_to_rest
from tests.simulation.scheduler import ViolationError

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
    people = [Person(simulation, f"person{number}@example.com", f"network{number // 4}") for number in range(PEOPLE)]
    owner = Owner(simulation, Person(simulation, OWNER_EMAIL, "office"), people)
    blocking = Blocking(simulation, owner.person, people)
    schedules = Schedules(simulation)
    simulation.start_actor("owner", owner.act_forever)
    simulation.start_actor("owner blocks", blocking.act_forever)
    simulation.start_actor("farm", lambda: farm.register_forever(simulation))
    schedules.start()
    for person in people:
        simulation.start_actor(person.email, lambda person=person: _live(simulation, person, people))
    simulation.scheduler.run_until(lambda: simulation.is_over)
    come_to_rest(simulation, schedules, owner, blocking, people)


ACTIVITIES = {
    "listen": 9,
    "two devices": 3,
    "buy": 3,
    "read": 2,
    "sign in": 1,
    "catch up": 6,
    "ask": 4,
    "rename": 1,
    "sign out": 1,
    "export": 1,
    "delete": 1,
}


def _live(simulation: Simulation, person: Person, people: list[Person]) -> None:
    """The days of one person, who may come back as a new user after deleting the account."""
    rng = simulation.rng
    simulation.think(rng.random() * HOUR_MS)
    while True:
        while not person.register():
            simulation.think(5 * MINUTE_MS)
        while not person.has_left:
            simulation.think(rng.choice([MINUTE_MS, 20 * MINUTE_MS, 2 * HOUR_MS]) * rng.random())
            try:
                _act(simulation, person)
            except (AppError, GaveUpError):  # Blocked, signed out or without an answer.
                continue
        email = person.email if rng.random() < 0.5 else f"again{len(people)}@example.com"
        person = Person(simulation, email, person.network)
        people.append(person)


def _act(simulation: Simulation, person: Person) -> None:
    """What the person does next."""
    rng, life = simulation.rng, AccountLife(simulation, person)
    (activity,) = rng.choices(list(ACTIVITIES), list(ACTIVITIES.values()))
    match activity:
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
                listener.check_transcript(simulation, person, rng.choice(own))
        case "sign in":
            person.sign_in()
        case "catch up":
            simulation.start_actor(f"{person.email} catches up", CatchingUp(simulation, person).catch_up)
        case "ask":
            Asking(simulation, person).ask()
        case "rename":
            life.rename()
        case "sign out":
            life.sign_out()
        case "export":
            simulation.start_actor(f"{person.email} exports", life.export)
        case "delete":
            if rng.random() < 0.5:
                life.delete()
