"""Money that goes back: refunds, which may fail later, and disputes, which may be won.

Source: docs.stripe.com/refunds, /disputes/how-disputes-work, /changelog/acacia/2024-10-28; read 2026-11.
"""

from sandbox.stripe import objects as shapes
from sandbox.stripe.account_clock import StripeClock
from sandbox.stripe.errors import RefusalError
from sandbox.stripe.events import Events
from sandbox.stripe.store import Books

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
DISPUTE_FEE = 1500
EVIDENCE_SECONDS = 7 * 24 * 3600
REFUND_STEPS = {"pending": ("succeeded", "failed", "canceled"), "succeeded": ("failed",)}
"""A refund that succeeded may still come back from the bank."""
DISPUTE_BEGINNINGS = ("needs_response", "warning_needs_response")
DISPUTE_STEPS = {
    "warning_needs_response": ("warning_under_review", "warning_closed", "needs_response"),
    "warning_under_review": ("warning_closed", "needs_response"),
    "needs_response": ("under_review", "won", "lost"),
    "under_review": ("won", "lost"),
}
CLOSED = ("won", "lost", "warning_closed")


class StepError(Exception):
    """A refund or a dispute does not go from what it is to what was asked for."""


class Returns:
    """What happens to a charge once it succeeded."""

    def __init__(self, books: Books, events: Events, clock: StripeClock):
        self._books, self._events, self._clock = books, events, clock
        self.refund_status = "succeeded"
        """What new refunds are: `succeeded` or `pending`."""

    def refund(self, params: shapes.Json, status: str | None = None) -> shapes.Json:
        """Give all or a part back. Raises RefusalError. `status`: None for what is ordered."""
        charge = self._charge(params)
        returnable = self._returnable(charge)
        if returnable <= 0 and self._withdrawn(charge):
            message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise RefusalError(400, message, code="charge_disputed")
        if returnable <= 0:
            message = f"Charge {charge['id']} has already been refunded."
            raise RefusalError(400, message, code="charge_already_refunded")
        amount = params.get("amount", returnable)
        if amount > returnable:
            message = (
                f"Refund amount ({_shown(amount)}) is greater than unrefunded amount on charge ({_shown(returnable)})"
            )
            raise RefusalError(400, message, param="amount")
        status = status or self.refund_status
        refund = shapes.refund(
            charge, amount, status, params.get("reason"), params.get("metadata", {}), int(self._clock.now())
        )
        self._books.refunds[refund["id"]] = refund
        self._count_refunded(charge)
        self._events.record("refund.created", refund)
        self._events.record("charge.refunded", charge)
        return refund

    def step_refund(self, refund: shapes.Json, status: str) -> None:
        """A pending refund ends, or one that succeeded fails. Raises StepError."""
        _check_step("refund", refund["status"], status, REFUND_STEPS)
        refund |= {"status": status, "pending_reason": None}
        if status == "failed":
            refund |= {"failure_reason": "lost_or_stolen_card", "failure_balance_transaction": shapes.new_id("txn")}
        self._count_refunded(self._books.charges[refund["charge"]])
        self._events.record("refund.updated", refund)
        if status == "failed":
            self._events.record("refund.failed", refund)

    def dispute(self, charge: shapes.Json, amount: int | None, status: str, reason: str) -> shapes.Json:
        """The customer's bank disputes a charge, by default all that was not refunded. Raises StepError."""
        amount = charge["amount"] - charge["amount_refunded"] if amount is None else amount
        if charge["status"] != "succeeded" or not 0 < amount <= charge["amount"]:
            raise StepError(f"a charge that {charge['status']} cannot be disputed over {amount}")
        now = int(self._clock.now())
        dispute = shapes.dispute(charge, amount, status, reason, now, now + EVIDENCE_SECONDS)
        self._books.disputes[dispute["id"]] = dispute
        charge["disputed"] = True
        self._events.record("charge.dispute.created", dispute)
        if status == "needs_response":
            self._withdraw(dispute)
        return dispute

    def step_dispute(self, dispute: shapes.Json, status: str) -> None:
        """Raises StepError."""
        before = dispute["status"]
        _check_step("dispute", before, status, DISPUTE_STEPS)
        dispute["status"] = status
        if status in CLOSED:
            self._events.record("charge.dispute.closed", dispute)
        else:
            self._events.record("charge.dispute.updated", dispute)
        if status == "won":
            self._move_money(dispute, dispute["amount"], 0, "charge.dispute.funds_reinstated")
        elif status == "needs_response":
            dispute["is_charge_refundable"] = False
            self._withdraw(dispute)

    def forget(self) -> None:
        self.refund_status = "succeeded"

    def _charge(self, params: shapes.Json) -> shapes.Json:
        named = [name for name in ("charge", "payment_intent") if name in params]
        if len(named) != 1:
            raise RefusalError(400, "One of the following params should be provided: payment_intent or charge.")
        if named == ["charge"]:
            charge = self._books.charge(params["charge"])
        else:
            intent = self._books.intent(params["payment_intent"], "payment_intent")
            charge = self._books.charge(intent["latest_charge"])
        if charge["status"] != "succeeded":
            message = f"This payment ({charge['payment_intent']}) has no successful charge to refund."
            raise RefusalError(400, message, param=named[0])
        return charge

    def _returnable(self, charge: shapes.Json) -> int:
        return int(charge["amount"] - charge["amount_refunded"] - self._withdrawn(charge))

    def _withdrawn(self, charge: shapes.Json) -> int:
        """What disputes have taken and not given back."""
        return -sum(
            moved["amount"]
            for dispute in self._books.disputes.values()
            if dispute["charge"] == charge["id"]
            for moved in dispute["balance_transactions"]
        )

    def _count_refunded(self, charge: shapes.Json) -> None:
        charge["amount_refunded"] = sum(
            refund["amount"]
            for refund in self._books.refunds.values()
            if refund["charge"] == charge["id"] and refund["status"] in ("pending", "succeeded")
        )
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]

    def _withdraw(self, dispute: shapes.Json) -> None:
        self._move_money(dispute, -dispute["amount"], DISPUTE_FEE, "charge.dispute.funds_withdrawn")

    def _move_money(self, dispute: shapes.Json, amount: int, fee: int, event: str) -> None:
        moved = shapes.balance_transaction(dispute, amount, fee, int(self._clock.now()))
        dispute["balance_transactions"].append(moved)
        self._events.record(event, dispute)


def _check_step(what: str, before: str, after: str, steps: dict[str, tuple[str, ...]]) -> None:
    if after not in steps.get(before, ()):
        raise StepError(f"a {what} that is {before} can become {' or '.join(steps.get(before, ())) or 'nothing else'}")


def _shown(amount: int) -> str:
    return f"${amount / 100:.2f}"
