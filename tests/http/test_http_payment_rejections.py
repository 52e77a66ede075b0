"""Webhooks that are malformed or report wrong data are rejected or ignored, and change no credits."""

import uuid
from typing import Any

import pytest
from stripe import WebhookSignature

from tests.default_prices import STARTER
from tests.http.checkout_steps import (
    PaymentsClient,
    buy,
    buy_and_pay,
    event,
    send_signed,
    webhook,
)
from tests.http.http_client import Api, Person, check_error
from tests.http.log_lines import LogLines, line_of
from tests.payments.payments_env import CENTS, CREDITS

ALARM, QUIET = 1, 0
SIGNED = "signed as Stripe does"
DEEP = b'{"id": "evt_1", "type": "refund.created", "data": {"object": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}}"


def paid_checkout(payments_client: PaymentsClient, checkout: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The checkout as it is once it is paid, with some wrong data."""
    stored_metadata = {"app": "live-transcription", "stage": "local", **payments_client.session(checkout)["metadata"]}
    metadata = stored_metadata | changes.pop("metadata", {})
    changed = {"status": "complete", "payment_status": "paid", "payment_intent": f"pi_{uuid.uuid4().hex}", "url": None}
    return payments_client.session(checkout) | changed | {"metadata": metadata} | changes


@pytest.mark.parametrize(
    ("raw", "signature"),
    [
        (b"", SIGNED),
        (b"{}", SIGNED),
        (b"[]", SIGNED),
        (b'"event"', SIGNED),
        (b"an event", SIGNED),
        (b'{"id": "evt_1", "type": "refund.created"}', SIGNED),
        (b'{"id": "evt_1", "type": "refund.created", "data": {}}', SIGNED),
        (b'{"id": "evt_1", "object": "v2.core.event", "type": "v1.refund.created"}', SIGNED),
        (DEEP, SIGNED),
        (b'{"id": ' + b"1" * 10_000 + b"}", SIGNED),
        (b'{"id": "\xff"}', None),
        (b'{"id": "\xff"}', b"t=1,v1=abc"),
        (event("refund.created", {"id": "re_1"}), None),
        (event("refund.created", {"id": "re_1"}), b""),
        (event("refund.created", {"id": "re_1"}), b"abc"),
        (event("refund.created", {"id": "re_1"}), b"t=1"),
        (event("refund.created", {"id": "re_1"}), b"v0=abc"),
        (event("refund.created", {"id": "re_1"}), b"t=1,v1=\xc3\xa9"),
        (event("refund.created", {"id": "re_1"}), b"t=" + b"9" * 5_000 + b",v1=abc"),
    ],
)
def test_a_malformed_webhook_is_rejected(
    api: Api, payments_client: PaymentsClient, raw: bytes, signature: bytes | str | None
) -> None:
    answer = send_signed(api, payments_client, raw) if signature == SIGNED else webhook(api, raw, signature)

    check_error(answer, 400, "invalid_signature")


def test_an_old_event_or_one_with_another_secret_is_rejected(api: Api, payments_client: PaymentsClient) -> None:
    raw = event("refund.created", {"id": "re_1"})
    for signature in (
        WebhookSignature.generate_signature_header(raw.decode(), payments_client.secret, 1_700_000_000),
        WebhookSignature.generate_signature_header(raw.decode(), payments_client.secret, 9_999_999_999),
        WebhookSignature.generate_signature_header(raw.decode(), "whsec_another"),
        WebhookSignature.generate_signature_header(raw.decode() + " ", payments_client.secret),
    ):
        check_error(webhook(api, raw, signature), 400, "invalid_signature")


def test_an_event_that_is_too_large_is_rejected_before_it_is_read(api: Api, payments_client: PaymentsClient) -> None:
    check_error(send_signed(api, payments_client, event("x", {"text": "a" * 600_000})), 413, "too_large")


@pytest.mark.parametrize("type", ["charge.refunded", "invoice.paid", "an.event.of.next.year", "refund.of_next_year"])
def test_other_events_are_answered_and_ignored(
    api: Api, payments_client: PaymentsClient, log_lines: LogLines, type: str
) -> None:
    answer = send_signed(api, payments_client, event(type, {"id": "x"}))

    assert (answer.status_code, answer.json()["outcome"]) == (200, "ignored")
    assert line_of(answer, log_lines).get("PaymentAlarms", 0) == QUIET


def test_a_signed_event_with_invalid_data_is_to_be_delivered_again(api: Api, payments_client: PaymentsClient) -> None:
    check_error(
        send_signed(api, payments_client, event("refund.created", {"id": "re_1", "amount": "all"})), 503, "unavailable"
    )


@pytest.mark.parametrize(
    ("wrong_data", "reason", "alarm"),
    [
        ({"livemode": True}, "another mode", ALARM),
        ({"amount_total": 1}, "another amount", ALARM),
        ({"amount_total": 99_900}, "another amount", ALARM),
        ({"currency": "eur"}, "another currency", ALARM),
        ({"metadata": {"user_id": "another"}}, "another user", ALARM),
        ({"metadata": {"user_id": ""}}, "another user", ALARM),
        ({"metadata": {"purchase_id": "another"}}, "unknown purchase", ALARM),
        ({"metadata": {"stage": "prod"}}, "another stage", ALARM),
        ({"metadata": {"app": "another"}}, "not of this service", QUIET),
        ({"metadata": {"purchase_id": ""}}, "not of this service", QUIET),
    ],
)
def test_a_payment_that_differs_from_the_purchase_grants_nothing_and_triggers_an_alarm(
    api: Api,
    payments_client: PaymentsClient,
    person: Person,
    log_lines: LogLines,
    wrong_data: dict[str, Any],
    reason: str,
    alarm: int,
) -> None:
    checkout = buy(person)

    answer = send_signed(
        api,
        payments_client,
        event("checkout.session.completed", paid_checkout(payments_client, checkout, **wrong_data)),
    )

    assert (answer.status_code, answer.json()) == (200, {"received": True, "outcome": "ignored", "reason": reason})
    assert person.balance() == (200, 0)
    line = line_of(answer, log_lines)
    assert line.get("PaymentAlarms", 0) == alarm
    assert line["payment_event"] == f"checkout.session.completed: {reason}"
    assert line.get("payment_alarm") == (reason if alarm else None)


def test_the_same_event_with_correct_data_grants_credits(
    api: Api, payments_client: PaymentsClient, person: Person
) -> None:
    """Otherwise the test above would prove nothing."""
    answer = send_signed(
        api, payments_client, event("checkout.session.completed", paid_checkout(payments_client, buy(person)))
    )

    assert answer.json() == {"received": True, "outcome": "applied"}
    assert person.balance() == (200 + CREDITS, 0)


def test_credits_go_to_the_buyer_even_if_another_person_paid(
    payments_client: PaymentsClient, api: Api, person: Person
) -> None:
    """Only the purchase decides: any address can be entered at the checkout."""
    checkout = buy(person, "starter")
    wrong_data = {"customer_details": {"email": "another@example.com"}, "customer_email": "another@example.com"}

    send_signed(
        api,
        payments_client,
        event("checkout.session.completed", paid_checkout(payments_client, checkout, **wrong_data)),
    )

    assert person.balance() == (200 + STARTER.credits, 0)


@pytest.mark.parametrize(
    ("wrong_data", "reason"),
    [
        ({"currency": "eur"}, "another currency"),
        ({"amount": CENTS + 1}, "another amount"),
        ({"payment_intent": "pi_another"}, "not of this service"),
        ({"payment_intent": None}, "nothing about a payment"),
    ],
)
def test_a_refund_that_differs_from_the_payment_claws_nothing_back(
    api: Api,
    payments_client: PaymentsClient,
    person: Person,
    log_lines: LogLines,
    wrong_data: dict[str, Any],
    reason: str,
) -> None:
    checkout = buy_and_pay(person, payments_client)
    refund = {"id": "re_1", "status": "succeeded", "amount": CENTS, "currency": "usd"}
    refund["payment_intent"] = payments_client.session(checkout)["payment_intent"]

    answer = send_signed(api, payments_client, event("refund.created", refund | wrong_data))

    assert (answer.status_code, answer.json()["reason"]) == (200, reason)
    assert person.balance() == (200 + CREDITS, 0)
    assert line_of(answer, log_lines).get("PaymentAlarms", 0) == (ALARM if reason.startswith("another") else QUIET)


def test_a_live_event_about_a_test_payment_grants_nothing(
    api: Api, payments_client: PaymentsClient, person: Person
) -> None:
    raw = event("checkout.session.completed", paid_checkout(payments_client, buy(person)), livemode=True)

    assert send_signed(api, payments_client, raw).json()["reason"] == "another mode"
    assert person.balance() == (200, 0)


def test_a_live_refund_claws_nothing_back_from_a_test_purchase(
    api: Api, payments_client: PaymentsClient, person: Person
) -> None:
    checkout = buy_and_pay(person, payments_client)
    refund = {"id": "re_1", "status": "succeeded", "amount": CENTS, "currency": "usd"}
    refund["payment_intent"] = payments_client.session(checkout)["payment_intent"]

    answer = send_signed(api, payments_client, event("refund.created", refund, livemode=True))

    assert answer.json()["reason"] == "another mode"
    assert person.balance() == (200 + CREDITS, 0)


def test_a_webhook_needs_no_token_and_is_a_post(
    api: Api, payments_client: PaymentsClient, signed_in_user: Person
) -> None:
    check_error(api.get("/webhooks/stripe"), 404, "not_found")
    check_error(signed_in_user.post("/webhooks/stripe", json={}), 400, "invalid_signature")
