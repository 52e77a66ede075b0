"""Stripe's objects as JSON, as they are when new; their owners change them in place.

Source: stripe-python 16.1.0, API version 2026-10-28.endive. Fields that never have a value here are null.
"""

import secrets
from typing import Any

Json = dict[str, Any]

API_VERSION = "2026-10-28.endive"


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def session(params: Json, methods: list[str], page_url: str, created: int, expires_at: int) -> Json:
    """A Checkout Session in mode `payment`. `page_url`: the address of the hosted pages, without the id."""
    id = new_id("cs_test")
    lines = params["line_items"]
    total = sum(line["price_data"]["unit_amount"] * line.get("quantity", 1) for line in lines)
    return dict.fromkeys(SESSION_NULLS) | {
        "id": id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": params.get("adaptive_pricing", {}).get("enabled", True)},
        "allow_promotion_codes": params.get("allow_promotion_codes"),
        "allowed_payment_method_types": None,
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {
            "enabled": params.get("automatic_tax", {}).get("enabled", False),
            "liability": None,
            "provider": None,
            "status": None,
        },
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": created,
        "currency": lines[0]["price_data"]["currency"],
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer_creation": "if_required",
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "expires_at": expires_at,
        "livemode": False,
        "locale": None,
        "metadata": params.get("metadata", {}),
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": methods,
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{page_url}/{id}",
    }


def line_item(line: Json, created: int) -> Json:
    price_data, quantity = line["price_data"], line.get("quantity", 1)
    unit_amount = price_data["unit_amount"]
    price = dict.fromkeys(PRICE_NULLS) | {
        "id": new_id("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": created,
        "currency": price_data["currency"],
        "livemode": False,
        "metadata": {},
        "product": new_id("prod"),
        "tax_behavior": "unspecified",
        "type": "one_time",
        "unit_amount": unit_amount,
        "unit_amount_decimal": str(unit_amount),
    }
    return {
        "id": new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": unit_amount * quantity,
        "amount_tax": 0,
        "amount_total": unit_amount * quantity,
        "currency": price_data["currency"],
        "description": price_data["product_data"]["name"],
        "metadata": {},
        "price": price,
        "quantity": quantity,
    }


def payment_intent(session: Json, metadata: Json, method: str, created: int) -> Json:
    """The payment of a session. `metadata` is its own, not that of the session."""
    id = new_id("pi")
    return dict.fromkeys(INTENT_NULLS) | {
        "id": id,
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": "automatic_async",
        "client_secret": f"{id}_secret_{secrets.token_hex(8)}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": session["currency"],
        "description": None,
        "livemode": False,
        "metadata": dict(metadata),
        "payment_method": new_id("pm"),
        "payment_method_options": {},
        "payment_method_types": [method],
        "status": "processing",
    }


def charge(intent: Json, session: Json, created: int) -> Json:
    method = intent["payment_method_types"][0]
    return dict.fromkeys(CHARGE_NULLS) | {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "billing_details": {"address": None, "email": session["customer_email"], "name": None, "phone": None},
        "captured": False,
        "created": created,
        "currency": intent["currency"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"type": method, method: {}},
        "refunded": False,
        "status": "pending",
    }


def refund(charge: Json, amount: int, status: str, reason: str | None, metadata: Json, created: int) -> Json:
    return dict.fromkeys(REFUND_NULLS) | {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": new_id("txn"),
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "destination_details": {"type": charge["payment_method_details"]["type"]},
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "pending_reason": "processing" if status == "pending" else None,
        "reason": reason,
        "status": status,
    }


def dispute(charge: Json, amount: int, status: str, reason: str, created: int, due_by: int) -> Json:
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {"due_by": due_by, "has_evidence": False, "past_due": False, "submission_count": 0},
        "is_charge_refundable": status.startswith("warning_"),
        "livemode": False,
        "metadata": {},
        "network_reason_code": None,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": charge["payment_method_details"],
        "reason": reason,
        "status": status,
    }


def balance_transaction(dispute: Json, amount: int, fee: int, created: int) -> Json:
    """Money moved for a dispute; a negative `amount` is a withdrawal."""
    return {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "created": created,
        "currency": dispute["currency"],
        "fee": fee,
        "net": amount - fee,
        "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
        "source": dispute["id"],
        "status": "available",
        "type": "adjustment",
    }


SESSION_NULLS = (
    "after_expiration", "billing_address_collection", "branding_settings", "client_secret", "collected_information",
    "consent", "consent_collection", "currency_conversion", "customer", "customer_account", "customer_details",
    "excluded_payment_method_types", "integration_identifier", "invoice", "invoice_creation", "managed_payments",
    "name_collection", "optional_items", "origin_context", "payment_intent", "payment_link",
    "payment_method_configuration_details", "permissions", "presentment_details", "recovered_from",
    "redirect_on_completion", "return_url", "saved_payment_method_options", "setup_intent",
    "shipping_address_collection", "shipping_cost", "subscription", "tax_id_collection", "wallet_options",
)  # fmt: skip
PRICE_NULLS = ("custom_unit_amount", "lookup_key", "nickname", "recurring", "tiers_mode", "transform_quantity")
INTENT_NULLS = (
    "application", "application_fee_amount", "automatic_payment_methods", "canceled_at", "cancellation_reason",
    "customer", "customer_account", "last_payment_error", "latest_charge", "next_action", "on_behalf_of",
    "payment_method_configuration_details", "presentment_details", "processing", "receipt_email", "review",
    "setup_future_usage", "shipping", "source", "statement_descriptor", "statement_descriptor_suffix",
    "transfer_data", "transfer_group",
)  # fmt: skip
CHARGE_NULLS = (
    "application", "application_fee", "application_fee_amount", "balance_transaction",
    "calculated_statement_descriptor", "customer", "failure_balance_transaction", "failure_code", "failure_message",
    "on_behalf_of", "outcome", "presentment_details", "receipt_email", "receipt_number", "receipt_url", "review",
    "shipping", "source", "source_transfer", "statement_descriptor", "statement_descriptor_suffix", "transfer",
    "transfer_data", "transfer_group",
)  # fmt: skip
REFUND_NULLS = (
    "description", "failure_balance_transaction", "failure_reason", "receipt_number", "source_transfer_reversal",
    "transfer_reversal",
)  # fmt: skip
