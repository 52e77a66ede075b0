"""Idempotency keys and faults of the sandbox's Stripe, through the official SDK."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from sandbox.stripe.api import POINTS
from tests.sandbox.stripe_account import PACKAGE

CREATE = "stripe.sessions_create"


def replayed(response) -> bool:
    return {name.lower(): value for name, value in response.headers.items()}.get("idempotent-replayed") == "true"


def test_the_same_key_and_parameters_make_one_session(account):
    first = account.sell(key="purchase-1")
    account.client.v1.checkout.sessions.expire(first.id)

    second = account.sell(key="purchase-1")

    assert second.to_dict() == first.to_dict()
    assert (replayed(first.last_response), replayed(second.last_response)) == (False, True)
    assert account.calls(CREATE) == {"received": 2, "recognised": 1}
    keys = [call["idempotency_key"] for call in account.desk.get("/sandbox/calls").json()["last"]]
    assert keys.count("purchase-1") == 2


def test_calls_tell_the_key_and_the_parameters(account):
    account.sell(key="purchase-1")

    call = account.desk.get("/sandbox/calls").json()["last"][0]

    assert (call["service"], call["path"], call["idempotency_key"], call["status"]) == (
        CREATE,
        "/stripe/v1/checkout/sessions",
        "purchase-1",
        200,
    )
    assert call["fields"]["metadata"] == {"purchase_id": "purchase-1"}
    assert call["fields"]["line_items"]["0"]["price_data"]["unit_amount"] == "299"


def test_the_same_key_with_other_parameters_is_an_error(account):
    account.sell(key="purchase-1")

    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refused:
        account.sell(key="purchase-1", client_reference_id="bob")

    assert refused.value.http_status == 400


def test_the_same_key_elsewhere_is_an_error(account):
    session = account.sell(key="purchase-1")

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        account.client.v1.checkout.sessions.expire(session.id, None, {"idempotency_key": "purchase-1"})


def test_a_key_has_up_to_255_characters(account):
    account.sell(key="k" * 255)

    with pytest.raises(stripe.IdempotencyError, match="255"):
        account.sell(key="k" * 256)


def test_refused_parameters_leave_the_key_free(account):
    with pytest.raises(stripe.InvalidRequestError):
        account.sell(key="purchase-1", customer_email="nobody")

    assert account.sell(key="purchase-1").status == "open"


def test_what_was_refused_at_work_is_refused_again_the_same(account):
    session = account.sold()
    params = {"payment_intent": session.payment_intent, "amount": 300}
    told = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            account.client.v1.refunds.create(params, {"idempotency_key": "refund-1"})
        told.append((str(refused.value.user_message), refused.value.headers.get("idempotent-replayed")))

    assert told[0][0] == told[1][0]
    assert [replay for _, replay in told] == [None, "true"]


def test_a_key_is_forgotten_after_a_day(account):
    first = account.sell(key="purchase-1")

    account.control("clock", advance_seconds=86_399)
    assert account.sell(key="purchase-1").id == first.id
    account.control("clock", advance_seconds=2)

    assert account.sell(key="purchase-1").id != first.id


def test_a_500_is_replayed_like_any_result(account, order):
    order(CREATE, "500")
    told = []
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            account.sell(key="purchase-1")
        told.append((failed.value.http_status, failed.value.headers.get("idempotent-replayed")))

    assert told == [(500, None), (500, "true")]
    assert account.sell(key="purchase-2").status == "open"


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("401", stripe.AuthenticationError, 401),
        ("409", stripe.APIError, 409),
        ("429", stripe.RateLimitError, 429),
        ("503", stripe.APIError, 503),
        ("bad_json", stripe.APIError, 200),
    ],
)
def test_other_faults_come_before_any_work(account, order, kind, error, status):
    order(CREATE, kind)

    with pytest.raises(error) as failed:
        account.sell(key="purchase-1")

    assert failed.value.http_status == status
    assert account.calls(CREATE) == {"received": 1, "recognised": 0}
    assert not replayed(account.sell(key="purchase-1").last_response)


def test_a_list_where_an_object_belongs(account, order):
    order("stripe.sessions_retrieve", "wrong_shape")
    session = account.sell()

    with pytest.raises(AttributeError):
        account.client.v1.checkout.sessions.retrieve(session.id).id  # noqa: B018


@pytest.mark.parametrize("kind", ["lost", "cut"])
def test_an_answer_that_never_came_hides_a_session_that_was_made(account, stripe_with_key, keys, order, kind):
    impatient = stripe_with_key(keys.stripe, timeout_seconds=0.5)
    order(CREATE, kind)

    with pytest.raises((stripe.APIConnectionError, stripe.APIError)):
        impatient.v1.checkout.sessions.create(PACKAGE, {"idempotency_key": "purchase-1"})
    again = account.sell(key="purchase-1")

    assert replayed(again.last_response)
    assert [one.id for one in account.client.v1.checkout.sessions.list().data] == [again.id]
    assert account.calls(CREATE) == {"received": 2, "recognised": 1}


def test_an_answer_that_drips_is_never_too_late_for_the_sdk(account, stripe_with_key, keys, order):
    """Its time limit is for each read, not for the whole answer."""
    order(CREATE, "slow", delay_seconds=1)

    session = stripe_with_key(keys.stripe, timeout_seconds=0.5).v1.checkout.sessions.create(PACKAGE)

    assert session.status == "open"


def test_a_time_out_before_the_work_leaves_nothing(account, stripe_with_key, keys, order):
    impatient = stripe_with_key(keys.stripe, timeout_seconds=0.2)
    order(CREATE, "timeout")

    with pytest.raises(stripe.APIConnectionError):
        impatient.v1.checkout.sessions.create(PACKAGE, {"idempotency_key": "purchase-1"})

    assert account.client.v1.checkout.sessions.list().data == []


def test_while_a_key_is_in_flight_a_second_request_is_409(account, stripe_with_key, keys, order):
    order(CREATE, "late", delay_seconds=1)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(account.sell, "purchase-1")
        while account.desk.get("/sandbox/calls").json()["services"].get(CREATE) is None:
            pass
        with pytest.raises(stripe.APIError) as refused:
            stripe_with_key(keys.stripe).v1.checkout.sessions.create(PACKAGE, {"idempotency_key": "purchase-1"})

    assert refused.value.http_status == 409
    assert refused.value.json_body["error"]["code"] == "idempotency_key_in_use"
    assert account.sell(key="purchase-1").id == first.result().id


def test_the_sdks_own_retry_meets_the_first_result(account, sandbox_url, keys, order):
    order(CREATE, "lost", delay_seconds=0.1)
    client = stripe.StripeClient(keys.stripe, base_addresses={"api": f"{sandbox_url}/stripe"}, max_network_retries=1)

    session = client.v1.checkout.sessions.create(PACKAGE)

    assert replayed(session.last_response)
    assert account.calls(CREATE) == {"received": 2, "recognised": 1}


@pytest.mark.parametrize("point", POINTS.values())
def test_every_point_shows_its_faults(account, order, point):
    session = account.sold()
    intent = account.client.v1.payment_intents.retrieve(session.payment_intent)
    refund = account.client.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    dispute = account.control("disputes", session=session.id)["id"]
    v1 = account.client.v1
    event = v1.events.list().data[0].id
    calls = {
        "sessions_create": account.sell,
        "sessions_retrieve": lambda: v1.checkout.sessions.retrieve(session.id),
        "sessions_list": v1.checkout.sessions.list,
        "sessions_expire": lambda: v1.checkout.sessions.expire(session.id),
        "sessions_line_items": lambda: v1.checkout.sessions.line_items.list(session.id),
        "payment_intents_retrieve": lambda: v1.payment_intents.retrieve(intent.id),
        "charges_retrieve": lambda: v1.charges.retrieve(intent.latest_charge),
        "refunds_create": lambda: v1.refunds.create({"payment_intent": intent.id}),
        "refunds_retrieve": lambda: v1.refunds.retrieve(refund.id),
        "refunds_list": v1.refunds.list,
        "disputes_retrieve": lambda: v1.disputes.retrieve(dispute),
        "disputes_list": v1.disputes.list,
        "events_retrieve": lambda: v1.events.retrieve(event),
        "events_list": v1.events.list,
    }
    order(point, "429")

    with pytest.raises(stripe.RateLimitError):
        calls[point.removeprefix("stripe.")]()
