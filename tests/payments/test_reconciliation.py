"""The reconciler finds what no event reported, gives every purchase its turn, and continues after failures."""

import pytest
from msgspec.structs import replace

from chalicelib.errors import ProviderError, ProviderRefusedError, ProviderTimeoutError
from chalicelib.logs.request_facts import request_facts
from chalicelib.models.accounts import Caller
from chalicelib.models.purchase_facts import PaymentState
from chalicelib.models.purchases import PaymentUpdate
from chalicelib.payments.reconciliation import (
    ASK_AFTER_SECONDS,
    MAX_RUN_SECONDS,
    PENDING_STUCK_AFTER_SECONDS,
    PURCHASES_PER_RUN,
    RUN_EVERY_SECONDS,
    STUCK_AFTER_SECONDS,
)
from chalicelib.repositories.purchases import list_open_purchases
from tests.payments.payments_env import (
    CREDITS,
    THIRD_CENTS,
    THIRD_CREDITS,
    FakeEvent,
    PaymentsEnv,
    credits,
    refund,
    run_reconciler,
)

FOREVER = 99_999_999_999


def test_a_payment_that_no_event_reported_is_found(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.payments.set_payment(purchase_id, PaymentState.PAID)
    assert run_reconciler(payments_env)["purchases_asked"] == 0

    payments_env.backend.clock.forward(ASK_AFTER_SECONDS + 1)
    assert run_reconciler(payments_env)["purchases_asked"] == 1

    assert credits(payments_env, ada) == (200 + CREDITS, 0)
    assert run_reconciler(payments_env)["purchases_asked"] == 0


def test_a_purchase_whose_process_died_is_resumed_under_the_same_key(payments_env: PaymentsEnv, ada: Caller) -> None:
    payments_env.payments.script = [ProviderTimeoutError("no answer")]
    with pytest.raises(ProviderError):
        payments_env.buy(ada, purchase_id="the-purchase")
    payments_env.backend.clock.forward(ASK_AFTER_SECONDS + 1)

    run_reconciler(payments_env)
    assert payments_env.purchase("the-purchase").checkout_session_id == "cs_the-purchase"

    payments_env.payments.set_payment("the-purchase", PaymentState.EXPIRED)
    run_reconciler(payments_env)
    assert payments_env.purchase("the-purchase").facts.payment is PaymentState.EXPIRED
    assert list_open_purchases(payments_env.backend.tables, FOREVER, 10) == []


def test_undelivered_events_are_processed(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    purchase = payments_env.purchase(purchase_id)
    payments_env.payments.undelivered_events = [
        FakeEvent("refund.created", payments_env.payments.make_update(purchase, refund("re_1", THIRD_CENTS))),
        FakeEvent("checkout.session.completed", payments_env.payments.make_update(purchase, PaymentState.PAID)),
        FakeEvent(
            "checkout.session.completed",
            replace(payments_env.payments.set_payment(purchase_id, PaymentState.PAID), cents=1),
        ),
        FakeEvent("charge.updated", None),
    ]

    assert run_reconciler(payments_env) == {
        "purchases_asked": 0,
        "purchases_stuck": 0,
        "events_applied": 2,
        "payment_alarms": 1,
    }
    assert credits(payments_env, ada) == (200 + CREDITS - THIRD_CREDITS, 0)


def test_a_purchase_that_stays_open_for_days_is_stuck(payments_env: PaymentsEnv, ada: Caller) -> None:
    payments_env.buy(ada)
    payments_env.backend.clock.forward(STUCK_AFTER_SECONDS + 1)

    assert run_reconciler(payments_env)["purchases_stuck"] == 1


def test_one_purchase_that_fails_does_not_stop_the_others(payments_env: PaymentsEnv, ada: Caller) -> None:
    first, second = payments_env.buy(ada), payments_env.buy(ada)
    for purchase_id in (first, second):
        payments_env.payments.set_payment(purchase_id, PaymentState.PAID)
    payments_env.backend.clock.forward(ASK_AFTER_SECONDS + 1)
    payments_env.payments.script = [
        lambda: None,
        ProviderTimeoutError("no answer"),
    ]  # the list of events, then a purchase

    figures, failures = payments_env.reconciler.reconcile()

    assert (figures["purchases_asked"], [type(failure) for failure in failures]) == (2, [ProviderTimeoutError])
    assert credits(payments_env, ada) == (200 + CREDITS, 0)
    run_reconciler(payments_env)
    assert credits(payments_env, ada) == (200 + 2 * CREDITS, 0)


def test_one_event_that_fails_does_not_stop_the_others(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    paid = payments_env.payments.set_payment(purchase_id, PaymentState.PAID)
    update = payments_env.payments.make_update(payments_env.purchase(purchase_id), refund("re_1", THIRD_CENTS))
    assert isinstance(update, PaymentUpdate)
    payments_env.payments.undelivered_events = [
        FakeEvent("refund.created", replace(update, payment_id="pi_unknown")),
        FakeEvent("checkout.session.completed", paid),
    ]
    payments_env.payments.script = [
        lambda: None,
        ProviderError("invalid"),
    ]  # the list, then the call for the first event

    figures, failures = payments_env.reconciler.reconcile()

    assert (figures["events_applied"], len(failures)) == (1, 1)
    assert credits(payments_env, ada) == (200 + CREDITS, 0)


def test_an_unavailable_list_of_events_is_a_failure_and_the_rest_is_done(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    payments_env.buy(ada)
    payments_env.backend.clock.forward(STUCK_AFTER_SECONDS + 1)
    payments_env.payments.script = [ProviderError("no list")]

    figures, failures = payments_env.reconciler.reconcile()

    assert (figures["purchases_stuck"], len(failures)) == (1, 1)


def test_many_open_purchases_do_not_keep_a_later_one_waiting(payments_env: PaymentsEnv, ada: Caller) -> None:
    for _ in range(PURCHASES_PER_RUN):
        payments_env.buy(ada)
    payments_env.backend.clock.forward(1)
    latest = payments_env.buy(ada)
    payments_env.payments.set_payment(latest, PaymentState.PAID)
    payments_env.backend.clock.forward(ASK_AFTER_SECONDS + 1)

    for _ in range(2):
        assert run_reconciler(payments_env)["purchases_asked"] == PURCHASES_PER_RUN
        payments_env.backend.clock.forward(RUN_EVERY_SECONDS)

    assert credits(payments_env, ada) == (200 + CREDITS, 0)


def test_a_purchase_whose_checkout_can_no_longer_be_made_fails(payments_env: PaymentsEnv, ada: Caller) -> None:
    payments_env.payments.script = [ProviderTimeoutError("no answer")]
    with pytest.raises(ProviderError):
        payments_env.buy(ada, purchase_id="the-purchase")
    payments_env.backend.clock.forward(ASK_AFTER_SECONDS + 1)
    payments_env.payments.script = [lambda: None, ProviderRefusedError("it would end too soon")]

    run_reconciler(payments_env)

    assert payments_env.purchase("the-purchase").facts.payment is PaymentState.FAILED
    assert list_open_purchases(payments_env.backend.tables, FOREVER, 10) == []


def test_a_purchase_that_fails_to_be_checked_for_days_is_stuck(payments_env: PaymentsEnv, ada: Caller) -> None:
    payments_env.buy(ada)
    payments_env.backend.clock.forward(STUCK_AFTER_SECONDS + 1)
    payments_env.payments.script = [lambda: None, ProviderTimeoutError("no answer")]

    figures, failures = payments_env.reconciler.reconcile()

    assert (figures["purchases_stuck"], len(failures)) == (1, 1)


def test_a_delayed_payment_is_stuck_only_after_weeks(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PENDING)

    payments_env.backend.clock.forward(STUCK_AFTER_SECONDS + 1)
    assert run_reconciler(payments_env)["purchases_stuck"] == 0
    payments_env.backend.clock.forward(PENDING_STUCK_AFTER_SECONDS)
    assert run_reconciler(payments_env)["purchases_stuck"] == 1

    payments_env.payments.set_payment(
        purchase_id, PaymentState.FAILED
    )  # As the checkout shows, where the event was missed.
    assert run_reconciler(payments_env)["purchases_stuck"] == 0
    assert list_open_purchases(payments_env.backend.tables, FOREVER, 10) == []


@pytest.mark.parametrize(
    ("changes", "alarms"),
    [({"cents": 1}, 1), ({"user_id": "another"}, 1), ({"stage": "prod"}, 1), ({"purchase_id": ""}, 0)],
    ids=lambda value: str(value),
)
def test_a_checkout_with_wrong_data_triggers_an_alarm_and_books_nothing(
    payments_env: PaymentsEnv, ada: Caller, changes: dict[str, object], alarms: int
) -> None:
    purchase_id = payments_env.buy(ada)
    paid = payments_env.payments.set_payment(purchase_id, PaymentState.PAID)
    payments_env.payments.sessions[paid.session_id] = replace(paid, **changes)  # type: ignore[arg-type]
    payments_env.backend.clock.forward(ASK_AFTER_SECONDS + 1)

    assert run_reconciler(payments_env)["payment_alarms"] == alarms
    assert credits(payments_env, ada) == (200, 0)


def test_a_rejected_api_key_triggers_an_alarm(payments_env: PaymentsEnv, ada: Caller) -> None:
    def reject() -> None:
        request_facts().notes["payment_alarm"] = "the payment service refuses our key"
        raise ProviderError("not available")

    payments_env.buy(ada)
    payments_env.payments.script = [reject]

    figures, failures = payments_env.reconciler.reconcile()

    assert (figures["payment_alarms"], len(failures)) == (1, 1)


def test_a_list_too_long_for_one_run_is_continued_in_the_next(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_ids = [payments_env.buy(ada, "starter") for _ in range(5)]
    clock = payments_env.backend.clock

    class Slow(FakeEvent):
        """Processing it takes half of a run."""

        def __getattribute__(self, name: str) -> object:
            if name == "payment_update":
                clock.forward(MAX_RUN_SECONDS // 2)
            return super().__getattribute__(name)

    payments_env.payments.undelivered_events = [
        Slow(
            "checkout.session.completed",
            payments_env.payments.set_payment(purchase_id, PaymentState.PAID),
            f"evt_{purchase_id}",
        )
        for purchase_id in purchase_ids
    ]

    assert [run_reconciler(payments_env)["events_applied"] for _ in range(4)] == [2, 2, 1, 2]
    assert credits(payments_env, ada) == (2_700, 0)


def test_no_purchase_is_asked_about_when_the_time_is_up(payments_env: PaymentsEnv, ada: Caller) -> None:
    for _ in range(3):
        payments_env.buy(ada)
    payments_env.backend.clock.forward(ASK_AFTER_SECONDS + 1)
    payments_env.payments.script = [lambda: None, lambda: payments_env.backend.clock.forward(MAX_RUN_SECONDS)]

    assert run_reconciler(payments_env)["purchases_asked"] == 1
