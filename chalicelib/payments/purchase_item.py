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
    state = STATES[purchase.facts.payment]
    return contract.PurchaseItem(
        purchase_id=purchase.purchase_id,
        package_id=purchase.package_id,
        state="refunded" if booked.returned_cents >= purchase.cents else state,
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
