"""What was sold: every purchase is listed for its seller, and a refund is made once, whatever is lost on the way."""

import uuid
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from msgspec.structs import replace

from chalicelib import contract
from chalicelib.errors import (
    AppError,
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    UnauthenticatedError,
)
from chalicelib.models.accounts import Caller
from chalicelib.models.purchase_facts import DisputeState, PaymentState, RefundState
from chalicelib.payments.administration import refundable_cents
from chalicelib.repositories.admin_actions import recent_actions
from tests.engines import Engine
from tests.fakes import Backend, Clock
from tests.fault_injection import CRASHES, TRANSIENT, Crash, Fault, FaultInjector, fail_call, no_faults
from tests.payments.payments_env import CENTS, CREDITS, PaymentsEnv, credits, dispute, refund, share

DAY = 86_400


@pytest.fixture
def owner(payments_env: PaymentsEnv) -> Caller:
    return replace(payments_env.backend.person(0), groups=("admins",))


def buy_and_pay(payments_env: PaymentsEnv, caller: Caller) -> str:
    purchase_id = payments_env.buy(caller)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    return purchase_id


def ask_refund(
    payments_env: PaymentsEnv, owner: Caller, purchase_id: str, cents: int | None = None, key: str = "", hash: str = "h"
) -> contract.RefundStarted:
    body = contract.RefundPurchase(reason="Bought twice.", cents=cents)
    return payments_env.administration.refund(owner, purchase_id, body, key or str(uuid.uuid4()), hash)


def deliver_refunds(payments_env: PaymentsEnv, purchase_id: str) -> None:
    for _, fact in list(payments_env.payments.refunds.values()):
        payments_env.receive_fact(purchase_id, fact)


def test_a_refund_returns_the_rest_and_its_webhook_takes_the_credits(
    payments_env: PaymentsEnv, ada: Caller, owner: Caller
) -> None:
    purchase_id = buy_and_pay(payments_env, ada)
    payments_env.receive_fact(purchase_id, refund("re_earlier", 100))
    before = credits(payments_env, ada)

    started = ask_refund(payments_env, owner, purchase_id)

    assert (started.purchase_id, started.state, started.cents) == (purchase_id, "succeeded", CENTS - 100)
    assert credits(payments_env, ada) == before == (200 + CREDITS - share(100), 0)
    deliver_refunds(payments_env, purchase_id)
    assert credits(payments_env, ada) == (200, 0)
    (action,) = recent_actions(payments_env.backend.tables, 10, ada.user_id)
    assert (action.action, action.reference, action.reason) == ("refund_requested", purchase_id, "Bought twice.")
    assert action == recent_actions(payments_env.backend.tables, 10)[0]
    assert action.after["returned_cents"] - action.before["returned_cents"] == CENTS - 100


def test_a_repeated_request_is_one_refund(payments_env: PaymentsEnv, ada: Caller, owner: Caller) -> None:
    purchase_id = buy_and_pay(payments_env, ada)

    first = ask_refund(payments_env, owner, purchase_id, 100, "key")
    deliver_refunds(payments_env, purchase_id)
    assert ask_refund(payments_env, owner, purchase_id, 100, "key") == first
    with pytest.raises(IdempotencyMismatchError):
        ask_refund(payments_env, owner, purchase_id, 101, "key", "another hash")

    assert len(payments_env.payments.refunds) == 1
    assert len(recent_actions(payments_env.backend.tables, 10, ada.user_id)) == 1


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        ([], 0),
        ([PaymentState.PENDING], 0),
        ([PaymentState.PAID], CENTS),
        ([PaymentState.PAID, refund("re", 100)], CENTS - 100),
        ([PaymentState.PAID, refund("re", 100, RefundState.PENDING)], CENTS - 100),
        ([PaymentState.PAID, refund("re", 100, RefundState.FAILED)], CENTS),
        ([PaymentState.PAID, dispute("dp", DisputeState.OPEN, CENTS)], 0),
        ([PaymentState.PAID, dispute("dp", DisputeState.WON, CENTS)], CENTS),
        ([PaymentState.PAID, dispute("dp", DisputeState.LOST, 100), refund("re", 200)], CENTS - 300),
    ],
)
def test_only_what_is_left_of_a_payment_can_be_refunded(
    payments_env: PaymentsEnv, ada: Caller, owner: Caller, facts: list[object], left: int
) -> None:
    purchase_id = payments_env.buy(ada)
    for fact in facts:
        payments_env.receive_fact(purchase_id, fact)  # type: ignore[arg-type]

    assert refundable_cents(payments_env.purchase(purchase_id)) == left
    if left:
        with pytest.raises(InvalidRequestError) as refused:
            ask_refund(payments_env, owner, purchase_id, left + 1)
        assert refused.value.details["field"] == "cents"
        assert ask_refund(payments_env, owner, purchase_id, left).cents == left
    else:
        with pytest.raises(ConflictError) as conflict:
            ask_refund(payments_env, owner, purchase_id)
        assert conflict.value.details["reason"] == "not_refundable"
        assert payments_env.payments.refunds == {}
        assert recent_actions(payments_env.backend.tables, 10, ada.user_id) == []


