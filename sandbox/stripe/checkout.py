"""Checkout Sessions and their payments: a session is open, then complete or expired; paid at once, later or never."""

import asyncio

from sandbox.stripe import objects
from sandbox.stripe.account_clock import AccountClock
from sandbox.stripe.errors import INVALID, StripeApiError
from sandbox.stripe.events import Events
from sandbox.stripe.session_parameters import ELIGIBLE_METHODS, MAX_SECONDS, check_combinations
from sandbox.stripe.store import Store

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
"""Payment methods whose money arrives days later, or not at all."""


class InvalidStateError(Exception):
    """The object is in a state that does not allow the request."""


class Checkout:
    """Creates, pays and expires sessions."""

    def __init__(self, store: Store, events: Events, clock: AccountClock):
        self._store, self._events, self._clock = store, events, clock
        self._payment_data: dict[str, objects.Json] = {}
        """The `payment_intent_data` of each session, by session id."""
        self._expiry_tasks: dict[str, asyncio.Task[None]] = {}

    def create(self, params: objects.Json, page_url: str) -> objects.Json:
        """Create a session. Raises StripeApiError."""
        created = int(self._clock.now())
        check_combinations(params, created)
        session = objects.session(
            params, _payment_methods(params), page_url, created, params.get("expires_at", created + MAX_SECONDS)
        )
        store = self._store
        store.sessions[session["id"]] = session
        store.line_items[session["id"]] = [objects.line_item(line, created) for line in params["line_items"]]
        self._payment_data[session["id"]] = params.get("payment_intent_data", {})
        self._expiry_tasks[session["id"]] = asyncio.create_task(self._expire_on_time(session))
        return session

    def expire(self, session: objects.Json) -> objects.Json:
        """Expire a session. Raises StripeApiError unless it is open."""
        if session["status"] != "open":
            message = (
                'Only Checkout Sessions with a status in ["open"] can be expired.'
                f" This Checkout Session has a status of `{session['status']}`."
            )
            raise StripeApiError(400, message, INVALID)
        self._close(session, "expired")
        self._events.record_event("checkout.session.expired", session)
        return session

    def pay(self, session: objects.Json, method: str) -> list[str]:
        """Pay as the customer; returns the ids of the session's events. Raises InvalidStateError unless it is open."""
        if session["status"] != "open":
            raise InvalidStateError(f"the session is {session['status']}")
        if method not in session["payment_method_types"]:
            raise InvalidStateError(f"the session accepts {', '.join(session['payment_method_types'])}, not {method}")
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
            self._start_payment(session, method)
            if method not in DELAYED_METHODS:
                self._complete_payment(session)
        self._close(session, "complete")
        return [self._events.record_event("checkout.session.completed", session)["id"]]

    def settle(self, session: objects.Json, succeeded: bool) -> list[str]:
        """A delayed payment arrives or fails; returns ids like `pay`. Raises InvalidStateError without one."""
        intent = self._store.intents.get(session["payment_intent"] or "")
        if intent is None or intent["status"] != "processing":
            raise InvalidStateError("the session has no pending payment")
        if succeeded:
            self._complete_payment(session)
            return [self._events.record_event("checkout.session.async_payment_succeeded", session)["id"]]
        charge = self._store.charges[intent["latest_charge"]]
        charge |= {"status": "failed", "failure_code": "insufficient_funds", "failure_message": "Insufficient funds."}
        error = {
            "code": "payment_intent_payment_attempt_failed",
            "message": "The payment failed.",
            "type": "card_error",
        }
        intent |= {"status": "requires_payment_method", "last_payment_error": error}
        self._events.record_event("payment_intent.payment_failed", intent)
        return [self._events.record_event("checkout.session.async_payment_failed", session)["id"]]

    def expire_due_sessions(self) -> None:
        """Expire every session that is past its time, before anyone can read it as open."""
        now = self._clock.now()
        for session_id in list(self._expiry_tasks):
            session = self._store.sessions[session_id]
            if session["expires_at"] <= now:
                self.expire(session)

    def reset(self) -> None:
        for task in self._expiry_tasks.values():
            task.cancel()
        self._expiry_tasks.clear()
        self._payment_data.clear()

    def _start_payment(self, session: objects.Json, method: str) -> None:
        now, payment_data = int(self._clock.now()), self._payment_data[session["id"]]
        intent = objects.payment_intent(session, payment_data.get("metadata", {}), method, now)
        charge = objects.charge(intent, session, now)
        intent["latest_charge"] = charge["id"]
        session["payment_intent"] = intent["id"]
        self._store.intents[intent["id"]] = intent
        self._store.charges[charge["id"]] = charge

    def _complete_payment(self, session: objects.Json) -> None:
        intent = self._store.intents[session["payment_intent"]]
        charge = self._store.charges[intent["latest_charge"]]
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        charge |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": charge["amount"]}
        charge["balance_transaction"] = objects.new_id("txn")
        session["payment_status"] = "paid"
        self._events.record_event("payment_intent.succeeded", intent)

    def _close(self, session: objects.Json, status: str) -> None:
        session |= {"status": status, "url": None}
        task = self._expiry_tasks.pop(session["id"])
        if task is not asyncio.current_task():
            task.cancel()

    async def _expire_on_time(self, session: objects.Json) -> None:
        await self._clock.sleep_until(session["expires_at"])
        self.expire_due_sessions()


def _payment_methods(params: objects.Json) -> list[str]:
    """The payment methods on offer: those the session names, otherwise those of the account."""
    return list(params.get("payment_method_types") or ELIGIBLE_METHODS)
