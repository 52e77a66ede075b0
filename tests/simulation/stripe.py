"""Stripe in memory: checkouts, payments, refunds, disputes, and webhooks that come twice, late, or never."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from chalicelib.errors import InvalidSignatureError, ProviderRefusedError, UnavailableError
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
from chalicelib.models.purchases import CheckoutSession, PaymentUpdate, Purchase
from tests.simulation.application import STAGE
from tests.simulation.faults import HOUR_MS, MINUTE_MS
from tests.simulation.outcomes import NoAnswerError
from tests.simulation.unbookable_events import UnbookableEvents

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

KEY_MS = 24 * HOUR_MS  # how long an idempotency key is stored
EVENT_SECONDS = 30 * 86_400
RETRIES = 3
REFUSED = 0.02  # of the checkouts, by Stripe itself, for good


@dataclass
class Event:
    """One event. `is_listed`: whether our key may read it; `is_delivered`: whether an endpoint has answered it."""

    id: str
    type: str
    created_at: int
    payment_update: CheckoutSession | PaymentUpdate
    livemode: bool = False
    is_listed: bool = True
    is_delivered: bool = False


@dataclass
class Payment:
    """What is true of one checkout, whatever was reported. Cents."""

    session: CheckoutSession
    opened_ms: int
    expires_at: int
    buyer: str
    refunds: dict[str, Refund] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)

    @property
    def returned_cents(self) -> int:
        """The money that went back, or that the bank keeps."""
        refunded = sum(refund.cents for refund in self.refunds.values() if refund.state is RefundState.SUCCEEDED)
        lost = sum(dispute.cents for dispute in self.disputes.values() if dispute.state is DisputeState.LOST)
        return min(self.session.cents, refunded + lost)

    @property
    def refundable_cents(self) -> int:
        """What is neither refunded, nor on its way back, nor disputed."""
        refunded = sum(refund.cents for refund in self.refunds.values() if refund.state is not RefundState.FAILED)
        disputed = sum(dispute.cents for dispute in self.disputes.values() if dispute.state is not DisputeState.WON)
        return max(0, self.session.cents - refunded - disputed)


@dataclass(frozen=True)
class MadeRefund:
    """A refund that the backend asked for, and when."""

    session_id: str
    refund_id: str
    at_ms: int


@dataclass
class Stripe:
    """The payment system."""

    simulation: "Simulation"
    payments: dict[str, Payment] = field(default_factory=dict)  # by checkout session
    keys: dict[str, str] = field(default_factory=dict)  # idempotency key → checkout session
    refund_keys: dict[str, MadeRefund] = field(default_factory=dict)
    refunds_by_key: dict[str, list[str]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    events: dict[str, Event] = field(default_factory=dict)
    signature: str = "signed-by-stripe"

    def __post_init__(self) -> None:
        self.unbookable_events = UnbookableEvents(self)
        self.simulation.observer.find_payments = self.find_payments

    # What the backend calls

    def open_checkout(self, purchase: Purchase) -> CheckoutSession:
        return self.simulation.call_provider("open_checkout", lambda: self._open(purchase))

    def get_checkout(self, session_id: str) -> CheckoutSession:
        return self.simulation.call_provider("get_checkout", lambda: self.payments[session_id].session)

    def find_checkout(self, payment_id: str) -> CheckoutSession | None:
        return self.simulation.call_provider(
            "find_checkout",
            lambda: next((p.session for p in self.payments.values() if p.session.payment_id == payment_id), None),
        )

    def refund(self, purchase: Purchase, cents: int, refund_key: str) -> RefundFact:
        return self.simulation.call_provider("refund", lambda: self._refund(purchase, cents, refund_key))

    def _refund(self, purchase: Purchase, cents: int, refund_key: str) -> RefundFact:
        """One refund for a key while it is stored, and never more than is left of the payment."""
        simulation = self.simulation
        made = self.refund_keys.get(refund_key)
        if made is None or simulation.scheduler.now_ms - made.at_ms >= KEY_MS:
            (payment,) = (p for p in self.payments.values() if p.session.payment_id == purchase.payment_id)
            if cents > payment.refundable_cents:
                raise ProviderRefusedError("The payment service rejected the request.")
            session_id = payment.session.session_id
            refund_id = self.move_refund(session_id, cents, RefundState.PENDING)
            made = MadeRefund(session_id, refund_id, simulation.scheduler.now_ms)
            self.refund_keys[refund_key] = made
            self.refunds_by_key[refund_key] = [*self.refunds_by_key.get(refund_key, []), made.refund_id]
            ends = simulation.rng.choice([RefundState.SUCCEEDED, RefundState.SUCCEEDED, RefundState.FAILED])
            simulation.start_actor(
                f"{made.refund_id} ends",
                lambda: self.move_refund(session_id, cents, ends, made.refund_id),
                simulation.rng.randint(0, HOUR_MS),
            )
        return RefundFact(made.refund_id, Refund(RefundState.PENDING, cents))

    def verify_event(self, raw: bytes, signature: str) -> Event:
        if not hmac.compare_digest(signature, self.signature):
            raise InvalidSignatureError("This is not an event that the payment service signed.")
        return self.events[raw.decode()]

    def payment_update(self, event: Event) -> CheckoutSession | PaymentUpdate:
        return event.payment_update

    def list_undelivered_events(self, since: int, after: str = "") -> Iterator[Event]:
        found = self.simulation.call_provider("list_events", lambda: self._list_undelivered(since))
        ids = [event.id for event in found]
        yield from found[ids.index(after) + 1 if after in ids else 0 :]

    def _list_undelivered(self, since: int) -> list[Event]:
        """Newest first."""
        return [
            event
            for event in reversed(self.events.values())
            if event.is_listed and not event.is_delivered and event.created_at >= since
        ]

    def _open(self, purchase: Purchase) -> CheckoutSession:
        simulation = self.simulation
        if purchase.purchase_id in self.refused or simulation.faults.happens(REFUSED):
            self.refused.add(purchase.purchase_id)
            raise ProviderRefusedError("The payment service rejected the request.")
        earlier = self.keys.get(purchase.purchase_id)
        if earlier and simulation.scheduler.now_ms - self.payments[earlier].opened_ms < KEY_MS:
            return replace(self.payments[earlier].session, payment=PaymentState.OPEN, payment_id="")
        session = CheckoutSession(
            session_id=f"cs_{len(self.payments) + 1}",
            url=f"https://pay.example/{len(self.payments) + 1}",
            payment=PaymentState.OPEN,
            payment_id="",
            cents=purchase.cents,
            currency=purchase.currency,
            is_live=False,
            purchase_id=purchase.purchase_id,
            user_id=purchase.user_id,
            stage=STAGE,
        )
        expires_at = purchase.checkout_expires_at
        self.keys[purchase.purchase_id] = session.session_id
        self.payments[session.session_id] = Payment(session, simulation.scheduler.now_ms, expires_at, purchase.user_id)
        simulation.start_actor(
            f"{session.session_id} expires",
            lambda: self.expire(session.session_id),
            (expires_at - simulation.now) * 1000,
        )
        self.unbookable_events.follow_checkout(self.payments[session.session_id])
        return session

    # What buyers, banks and the owner do

    def pay(self, session_id: str, *, is_delayed: bool = False) -> bool:
        """Pay a checkout, at once or by a method that takes days; False if it is no longer open."""
        payment = self.payments[session_id]
        if payment.session.payment is not PaymentState.OPEN:
            return False
        state = PaymentState.PENDING if is_delayed else PaymentState.PAID
        payment.session = replace(payment.session, payment=state, payment_id=f"pi_{session_id}")
        self._report(payment, "checkout.session.completed", payment.session)
        return True

    def end_delayed(self, session_id: str, *, is_paid: bool) -> None:
        """The end of a delayed payment."""
        payment = self.payments[session_id]
        if payment.session.payment is PaymentState.PENDING:
            payment.session = replace(payment.session, payment=PaymentState.PAID if is_paid else PaymentState.FAILED)
            self._report(payment, "checkout.session.async_payment_ended", payment.session)

    def expire(self, session_id: str) -> None:
        """Nobody can pay this checkout any more."""
        payment = self.payments[session_id]
        if payment.session.payment is PaymentState.OPEN:
            payment.session = replace(payment.session, payment=PaymentState.EXPIRED)
            self._report(payment, "checkout.session.expired", payment.session)

    def move_refund(self, session_id: str, cents: int, state: RefundState, refund_id: str = "") -> str:
        """Start a refund, or continue `refund_id`; returns its id."""
        payment = self.payments[session_id]
        refund_id = refund_id or f"re_{session_id}_{len(payment.refunds)}"
        payment.refunds[refund_id] = Refund(state, cents)
        self._report_fact(payment, "refund.updated", RefundFact(refund_id, payment.refunds[refund_id]), cents)
        return refund_id

    def dispute(self, session_id: str, cents: int, state: DisputeState, dispute_id: str = "") -> str:
        """Open a dispute, or decide `dispute_id`; returns its id."""
        payment = self.payments[session_id]
        dispute_id = dispute_id or f"dp_{session_id}_{len(payment.disputes)}"
        payment.disputes[dispute_id] = Dispute(state, cents)
        self._report_fact(
            payment, "charge.dispute.updated", DisputeFact(dispute_id, payment.disputes[dispute_id]), cents
        )
        return dispute_id

    def _report_fact(self, payment: Payment, kind: str, fact: PaymentFact, cents: int) -> None:
        session = payment.session
        self._report(payment, kind, PaymentUpdate(fact, session.payment_id, cents, session.currency, session.is_live))
        self.unbookable_events.follow_fact(payment)

    def _report(self, payment: Payment, kind: str, update: CheckoutSession | PaymentUpdate) -> None:
        """Send a webhook, as often and as late as the faults of this run decide."""
        event = self.add_event(kind, update)
        self.simulation.note(
            payment.buyer, f"Stripe: {kind} {payment.session.session_id} {payment.session.payment.name}"
        )
        for delay_ms in self.simulation.faults.deliveries_ms():
            self.simulation.start_actor(f"webhook {event.id}", lambda: self._deliver(event, payment.buyer), delay_ms)

    def add_event(self, kind: str, update: CheckoutSession | PaymentUpdate) -> Event:
        """A new event, which no endpoint has answered."""
        event = Event(f"evt_{len(self.events) + 1}", kind, self.simulation.now, update)
        self.events[event.id] = event
        return event

    def find_payments(self, purchase_id: str) -> list[Payment]:
        """The checkouts of a purchase."""
        return [payment for payment in self.payments.values() if payment.session.purchase_id == purchase_id]

    def _deliver(self, event: Event, buyer: str) -> None:
        """Deliver an event, again after an outage. Raises RunOverError: then it stays undelivered."""
        for attempt in range(RETRIES):
            try:
                self.simulation.call(
                    "webhook of stripe",
                    buyer,
                    lambda application: application.purchases.receive(event.id.encode(), self.signature),
                )
            except (NoAnswerError, UnavailableError):
                self.simulation.think(MINUTE_MS * 4**attempt)
            else:
                event.is_delivered = True
                return
