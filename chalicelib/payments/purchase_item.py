"""What a buyer sees of a purchase: whether its money and its credits have come, and what was returned. Pure rules."""

from .. import contract
from ..dates import rfc3339
from ..models.purchase_facts import DisputeState, PaymentState
from ..models.purchases import Purchase

STATES = {
    PaymentState.CREATING: "open",
    PaymentState.OPEN: "open",
    PaymentState.PENDING: "pending",
    PaymentState.EXPIRED: "expired",
    PaymentState.FAILED: "failed",
    PaymentState.PAID: "paid",
}


def purchase_item(purchase: Purchase) -> contract.PurchaseItem:
    booked = purchase.booked
    state = _state(purchase)
    return contract.PurchaseItem(
        purchase_id=purchase.purchase_id,
        package_id=purchase.package_id,
        state=state,
        credits=purchase.credits,
        cents=purchase.cents,
        currency=purchase.currency,
        created_at=rfc3339(purchase.created_at),
        credits_added=booked.granted,
        credits_taken_back=booked.clawed_back,
        cents_returned=booked.returned_cents,
        is_disputed=any(dispute.state is DisputeState.OPEN for dispute in purchase.facts.disputes.values()),
        checkout_url=purchase.checkout_url if state == "open" else "",
    )


def _state(purchase: Purchase) -> str:
    """The progress of the payment; where all of its money went back, whether the seller or the bank returned it."""
    if purchase.booked.returned_cents < purchase.cents:
        return STATES[purchase.facts.payment]
    return "refunded" if purchase.facts.refunded_cents >= purchase.cents else "disputed_lost"
