"""What one person does, day after day: a choice among all activities, until the account is deleted; then a new one."""

from chalicelib.errors import AppError
from tests.simulation.actors import held_session
from tests.simulation.actors.account_life import AccountLife
from tests.simulation.actors.asking import Asking
from tests.simulation.actors.buyer import Buyer
from tests.simulation.actors.catching_up import CatchingUp
from tests.simulation.actors.cheater import Cheater
from tests.simulation.actors.listener import Listener
from tests.simulation.actors.person import GaveUpError, Person
from tests.simulation.actors.searching import search_something
from tests.simulation.actors.sharing import Sharer
from tests.simulation.core import Simulation
from tests.simulation.faults import HOUR_MS, MINUTE_MS
from tests.simulation.outcomes import NoAnswerError

ACTIVITIES = {
    "listen": 9,
    "two devices": 3,
    "buy": 5,
    "read": 2,
    "look": 1,
    "sign in": 1,
    "catch up": 6,
    "ask": 4,
    "rename": 1,
    "sign out": 1,
    "export": 1,
    "delete": 1,
    "delete transcript": 3,
    "cheat": 3,
    "search": 2,
    "share": 6,
}


def live(simulation: Simulation, person: Person, people: list[Person]) -> None:
    """The days of one person, who may come back as a new user after deleting the account."""
    rng = simulation.rng
    while True:
        while not person.register():
            simulation.think(5 * MINUTE_MS)
        while not person.has_left:
            simulation.think(rng.choice([MINUTE_MS, 20 * MINUTE_MS, 2 * HOUR_MS]) * rng.random())
            try:
                _act(simulation, person)
            except (AppError, GaveUpError, NoAnswerError):  # Blocked, signed out or without an answer.
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
                held_session.check_transcript(simulation, person, rng.choice(own))
        case "look":
            person.look_at_balance()
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
        case "search":
            search_something(simulation, person)
        case "share":
            Sharer(simulation, person).act()
        case "cheat":
            Cheater(simulation, person).cheat()
        case "delete transcript":
            own = [session for reader, session in simulation.listened if reader is person]
            if own:
                CatchingUp(simulation, person).delete_transcript(rng.choice(own[-5:]).transcript_id)
        case "delete":
            if rng.random() < 0.5:
                life.delete()
