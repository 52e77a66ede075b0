"""What Stripe tells over HTTP: in any order and number the same credits; what is not as it should be moves none."""

import uuid
from typing import Any

import pytest
from stripe import WebhookSignature

from tests.fakes import Backend
from tests.http.checkout_steps import (
    PaymentsClient,
    buy,
    buy_and_pay,
    event,
    movements,
    send_signed,
    wait_until,
    webhook,
)
from tests.http.http_client import Api, Person, check_error
from tests.http.log_lines import LogLines, line_of

ALARM, QUIET = 1, 0
SIGNED = "signed as Stripe does"
DEEP = b'{"id": "evt_1", "type": "refund.created", "data": {"object": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}}"


def paid(payments_client: PaymentsClient, checkout: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The checkout as it is once it is paid, but for some lies."""
    names = {"app": "live-transcription", "stage": "local", **payments_client.session(checkout)["metadata"]}
    metadata = names | changes.pop("metadata", {})
    changed = {"status": "complete", "payment_status": "paid", "payment_intent": f"pi_{uuid.uuid4().hex}", "url": None}
    return payments_client.session(checkout) | changed | {"metadata": metadata} | changes


# Any number and order


def test_copies_and_twins_of_every_event_change_nothing(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    payments_client.do("orders", webhook_copies=4, webhook_twins=2)
    checkout = buy_and_pay(person, payments_client)
    payments_client.refund(checkout, 333)
    dispute = payments_client.dispute(checkout)
    assert person.balance() == (2_200 - 1_333, 1_333 - 666)
    payments_client.step(f"disputes/{dispute}", "lost")

    assert person.balance() == (200, 0)
    assert movements(person) == [
        ("clawback", -667, -666),  # what it held; beside it the rest
        ("clawback", -667, 0),
        ("clawback", -666, -333),
        ("purchase", 2_000, 999),
    ]
    books.check_books(person.user_id)


def test_one_event_thirty_two_times_at_once_grants_once(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    payments_client.do("orders", webhook_copies=32)

    buy_and_pay(person, payments_client)

    assert movements(person) == [("purchase", 2_000, 999)]
    books.check_books(person.user_id)


@pytest.mark.parametrize("seed", range(6))
def test_a_life_in_any_order_comes_to_the_same(
    payments_client: PaymentsClient, person: Person, books: Backend, seed: int
) -> None:
    """The reconciler hears held events too, newest first, at the same time."""
    payments_client.do("orders", webhook_hold=True, webhook_twins=1)
    checkout = buy(person)
    payments_client.do(f"sessions/{checkout['checkout_session_id']}/pay")
    payments_client.refund(checkout, 100)
    refund = payments_client.refund(checkout, 233, status="pending")
    payments_client.step(f"refunds/{refund}", "succeeded")
    payments_client.step(f"refunds/{refund}", "failed")
    dispute = payments_client.dispute(checkout, amount=333)
    payments_client.step(f"disputes/{dispute}", "won")

    payments_client.do("deliveries", shuffle=seed, together=seed % 2 == 0)
    payments_client.rest()

    assert person.balance() == (2_200 - 200, 0)
    books.check_books(person.user_id)


def test_an_event_that_was_not_taken_comes_again(payments_client: PaymentsClient, person: Person) -> None:
    """A refund told before its payment asks Stripe; while Stripe does not answer it is to come again."""
    payments_client.do(
        "orders", webhook_lose=["checkout.session.completed", "payment_intent.succeeded"], webhook_retry_seconds=0
    )
    checkout = buy(person)
    payments_client.fail("stripe.events_list", "500", times=-1)  # The reconciler is to find nothing meanwhile.
    payments_client.do(f"sessions/{checkout['checkout_session_id']}/pay")
    payments_client.fail("stripe.sessions_list", "500", times=2)

    refund = payments_client.refund(checkout, 333)

    assert person.balance() == (2_200 - 666, 0)
    (delivery,) = [one for one in payments_client.deliveries() if one["object_id"] == refund]
    assert [attempt["status"] for attempt in delivery["attempts"]] == [503, 503, 200]


# What is not as it should be


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
def test_a_malformed_webhook_is_refused_and_breaks_nothing(
    api: Api, payments_client: PaymentsClient, raw: bytes, signature: bytes | str | None
) -> None:
    answer = send_signed(api, payments_client, raw) if signature == SIGNED else webhook(api, raw, signature)

    check_error(answer, 400, "invalid_signature")


def test_an_old_event_or_one_for_somebody_else_is_refused(api: Api, payments_client: PaymentsClient) -> None:
    raw = event("refund.created", {"id": "re_1"})
    for signature in (
        WebhookSignature.generate_signature_header(raw.decode(), payments_client.secret, 1_700_000_000),
        WebhookSignature.generate_signature_header(raw.decode(), payments_client.secret, 9_999_999_999),
        WebhookSignature.generate_signature_header(raw.decode(), "whsec_another"),
        WebhookSignature.generate_signature_header(raw.decode() + " ", payments_client.secret),
    ):
        check_error(webhook(api, raw, signature), 400, "invalid_signature")


def test_what_is_too_large_is_refused_before_it_is_read(api: Api, payments_client: PaymentsClient) -> None:
    check_error(send_signed(api, payments_client, event("x", {"words": "a" * 600_000})), 413, "too_large")


@pytest.mark.parametrize("type", ["charge.refunded", "invoice.paid", "an.event.of.next.year", "refund.of_next_year"])
def test_other_events_are_answered_and_ignored(
    api: Api, payments_client: PaymentsClient, log_lines: LogLines, type: str
) -> None:
    answer = send_signed(api, payments_client, event(type, {"id": "x"}))

    assert (answer.status_code, answer.json()["outcome"]) == (200, "ignored")
    assert line_of(answer, log_lines)["PaymentAlarms"] == QUIET


def test_nonsense_under_a_good_signature_is_to_come_again(api: Api, payments_client: PaymentsClient) -> None:
    check_error(
        send_signed(api, payments_client, event("refund.created", {"id": "re_1", "amount": "all"})), 503, "unavailable"
    )


@pytest.mark.parametrize(
    ("lie", "reason", "alarm"),
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
def test_a_payment_that_is_not_the_one_we_asked_for_brings_nothing_and_rings(
    api: Api,
    payments_client: PaymentsClient,
    person: Person,
    log_lines: LogLines,
    lie: dict[str, Any],
    reason: str,
    alarm: int,
) -> None:
    checkout = buy(person)

    answer = send_signed(
        api, payments_client, event("checkout.session.completed", paid(payments_client, checkout, **lie))
    )

    assert (answer.status_code, answer.json()) == (200, {"received": True, "outcome": "ignored", "reason": reason})
    assert person.balance() == (200, 0)
    line = line_of(answer, log_lines)
    assert line["PaymentAlarms"] == alarm
    assert line["payment_event"] == f"checkout.session.completed: {reason}"
    assert line.get("payment_alarm") == (reason if alarm else None)


def test_the_same_event_without_a_lie_brings_credits(api: Api, payments_client: PaymentsClient, person: Person) -> None:
    """Else the test above would prove nothing."""
    answer = send_signed(api, payments_client, event("checkout.session.completed", paid(payments_client, buy(person))))

    assert answer.json() == {"received": True, "outcome": "applied"}
    assert person.balance() == (2_200, 0)


def test_credits_go_to_the_buyer_whoever_paid(payments_client: PaymentsClient, api: Api, person: Person) -> None:
    """By the purchase alone: at the checkout anybody's address may be typed."""
    checkout = buy(person, "starter")
    lie = {"customer_details": {"email": "another@example.com"}, "customer_email": "another@example.com"}

    send_signed(api, payments_client, event("checkout.session.completed", paid(payments_client, checkout, **lie)))

    assert person.balance() == (700, 0)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ({"currency": "eur"}, "another currency"),
        ({"amount": 1_000}, "another amount"),
        ({"payment_intent": "pi_another"}, "not of this service"),
        ({"payment_intent": None}, "nothing about a payment"),
    ],
)
def test_a_refund_that_is_not_of_our_payment_takes_nothing(
    api: Api, payments_client: PaymentsClient, person: Person, log_lines: LogLines, lie: dict[str, Any], reason: str
) -> None:
    checkout = buy_and_pay(person, payments_client)
    refund = {"id": "re_1", "status": "succeeded", "amount": 999, "currency": "usd"}
    refund["payment_intent"] = payments_client.session(checkout)["payment_intent"]

    answer = send_signed(api, payments_client, event("refund.created", refund | lie))

    assert (answer.status_code, answer.json()["reason"]) == (200, reason)
    assert person.balance() == (2_200, 0)
    assert line_of(answer, log_lines)["PaymentAlarms"] == (ALARM if reason.startswith("another") else QUIET)


