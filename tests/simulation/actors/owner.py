"""The owner: gives credits, takes them back, and refunds purchases."""

from chalicelib import contract
from chalicelib.errors import AppError
from tests.simulation.actors.person import GaveUpError, Person, body_hash
from tests.simulation.application import Application
from tests.simulation.core import Simulation
from tests.simulation.faults import HOUR_MS, MINUTE_MS
from tests.simulation.outcomes import NoAnswerError
from tests.simulation.scheduler import ViolationError

OWNER_EMAIL = "owner@example.com"


class Owner:
    """The administrator of the service.

    `attempts`: action → the user and the credits; `confirmed`: the actions that were answered with success.
    `refunds`: action → what was asked for and what the answers named.
    """

    def __init__(self, simulation: Simulation, person: Person, people: list[Person]):
        self.simulation, self.person, self.people, self.rng = simulation, person, people, simulation.rng
        self.attempts: dict[str, tuple[str, int]] = {}
        self.confirmed: set[str] = set()
        self.refunds: dict[str, set[str]] = {}

    def act_forever(self) -> None:
        """Register, then adjust somebody's credits every few minutes."""
        while not self.person.register():
            self.simulation.think(MINUTE_MS)
        while True:
            self.simulation.think(self.rng.expovariate(1 / (5 * MINUTE_MS)))
            signed_up = [person for person in self.people if person.caller]
            if signed_up:
                act = self._refund if self.rng.random() < 0.3 else self._adjust_credits
                act(self.rng.choice(signed_up))

    def _refund(self, buyer: Person) -> None:
        """Refund one of the newest purchases of the buyer, or a part of it."""
        owner = self.person
        try:
            sold = owner.ask(
                "list purchases",
                lambda application: (
                    application.purchase_administration.purchases_of(owner.me, buyer.user_id, 20, None).purchases
                ),
                account=buyer.user_id,
            )
        except (AppError, GaveUpError):
            return
        refundable = [purchase for purchase in sold if purchase.refundable_cents]
        if not refundable:
            return
        purchase = self.rng.choice(refundable)
        cents = self.rng.choice([None, self.rng.randint(1, purchase.refundable_cents)])
        body = contract.RefundPurchase(reason="A reason.", cents=cents)
        purchase_id = purchase.purchase_id
        action_id, hashed = owner.id_for(f"admin/purchases/{purchase_id}/refund", owner.key()), body_hash(body)
        answers = self.refunds.setdefault(action_id, set())

        def run(application: Application) -> contract.RefundStarted:
            return application.purchase_administration.refund(owner.me, purchase_id, body, action_id, hashed)

        def refund(is_patient: bool = True) -> None:
            """Without patience the owner leaves where no answer comes, and clicks again some day."""
            try:
                if is_patient:
                    started = owner.ask("refund purchase", run, account=buyer.user_id, subject=purchase_id)
                else:
                    started = self.simulation.call("refund purchase", buyer.user_id, run, subject=purchase_id)
            except (AppError, GaveUpError):
                return
            except NoAnswerError:
                later_ms = self.rng.randint(0, 40) * HOUR_MS
                self.simulation.start_actor("the owner clicks again", refund, later_ms)
                return
            if cents is not None and started.cents != cents:
                raise ViolationError(f"{cents} cents were to be refunded, the answer says {started}", buyer.user_id)
            answers.add(started.refund_id)

        if self.rng.random() < 0.2:
            self.simulation.start_actor("the owner clicks twice", refund)
        refund(is_patient=self.rng.random() < 0.5)

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
        """What was confirmed is booked once, what was not at most once; each refund was made once."""
        made = self.simulation.providers.stripe.refunds_by_key
        for action_id, answers in self.refunds.items():
            keys = [key for key in made if key.startswith(f"refund:{action_id}")]
            refund_ids = [refund_id for key in keys for refund_id in made[key]]
            if len(refund_ids) > 1 or not answers <= set(refund_ids):
                raise ViolationError(f"the action {action_id} refunded {refund_ids}, and was answered {answers}")
        for action_id, (user_id, credits) in self.attempts.items():
            booked = self.simulation.observer.books.accounts[user_id].by_reference
            found = booked["admin_grant", action_id] + booked["admin_clawback", action_id]
            if found != credits and (found or action_id in self.confirmed):
                raise ViolationError(f"the action {action_id} of {credits} credits booked {found}", user_id)
