"""A sign-in on a new day brings the free credits that are still owed, to everybody whom no cap refuses."""

from collections import Counter
from typing import TYPE_CHECKING

from tests.simulation.actors.person import Person
from tests.simulation.application import FREE_CREDIT_RULES
from tests.simulation.books import text
from tests.simulation.faults import DAY_MS, HOUR_MS
from tests.simulation.final_checks import person_of
from tests.simulation.scheduler import ViolationError
from tests.simulation.user_pool import User

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

PEOPLE_PER_DAY = FREE_CREDIT_RULES.credits_per_day // FREE_CREDIT_RULES.free_credits


def check_owed_credits(simulation: "Simulation") -> None:
    """As many people sign in as the caps of a day admit, and have their credits. Nobody else signs in on this day."""
    simulation.think(DAY_MS - simulation.scheduler.now_ms % DAY_MS + HOUR_MS)
    for user in _choose_accounts(simulation):
        person = Person(simulation, user.email, simulation.networks[user.email])
        if not person.sign_in():
            raise ViolationError(f"{user.user_id} cannot sign in at rest", user.user_id)
        granted = simulation.observer.books.accounts[user.user_id].by_kind["free_credits"]
        if granted != FREE_CREDIT_RULES.free_credits:
            raise ViolationError(f"{user.user_id} signed in on a new day and got {granted} free credits", user.user_id)
        simulation.counts["people who got owed credits at rest"] += 1


def _choose_accounts(simulation: "Simulation") -> list[User]:
    """One account of each person without the credits, as many as the caps of a day admit."""
    pool, accounts = simulation.providers.user_pool, simulation.observer.books.accounts
    has_credits = {
        person_of(pool.emails[user_id])
        for user_id, account in accounts.items()
        if any(text(entry, "kind") == "free_credits" for entry in account.entries.values())
    }
    owed: dict[str, User] = {}
    networks: Counter[str] = Counter()
    for user in pool.by_id.values():
        network, person = simulation.networks[user.email], person_of(user.email)
        if not user.password or person in has_credits or person in owed:
            continue
        networks[network] += 1
        if networks[network] <= FREE_CREDIT_RULES.accounts_per_network_day and len(owed) < PEOPLE_PER_DAY:
            owed[person] = user
    return list(owed.values())