def test_a_live_event_about_a_test_payment_brings_nothing(
    api: Api, payments_client: PaymentsClient, person: Person
) -> None:
    raw = event("checkout.session.completed", paid(payments_client, buy(person)), livemode=True)

    assert send_signed(api, payments_client, raw).json()["reason"] == "another mode"
    assert person.balance() == (200, 0)


def test_a_live_refund_takes_nothing_from_a_test_purchase(
    api: Api, payments_client: PaymentsClient, person: Person
) -> None:
    checkout = buy_and_pay(person, payments_client)
    refund = {"id": "re_1", "status": "succeeded", "amount": 999, "currency": "usd"}
    refund["payment_intent"] = payments_client.session(checkout)["payment_intent"]

    answer = send_signed(api, payments_client, event("refund.created", refund, livemode=True))

    assert answer.json()["reason"] == "another mode"
    assert person.balance() == (2_200, 0)


def test_a_webhook_needs_no_token_and_is_a_post(api: Api, payments_client: PaymentsClient, resident: Person) -> None:
    check_error(api.get("/webhooks/stripe"), 404, "not_found")
    check_error(resident.post("/webhooks/stripe", json={}), 400, "invalid_signature")


# What no webhook tells


def test_lost_webhooks_are_found_in_the_list_of_events(payments_client: PaymentsClient, person: Person) -> None:
    payments_client.do("orders", webhook_lose=["*"])
    checkout = buy(person)
    payments_client.do(f"sessions/{checkout['checkout_session_id']}/pay")
    wait_until(lambda: person.balance() == (2_200, 0), "the payment was not found")

    payments_client.refund(checkout, 333)

    wait_until(lambda: person.balance() == (2_200 - 666, 0), "the refund was not found")
