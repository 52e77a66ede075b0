"""Checkout Sessions and the payments they lead to: open, then complete or expired; paid at once, later or never."""

import asyncio

from sandbox.stripe import objects as shapes
from sandbox.stripe.account_clock import StripeClock
from sandbox.stripe.errors import INVALID, RefusalError
from sandbox.stripe.events import Events
from sandbox.stripe.session_parameters import ELIGIBLE_METHODS, MAX_SECONDS, check
from sandbox.stripe.store import Books

DELAYED_METHODS = (
    "acss_debit",
    "au_becs_debit",
    "bacs_debit",
    "boleto",
    "customer_balance",
    "konbini",
    "multibanco",
    "oxxo",
    "sepa_debit",
    "us_bank_account",
)
"""Methods whose money comes days later, or does not."""


class StateError(Exception):
    """What was asked for cannot happen to the object as it is."""


class Checkout:
    """What happens to sessions."""

    def __init__(self, books: Books, events: Events, clock: StripeClock):
        self._books, self._events, self._clock = books, events, clock
        self._ordered: dict[str, shapes.Json] = {}
        """What a session's create call said of the payment to come, by session."""
        self._lapses: dict[str, asyncio.Task[None]] = {}

    def create(self, params: shapes.Json, page_url: str) -> shapes.Json:
        """Raises RefusalError."""
        created = int(self._clock.now())
        check(params, created)
        session = shapes.session(
            params, _methods(params), page_url, created, params.get("expires_at", created + MAX_SECONDS)
        )
        books = self._books
        books.sessions[session["id"]] = session
        books.line_items[session["id"]] = [shapes.line_item(line, created) for line in params["line_items"]]
        self._ordered[session["id"]] = params.get("payment_intent_data", {})
        self._lapses[session["id"]] = asyncio.create_task(self._lapse(session))
        return session

    def expire(self, session: shapes.Json) -> shapes.Json:
        """Raises RefusalError for one that is not open."""
        if session["status"] != "open":
            message = (
                'Only Checkout Sessions with a status in ["open"] can be expired.'
                f" This Checkout Session has a status of `{session['status']}`."
            )
            raise RefusalError(400, message, INVALID)
        self._close(session, "expired")
        self._events.record("checkout.session.expired", session)
        return session

    def pay(self, session: shapes.Json, method: str) -> list[str]:
        """The customer pays; gives the ids of the session's own events. Raises StateError unless it is open."""
        if session["status"] != "open":
            raise StateError(f"the session is {session['status']}")
        if method not in session["payment_method_types"]:
            raise StateError(f"the session takes {', '.join(session['payment_method_types'])}, not {method}")
        email = session["customer_email"] or "listener@example.com"
        session["customer_details"] = {
            "address": {
                "city": None,
                "country": "US",
                "line1": None,
                "line2": None,
                "postal_code": None,
                "state": None,
            },
            "email": email,
            "name": "A Listener",
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        }
        if session["amount_total"] == 0:
            session["payment_status"] = "no_payment_required"
        else:
            self._begin_payment(session, method)
            if method not in DELAYED_METHODS:
                self._arrive(session)
        self._close(session, "complete")
        return [self._events.record("checkout.session.completed", session)["id"]]

    def settle(self, session: shapes.Json, succeeded: bool) -> list[str]:
        """A delayed payment arrives or fails; gives ids as `pay` does. Raises StateError where none is waited for."""
        intent = self._books.intents.get(session["payment_intent"] or "")
        if intent is None or intent["status"] != "processing":
            raise StateError("no payment is on its way")
        if succeeded:
            self._arrive(session)
            return [self._events.record("checkout.session.async_payment_succeeded", session)["id"]]
        charge = self._books.charges[intent["latest_charge"]]
        charge |= {"status": "failed", "failure_code": "insufficient_funds", "failure_message": "Insufficient funds."}
        error = {
            "code": "payment_intent_payment_attempt_failed",
            "message": "The payment failed.",
            "type": "card_error",
        }
        intent |= {"status": "requires_payment_method", "last_payment_error": error}
        self._events.record("payment_intent.payment_failed", intent)
        return [self._events.record("checkout.session.async_payment_failed", session)["id"]]

    def lapse_due(self) -> None:
        """Expire what should have by now: nobody shall see it open."""
        now = self._clock.now()
        for session_id in list(self._lapses):
            session = self._books.sessions[session_id]
            if session["expires_at"] <= now:
                self.expire(session)

    def forget(self) -> None:
        for task in self._lapses.values():
            task.cancel()
        self._lapses.clear()
        self._ordered.clear()

    def _begin_payment(self, session: shapes.Json, method: str) -> None:
        now, ordered = int(self._clock.now()), self._ordered[session["id"]]
        intent = shapes.payment_intent(session, ordered.get("metadata", {}), method, now)
        charge = shapes.charge(intent, session, now)
        intent["latest_charge"] = charge["id"]
        session["payment_intent"] = intent["id"]
        self._books.intents[intent["id"]] = intent
        self._books.charges[charge["id"]] = charge

    def _arrive(self, session: shapes.Json) -> None:
        intent = self._books.intents[session["payment_intent"]]
        charge = self._books.charges[intent["latest_charge"]]
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        charge |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": charge["amount"]}
        charge["balance_transaction"] = shapes.new_id("txn")
        session["payment_status"] = "paid"
        self._events.record("payment_intent.succeeded", intent)

    def _close(self, session: shapes.Json, status: str) -> None:
        session |= {"status": status, "url": None}
        task = self._lapses.pop(session["id"])
        if task is not asyncio.current_task():
            task.cancel()

    async def _lapse(self, session: shapes.Json) -> None:
        await self._clock.sleep_until(session["expires_at"])
        self.lapse_due()


def _methods(params: shapes.Json) -> list[str]:
    """The payment methods on offer: those the session names, otherwise those of the account."""
    return list(params.get("payment_method_types") or ELIGIBLE_METHODS)
