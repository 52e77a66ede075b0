"""Finds what no webhook reported: undelivered events are read and processed, and open purchases are asked about."""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import AppError, ProviderRefusedError
from ..logs.request_facts import collect_request_facts, request_facts
from ..models.ledger import Balance
from ..models.purchase_facts import PaymentState
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

ASK_AFTER_SECONDS = 900
STUCK_AFTER_SECONDS = 3 * 86_400
PENDING_STUCK_AFTER_SECONDS = 16 * 86_400  # vouchers and bank debits take up to two weeks
UNDELIVERED_SECONDS = 29 * 86_400  # the payment system keeps events for 30 days
RUN_EVERY_SECONDS = 300
MAX_RUN_SECONDS = 240  # then the rest waits for the next run: the function has 300, and one call takes up to 22
LIST_SIZE, PURCHASES_PER_RUN = 1_000, 50


@dataclass(frozen=True)
class Reconciler:
    """Finds and records missed payments, if payments are on at all."""

    fulfilment: Fulfilment
    tables: Tables
    is_on: bool
    now: Callable[[], int]  # epoch seconds, UTC

    def reconcile(self) -> tuple[dict[str, int], list[Exception]]:
        """Process undelivered events, then ask about purchases that have been open for too long.

        What is still wrong after days, and a rejected API key, trigger an alarm. Returns the figures of the run and
        its failures, none of which stopped the rest.
        """
        figures = {"purchases_asked": 0, "purchases_stuck": 0, "events_applied": 0, "payment_alarms": 0}
        failures: list[Exception] = []
        if not self.is_on:
            return figures, failures
        run_until = self.now() + MAX_RUN_SECONDS
        with collect_request_facts() as log:
            self._process_events(run_until, figures, failures)
            self._ask_about_purchases(run_until, figures, failures)
        request_facts().provider_failures += log.provider_failures
        figures["payment_alarms"] += log.notes.get("payment_alarm", "") not in {"", *ALARMING}  # Those are counted.
        return figures, failures

    # Events that were not delivered

    def _process_events(self, run_until: int, figures: dict[str, int], failures: list[Exception]) -> None:
        """Newest first; the next run continues a list that is too long for one run."""
        after = ""
        try:
            after = load_event_position(self.tables)
            since = self.now() - UNDELIVERED_SECONDS
            for event in self.fulfilment.gateway.list_undelivered_events(since, after):
                try:
                    received = self.fulfilment.process_event(event)
                    figures["events_applied"] += received.outcome == "applied"
                    figures["payment_alarms"] += received.reason in ALARMING
                except Exception as failure:  # noqa: BLE001 - one event that fails must not stop the others
                    failures.append(failure)
                if self.now() >= run_until:
                    save_event_position(self.tables, event.id)
                    return
        except AppError as failure:
            failures.append(failure)
        if after:  # The list is finished, or the payment system no longer knows the event to continue after.
            save_event_position(self.tables, "")

    # Purchases whose payment has not ended

    def _ask_about_purchases(self, run_until: int, figures: dict[str, int], failures: list[Exception]) -> None:
        for purchase_id, created_at in self._next_purchases():
            if self.now() >= run_until:
                return
            figures["purchases_asked"] += 1
            state = PaymentState.CREATING
            try:
                state = self._ask_about(purchase_id)
            except IgnoredError as ignored:
                figures["payment_alarms"] += str(ignored) in ALARMING
            except Exception as failure:  # noqa: BLE001 - one purchase that fails must not stop the others
                failures.append(failure)
            max_seconds = PENDING_STUCK_AFTER_SECONDS if state is PaymentState.PENDING else STUCK_AFTER_SECONDS
            figures["purchases_stuck"] += state < PaymentState.EXPIRED and self.now() > created_at + max_seconds

    def _next_purchases(self) -> list[tuple[str, int]]:
        """The purchases of this run. All take turns, so that many that stay open do not keep others waiting."""
        found = list_open_purchases(self.tables, self.now() - ASK_AFTER_SECONDS, LIST_SIZE)
        first = self.now() // RUN_EVERY_SECONDS * PURCHASES_PER_RUN % max(1, len(found))
        return (found[first:] + found[:first])[:PURCHASES_PER_RUN]

    def _ask_about(self, purchase_id: str) -> PaymentState:
        """The current state of the purchase's payment. Raises IgnoredError, ProviderError, UnavailableError."""
        item = self.tables.get(purchase_key(purchase_id))
        if item is None:
            raise IgnoredError("unknown purchase")
        purchase = purchase_from(item)
        if purchase.checkout_session_id:
            session = self.fulfilment.gateway.get_checkout(purchase.checkout_session_id)
        elif self.now() <= purchase.created_at + RESUMABLE_SECONDS:
            try:  # The same idempotency key returns the checkout that was made, or makes one.
                session = self.fulfilment.gateway.open_checkout(purchase)
            except ProviderRefusedError:
                return self._end(purchase, PaymentState.FAILED)
        else:
            return self._end(purchase, PaymentState.EXPIRED)
        return self.fulfilment.record_checkout(session).facts.payment

    def _end(self, purchase: Purchase, state: PaymentState) -> PaymentState:
        """End a purchase without a payment; nothing is booked for it, so its buyer's balance is not needed."""
        return self.fulfilment.record_payment_fact(purchase, Balance(), state).facts.payment
