"""What no webhook told: payments are asked about, and events that did not arrive are read and run through the books."""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import AppError, ProviderRefusedError
from ..logs.request_log import collect_request_log
from ..models.ledger import Balance
from ..models.purchases import Purchase
from ..repositories.purchases import (
    list_open_purchases,
    load_event_position,
    purchase_from,
    purchase_key,
    save_event_position,
)
from ..repositories.table import Tables
from .fulfilment import ALARMING, RESUMABLE_SECONDS, Fulfilment, IgnoredError
from .purchase_state import PaymentState

ASKED_AFTER_SECONDS = 900
STUCK_AFTER_SECONDS = 3 * 86_400
PENDING_STUCK_AFTER_SECONDS = 16 * 86_400  # vouchers and bank debits take up to two weeks
UNDELIVERED_SECONDS = 29 * 86_400  # the payment system keeps events for 30 days
RECONCILED_EVERY_SECONDS = 300
SPENT_SECONDS = 240  # then the rest waits for the next run: the function has 300, and one call takes up to 22
LISTED_AT_ONCE, ASKED_AT_ONCE = 1_000, 50


@dataclass(frozen=True)
class Reconciler:
    """Makes good what was missed, if payments are on at all."""

    fulfilment: Fulfilment
    tables: Tables
    is_on: bool
    now: Callable[[], int]  # epoch seconds, UTC

    def reconcile(self) -> tuple[dict[str, int], list[Exception]]:
        """Hear the events that did not reach us, then ask about purchases that have been open too long.

        What is still not right after days, and a key that is refused, ring the alarm. Answers with figures and with
        what failed, none of which kept the rest from being done.
        """
        figures = {"purchases_asked": 0, "purchases_stuck": 0, "events_applied": 0, "payment_alarms": 0}
        failures: list[Exception] = []
        if not self.is_on:
            return figures, failures
        until = self.now() + SPENT_SECONDS
        with collect_request_log() as counted:
            self._hear(until, figures, failures)
            self._ask(until, figures, failures)
        figures["payment_alarms"] += counted.notes.get("payment_alarm", "") not in {"", *ALARMING}  # Those are counted.
        return figures, failures

    # Events that did not arrive

    def _hear(self, until: int, figures: dict[str, int], failures: list[Exception]) -> None:
        """Newest first; a list that is too long for one run is gone on with in the next."""
        after = ""
        try:
            after = load_event_position(self.tables)
            for event in self.fulfilment.gateway.list_undelivered_events(self.now() - UNDELIVERED_SECONDS, after):
                try:
                    heard = self.fulfilment.received(event)
                    figures["events_applied"] += heard.outcome == "applied"
                    figures["payment_alarms"] += heard.reason in ALARMING
                except Exception as failure:  # noqa: BLE001 - one event that cannot be told must not keep the others
                    failures.append(failure)
                if self.now() >= until:
                    save_event_position(self.tables, event.id)
                    return
        except AppError as failure:
            failures.append(failure)
        if after:  # Through with the list, or it knows that event no more.
            save_event_position(self.tables, "")

    # Purchases without an end

    def _ask(self, until: int, figures: dict[str, int], failures: list[Exception]) -> None:
        for purchase_id, created_at in self._due():
            if self.now() >= until:
                return
            figures["purchases_asked"] += 1
            state = PaymentState.CREATING
            try:
                state = self._asked(purchase_id)
            except IgnoredError as ignored:
                figures["payment_alarms"] += str(ignored) in ALARMING
            except Exception as failure:  # noqa: BLE001 - nor one purchase
                failures.append(failure)
            longest = PENDING_STUCK_AFTER_SECONDS if state is PaymentState.PENDING else STUCK_AFTER_SECONDS
            figures["purchases_stuck"] += state < PaymentState.EXPIRED and self.now() > created_at + longest

    def _due(self) -> list[tuple[str, int]]:
        """Whom to ask about this time: all in turn, so that many that stay open keep no other from it."""
        found = list_open_purchases(self.tables, self.now() - ASKED_AFTER_SECONDS, LISTED_AT_ONCE)
        first = self.now() // RECONCILED_EVERY_SECONDS * ASKED_AT_ONCE % max(1, len(found))
        return (found[first:] + found[:first])[:ASKED_AT_ONCE]

    def _asked(self, purchase_id: str) -> PaymentState:
        """How the purchase's payment stands. Raises IgnoredError, ProviderError, UnavailableError."""
        item = self.tables.get(purchase_key(purchase_id))
        if item is None:
            raise IgnoredError("unknown purchase")
        known = purchase_from(item)
        if known.checkout_session_id:
            session = self.fulfilment.gateway.session(known.checkout_session_id)
        elif self.now() <= known.created_at + RESUMABLE_SECONDS:
            try:  # The same idempotency key: what was made, if it was, or a new one.
                session = self.fulfilment.gateway.open(known)
            except ProviderRefusedError:
                return self._ended(known, PaymentState.FAILED)
        else:
            return self._ended(known, PaymentState.EXPIRED)
        return self.fulfilment.record_checkout(session).facts.payment

    def _ended(self, known: Purchase, how: PaymentState) -> PaymentState:
        """A purchase that came to nothing books nothing, so no balance plays a part."""
        return self.fulfilment.told(known, Balance(), how).facts.payment
