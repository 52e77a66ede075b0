"""Buyers and their payments: paid, delayed, expired, refunded in parts, disputed, won, lost."""

from chalicelib import contract
from chalicelib.errors import AppError
from chalicelib.models.purchase_facts import DisputeState, RefundState
from tests.simulation.actors.person import GaveUpError, Person, body_hash
from tests.simulation.core import Simulation
from tests.simulation.faults import HOUR_MS, MINUTE_MS
from tests.simulation.scheduler import ViolationError
from tests.simulation.stripe import Payment, Stripe

PACKAGES = ("starter", "starter", "popular", "power")


class Buyer:
    """One person who buys credits."""

    def __init__(self, simulation: Simulation, person: Person):
        self.simulation, self.person, self.rng = simulation, person, simulation.rng
        self.stripe: Stripe = simulation.providers.stripe

    def buy(self) -> None:
        """Start a purchase, pay it or not, and leave the rest to the bank."""
        person = self.person
        body = contract.Buy(package_id=self.rng.choice(PACKAGES))
        purchase_id, hashed = person.id_for("credits/purchase", person.key()), body_hash(body)
        try:
            checkout = person.ask(
                "purchase", lambda application: application.purchases.buy(person.me, body, purchase_id, hashed)
            )
            if self.rng.random() < 0.1:
                again = person.ask(
                    "purchase", lambda application: application.purchases.buy(person.me, body, purchase_id, hashed)
                )
                if again != checkout:
                    raise ViolationError(f"the same purchase was answered {checkout}, then {again}")
        except (AppError, GaveUpError):
            return
        self.simulation.think(self.rng.random() * 10 * MINUTE_MS)
        session_id = checkout.checkout_session_id
        kind = self.rng.choice(["paid", "paid", "paid", "paid", "delayed", "left"])
        if kind == "left" or not self.stripe.pay(session_id, is_delayed=kind == "delayed"):
            return
        if kind == "delayed":
            is_paid = self.rng.random() < 0.7
            after_ms = self.rng.random() * 12 * HOUR_MS
            end = lambda: self.stripe.end_delayed(session_id, is_paid=is_paid)  # noqa: E731
            self.simulation.start_actor(f"delayed payment {session_id}", end, after_ms)
        if self.rng.random() < 0.7:
            delay_ms = self.rng.choice([0, MINUTE_MS, HOUR_MS]) * self.rng.random()
            self.simulation.start_actor(f"bank of {session_id}", lambda: self._return_money(session_id), delay_ms)

    def _return_money(self, session_id: str) -> None:
        """Refunds and disputes of one payment, also several at once."""
        payment, rng = self.stripe.payments[session_id], self.rng
        for _ in range(rng.choice([1, 1, 2, 3])):
            if payment.refundable_cents and payment.session.payment.name == "PAID":
                cents = rng.choice([payment.refundable_cents, rng.randint(1, payment.refundable_cents)])
                kind = self._refund if rng.random() < 0.5 else self._dispute
                self.simulation.start_actor(
                    f"money of {session_id}", lambda kind=kind, cents=cents: kind(payment, cents)
                )
            self.simulation.think(rng.choice([0, HOUR_MS]) * rng.random())

    def _refund(self, payment: Payment, cents: int) -> None:
        session_id = payment.session.session_id
        first = self.rng.choice([RefundState.PENDING, RefundState.SUCCEEDED])
        refund_id = self.stripe.move_refund(session_id, cents, first)
        if first is RefundState.PENDING or self.rng.random() < 0.1:
            self.simulation.think(self.rng.random() * 10 * MINUTE_MS)
            last = RefundState.FAILED if self.rng.random() < 0.3 else RefundState.SUCCEEDED
            self.stripe.move_refund(session_id, cents, last, refund_id)

    def _dispute(self, payment: Payment, cents: int) -> None:
        session_id = payment.session.session_id
        dispute_id = self.stripe.dispute(session_id, cents, DisputeState.OPEN)
        if self.rng.random() < 0.8:
            self.simulation.think(self.rng.random() * 2 * HOUR_MS)
            decided = self.rng.choice([DisputeState.WON, DisputeState.LOST])
            self.stripe.dispute(session_id, cents, decided, dispute_id)


def check_purchases(simulation: Simulation) -> None:
    """At rest: each payment is booked once, and so is all the money that went back."""
    books = simulation.observer.books
    by_purchase: dict[str, list[Payment]] = {}
    for payment in simulation.providers.stripe.payments.values():
        by_purchase.setdefault(payment.session.purchase_id, []).append(payment)
    for purchase_id, payments in by_purchase.items():
        paid = [payment for payment in payments if payment.session.payment.name == "PAID"]
        buyer = payments[0].buyer
        booked = books.accounts[buyer].by_reference
        granted = booked["purchase", purchase_id]
        if bool(granted) != bool(paid):
            raise ViolationError(f"the purchase {purchase_id} granted {granted} credits, paid {len(paid)} times", buyer)
        if len(paid) == 1:
            (payment,) = paid
            clawed_back = -booked["clawback", purchase_id] - booked["clawback_reversed", purchase_id]
            expected = granted * payment.returned_cents // payment.session.cents
            if clawed_back != expected:
                raise ViolationError(
                    f"the purchase {purchase_id} took back {clawed_back} credits, should be {expected}", buyer
                )
