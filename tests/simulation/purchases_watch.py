"""What a purchase may have booked, by its own formulas, checked after every write that touches it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from tests.simulation.books import Books, number, text
from tests.simulation.engine import APP, stored_items
from tests.simulation.scheduler import ViolationError

if TYPE_CHECKING:
    from tests.simulation.stripe import Payment

PAID, SUCCEEDED, OPEN, LOST = 5, 1, 0, 2  # as the purchase stores the states of payments, refunds and disputes


def check_purchase(books: Books, purchase_id: str) -> None:
    """One grant, one cumulative claw-back by the floor formula, and holds of open disputes alone."""
    item = stored_items(APP, f"PURCHASE#{purchase_id}").get("PURCHASE")
    if item is None:
        return
    credits, cents, user_id = number(item, "credits"), number(item, "cents"), text(item, "user_id")
    granted, clawed_back = number(item, "granted"), number(item, "clawed_back")
    refunds, disputes = _facts(item, "refunds"), _facts(item, "disputes")
    is_paid = number(item, "payment") == PAID
    returned = sum(amount for state, amount in refunds.values() if state == SUCCEEDED)
    returned = min(cents, returned + sum(amount for state, amount in disputes.values() if state == LOST))
    expected = (credits, credits * returned // cents) if is_paid else (0, 0)
    if (granted, clawed_back) != expected:
        _fail(purchase_id, f"granted {granted} and clawed back {clawed_back}, should be {expected}")
    booked = books.accounts[user_id].by_reference
    if booked["purchase", purchase_id] != granted:
        _fail(purchase_id, f"granted {granted}, but the entries say {booked['purchase', purchase_id]}")
    total = booked["clawback", purchase_id] + booked["clawback_reversed", purchase_id]
    if total != -clawed_back:
        _fail(purchase_id, f"clawed back {clawed_back}, but the entries say {total}")
    open_holds = {
        hold_id.rsplit(":", 1)[1]: hold
        for hold_id, hold in books.open_holds(user_id, "dispute").items()
        if hold.reference == purchase_id
    }
    for dispute_id, hold in open_holds.items():
        state, amount = disputes.get(dispute_id, (LOST, 0))
        if state != OPEN or not is_paid:
            _fail(purchase_id, f"the dispute {dispute_id} holds {hold.credits} and is not open")
        if hold.credits > credits * min(amount, cents) // cents:
            _fail(purchase_id, f"the dispute {dispute_id} of {amount} cents holds {hold.credits} credits")
    if sum(hold.credits for hold in open_holds.values()) > credits:
        _fail(purchase_id, f"its disputes hold more than it sold: {open_holds}")


def check_facts(purchase_id: str, payments: Sequence["Payment"]) -> None:
    """What is stored of its payment is true at Stripe: it was paid, and such money went back or is disputed."""
    item = stored_items(APP, f"PURCHASE#{purchase_id}").get("PURCHASE", {})
    if number(item, "payment") == PAID and not any(payment.session.payment == PAID for payment in payments):
        _fail(purchase_id, "counts as paid, and nobody has paid")
    refunds = {name: refund for payment in payments for name, refund in payment.refunds.items()}
    disputes = {name: dispute for payment in payments for name, dispute in payment.disputes.items()}
    for stored, true in ((_facts(item, "refunds"), refunds), (_facts(item, "disputes"), disputes)):
        for name, (state, cents) in stored.items():
            if name not in true or cents != true[name].cents or state > true[name].state:
                _fail(purchase_id, f"has {name} of {cents} cents in state {state}, at Stripe is {true.get(name)}")


def check_new_dispute_hold(books: Books, user_id: str, hold_id: str, available_before: int) -> None:
    """The hold of a dispute that was just opened takes what is available, up to what the disputed money bought."""
    _, purchase_id, dispute_id = hold_id.rsplit(":", 2)
    item = stored_items(APP, f"PURCHASE#{purchase_id}")["PURCHASE"]
    credits, cents = number(item, "credits"), number(item, "cents")
    disputes = _facts(item, "disputes")
    if len(disputes) > 1:  # Several disputes share what the purchase sold; `check_purchase` bounds them.
        return
    disputed = credits * min(disputes[dispute_id][1], cents) // cents - number(item, "clawed_back")
    expected = max(0, min(available_before, disputed))
    held = books.accounts[user_id].holds[hold_id].credits
    if held != expected:
        _fail(purchase_id, f"the dispute {dispute_id} holds {held} credits, should be {expected}")


def _facts(item: dict[str, Any], name: str) -> dict[str, tuple[int, int]]:
    """Refund or dispute → its state and its cents."""
    found = item.get(name, {}).get("M", {})
    return {key: (int(value["L"][0]["N"]), int(value["L"][1]["N"])) for key, value in found.items()}


def _fail(purchase_id: str, message: str) -> NoReturn:
    buyer = text(stored_items(APP, f"PURCHASE#{purchase_id}").get("PURCHASE", {}), "user_id")
    raise ViolationError(f"purchase {purchase_id}: {message}", buyer)
