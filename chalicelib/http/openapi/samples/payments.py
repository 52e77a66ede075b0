"""Examples of the shapes of the section Payments."""

from .... import contract
from .ids import PURCHASE

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
    contract.StripeWebhookResult(received=True, outcome="applied"),
]
