"""Money that goes back: refunds, which may fail later, and disputes, which may be won.

Source: docs.stripe.com/refunds, /disputes/how-disputes-work, /changelog/acacia/2024-10-28; read 2026-11.
"""

from sandbox.stripe import objects
from sandbox.stripe.account_clock import AccountClock
from sandbox.stripe.errors import StripeApiError
from sandbox.stripe.events import Events
from sandbox.stripe.store import Store

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
DISPUTE_FEE = 1500
EVIDENCE_SECONDS = 7 * 24 * 3600
REFUND_TRANSITIONS = {"pending": ("succeeded", "failed", "canceled"), "succeeded": ("failed",)}
"""The states that may follow each state of a refund. A bank may return one that succeeded."""
DISPUTE_TRANSITIONS = {
    "warning_needs_response": ("warning_under_review", "warning_closed", "needs_response"),
    "warning_under_review": ("warning_closed", "needs_response"),
    "needs_response": ("under_review", "won", "lost"),
    "under_review": ("won", "lost"),
}
CLOSED = ("won", "lost", "warning_closed")


class InvalidTransitionError(Exception):
    """The state of a refund or a dispute cannot become the requested one."""


class RefundsAndDisputes:
    """Refunds and disputes of charges that succeeded."""

    def __init__(self, store: Store, events: Events, clock: AccountClock):
        self._store, self._events, self._clock = store, events, clock
        self.refund_status = "succeeded"
        """The state of new refunds: `succeeded` or `pending`."""

    def create_refund(self, params: objects.Json, status: str | None = None) -> objects.Json:
        """Refund a charge in whole or in part. `status` None uses `refund_status`. Raises StripeApiError."""
        charge = self._charge(params)
        refundable = self._refundable_amount(charge)
        if refundable <= 0 and self._withdrawn_amount(charge):
            message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise StripeApiError(400, message, code="charge_disputed")
        if refundable <= 0:
            message = f"Charge {charge['id']} has already been refunded."
            raise StripeApiError(400, message, code="charge_already_refunded")
        amount = params.get("amount", refundable)
        if amount > refundable:
            message = (
                f"Refund amount ({_format_amount(amount)}) is greater than unrefunded amount on charge"
                f" ({_format_amount(refundable)})"
            )
            raise StripeApiError(400, message, param="amount")
        status = status or self.refund_status
        refund = objects.refund(
            charge, amount, status, params.get("reason"), params.get("metadata", {}), int(self._clock.now())
        )
        self._store.refunds[refund["id"]] = refund
        self._update_amount_refunded(charge)
        self._events.record_event("refund.created", refund)
        self._events.record_event("charge.refunded", charge)
        return refund

    def update_refund(self, refund: objects.Json, status: str) -> None:
        """End a pending refund, or fail one that succeeded. Raises InvalidTransitionError."""
        _check_transition("refund", refund["status"], status, REFUND_TRANSITIONS)
        refund |= {"status": status, "pending_reason": None}
        if status == "failed":
            refund |= {"failure_reason": "lost_or_stolen_card", "failure_balance_transaction": objects.new_id("txn")}
        self._update_amount_refunded(self._store.charges[refund["charge"]])
        self._events.record_event("refund.updated", refund)
        if status == "failed":
            self._events.record_event("refund.failed", refund)

    def create_dispute(self, charge: objects.Json, amount: int | None, status: str, reason: str) -> objects.Json:
        """Dispute a charge; `amount` None is all that was not refunded. Raises InvalidTransitionError."""
        amount = charge["amount"] - charge["amount_refunded"] if amount is None else amount
        if charge["status"] != "succeeded" or not 0 < amount <= charge["amount"]:
            raise InvalidTransitionError(f"a charge with status {charge['status']} cannot be disputed for {amount}")
        now = int(self._clock.now())
        dispute = objects.dispute(charge, amount, status, reason, now, now + EVIDENCE_SECONDS)
        self._store.disputes[dispute["id"]] = dispute
        charge["disputed"] = True
        self._events.record_event("charge.dispute.created", dispute)
        if status == "needs_response":
            self._withdraw(dispute)
        return dispute

    def update_dispute(self, dispute: objects.Json, status: str) -> None:
        """Move a dispute to another state. Raises InvalidTransitionError."""
        before = dispute["status"]
        _check_transition("dispute", before, status, DISPUTE_TRANSITIONS)
        dispute["status"] = status
        if status in CLOSED:
            self._events.record_event("charge.dispute.closed", dispute)
        else:
            self._events.record_event("charge.dispute.updated", dispute)
        if status == "won":
            self._move_money(dispute, dispute["amount"], 0, "charge.dispute.funds_reinstated")
        elif status == "needs_response":
            dispute["is_charge_refundable"] = False
            self._withdraw(dispute)

    def reset(self) -> None:
        self.refund_status = "succeeded"

    def _charge(self, params: objects.Json) -> objects.Json:
        named = [name for name in ("charge", "payment_intent") if name in params]
        if len(named) != 1:
            raise StripeApiError(400, "One of the following params should be provided: payment_intent or charge.")
        if named == ["charge"]:
            charge = self._store.get_charge(params["charge"])
        else:
            intent = self._store.get_intent(params["payment_intent"], "payment_intent")
            charge = self._store.get_charge(intent["latest_charge"])
        if charge["status"] != "succeeded":
            message = f"This payment ({charge['payment_intent']}) has no successful charge to refund."
            raise StripeApiError(400, message, param=named[0])
        return charge

    def _refundable_amount(self, charge: objects.Json) -> int:
        return int(charge["amount"] - charge["amount_refunded"] - self._withdrawn_amount(charge))

    def _withdrawn_amount(self, charge: objects.Json) -> int:
        """What disputes have withdrawn and not returned."""
        total: int = -sum(
            transaction["amount"]
            for dispute in self._store.disputes.values()
            if dispute["charge"] == charge["id"]
            for transaction in dispute["balance_transactions"]
        )
        return total

    def _update_amount_refunded(self, charge: objects.Json) -> None:
        charge["amount_refunded"] = sum(
            refund["amount"]
            for refund in self._store.refunds.values()
            if refund["charge"] == charge["id"] and refund["status"] in ("pending", "succeeded")
        )
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]

    def _withdraw(self, dispute: objects.Json) -> None:
        self._move_money(dispute, -dispute["amount"], DISPUTE_FEE, "charge.dispute.funds_withdrawn")

    def _move_money(self, dispute: objects.Json, amount: int, fee: int, event: str) -> None:
        transaction = objects.balance_transaction(dispute, amount, fee, int(self._clock.now()))
        dispute["balance_transactions"].append(transaction)
        self._events.record_event(event, dispute)


def _check_transition(noun: str, before: str, after: str, transitions: dict[str, tuple[str, ...]]) -> None:
    if after not in transitions.get(before, ()):
        raise InvalidTransitionError(
            f"a {noun} that is {before} can become {' or '.join(transitions.get(before, ())) or 'nothing else'}"
        )


def _format_amount(amount: int) -> str:
    return f"${amount / 100:.2f}"
