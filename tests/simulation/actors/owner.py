"""The owner: gives credits and takes them back."""

from chalicelib import contract
from chalicelib.errors import AppError
from tests.simulation.actors.person import GaveUpError, Person, body_hash
from tests.simulation.core import Simulation
from tests.simulation.faults import MINUTE_MS
from tests.simulation.scheduler import ViolationError

OWNER_EMAIL = "owner@example.com"


class Owner:
    """The administrator of the service. `given`: action → the credits that were confirmed."""

    def __init__(self, simulation: Simulation, person: Person, people: list[Person]):
        self.simulation, self.person, self.people, self.rng = simulation, person, people, simulation.rng
        self.attempts: dict[str, tuple[str, int]] = {}
        self.confirmed: set[str] = set()

    def act_forever(self) -> None:
        """Register, then adjust somebody's credits every few minutes."""
        while not self.person.register():
            self.simulation.think(MINUTE_MS)
        while True:
            self.simulation.think(self.rng.expovariate(1 / (5 * MINUTE_MS)))
            signed_up = [person for person in self.people if person.caller]
            if signed_up:
                self._adjust_credits(self.rng.choice(signed_up))

    def _adjust_credits(self, listener: Person) -> None:
        owner = self.person
        credits = self.rng.choice([100, 200, 500, -50, -300])
        body = contract.GiveCredits(user_id=listener.user_id, credits=credits, reason="A reason.")
        action_id, hashed = owner.id_for("admin/credits", owner.key()), body_hash(body)
        self.attempts[action_id] = (listener.user_id, credits)

        def adjust() -> None:
            try:
                given = owner.ask(
                    "adjust credits",
                    lambda application: application.administration.adjust_credits(owner.me, body, action_id, hashed),
                    account=listener.user_id,
                )
            except (AppError, GaveUpError):
                return
            if given.credits != credits:
                raise ViolationError(f"{credits} credits were to be given, the answer says {given}", listener.user_id)
            self.confirmed.add(action_id)

        match self.rng.choice(["once", "once", "twice", "twice at once"]):
            case "twice":
                adjust()
            case "twice at once":
                self.simulation.start_actor("the owner clicks twice", adjust)
        adjust()

    def check(self) -> None:
        """What was confirmed is booked once, what was not at most once."""
        for action_id, (user_id, credits) in self.attempts.items():
            booked = self.simulation.observer.books.accounts[user_id].by_reference
            found = booked["admin_grant", action_id] + booked["admin_clawback", action_id]
            if found != credits and (found or action_id in self.confirmed):
                raise ViolationError(f"the action {action_id} of {credits} credits booked {found}", user_id)
