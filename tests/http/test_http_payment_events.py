"""Stripe's events over HTTP: any order and number of them leads to the same credits."""

import pytest

from tests.fakes import Backend
from tests.http.checkout_steps import (
    PaymentsClient,
    buy,
    buy_and_pay,
    movements,
    wait_until,
)
from tests.http.http_client import Person
from tests.payments.payments_env import CENTS, CREDITS, THIRD_CENTS, THIRD_CREDITS, share

# Any number and order


def test_copies_of_every_event_under_the_same_and_other_ids_change_nothing(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    payments_client.do("orders", webhook_copies=4, webhook_twins=2)
    checkout = buy_and_pay(person, payments_client)
    payments_client.refund(checkout, THIRD_CENTS)
    dispute = payments_client.dispute(checkout)
    held = share(CENTS - THIRD_CENTS) - THIRD_CREDITS
    assert person.balance() == (200 + CREDITS - THIRD_CREDITS - held, held)
    payments_client.step(f"disputes/{dispute}", "lost")

    assert person.balance() == (200, 0)
    assert movements(person) == sorted(
        [
            ("clawback", -held, THIRD_CENTS - CENTS),  # the part that the dispute held, and the rest
            ("clawback", held + THIRD_CREDITS - CREDITS, 0),
            ("clawback", -THIRD_CREDITS, -THIRD_CENTS),
            ("purchase", CREDITS, CENTS),
        ]
    )
    books.check_books(person.user_id)


def test_one_event_thirty_two_times_at_once_grants_once(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    payments_client.do("orders", webhook_copies=32)

    buy_and_pay(person, payments_client)

    assert movements(person) == [("purchase", CREDITS, CENTS)]
    books.check_books(person.user_id)


@pytest.mark.parametrize("seed", range(6))
def test_events_of_a_purchase_in_any_order_have_the_same_result(
    payments_client: PaymentsClient, person: Person, books: Backend, seed: int
) -> None:
    """At the same time the reconciler receives the held events, newest first."""
    payments_client.do("orders", webhook_hold=True, webhook_twins=1)
    checkout = buy(person)
    payments_client.do(f"sessions/{checkout['checkout_session_id']}/pay")
    payments_client.refund(checkout, 100)
    refund = payments_client.refund(checkout, 233, status="pending")
    payments_client.step(f"refunds/{refund}", "succeeded")
    payments_client.step(f"refunds/{refund}", "failed")
    dispute = payments_client.dispute(checkout, amount=THIRD_CENTS)
    payments_client.step(f"disputes/{dispute}", "won")

    payments_client.do("deliveries", shuffle=seed, concurrently=seed % 2 == 0)
    payments_client.rest()

    assert person.balance() == (200 + CREDITS - share(100), 0)
    books.check_books(person.user_id)


def test_an_event_answered_with_503_is_delivered_again(payments_client: PaymentsClient, person: Person) -> None:
    """A refund reported before its payment needs a call to Stripe, which fails here at first."""
    payments_client.do(
        "orders", webhook_lose=["checkout.session.completed", "payment_intent.succeeded"], webhook_retry_seconds=0
    )
    checkout = buy(person)
    payments_client.fail("stripe.events_list", "500", times=-1)  # So the reconciler finds nothing meanwhile.
    payments_client.do(f"sessions/{checkout['checkout_session_id']}/pay")
    payments_client.fail("stripe.sessions_list", "500", times=2)

    refund = payments_client.refund(checkout, THIRD_CENTS)

    assert person.balance() == (200 + CREDITS - THIRD_CREDITS, 0)
    (delivery,) = [found for found in payments_client.deliveries() if found["object_id"] == refund]
    assert [attempt["status"] for attempt in delivery["attempts"]] == [503, 503, 200]


# What no webhook reported


def test_lost_webhooks_are_found_in_the_list_of_events(payments_client: PaymentsClient, person: Person) -> None:
    payments_client.do("orders", webhook_lose=["*"])
    checkout = buy(person)
    payments_client.do(f"sessions/{checkout['checkout_session_id']}/pay")
    wait_until(lambda: person.balance() == (200 + CREDITS, 0), "the payment was not found")

    payments_client.refund(checkout, THIRD_CENTS)

    wait_until(lambda: person.balance() == (200 + CREDITS - THIRD_CREDITS, 0), "the refund was not found")
