"""Returned money over HTTP: refunds and disputes claw back or hold their share of the credits, exactly once."""

from tests.fakes import Backend
from tests.http.checkout_steps import PaymentsClient, buy_and_pay, movements
from tests.http.http_client import Person, check_error


def test_refunds_claw_back_their_share_of_the_credits(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    checkout = buy_and_pay(person, payments_client)

    first = payments_client.refund(checkout, 333)
    assert person.balance() == (2_200 - 666, 0)
    payments_client.refund(checkout, 333)
    assert person.balance() == (2_200 - 1_333, 0)
    pending = payments_client.refund(checkout, 333, status="pending")
    assert person.balance() == (2_200 - 1_333, 0)
    payments_client.step(f"refunds/{pending}", "succeeded")
    assert person.balance() == (200, 0)
    payments_client.step(f"refunds/{first}", "failed")
    assert person.balance() == (200 + 667, 0)

    assert movements(person) == sorted(
        [
            ("clawback_reversed", 667, 333),
            ("clawback", -667, -333),
            ("clawback", -667, -333),
            ("clawback", -666, -333),
            ("purchase", 2_000, 999),
        ]
    )
    books.check_books(person.user_id)


def test_a_refund_that_never_succeeds_claws_nothing_back(payments_client: PaymentsClient, person: Person) -> None:
    checkout = buy_and_pay(person, payments_client)
    refund = payments_client.refund(checkout, status="pending")

    payments_client.step(f"refunds/{refund}", "canceled")

    assert person.balance() == (2_200, 0)
    assert movements(person) == [("purchase", 2_000, 999)]


def test_a_dispute_holds_the_credits_until_it_is_won_or_lost(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    won, lost = buy_and_pay(person, payments_client), buy_and_pay(person, payments_client, "starter")

    first = payments_client.dispute(won)
    assert person.balance() == (700, 2_000)
    second = payments_client.dispute(lost)
    assert person.balance() == (200, 2_500)
    payments_client.step(f"disputes/{first}", "under_review")
    assert person.balance() == (200, 2_500)
    payments_client.step(f"disputes/{first}", "won")
    assert person.balance() == (2_200, 500)
    payments_client.step(f"disputes/{second}", "lost")

    assert person.balance() == (2_200, 0)
    assert movements(person) == [("clawback", -500, -299), ("purchase", 500, 299), ("purchase", 2_000, 999)]
    books.check_books(person.user_id)


def test_an_inquiry_holds_nothing_until_it_becomes_a_dispute(payments_client: PaymentsClient, person: Person) -> None:
    checkout = buy_and_pay(person, payments_client)

    inquiry = payments_client.dispute(checkout, status="warning_needs_response")
    assert person.balance() == (2_200, 0)
    payments_client.step(f"disputes/{inquiry}", "needs_response")
    assert person.balance() == (200, 2_000)


def test_a_refund_and_a_lost_dispute_of_the_same_money_claw_back_once(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    checkout = buy_and_pay(person, payments_client)
    payments_client.refund(checkout, 499)
    assert person.balance() == (2_200 - 998, 0)

    dispute = payments_client.dispute(checkout, amount=600)
    assert person.balance() == (2_200 - 1_201, 1_201 - 998)
    payments_client.step(f"disputes/{dispute}", "lost")

    assert person.balance() == (200, 0)
    assert sum(credits for _, credits, _ in movements(person)) == 0
    books.check_books(person.user_id)


def test_a_refund_of_spent_credits_blocks_spending_and_the_message_says_why(
    payments_client: PaymentsClient, person: Person
) -> None:
    checkout = buy_and_pay(person, payments_client, "starter")
    session_id = person.start(lease_seconds=3_600)
    assert person.balance() == (100, 600)
    payments_client.refund(checkout)
    assert person.balance() == (-400, 600)

    refusal = person.stream(action="start", transport="relay")

    assert check_error(refusal, 402, "insufficient_credits") == {"required": 10, "available": -400}
    assert "below zero" in refusal.json()["message"]
    person.stop(session_id)
    assert person.balance() == (200, 0)
