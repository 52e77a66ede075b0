"""Records what is learned about payments, by webhook or by asking, and books what it means for the credits.

In any order and however often: each fact is merged with the known ones, and what follows (refunds_and_disputes.py) is
booked in one write. What is sold is decided by the stored purchase, never by an event.
What an event says about a payment is read by providers/stripe_event_handlers.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec.structs import replace

from .. import contract
from ..errors import ProviderError, UnavailableError
from ..logs.request_facts import request_facts
from ..models.ledger import Balance
from ..models.purchase_facts import PaymentFact, PaymentState, RefundFact
from ..models.purchases import CheckoutSession, PaymentUpdate, Purchase
from ..repositories.ledger_items import balance_key, balance_of
from ..repositories.purchases import ledger_writes, payment_key, purchase_from, purchase_key, update_purchase
from ..repositories.table import Tables, WriteRefusedError
from .refunds_and_disputes import apply_changes, ledger_changes

TRIES = 24
RESUMABLE_SECONDS = 23 * 3_600  # the payment system stores an idempotency key for a day
# Money or metadata that is not as it should be: nothing is booked, and somebody has to check it.
ALARMING = {
    "unknown purchase",
    "another user",
    "another mode",
    "another stage",
    "another amount",
    "another currency",
    "another payment",
}


class PaymentGateway(Protocol):
    """The payment system. Each call may raise ProviderError; see providers/stripe_client.py."""

    def open_checkout(self, purchase: Purchase) -> CheckoutSession: ...

    def get_checkout(self, session_id: str) -> CheckoutSession: ...

    def find_checkout(self, payment_id: str) -> CheckoutSession | None: ...

    def verify_event(self, raw: bytes, signature: str) -> Any: ...

    def payment_update(self, event: Any) -> CheckoutSession | PaymentUpdate | None: ...

    def list_undelivered_events(self, since: int, after: str) -> Iterator[Any]: ...


class IgnoredError(Exception):
    """Nothing is booked for this report; the message says why."""


@dataclass(frozen=True)
class Fulfilment:
    """Books what is learned about payments. Only payments of this `stage` and mode (`is_live`) count."""

    tables: Tables
    gateway: PaymentGateway
    stage: str
    is_live: bool
    now: Callable[[], int]  # epoch seconds, UTC

    def process_event(self, event: Any) -> contract.StripeWebhookResult:
        """The outcome of a verified event. Raises UnavailableError, after which the event is to be delivered again."""
        try:
            self._record_update(self.gateway.payment_update(event), event.livemode)
        except IgnoredError as ignored:
            reason = str(ignored)
            request_facts().notes["payment_event"] = f"{event.type}: {reason}"
            if reason in ALARMING:
                request_facts().notes["payment_alarm"] = reason
            return contract.StripeWebhookResult(received=True, outcome="ignored", reason=reason)
        except ProviderError as error:
            raise UnavailableError("The payment service could not be reached. Deliver the event again.") from error
        return contract.StripeWebhookResult(received=True, outcome="applied")

    def _record_update(self, update: CheckoutSession | PaymentUpdate | None, is_live: bool) -> None:
        if update is not None and is_live != self.is_live:
            raise IgnoredError("another mode")
        match update:
            case None:
                raise IgnoredError("nothing about a payment")
            case CheckoutSession():
                self.record_checkout(update)
            case PaymentUpdate():
                self._record_payment_update(update)

    def record_checkout(self, session: CheckoutSession) -> Purchase:
        """The purchase, updated by the current state of its checkout. Raises IgnoredError, UnavailableError."""
        if not session.purchase_id:
            raise IgnoredError("not of this service")
        if session.stage != self.stage:
            raise IgnoredError("another stage")
        purchase, balance = self._load_purchase_and_balance(session.purchase_id, session.user_id)
        if session.user_id != purchase.user_id:
            raise IgnoredError("another user")
        if session.is_live != purchase.is_live or session.is_live != self.is_live:
            raise IgnoredError("another mode")
        if session.currency != purchase.currency:
            raise IgnoredError("another currency")
        if session.cents != purchase.cents:
            raise IgnoredError("another amount")
        is_another_checkout = purchase.checkout_session_id not in ("", session.session_id)
        if is_another_checkout and session.payment is not PaymentState.PAID:
            # The response that named it was lost and another checkout was made, so no buyer has seen this one.
            raise IgnoredError("another checkout")
        return self.record_payment_fact(purchase, balance, session.payment, session)

    def _record_payment_update(self, update: PaymentUpdate) -> None:
        pointer = self.tables.get(payment_key(update.payment_id))
        if pointer is None:
            # The event that names the payment has not arrived yet, or the payment is not one of this service.
            session = self.gateway.find_checkout(update.payment_id)
            if session is None:
                raise IgnoredError("not of this service")
            self.record_checkout(session)
            purchase, balance = self._load_purchase_and_balance(session.purchase_id, session.user_id)
        else:
            purchase, balance = self._load_purchase_and_balance(pointer["purchase_id"], pointer["user_id"])
        if purchase.payment_id not in ("", update.payment_id):
            # One purchase was paid twice; this is the other payment.
            raise IgnoredError("another payment")
        if update.is_live != purchase.is_live:
            raise IgnoredError("another mode")
        if update.currency != purchase.currency:
            raise IgnoredError("another currency")
        if isinstance(update.fact, RefundFact) and update.cents > purchase.cents:
            raise IgnoredError("another amount")
        self.record_payment_fact(purchase, balance, update.fact)

    def record_payment_fact(
        self, purchase: Purchase, balance: Balance, fact: PaymentFact, session: CheckoutSession | None = None
    ) -> Purchase:
        """The purchase with one more fact, and the ledger booked to match: one write, or none if nothing is new.

        `purchase` and `balance` were read just before; they are read again if they have changed since.
        Raises IgnoredError, UnavailableError.
        """
        for _ in range(TRIES):
            if session and _is_second_payment(purchase, session):
                raise IgnoredError("another payment")
            facts = purchase.facts.with_fact(fact)
            changes = ledger_changes(facts, purchase.booked, purchase.credits, purchase.cents, balance.available)
            updated = replace(purchase, facts=facts, booked=apply_changes(purchase.booked, changes))
            if session and session.payment is not PaymentState.EXPIRED:  # An expired checkout can no longer be paid.
                paid_by = session.payment_id if session.payment is PaymentState.PAID else ""
                updated = replace(
                    updated,
                    checkout_session_id=purchase.checkout_session_id or session.session_id,
                    checkout_url=purchase.checkout_url or session.url,
                    payment_id=paid_by or purchase.payment_id or session.payment_id,
                )
            if updated == purchase:
                return purchase
            bookings = [] if changes.is_empty else ledger_writes(purchase, facts, changes, balance, self.now())
            try:
                self.tables.transact([*update_purchase(purchase, updated), *bookings])
            except WriteRefusedError:  # The purchase was updated, or credits were spent that a dispute was to hold.
                purchase, balance = self._load_purchase_and_balance(purchase.purchase_id, purchase.user_id)
                continue
            request_facts().notes["purchase"] = {"granted": changes.granted, "clawed_back": changes.clawed_back}
            if changes.granted and balance.deleted:  # The owner cannot use the credits: the payment has to be refunded.
                request_facts().notes["payment_alarm"] = "deleted account"
            return updated
        raise UnavailableError("The account is busy with other requests. Retry the request.")

    def _load_purchase_and_balance(self, purchase_id: str, user_id: str) -> tuple[Purchase, Balance]:
        """The purchase and its buyer's balance, in one read. Raises IgnoredError."""
        item, balance = self.tables.get_many([purchase_key(purchase_id), balance_key(user_id)])
        if item is None:
            raise IgnoredError("unknown purchase")
        return purchase_from(item), balance_of(balance)


def _is_second_payment(purchase: Purchase, session: CheckoutSession) -> bool:
    """Whether one purchase was paid twice, at two checkouts: the second payment has to be refunded by hand."""
    is_paid_twice = purchase.facts.payment is session.payment is PaymentState.PAID
    return is_paid_twice and session.payment_id not in ("", purchase.payment_id)