def test_two_administrators_cannot_refund_more_than_was_paid(
    payments_env: PaymentsEnv, ada: Caller, owner: Caller
) -> None:
    """Before the webhook of the first one arrives, only the payment system knows of it."""
    purchase_id = buy_and_pay(payments_env, ada)
    ask_refund(payments_env, owner, purchase_id, CENTS - 100)

    for _ in range(2):
        with pytest.raises(ConflictError) as conflict:
            ask_refund(payments_env, owner, purchase_id, key="second")
        assert conflict.value.details["reason"] == "not_refundable"

    actions = recent_actions(payments_env.backend.tables, 10, ada.user_id)
    assert sorted(action.action for action in actions) == ["refund_refused", "refund_requested", "refund_requested"]
    (refused,) = [action for action in actions if action.action == "refund_refused"]
    assert refused.before == refused.after == {"returned_cents": 0}
    deliver_refunds(payments_env, purchase_id)
    assert credits(payments_env, ada) == (200 + CREDITS - share(CENTS - 100), 0)


def test_a_request_that_the_payment_system_has_forgotten_is_not_sent_again(
    payments_env: PaymentsEnv, ada: Caller, owner: Caller
) -> None:
    purchase_id = buy_and_pay(payments_env, ada)
    payments_env.payments.script.append(ProviderError("The payment service failed. Retry the request."))
    with pytest.raises(ProviderError):
        ask_refund(payments_env, owner, purchase_id, 100, "key")
    payments_env.backend.clock.forward(DAY)

    with pytest.raises(ConflictError) as conflict:
        ask_refund(payments_env, owner, purchase_id, 100, "key")

    assert conflict.value.details["reason"] == "already_done"
    assert payments_env.payments.refunds == {}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("fault", [*CRASHES, *TRANSIENT], ids=lambda fault: fault.name)
def test_a_refund_that_is_interrupted_anywhere_is_completed_by_its_retry(engine: Engine, fault: Fault) -> None:
    with engine.tables() as names:
        for call in range(20):
            fault_injector = FaultInjector()
            payments_env = PaymentsEnv(Backend.on(fault_injector.tables(engine, names), Clock()))
            ada, owner = payments_env.backend.person(200), payments_env.backend.person(0)
            purchase_id = buy_and_pay(payments_env, ada)
            fault_injector.use_plan(fail_call(call, fault))
            with suppress(Crash, AppError):
                ask_refund(payments_env, owner, purchase_id, 100, f"key {purchase_id}")
            is_last = len(fault_injector.calls) <= call
            fault_injector.use_plan(no_faults)

            ask_refund(payments_env, owner, purchase_id, 100, f"key {purchase_id}")

            assert len(payments_env.payments.refunds) == 1
            assert len(recent_actions(payments_env.backend.tables, 10, ada.user_id)) == 1
            deliver_refunds(payments_env, purchase_id)
            assert credits(payments_env, ada) == (200 + CREDITS - share(100), 0)
            if is_last:
                break
        assert call >= 2


def test_an_answer_that_was_lost_is_asked_for_again_by_the_same_key(
    payments_env: PaymentsEnv, ada: Caller, owner: Caller
) -> None:
    purchase_id = buy_and_pay(payments_env, ada)

    def lose_answer() -> None:
        fact = refund("re_lost", 100)
        payments_env.payments.refunds["refund:key"] = (payments_env.purchase(purchase_id).payment_id, fact)
        raise ProviderError("The payment service failed. Retry the request.")

    payments_env.payments.script.append(lose_answer)
    with pytest.raises(ProviderError):
        ask_refund(payments_env, owner, purchase_id, 100, "key")

    assert ask_refund(payments_env, owner, purchase_id, 100, "key").refund_id == "re_lost"


