"""The parameters of `POST /v1/checkout/sessions`: one-off payments on the hosted page, with inline prices.

Source: stripe-python 16.1.0, `params/checkout/_session_create_params.py`; docs.stripe.com/api/checkout/sessions/create,
read 2026-11. Parameters that this backend never sends are refused as unknown.
"""

from typing import Any

from sandbox.stripe.errors import ParamError
from sandbox.stripe.parameters import Required, Schema, boolean, choice, email, integer, metadata, text, text_up_to, url

MIN_SECONDS, MAX_SECONDS = 30 * 60, 24 * 3600
MAX_LINE_ITEMS = 100
MIN_TOTAL = {"usd": 50, "eur": 50, "gbp": 30}
"""In minor units; a total of 0 is allowed too."""
ELIGIBLE_METHODS = ("card", "link", "us_bank_account")
"""The payment methods of the sandbox's account."""
METHODS = (
    *("acss_debit", "affirm", "afterpay_clearpay", "alipay", "amazon_pay", "au_becs_debit", "bacs_debit", "bancontact"),
    *("boleto", "card", "cashapp", "customer_balance", "eps", "ideal", "klarna", "konbini", "link", "multibanco"),
    *("oxxo", "p24", "paypal", "pix", "promptpay", "sepa_debit", "swish", "twint", "us_bank_account", "wechat_pay"),
)

PARAMETERS: Schema = {
    "mode": Required(choice("payment")),
    "line_items": Required(
        [
            {
                "price_data": Required(
                    {
                        "currency": Required(choice("usd", "eur", "gbp", "chf", "cad", "aud", "jpy")),
                        "unit_amount": Required(integer(0, 99_999_999)),
                        "product_data": Required({"name": Required(text)}),
                    }
                ),
                "quantity": integer(1, 999_999),
            }
        ]
    ),
    "success_url": Required(url),
    "cancel_url": url,
    "metadata": metadata,
    "payment_intent_data": {"metadata": metadata},
    "client_reference_id": text_up_to(200),
    "customer_email": email,
    "expires_at": integer(0),
    "allow_promotion_codes": boolean,
    "automatic_tax": {"enabled": Required(boolean)},
    "adaptive_pricing": {"enabled": boolean},
    "payment_method_types": [choice(*METHODS)],
    "expand": [text],
}


def check_combinations(params: dict[str, Any], now: int) -> None:
    """Check rules between parameters. Raises ParamError. `now`: epoch seconds."""
    lines = params["line_items"]
    if not 1 <= len(lines) <= MAX_LINE_ITEMS:
        message = f"line_items must have from 1 to {MAX_LINE_ITEMS} items."
        raise ParamError(message, param="line_items")
    currencies = {line["price_data"]["currency"] for line in lines}
    if len(currencies) > 1:
        raise ParamError("All line_items must have the same currency.", param="line_items")
    (currency,) = currencies
    total = sum(line["price_data"]["unit_amount"] * line.get("quantity", 1) for line in lines)
    least = MIN_TOTAL.get(currency, 1)
    if 0 < total < least:
        message = f"The Checkout Session's total amount due must add up to at least {least} {currency} minor units."
        raise ParamError(message, code="amount_too_small")
    lives_seconds = params.get("expires_at", now + MIN_SECONDS) - now
    if lives_seconds < MIN_SECONDS:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise ParamError(message, param="expires_at")
    if lives_seconds >= MAX_SECONDS:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise ParamError(message, param="expires_at")
