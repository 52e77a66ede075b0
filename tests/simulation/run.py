"""One seed from its beginning to its end: the actors act, the faults stop, the world comes to rest, all is checked."""

import gc
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.actors import farm
from tests.simulation.actors.blocking import Blocking
from tests.simulation.actors.days import live
from tests.simulation.actors.owner import OWNER_EMAIL, Owner
from tests.simulation.actors.person import Person
from tests.simulation.actors.schedules import Schedules
from tests.simulation.core import Simulation
from tests.simulation.determinism import everything_from_the_seed
from tests.simulation.engine import simulated_tables
from tests.simulation.faults import HOUR_MS, PROFILES
from tests.simulation.price_lists import two_price_lists
from tests.simulation.rest import come_to_rest
from tests.simulation.scheduler import ViolationError

PEOPLE, PEOPLE_PER_NETWORK = 16, 6  # more in a network than get free credits on one day


@dataclass
class Result:
    """What a run did. `violation`: empty if everything held. `steps`: the last ones of the account it is about.

    `operations_of_schedules`: how many of the operations nobody asked for.
    """

    seed: int
    profile: str
    max_operations: int
    operations: Counter[str]
    operations_of_schedules: int
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
    with simulated_tables() as names, two_price_lists():
        simulation = Simulation(seed, PROFILES[profile], max_operations, names, keeps_trace=keeps_trace)
        with everything_from_the_seed(simulation):
            try:
                _simulate(simulation)
            except ViolationError as error:
                violation = str(error)
                steps = list(simulation.trace.of_account.get(_account_of(error, simulation), []))
            finally:
                simulation.scheduler.kill_all()
                gc.enable()
    return Result(
        seed,
        profile,
        max_operations,
        simulation.operations,
        simulation.operations_of_schedules,
        simulation.counts,
        simulation.trace.checksum,
        time.process_time() - began,
        (simulation.scheduler.now_ms - simulation.start_ms) / HOUR_MS,
        violation,
        steps,
        simulation.trace.lines,
    )


def _account_of(violation: ViolationError, simulation: Simulation) -> str:
    """The account that a violation is about; if it does not say, the one that it names, by its id or a session's.

    Else that of the process which found it.
    """
    if violation.account:
        return violation.account
    message, process = str(violation), simulation.scheduler.current
    named = [account for account in simulation.trace.of_account if account and account in message]
    named += [person.user_id for person, session in simulation.listened if session.session_id in message]
    return named[0] if named else process.account if process else ""


def _simulate(simulation: Simulation) -> None:
    people = [Person(simulation, _email(number), f"network{number // PEOPLE_PER_NETWORK}") for number in range(PEOPLE)]
    owner = Owner(simulation, Person(simulation, OWNER_EMAIL, "office"), people)
    blocking = Blocking(simulation, owner.person, people)
    schedules = Schedules(simulation)
    simulation.start_actor("owner", owner.act_forever)
    simulation.start_actor("owner blocks", blocking.act_forever)
    simulation.start_actor("farm", lambda: farm.register_forever(simulation))
    schedules.start()
    delay_ms = 0.0
    for number, person in enumerate(people):
        if not _is_alias(number):  # One that is registers at the same moment as its owner's first address.
            delay_ms = simulation.rng.random() * HOUR_MS
        simulation.start_actor(person.email, lambda person=person: live(simulation, person, people), delay_ms)
    simulation.scheduler.run_until(lambda: simulation.is_over)
    come_to_rest(simulation, schedules, owner, blocking, people)


def _email(number: int) -> str:
    return f"per.son{number - 1}+tag@gmail.com" if _is_alias(number) else f"person{number}@gmail.com"


def _is_alias(number: int) -> bool:
    """Whether this person is the previous one, under another address."""
    return number % 4 == 3
