"""Returned money over HTTP: refunds and disputes claw back or hold their share of the credits, exactly once."""

from tests.default_prices import STARTER, live_credits
from tests.fakes import Backend
from tests.http.checkout_steps import PaymentsClient, buy_and_pay, movements
from tests.http.http_client import Person, check_error
from tests.payments.payments_env import CENTS, CREDITS, THIRD_CENTS, THIRD_CREDITS, share


def test_refunds_claw_back_their_share_of_the_credits(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    checkout = buy_and_pay(person, payments_client)

    first = payments_client.refund(checkout, THIRD_CENTS)
    assert person.balance() == (200 + CREDITS - THIRD_CREDITS, 0)
    payments_client.refund(checkout, THIRD_CENTS)
    assert person.balance() == (200 + CREDITS - share(2 * THIRD_CENTS), 0)
    pending = payments_client.refund(checkout, CENTS - 2 * THIRD_CENTS, status="pending")
    assert person.balance() == (200 + CREDITS - share(2 * THIRD_CENTS), 0)
    payments_client.step(f"refunds/{pending}", "succeeded")
    assert person.balance() == (200, 0)
    payments_client.step(f"refunds/{first}", "failed")
    reversed_credits = CREDITS - share(CENTS - THIRD_CENTS)
    assert person.balance() == (200 + reversed_credits, 0)

    assert movements(person) == sorted(
        [
            ("clawback_reversed", reversed_credits, THIRD_CENTS),
            ("clawback", share(2 * THIRD_CENTS) - CREDITS, 2 * THIRD_CENTS - CENTS),
            ("clawback", THIRD_CREDITS - share(2 * THIRD_CENTS), -THIRD_CENTS),
            ("clawback", -THIRD_CREDITS, -THIRD_CENTS),
            ("purchase", CREDITS, CENTS),
        ]
    )
    books.check_books(person.user_id)


def test_a_refund_that_never_succeeds_claws_nothing_back(payments_client: PaymentsClient, person: Person) -> None:
    checkout = buy_and_pay(person, payments_client)
    refund = payments_client.refund(checkout, status="pending")

    payments_client.step(f"refunds/{refund}", "canceled")

    assert person.balance() == (200 + CREDITS, 0)
    assert movements(person) == [("purchase", CREDITS, CENTS)]


def test_a_dispute_holds_the_credits_until_it_is_won_or_lost(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    won, lost = buy_and_pay(person, payments_client), buy_and_pay(person, payments_client, "starter")

    first = payments_client.dispute(won)
    assert person.balance() == (200 + STARTER.credits, CREDITS)
    second = payments_client.dispute(lost)
    assert person.balance() == (200, CREDITS + STARTER.credits)
    payments_client.step(f"disputes/{first}", "under_review")
    assert person.balance() == (200, CREDITS + STARTER.credits)
    payments_client.step(f"disputes/{first}", "won")
    assert person.balance() == (200 + CREDITS, STARTER.credits)
    payments_client.step(f"disputes/{second}", "lost")

    assert person.balance() == (200 + CREDITS, 0)
    assert movements(person) == [
        ("clawback", -STARTER.credits, -STARTER.cents),
        ("purchase", STARTER.credits, STARTER.cents),
        ("purchase", CREDITS, CENTS),
    ]
    books.check_books(person.user_id)


def test_an_inquiry_holds_nothing_until_it_becomes_a_dispute(payments_client: PaymentsClient, person: Person) -> None:
    checkout = buy_and_pay(person, payments_client)

    inquiry = payments_client.dispute(checkout, status="warning_needs_response")
    assert person.balance() == (200 + CREDITS, 0)
    payments_client.step(f"disputes/{inquiry}", "needs_response")
    assert person.balance() == (200, CREDITS)


def test_a_refund_and_a_lost_dispute_of_the_same_money_claw_back_once(
    payments_client: PaymentsClient, person: Person, books: Backend
) -> None:
    checkout = buy_and_pay(person, payments_client)
    payments_client.refund(checkout, 499)
    assert person.balance() == (200 + CREDITS - share(499), 0)

    dispute = payments_client.dispute(checkout, amount=CENTS - 399)
    assert person.balance() == (200 + CREDITS - share(CENTS - 399), share(CENTS - 399) - share(499))
    payments_client.step(f"disputes/{dispute}", "lost")

    assert person.balance() == (200, 0)
    assert sum(credits for _, credits, _ in movements(person)) == 0
    books.check_books(person.user_id)


def test_a_refund_of_spent_credits_blocks_spending_and_the_message_says_why(
    payments_client: PaymentsClient, person: Person
) -> None:
    checkout = buy_and_pay(person, payments_client, "starter")
    session_id = person.start(lease_seconds=1_800)
    held = live_credits(1_800)
    assert person.balance() == (200 + STARTER.credits - held, held)
    payments_client.refund(checkout)
    assert person.balance() == (200 - held, held)

    refusal = person.stream(action="start", transport="relay")

    assert check_error(refusal, 402, "insufficient_credits") == {"required": live_credits(60), "available": 200 - held}
    assert "below zero" in refusal.json()["message"]
    person.stop(session_id)
    assert person.balance() == (200, 0)
