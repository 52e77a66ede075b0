"""Events of payments that must move nothing: of another mode, stage, amount, currency or user, or not signed by Stripe.

Each claims a payment, a refund or a dispute that does not exist, of a checkout that does, and has one thing wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from chalicelib.errors import InvalidSignatureError, UnavailableError
from chalicelib.models.purchase_facts import (
    Dispute,
    DisputeFact,
    DisputeState,
    PaymentFact,
    PaymentState,
    Refund,
    RefundFact,
    RefundState,
)
from chalicelib.models.purchases import CheckoutSession, PaymentUpdate
from tests.simulation.faults import MINUTE_MS
from tests.simulation.outcomes import NoAnswerError
from tests.simulation.scheduler import ViolationError

if TYPE_CHECKING:
    from tests.simulation.stripe import Payment, Stripe

OF_CHECKOUTS, OF_FACTS = 0.5, 0.6  # after how many a wrong event follows
LATEST_MS = 20 * MINUTE_MS
WRONG_SIGNATURE = "signed-by-a-stranger"
Update = CheckoutSession | PaymentUpdate


@dataclass(frozen=True)
class Wrong:
    """What is wrong with an event. `livemode`: of the event itself."""

    change: Callable[[Update, str], Update] = lambda update, _: update  # gets the id of another user
    livemode: bool = False
    is_signed: bool = True


WITH_CHECKOUTS: dict[str, Wrong] = {
    "another mode": Wrong(livemode=True),
    "a checkout of another mode": Wrong(lambda update, _: replace(update, is_live=True)),
    "another stage": Wrong(lambda update, _: replace(update, stage="another")),
    "a lower amount": Wrong(lambda update, _: replace(update, cents=1)),
    "another currency": Wrong(lambda update, _: replace(update, currency="jpy")),
    "another user": Wrong(lambda update, other: replace(update, user_id=other)),
    "no signature of Stripe": Wrong(is_signed=False),
}
WITH_FACTS: dict[str, Wrong] = {
    "another mode": Wrong(livemode=True),
    "a payment of another mode": Wrong(lambda update, _: replace(update, is_live=True)),
    "another currency": Wrong(lambda update, _: replace(update, currency="jpy")),
    "another payment": Wrong(lambda update, _: replace(update, payment_id="pi_of_another")),
    "no signature of Stripe": Wrong(is_signed=False),
}
TOO_MUCH = "more than was paid"  # of refunds: a dispute may have fees on top


@dataclass
class UnbookableEvents:
    """Sends them. `stripe`: whose checkouts they are about."""

    stripe: "Stripe"
    sent: int = 0

    def follow_checkout(self, payment: "Payment") -> None:
        """Perhaps claim later that this checkout was paid."""
        self._later(OF_CHECKOUTS, payment, lambda: self._claim_payment(payment))

    def follow_fact(self, payment: "Payment") -> None:
        """Perhaps claim later that money of this payment went back."""
        self._later(OF_FACTS, payment, lambda: self._claim_return(payment))

    def _later(self, rate: float, payment: "Payment", claim: Callable[[], None]) -> None:
        simulation = self.stripe.simulation
        if simulation.rng.random() < rate:
            delay_ms = simulation.rng.random() * LATEST_MS
            simulation.start_actor(f"wrong event about {payment.session.session_id}", claim, delay_ms)

    def _claim_payment(self, payment: "Payment") -> None:
        kind = self.stripe.simulation.rng.choice(list(WITH_CHECKOUTS))
        paid = replace(payment.session, payment=PaymentState.PAID, payment_id=f"pi_wrong_{self.sent}")
        self._send(payment, kind, WITH_CHECKOUTS[kind], "checkout.session.completed", paid)

    def _claim_return(self, payment: "Payment") -> None:
        rng, session = self.stripe.simulation.rng, payment.session
        kind, cents, name = rng.choice([*WITH_FACTS, TOO_MUCH]), rng.randint(1, session.cents), f"wrong_{self.sent}"
        fact: PaymentFact
        if kind == TOO_MUCH:
            cents += session.cents
        if kind == TOO_MUCH or rng.random() < 0.5:
            type_, fact = "refund.updated", RefundFact(f"re_{name}", Refund(RefundState.SUCCEEDED, cents))
        else:
            type_, fact = "charge.dispute.updated", DisputeFact(f"dp_{name}", Dispute(DisputeState.LOST, cents))
        update = PaymentUpdate(fact, session.payment_id, cents, session.currency, session.is_live)
        self._send(payment, kind, WITH_FACTS.get(kind, Wrong()), type_, update)

    def _send(self, payment: "Payment", kind: str, wrong: Wrong, type_: str, update: Update) -> None:
        """Deliver the event once. Raises ViolationError if it is accepted."""
        simulation, self.sent = self.stripe.simulation, self.sent + 1
        others = [user_id for user_id in simulation.providers.user_pool.by_id if user_id != payment.buyer]
        if not others:
            return
        event = self.stripe.add_event(type_, wrong.change(update, simulation.rng.choice(others)))
        event.livemode, event.is_listed = wrong.livemode, wrong.is_signed and not wrong.livemode
        signature = self.stripe.signature if wrong.is_signed else WRONG_SIGNATURE
        simulation.counts[f"wrong events of payments: {kind}"] += 1
        simulation.note(payment.buyer, f"Stripe: {event.id} {type_} {payment.session.session_id}, with {kind}")
        try:
            result = simulation.call(
                "wrong webhook of stripe",
                payment.buyer,
                lambda application: application.purchases.receive(event.id.encode(), signature),
            )
        except (NoAnswerError, UnavailableError):  # The reconciler may still read it.
            return
        except InvalidSignatureError:
            if not wrong.is_signed:
                return
            raise
        event.is_delivered = True
        if not wrong.is_signed or result.outcome != "ignored":
            raise ViolationError(f"an event with {kind} was answered {result.outcome}: {event}", payment.buyer)
