"""What Stripe's events report about a payment, and which of them report nothing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from stripe import WebhookSignature

from chalicelib.errors import InvalidSignatureError, ProviderError
from chalicelib.models.purchase_facts import (
    Dispute,
    DisputeFact,
    DisputeState,
    PaymentFact,
    PaymentState,
    Refund,
    RefundFact,
    RefundState,
)
from chalicelib.models.purchases import CheckoutSession, PaymentUpdate
from chalicelib.providers.stripe_client import StripeGateway
from chalicelib.providers.stripe_event_handlers import HANDLERS
from chalicelib.providers.stripe_objects import checkout_session
from sandbox.stripe import events as stripe_events
from tests.providers.stand_in import KEYS, StandIn
from tests.providers.stripe_checkout_steps import APP, SECRET, STAGE, event, gateway, new_purchase, sign, to_raw


@pytest.fixture
def stripe_gateway(stand_in: StandIn) -> Iterator[StripeGateway]:
    with gateway(stand_in) as started:
        yield started


def session_object(**changes: Any) -> dict[str, Any]:
    metadata = {"app": APP, "stage": STAGE, "purchase_id": "the-purchase", "user_id": "ada"}
    session = {
        "id": "cs_1",
        "object": "checkout.session",
        "status": "complete",
        "payment_status": "paid",
        "url": None,
        "payment_intent": "pi_1",
        "amount_total": 999,
        "currency": "usd",
        "livemode": False,
        "metadata": metadata,
    }
    return session | changes


def money_object(**changes: Any) -> dict[str, Any]:
    return {"id": "re_1", "amount": 333, "currency": "usd", "status": "succeeded", "payment_intent": "pi_1"} | changes


def update_from(
    stripe_gateway: StripeGateway, type: str, fields: dict[str, Any], **changes: Any
) -> CheckoutSession | PaymentUpdate | None:
    raw = to_raw(event(type, fields, **changes))
    return stripe_gateway.payment_update(stripe_gateway.verify_event(raw, sign(raw)))


@pytest.mark.parametrize(
    ("type", "changes", "payment"),
    [
        ("completed", {}, PaymentState.PAID),
        ("completed", {"payment_status": "unpaid"}, PaymentState.PENDING),
        ("completed", {"payment_status": "no_payment_required"}, PaymentState.PENDING),
        ("completed", {"payment_status": "a status of next year"}, PaymentState.PENDING),
        ("completed", {"status": "open", "payment_status": "paid"}, PaymentState.OPEN),
        ("async_payment_succeeded", {}, PaymentState.PAID),
        ("async_payment_failed", {"payment_status": "unpaid"}, PaymentState.FAILED),
        ("expired", {"status": "expired", "payment_status": "unpaid", "payment_intent": None}, PaymentState.EXPIRED),
    ],
)
def test_events_of_a_checkout_report_the_state_of_its_payment(
    stripe_gateway: StripeGateway, type: str, changes: dict[str, Any], payment: PaymentState
) -> None:
    update = update_from(stripe_gateway, f"checkout.session.{type}", session_object(**changes))

    payment_id = session_object(**changes)["payment_intent"] or ""
    assert update == CheckoutSession("cs_1", "", payment, payment_id, 999, "usd", False, "the-purchase", "ada", STAGE)


@pytest.mark.parametrize("metadata", [None, {}, {"purchase_id": "the-purchase"}, {"app": "another"}])
def test_a_checkout_of_another_application_names_no_purchase(stripe_gateway: StripeGateway, metadata: Any) -> None:
    update = update_from(stripe_gateway, "checkout.session.completed", session_object(metadata=metadata))

    assert isinstance(update, CheckoutSession)
    assert update.purchase_id == ""


REFUND_STATES = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    None: RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
DISPUTE_STATES = {
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.OPEN,
    "won": DisputeState.WON,
    "prevented": DisputeState.WON,
    "lost": DisputeState.LOST,
    "appeal_needs_response": DisputeState.LOST,
    "appeal_under_review": DisputeState.LOST,
}
INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed")


@pytest.mark.parametrize("status", REFUND_STATES)
@pytest.mark.parametrize("type", ["refund.created", "refund.updated", "refund.failed"])
def test_events_of_a_refund_report_its_current_state(
    stripe_gateway: StripeGateway, type: str, status: str | None
) -> None:
    """By the object alone: the type of an event says less than its object."""
    fact = RefundFact("re_1", Refund(REFUND_STATES[status], 333))

    assert update_from(stripe_gateway, type, money_object(status=status)) == PaymentUpdate(
        fact, "pi_1", 333, "usd", False
    )


@pytest.mark.parametrize("status", DISPUTE_STATES)
@pytest.mark.parametrize("type", sorted(name for name in HANDLERS if name.startswith("charge.dispute.")))
def test_events_of_a_dispute_report_its_current_state(stripe_gateway: StripeGateway, type: str, status: str) -> None:
    fact: PaymentFact = DisputeFact("dp_1", Dispute(DISPUTE_STATES[status], 333))
    fields = money_object(id="dp_1", status=status)

    assert update_from(stripe_gateway, type, fields, livemode=True) == PaymentUpdate(fact, "pi_1", 333, "usd", True)


@pytest.mark.parametrize(
    ("status", "moved_cents", "state"),
    [
        ("prevented", [], DisputeState.WON),
        ("prevented", None, DisputeState.WON),
        ("prevented", [-333], DisputeState.LOST),
        ("prevented", [-333, 333], DisputeState.WON),
        ("needs_response", [-333], DisputeState.OPEN),
        ("won", [-333], DisputeState.WON),
        ("lost", [-333], DisputeState.LOST),
    ],
)
def test_a_dispute_prevented_by_returning_the_money_is_lost(
    stripe_gateway: StripeGateway, status: str, moved_cents: list[int] | None, state: DisputeState
) -> None:
    moved = None if moved_cents is None else [{"id": "txn_1", "amount": cents, "fee": 0} for cents in moved_cents]
    fields = money_object(id="dp_1", status=status, balance_transactions=moved)

    update = update_from(stripe_gateway, "charge.dispute.closed", fields)

    assert update == PaymentUpdate(DisputeFact("dp_1", Dispute(state, 333)), "pi_1", 333, "usd", False)


@pytest.mark.parametrize(
    ("type", "changes"),
    [
        *[("charge.dispute.created", {"status": status}) for status in (*INQUIRIES, "a status of next year")],
        ("charge.dispute.created", {"status": "lost", "payment_intent": None}),
        ("refund.created", {"status": "a status of next year"}),
        ("refund.created", {"payment_intent": None}),
        ("charge.refunded", {}),
        ("payment_intent.succeeded", {}),
        ("checkout.session.of_next_year", {}),
        ("refund.of_next_year", {}),
        ("REFUND.CREATED", {}),
        (".", {}),
    ],
)
def test_events_about_no_payment_report_nothing(
    stripe_gateway: StripeGateway, type: str, changes: dict[str, Any]
) -> None:
    assert update_from(stripe_gateway, type, money_object(**changes)) is None


@pytest.mark.parametrize(
    ("type", "fields"),
    [
        ("refund.created", {}),
        ("refund.created", money_object(amount=-1)),
        ("refund.created", money_object(amount=3.5)),
        ("refund.created", money_object(amount="333")),
        ("refund.created", money_object(amount=10**30)),
        ("refund.created", money_object(id="")),
        ("refund.created", money_object(id=None)),
        ("refund.created", money_object(payment_intent={"id": "pi_1"})),
        ("charge.dispute.created", money_object(status=None)),
        ("charge.dispute.created", money_object(currency=None)),
        ("checkout.session.completed", session_object(status="a status of next year")),
        ("checkout.session.completed", session_object(amount_total=10**30)),
        ("checkout.session.completed", session_object(metadata={"purchase_id": 7})),
        ("checkout.session.completed", session_object(id="c" * 256)),
    ],
)
def test_a_signed_event_with_invalid_data_is_a_provider_error(
    stripe_gateway: StripeGateway, type: str, fields: dict[str, Any]
) -> None:
    """It is to be delivered again, for a release that understands it."""
    with pytest.raises(ProviderError, match="invalid response"):
        update_from(stripe_gateway, type, fields)


def test_an_unlimited_number_is_read_or_rejected_without_another_error(stripe_gateway: StripeGateway) -> None:
    digits = b"1" * 5_000
    raw = json.dumps(event(fields=money_object(amount=0))).encode().replace(b'"amount": 0', b'"amount": ' + digits)
    signature = WebhookSignature.generate_signature_header(raw.decode(), SECRET)

    with pytest.raises((InvalidSignatureError, ProviderError)):
        stripe_gateway.payment_update(stripe_gateway.verify_event(raw, signature))


# Against the sandbox


def test_every_type_we_subscribe_to_exists(stand_in: StandIn) -> None:
    assert set(stripe_events.TYPES) >= set(HANDLERS)


def test_the_sandboxs_events_of_a_purchase_are_understood(stand_in: StandIn) -> None:
    """They have the shape of Stripe's events: tests/sandbox compares them with the official SDK."""
    with gateway(stand_in, methods=("card", "us_bank_account")) as stripe_gateway:
        paid, late = (stripe_gateway.open_checkout(new_purchase()).session_id for _ in range(2))
        stand_in.stripe("orders", webhook_url="http://127.0.0.1:9/", webhook_lose=["*"])
        stand_in.stripe(f"sessions/{paid}/pay")
        refund = stand_in.stripe("refunds", session=paid, amount=333, status="pending")
        stand_in.stripe(f"refunds/{refund['id']}", status="failed")
        dispute = stand_in.stripe("disputes", session=paid)
        stand_in.stripe(f"disputes/{dispute['id']}", status="won")
        stand_in.stripe(f"sessions/{late}/pay", method="us_bank_account")
        stand_in.stripe(f"sessions/{late}/settle", outcome="failed")

        updates = [
            (event.type, stripe_gateway.payment_update(event)) for event in stripe_gateway.list_undelivered_events(0)
        ][::-1]

    reported = [
        (type, update.payment if isinstance(update, CheckoutSession) else update.fact)
        for type, update in updates
        if update is not None
    ]
    opened = DisputeFact(dispute["id"], Dispute(DisputeState.OPEN, 999))
    won = DisputeFact(dispute["id"], Dispute(DisputeState.WON, 999))
    failed = RefundFact(refund["id"], Refund(RefundState.FAILED, 333))
    assert reported == [
        ("checkout.session.completed", PaymentState.PAID),
        ("refund.created", RefundFact(refund["id"], Refund(RefundState.PENDING, 333))),
        ("refund.updated", failed),
        ("refund.failed", failed),
        ("charge.dispute.created", opened),
        ("charge.dispute.funds_withdrawn", opened),
        ("charge.dispute.closed", won),
        ("charge.dispute.funds_reinstated", won),
        ("checkout.session.completed", PaymentState.PENDING),
        ("checkout.session.async_payment_failed", PaymentState.FAILED),
    ]
    assert len(reported) == len(updates)
    assert KEYS.stripe_webhooks not in str(updates)


def test_the_guide_names_every_type_to_subscribe_to() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "payments.md").read_text(encoding="utf-8")
    (types_in_guide,) = re.findall(r"```text\n(.*?)```", guide, re.DOTALL)

    assert set(types_in_guide.split()) == set(HANDLERS)
    assert f"`{stripe.api_version}`" in guide


@pytest.mark.parametrize(
    ("status", "payment"),
    [
        ("processing", PaymentState.PENDING),
        ("requires_action", PaymentState.PENDING),
        ("requires_payment_method", PaymentState.FAILED),
        ("canceled", PaymentState.FAILED),
        ("a status of next year", PaymentState.PENDING),
    ],
)
def test_a_complete_checkout_with_its_expanded_payment(status: str, payment: PaymentState) -> None:
    intent = {"id": "pi_1", "object": "payment_intent", "status": status}

    session = checkout_session(session_object(payment_status="unpaid", payment_intent=intent), APP)

    assert (session.payment, session.payment_id) == (payment, "pi_1")
