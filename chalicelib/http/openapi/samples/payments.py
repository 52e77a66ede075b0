"""Examples of the shapes of the section Payments."""

from .... import contract
from .ids import CURSOR, PURCHASE, STARTED

purchase_item = contract.PurchaseItem(
    purchase_id=PURCHASE,
    package_id="starter",
    state="paid",
    credits=500,
    cents=299,
    currency="usd",
    created_at=STARTED,
    credits_added=500,
    credits_taken_back=0,
    cents_returned=0,
    is_disputed=False,
)

EXAMPLES = [
    contract.Packages(
        packages=[contract.CreditPackage(id="starter", credits=500, cents=299, currency="usd")], price_version="2026-11"
    ),
    contract.Buy(package_id="starter"),
    contract.Checkout(
        purchase_id=PURCHASE,
        checkout_url="https://checkout.stripe.com/c/pay/cs_a1b2",
        checkout_session_id="cs_a1b2",
        expires_at="2026-11-30T11:00:00Z",
        credits=500,
        cents=299,
        currency="usd",
    ),
    purchase_item,
    contract.PurchasePage(purchases=[purchase_item], next_cursor=CURSOR),
    contract.PageQuery(limit=20),
    contract.PaidQuery(credits="2000"),
    contract.StripeWebhookResult(received=True, outcome="applied"),
]
