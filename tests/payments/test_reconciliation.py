"""The reconciler: what no event told is found by asking, all in turn, and nothing that fails keeps the rest."""

import pytest
from msgspec.structs import replace

from chalicelib.errors import ProviderError, ProviderRefusedError, ProviderTimeoutError
from chalicelib.logs.request_log import tally
from chalicelib.models.accounts import Caller
from chalicelib.models.purchases import PaymentNews
from chalicelib.payments.purchase_state import Payment
from chalicelib.payments.reconciliation import (
    ASKED_AFTER_SECONDS,
    ASKED_AT_ONCE,
    PENDING_STUCK_AFTER_SECONDS,
    RECONCILED_EVERY_SECONDS,
    SPENT_SECONDS,
    STUCK_AFTER_SECONDS,
)
from chalicelib.repositories.purchases import open_purchases
from tests.fakes import Backend
from tests.payments.payments_env import FakeEvent, Shop, credits, reconciled, refund

FOREVER = 99_999_999_999


@pytest.fixture
def shop(backend: Backend) -> Shop:
    return Shop(backend)


@pytest.fixture
def ada(shop: Shop) -> Caller:
    return shop.backend.person(200)


def test_a_payment_that_no_event_told_of_is_found(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    shop.payments.moved(purchase_id, Payment.PAID)
    assert reconciled(shop)["purchases_asked"] == 0

    shop.backend.clock.forward(ASKED_AFTER_SECONDS + 1)
    assert reconciled(shop)["purchases_asked"] == 1

    assert credits(shop, ada) == (2_200, 0)
    assert reconciled(shop)["purchases_asked"] == 0


def test_a_purchase_whose_process_died_is_begun_under_the_same_key(shop: Shop, ada: Caller) -> None:
    shop.payments.script = [ProviderTimeoutError("no answer")]
    with pytest.raises(ProviderError):
        shop.buy(ada, purchase_id="the-purchase")
    shop.backend.clock.forward(ASKED_AFTER_SECONDS + 1)

    reconciled(shop)
    assert shop.purchase("the-purchase").checkout_session_id == "cs_the-purchase"

    shop.payments.moved("the-purchase", Payment.EXPIRED)
    reconciled(shop)
    assert shop.purchase("the-purchase").facts.payment is Payment.EXPIRED
    assert open_purchases(shop.backend.tables, FOREVER, 10) == []


def test_events_that_did_not_arrive_are_heard(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    known = shop.purchase(purchase_id)
    shop.payments.undelivered_events = [
        FakeEvent("refund.created", shop.payments.news_of(known, refund("re_1", 333))),
        FakeEvent("checkout.session.completed", shop.payments.news_of(known, Payment.PAID)),
        FakeEvent("checkout.session.completed", replace(shop.payments.moved(purchase_id, Payment.PAID), cents=1)),
        FakeEvent("charge.updated", None),
    ]

    assert reconciled(shop) == {
        "purchases_asked": 0,
        "purchases_stuck": 0,
        "events_applied": 2,
        "payment_alarms": 1,
    }
    assert credits(shop, ada) == (2_200 - 666, 0)


def test_a_purchase_that_stays_open_for_days_is_stuck(shop: Shop, ada: Caller) -> None:
    shop.buy(ada)
    shop.backend.clock.forward(STUCK_AFTER_SECONDS + 1)

    assert reconciled(shop)["purchases_stuck"] == 1


def test_one_purchase_that_cannot_be_asked_about_keeps_no_other(shop: Shop, ada: Caller) -> None:
    first, second = shop.buy(ada), shop.buy(ada)
    for purchase_id in (first, second):
        shop.payments.moved(purchase_id, Payment.PAID)
    shop.backend.clock.forward(ASKED_AFTER_SECONDS + 1)
    shop.payments.script = [lambda: None, ProviderTimeoutError("no answer")]  # the list of events, then a purchase

    figures, failures = shop.reconciler.reconcile()

    assert (figures["purchases_asked"], [type(failure) for failure in failures]) == (2, [ProviderTimeoutError])
    assert credits(shop, ada) == (2_200, 0)
    reconciled(shop)
    assert credits(shop, ada) == (4_200, 0)


def test_one_event_that_cannot_be_read_keeps_no_other(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    paid = shop.payments.moved(purchase_id, Payment.PAID)
    news = shop.payments.news_of(shop.purchase(purchase_id), refund("re_1", 333))
    assert isinstance(news, PaymentNews)
    shop.payments.undelivered_events = [
        FakeEvent("refund.created", replace(news, payment_id="pi_unknown")),
        FakeEvent("checkout.session.completed", paid),
    ]
    shop.payments.script = [lambda: None, ProviderError("nonsense")]  # the list, then what the first event asks

    figures, failures = shop.reconciler.reconcile()

    assert (figures["events_applied"], len(failures)) == (1, 1)
    assert credits(shop, ada) == (2_200, 0)


def test_a_list_of_events_that_cannot_be_had_is_a_failure_with_all_figures(shop: Shop, ada: Caller) -> None:
    shop.buy(ada)
    shop.backend.clock.forward(STUCK_AFTER_SECONDS + 1)
    shop.payments.script = [ProviderError("no list")]

    figures, failures = shop.reconciler.reconcile()

    assert (figures["purchases_stuck"], len(failures)) == (1, 1)


def test_many_that_stay_open_keep_no_later_one_from_being_asked_about(shop: Shop, ada: Caller) -> None:
    for _ in range(ASKED_AT_ONCE):
        shop.buy(ada)
    shop.backend.clock.forward(1)
    latest = shop.buy(ada)
    shop.payments.moved(latest, Payment.PAID)
    shop.backend.clock.forward(ASKED_AFTER_SECONDS + 1)

    for _ in range(2):
        assert reconciled(shop)["purchases_asked"] == ASKED_AT_ONCE
        shop.backend.clock.forward(RECONCILED_EVERY_SECONDS)

    assert credits(shop, ada) == (2_200, 0)


def test_a_checkout_that_cannot_be_made_any_more_ends_its_purchase(shop: Shop, ada: Caller) -> None:
    shop.payments.script = [ProviderTimeoutError("no answer")]
    with pytest.raises(ProviderError):
        shop.buy(ada, purchase_id="the-purchase")
    shop.backend.clock.forward(ASKED_AFTER_SECONDS + 1)
    shop.payments.script = [lambda: None, ProviderRefusedError("it would end too soon")]

    reconciled(shop)

    assert shop.purchase("the-purchase").facts.payment is Payment.FAILED
    assert open_purchases(shop.backend.tables, FOREVER, 10) == []


def test_a_purchase_that_cannot_be_asked_about_for_days_is_stuck_too(shop: Shop, ada: Caller) -> None:
    shop.buy(ada)
    shop.backend.clock.forward(STUCK_AFTER_SECONDS + 1)
    shop.payments.script = [lambda: None, ProviderTimeoutError("no answer")]

    figures, failures = shop.reconciler.reconcile()

    assert (figures["purchases_stuck"], len(failures)) == (1, 1)


def test_a_delayed_payment_may_take_its_weeks(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    shop.hears(purchase_id, Payment.PENDING)

    shop.backend.clock.forward(STUCK_AFTER_SECONDS + 1)
    assert reconciled(shop)["purchases_stuck"] == 0
    shop.backend.clock.forward(PENDING_STUCK_AFTER_SECONDS)
    assert reconciled(shop)["purchases_stuck"] == 1

    shop.payments.moved(purchase_id, Payment.FAILED)  # As asking finds, where the event was missed.
    assert reconciled(shop)["purchases_stuck"] == 0
    assert open_purchases(shop.backend.tables, FOREVER, 10) == []


@pytest.mark.parametrize(
    ("changed", "alarms"),
    [({"cents": 1}, 1), ({"user_id": "somebody"}, 1), ({"stage": "prod"}, 1), ({"purchase_id": ""}, 0)],
    ids=lambda value: str(value),
)
def test_an_answer_that_is_not_as_it_should_be_rings_the_alarm_and_books_nothing(
    shop: Shop, ada: Caller, changed: dict[str, object], alarms: int
) -> None:
    purchase_id = shop.buy(ada)
    paid = shop.payments.moved(purchase_id, Payment.PAID)
    shop.payments.sessions[paid.session_id] = replace(paid, **changed)  # type: ignore[arg-type]
    shop.backend.clock.forward(ASKED_AFTER_SECONDS + 1)

    assert reconciled(shop)["payment_alarms"] == alarms
    assert credits(shop, ada) == (200, 0)


def test_a_key_that_is_refused_rings_the_alarm(shop: Shop, ada: Caller) -> None:
    def refused() -> None:
        tally().notes["payment_alarm"] = "the payment service refuses our key"
        raise ProviderError("not available")

    shop.buy(ada)
    shop.payments.script = [refused]

    figures, failures = shop.reconciler.reconcile()

    assert (figures["payment_alarms"], len(failures)) == (1, 1)


def test_a_list_too_long_for_one_run_is_gone_on_with_in_the_next(shop: Shop, ada: Caller) -> None:
    bought = [shop.buy(ada, "starter") for _ in range(5)]
    clock = shop.backend.clock

    class Slow(FakeEvent):
        """Each takes half of a run."""

        def __getattribute__(self, name: str) -> object:
            if name == "news":
                clock.forward(SPENT_SECONDS // 2)
            return super().__getattribute__(name)

    shop.payments.undelivered_events = [
        Slow("checkout.session.completed", shop.payments.moved(one, Payment.PAID), f"evt_{one}") for one in bought
    ]

    assert [reconciled(shop)["events_applied"] for _ in range(4)] == [2, 2, 1, 2]
    assert credits(shop, ada) == (2_700, 0)


def test_nobody_is_asked_when_the_time_is_up(shop: Shop, ada: Caller) -> None:
    for _ in range(3):
        shop.buy(ada)
    shop.backend.clock.forward(ASKED_AFTER_SECONDS + 1)
    shop.payments.script = [lambda: None, lambda: shop.backend.clock.forward(SPENT_SECONDS)]

    assert reconciled(shop)["purchases_asked"] == 1
