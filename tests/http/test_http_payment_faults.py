"""Buying while Stripe fails: an honest error, and a retry leads to one checkout and one payment."""

import uuid
from typing import Any

import pytest

from chalicelib.payments.reconciliation import ASK_AFTER_SECONDS
from chalicelib.repositories.purchases import purchase_key
from tests.default_prices import STARTER
from tests.fakes import Backend
from tests.http.checkout_steps import (
    CREATE,
    PURCHASE,
    PaymentsClient,
    age,
    buy,
    buy_and_pay,
    event,
    movements,
    send_signed,
    wait_until,
)
from tests.http.http_client import Person, check_error
from tests.http.log_lines import LogLines, line_of
from tests.payments.payments_env import CREDITS

BOTH_TRIES = 2
BODY: dict[str, Any] = {"package_id": "starter"}


@pytest.mark.parametrize(
    ("kind", "how", "status", "code"),
    [
        ("500", {}, 502, "provider_error"),
        ("401", {}, 502, "provider_error"),
        ("bad_json", {}, 502, "provider_error"),
        ("wrong_shape", {}, 502, "provider_error"),
        ("cut", {}, 502, "provider_error"),
        ("429", {}, 503, "unavailable"),
        ("503", {}, 503, "unavailable"),
        ("409", {}, 503, "unavailable"),
        ("timeout", {"delay_seconds": 0}, 504, "provider_timeout"),
        ("lost", {"delay_seconds": 0}, 504, "provider_timeout"),
    ],
)
def test_the_same_key_after_a_failure_leads_to_one_checkout(
    payments_client: PaymentsClient,
    person: Person,
    log_lines: LogLines,
    books: Backend,
    kind: str,
    how: dict[str, Any],
    status: int,
    code: str,
) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    payments_client.fail(CREATE, kind, **how)

    failed = person.post(PURCHASE, json=BODY, headers=key)
    check_error(failed, status, code)
    assert person.balance() == (200, 0)
    again = person.post(PURCHASE, json=BODY, headers=key)

    assert again.status_code == 201, again.text
    assert [session["id"] for session in payments_client.sessions_of(again.json()["purchase_id"])] == [
        again.json()["checkout_session_id"]
    ]
    payments_client.pay(again.json())
    assert person.balance() == (200 + STARTER.credits, 0)
    assert payments_client.charges_of(person) == [STARTER.cents]
    books.check_books(person.user_id)
    line = line_of(failed, log_lines)
    assert (line["ProviderErrors"], line.get("PaymentAlarms", 0)) == (1, int(kind == "401"))
    assert line["provider_failures"][0].startswith("Stripe: ")


def test_a_lost_response_is_waited_for_and_the_call_is_retried_once(
    payments_client: PaymentsClient, person: Person
) -> None:
    """After eight seconds the second try finds the checkout that the first one made."""
    payments_client.fail(CREATE, "lost")

    checkout = buy(person)

    assert len(payments_client.sessions_of(checkout["purchase_id"])) == 1


def test_a_purchase_that_stripe_rejects_has_failed(
    payments_client: PaymentsClient, start_api: Any, person: Person
) -> None:
    """With an unknown payment method the purchase fails, and the same key returns a conflict."""
    api = start_api(STRIPE_PAYMENT_METHODS="shells")
    key = {"Idempotency-Key": str(uuid.uuid4())}

    check_error(api.post(PURCHASE, person.token, json=BODY, headers=key), 502, "provider_error")
    check_error(person.post(PURCHASE, json=BODY, headers=key), 409, "conflict")


# What no event reported


def test_a_payment_that_no_event_reports_is_found(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    checkout = buy(person)
    payments_client.do("orders", webhook_url=None)  # Then no event counts as undelivered either.
    payments_client.do(f"sessions/{checkout['checkout_session_id']}/pay")
    assert person.balance() == (200, 0)

    age(books, checkout, ASK_AFTER_SECONDS + 1)

    wait_until(lambda: person.balance() == (200 + CREDITS, 0), "the payment was not found")
    books.check_books(person.user_id)


def test_a_checkout_whose_response_was_lost_is_found_and_so_is_its_payment(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    key = str(uuid.uuid4())
    payments_client.fail(CREATE, "lost", times=BOTH_TRIES, delay_seconds=0)
    check_error(person.post(PURCHASE, json=BODY, headers={"Idempotency-Key": key}), 504, "provider_timeout")
    (session,) = [
        found for found in payments_client.books()["sessions"] if found["metadata"]["user_id"] == person.user_id
    ]
    purchase_id = session["client_reference_id"]

    age(books, {"purchase_id": purchase_id}, ASK_AFTER_SECONDS + 1)
    wait_until(
        lambda: bool((books.tables.get(purchase_key(purchase_id)) or {})["checkout_session_id"]),
        "the checkout was not found",
    )

    checkout = buy(person, "starter", key=key)
    assert checkout["checkout_session_id"] == session["id"]
    assert len(payments_client.sessions_of(purchase_id)) == 1


def test_a_refund_reported_while_stripe_is_down_is_to_be_delivered_again(
    payments_client: PaymentsClient, person: Person
) -> None:
    checkout = buy_and_pay(person, payments_client, "starter")
    refund = {"id": f"re_{uuid.uuid4().hex}", "status": "succeeded", "amount": STARTER.cents, "currency": "usd"}
    unknown, recorded = "pi_unknown", payments_client.session(checkout)["payment_intent"]
    payments_client.fail("stripe.sessions_list", "timeout", delay_seconds=0)

    failed = send_signed(person.api, payments_client, event("refund.created", refund | {"payment_intent": unknown}))
    # A refund whose payment is recorded needs no call to Stripe.
    answer = send_signed(person.api, payments_client, event("refund.created", refund | {"payment_intent": recorded}))

    check_error(failed, 503, "unavailable")
    assert answer.json()["outcome"] == "applied"
    assert movements(person) == [
        ("clawback", -STARTER.credits, -STARTER.cents),
        ("purchase", STARTER.credits, STARTER.cents),
    ]
