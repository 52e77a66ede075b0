"""The owner blocks people for a while: every call of theirs is refused, and afterwards none is for that."""

from chalicelib.errors import AccountBlockedError, AppError, NotFoundError, UnauthenticatedError
from tests.simulation.actors.person import GaveUpError, Person
from tests.simulation.actors.refusals import expect_refusal
from tests.simulation.actors.sharing import check_hidden_shares
from tests.simulation.core import API_MS, Simulation
from tests.simulation.faults import MINUTE_MS, SECOND_MS

REQUEST_ENDS_MS = API_MS + SECOND_MS  # after so long, no earlier try of a request still runs


class Blocking:
    """What the owner does against people."""

    def __init__(self, simulation: Simulation, owner: Person, people: list[Person]):
        self.simulation, self.owner, self.people, self.rng = simulation, owner, people, simulation.rng
        self.maybe_blocked = simulation.memory.maybe_blocked

    def act_forever(self) -> None:
        """Block somebody now and then."""
        while True:
            self.simulation.think(self.rng.expovariate(1 / (40 * MINUTE_MS)))
            candidates = [person for person in self.people if person.caller and not person.has_left]
            if self.owner.caller and candidates:
                self._block(self.rng.choice(candidates))

    def unblock_all(self) -> None:
        """Unblock everybody who may be blocked."""
        for user_id in list(self.maybe_blocked):
            while user_id in self.maybe_blocked:
                self._set(user_id, is_blocked=False)

    def _block(self, person: Person) -> None:
        user_id = person.user_id
        self.maybe_blocked[user_id] = None
        if self._set(user_id, is_blocked=True):
            for _ in range(3):
                expect_refusal(self.simulation, person.me, AccountBlockedError, UnauthenticatedError)
                check_hidden_shares(self.simulation, person)
                self.simulation.think(self.rng.random() * MINUTE_MS)
        self.simulation.think(self.rng.random() * 10 * MINUTE_MS)
        self.unblock_all()

    def _set(self, user_id: str, *, is_blocked: bool) -> bool:
        """Whether that was answered."""
        owner = self.owner
        try:
            owner.ask(
                "block" if is_blocked else "unblock",
                lambda application: application.administration.set_blocked(owner.me, user_id, is_blocked, "A reason."),
                account=user_id,
            )
        except NotFoundError:  # Deleted meanwhile.
            self.maybe_blocked.pop(user_id, None)
            return False
        except (AppError, GaveUpError):
            self.simulation.think(REQUEST_ENDS_MS)
            return False
        self.simulation.think(REQUEST_ENDS_MS)
        if not is_blocked:
            self.maybe_blocked.pop(user_id, None)
        return True
