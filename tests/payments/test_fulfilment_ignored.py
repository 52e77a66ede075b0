"""Events of other payments, wrong data and unsigned events change nothing."""

import pytest
from msgspec import structs

from chalicelib.errors import (
    ConflictError,
    InvalidSignatureError,
    ProviderError,
    ProviderTimeoutError,
    UnavailableError,
)
from chalicelib.logs.request_facts import collect_request_facts
from chalicelib.models.accounts import Caller
from chalicelib.models.purchase_facts import PaymentState
from chalicelib.models.purchases import PaymentUpdate
from tests.payments.payments_env import CENTS, CREDITS, THIRD_CENTS, THIRD_CREDITS, PaymentsEnv, credits, refund


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"purchase_id": ""}, "not of this service"),
        ({"purchase_id": "another"}, "unknown purchase"),
        ({"user_id": "another"}, "another user"),
        ({"stage": "prod"}, "another stage"),
        ({"is_live": True}, "another mode"),
        ({"cents": 1}, "another amount"),
        ({"currency": "eur"}, "another currency"),
    ],
)
def test_a_checkout_that_differs_from_the_purchase_grants_nothing(
    payments_env: PaymentsEnv, ada: Caller, changes: dict[str, object], reason: str
) -> None:
    purchase_id = payments_env.buy(ada)
    paid = payments_env.payments.set_payment(purchase_id, PaymentState.PAID)

    received = payments_env.receive_update(structs.replace(paid, **changes))

    assert (received.outcome, received.reason) == ("ignored", reason)
    assert credits(payments_env, ada) == (200, 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payment_id": "pi_other"}, "not of this service"),
        ({"is_live": True}, "another mode"),
        ({"currency": "eur"}, "another currency"),
        ({"cents": CENTS + 1}, "another amount"),
    ],
)
def test_a_refund_that_differs_from_the_payment_claws_nothing_back(
    payments_env: PaymentsEnv, ada: Caller, changes: dict[str, object], reason: str
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    update = payments_env.payments.make_update(payments_env.purchase(purchase_id), refund("re_1", THIRD_CENTS))
    assert isinstance(update, PaymentUpdate)

    received = payments_env.receive_update(structs.replace(update, **changes))

    assert (received.outcome, received.reason) == ("ignored", reason)
    assert credits(payments_env, ada) == (200 + CREDITS, 0)


def test_an_event_of_another_mode_changes_nothing(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    paid = payments_env.payments.set_payment(purchase_id, PaymentState.PAID)

    assert payments_env.receive_update(paid, livemode=True).reason == "another mode"
    assert credits(payments_env, ada) == (200, 0)
    payments_env.receive_update(paid)
    refunded = payments_env.payments.make_update(payments_env.purchase(purchase_id), refund("re_1", THIRD_CENTS))
    assert payments_env.receive_update(refunded, livemode=True).reason == "another mode"
    assert payments_env.receive_update(None, livemode=True).reason == "nothing about a payment"
    assert credits(payments_env, ada) == (200 + CREDITS, 0)


def test_a_second_checkout_of_a_purchase_changes_nothing_until_it_is_paid(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    """Its response was lost, so no buyer has seen it; the checkout that was shown stays as it is."""
    purchase_id = payments_env.buy(ada)
    shown = payments_env.payments.sessions[f"cs_{purchase_id}"]
    lost = structs.replace(shown, session_id="cs_lost", url="https://pay.example/lost")

    received = payments_env.receive_update(structs.replace(lost, payment=PaymentState.EXPIRED))
    assert (received.outcome, received.reason) == ("ignored", "another checkout")
    purchase = payments_env.purchase(purchase_id)
    assert (purchase.facts.payment, purchase.checkout_url) == (PaymentState.OPEN, shown.url)

    assert (
        payments_env.receive_update(structs.replace(lost, payment=PaymentState.PAID, payment_id="pi_lost")).outcome
        == "applied"
    )
    assert credits(payments_env, ada) == (200 + CREDITS, 0)
    assert payments_env.purchase(purchase_id).payment_id == "pi_lost"


def test_paying_a_purchase_twice_grants_once_and_triggers_an_alarm(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    second = structs.replace(
        payments_env.payments.set_payment(purchase_id, PaymentState.PAID), session_id="cs_lost", payment_id="pi_second"
    )
    payments_env.payments.sessions["cs_lost"] = second

    for update in (second, PaymentUpdate(refund("re_1", CENTS), "pi_second", CENTS, "usd", is_live=False)):
        with collect_request_facts() as log:
            assert payments_env.receive_update(update).reason == "another payment"
        assert log.notes["payment_alarm"] == "another payment"

    assert credits(payments_env, ada) == (200 + CREDITS, 0)
    assert payments_env.purchase(purchase_id).payment_id == f"pi_{purchase_id}"


def test_a_delayed_payment_after_another_one_is_the_second_even_when_refunded(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    """It was recorded as the payment of the purchase before the other one was made."""
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PENDING)
    late = payments_env.payments.set_payment(purchase_id, PaymentState.PAID)
    first = structs.replace(late, session_id="cs_lost", payment_id="pi_first")
    assert payments_env.receive_update(first).outcome == "applied"

    assert payments_env.receive_update(late).reason == "another payment"
    assert payments_env.receive_fact(purchase_id, refund("re_1", CENTS)).reason == "another payment"

    assert credits(payments_env, ada) == (200 + CREDITS, 0)
    payments_env.receive_update(
        PaymentUpdate(refund("re_2", THIRD_CENTS), "pi_first", THIRD_CENTS, "usd", is_live=False)
    )
    assert credits(payments_env, ada) == (200 + CREDITS - THIRD_CREDITS, 0)


def test_an_expired_checkout_is_not_recorded_as_the_place_to_pay(payments_env: PaymentsEnv, ada: Caller) -> None:
    """The process died before it recorded the checkout, and the checkout has expired since."""
    payments_env.payments.script = [ProviderTimeoutError("no answer")]
    with pytest.raises(ProviderError):
        payments_env.buy(ada, purchase_id="the-purchase")
    session = payments_env.payments.open_checkout(payments_env.purchase("the-purchase"))

    payments_env.receive_update(structs.replace(session, payment=PaymentState.EXPIRED))

    purchase = payments_env.purchase("the-purchase")
    assert (purchase.facts.payment, purchase.checkout_session_id, purchase.checkout_url) == (
        PaymentState.EXPIRED,
        "",
        "",
    )
    with pytest.raises(ConflictError):
        payments_env.buy(ada, purchase_id="the-purchase")


def test_other_events_are_answered_and_ignored(payments_env: PaymentsEnv) -> None:
    received = payments_env.receive_update(None)

    assert (received.received, received.outcome, received.reason) == (True, "ignored", "nothing about a payment")


def test_an_unsigned_event_is_rejected(payments_env: PaymentsEnv) -> None:
    with pytest.raises(InvalidSignatureError):
        payments_env.purchases.receive(b"{}", "bad")


def test_an_event_is_to_be_delivered_again_while_the_payment_system_is_down(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.payments.set_payment(purchase_id, PaymentState.PAID)
    payments_env.payments.script = [ProviderTimeoutError("no answer")]

    with pytest.raises(UnavailableError):
        payments_env.receive_fact(purchase_id, refund("re_1", THIRD_CENTS))
    assert credits(payments_env, ada) == (200, 0)