def test_nobody_but_an_administrator_in_good_standing_refunds(
    payments_env: PaymentsEnv, ada: Caller, owner: Caller
) -> None:
    purchase_id = buy_and_pay(payments_env, ada)
    with pytest.raises(NotFoundError):
        ask_refund(payments_env, owner, str(uuid.uuid4()))
    payments_env.backend.ledger.sign_out(owner.user_id, payments_env.backend.clock() + 1)

    with pytest.raises(UnauthenticatedError):
        ask_refund(payments_env, owner, purchase_id)

    assert payments_env.payments.refunds == {}


# Lists


def day_of(payments_env: PaymentsEnv) -> date:
    return datetime.fromtimestamp(payments_env.backend.clock(), UTC).date()


def all_ids(payments_env: PaymentsEnv, owner: Caller, **query: object) -> tuple[list[str], int]:
    """The purchases of all pages, and how many pages there were."""
    found: list[str] = []
    cursor: str | None = None
    for page_number in range(1, 50):
        page = payments_env.administration.page(owner, contract.SoldPurchasesQuery(**query, cursor=cursor))  # type: ignore[arg-type]
        found += [purchase.purchase_id for purchase in page.purchases]
        cursor = page.next_cursor
        if cursor is None:
            return found, page_number
    raise AssertionError("the list does not end")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps=st.lists(st.integers(0, 40 * DAY), min_size=1, max_size=12),
    paid_ones=st.sets(st.integers(0, 11)),
    limit=st.integers(1, 5),
    days=st.integers(1, 366),
)
def test_the_list_has_each_purchase_of_its_days_once_newest_first(
    payments_env: PaymentsEnv, gaps: list[int], paid_ones: set[int], limit: int, days: int
) -> None:
    backend = payments_env.backend
    backend.clock.forward(400 * DAY)  # nothing of an earlier example
    bought: list[tuple[int, str, bool]] = []
    ada, owner = backend.person(200), backend.person(0)
    for number, gap in enumerate(gaps):
        backend.clock.forward(gap)
        purchase_id = payments_env.buy(ada)
        if number in paid_ones:
            payments_env.receive_fact(purchase_id, PaymentState.PAID)
        bought.append((backend.clock(), purchase_id, number in paid_ones))
    last = day_of(payments_env)
    first = date.fromordinal(last.toordinal() - days + 1)
    expected = sorted(bought, reverse=True)
    in_range = [
        (at, name, is_paid) for at, name, is_paid in expected if datetime.fromtimestamp(at, UTC).date() >= first
    ]

    query = {"from_day": first, "to_day": last, "limit": limit}
    assert all_ids(payments_env, owner, **query)[0] == [name for _, name, _ in in_range]
    assert all_ids(payments_env, owner, **query, state="paid")[0] == [name for _, name, is_paid in in_range if is_paid]
    of_ada = payments_env.administration.purchases_of(owner, ada.user_id, 100, None).purchases
    assert [item.purchase_id for item in of_ada] == [name for _, name, _ in expected]


def test_the_seller_sees_the_payment_and_what_was_returned(
    payments_env: PaymentsEnv, ada: Caller, owner: Caller
) -> None:
    purchase_id = buy_and_pay(payments_env, ada)
    payments_env.receive_fact(purchase_id, refund("re_1", 100))
    payments_env.receive_fact(purchase_id, dispute("dp_1", DisputeState.OPEN, 200))

    (item,) = payments_env.administration.purchases_of(owner, ada.user_id, 10, None).purchases

    assert (item.user_id, item.state, item.cents_returned, item.is_disputed) == (ada.user_id, "paid", 100, True)
    assert item.payment_url == f"https://dashboard.stripe.com/test/payments/pi_{purchase_id}"
    assert item.refunds == [contract.RefundItem(refund_id="re_1", state="succeeded", cents=100)]
    assert item.disputes == [contract.DisputeItem(dispute_id="dp_1", state="open", cents=200)]
    assert item.refundable_cents == CENTS - 300
    assert item.checkout_url == ""
