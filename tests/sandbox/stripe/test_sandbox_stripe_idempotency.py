"""Idempotency keys and faults of Stripe's stand-in, through the official SDK."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from sandbox.stripe.api import POINTS
from tests.sandbox.stripe_account import PACKAGE

CREATE = "stripe.sessions_create"


def is_replayed(response) -> bool:
    return {name.lower(): value for name, value in response.headers.items()}.get("idempotent-replayed") == "true"


def test_the_same_key_and_parameters_make_one_session(account):
    first = account.create_session(key="purchase-1")
    account.client.v1.checkout.sessions.expire(first.id)

    second = account.create_session(key="purchase-1")

    assert second.to_dict() == first.to_dict()
    assert (is_replayed(first.last_response), is_replayed(second.last_response)) == (False, True)
    assert account.call_counts(CREATE) == {"received": 2, "recognised": 1}
    keys = [call["idempotency_key"] for call in account.http.get("/sandbox/calls").json()["last"]]
    assert keys.count("purchase-1") == 2


def test_calls_contain_the_idempotency_key_and_the_parameters(account):
    account.create_session(key="purchase-1")

    call = account.http.get("/sandbox/calls").json()["last"][0]

    assert (call["service"], call["path"], call["idempotency_key"], call["status"]) == (
        CREATE,
        "/stripe/v1/checkout/sessions",
        "purchase-1",
        200,
    )
    assert call["fields"]["metadata"] == {"purchase_id": "purchase-1"}
    assert call["fields"]["line_items"]["0"]["price_data"]["unit_amount"] == "299"


def test_the_same_key_with_other_parameters_is_an_error(account):
    account.create_session(key="purchase-1")

    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refused:
        account.create_session(key="purchase-1", client_reference_id="bob")

    assert refused.value.http_status == 400


def test_the_same_key_elsewhere_is_an_error(account):
    session = account.create_session(key="purchase-1")

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        account.client.v1.checkout.sessions.expire(session.id, None, {"idempotency_key": "purchase-1"})


def test_a_key_has_up_to_255_characters(account):
    account.create_session(key="k" * 255)

    with pytest.raises(stripe.IdempotencyError, match="255"):
        account.create_session(key="k" * 256)


def test_refused_parameters_leave_the_key_free(account):
    with pytest.raises(stripe.InvalidRequestError):
        account.create_session(key="purchase-1", customer_email="nobody")

    assert account.create_session(key="purchase-1").status == "open"


def test_a_refusal_during_the_work_is_replayed(account):
    session = account.create_paid_session()
    params = {"payment_intent": session.payment_intent, "amount": 300}
    responses = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            account.client.v1.refunds.create(params, {"idempotency_key": "refund-1"})
        responses.append((str(refused.value.user_message), refused.value.headers.get("idempotent-replayed")))

    assert responses[0][0] == responses[1][0]
    assert [replay for _, replay in responses] == [None, "true"]


def test_a_key_expires_after_a_day(account):
    first = account.create_session(key="purchase-1")

    account.control("clock", advance_seconds=86_399)
    assert account.create_session(key="purchase-1").id == first.id
    account.control("clock", advance_seconds=2)

    assert account.create_session(key="purchase-1").id != first.id


def test_a_500_is_replayed_like_any_result(account, add_fault):
    add_fault(CREATE, "500")
    responses = []
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            account.create_session(key="purchase-1")
        responses.append((failed.value.http_status, failed.value.headers.get("idempotent-replayed")))

    assert responses == [(500, None), (500, "true")]
    assert account.create_session(key="purchase-2").status == "open"


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
def test_other_faults_precede_the_work(account, add_fault, kind, error, status):
    add_fault(CREATE, kind)

    with pytest.raises(error) as failed:
        account.create_session(key="purchase-1")

    assert failed.value.http_status == status
    assert account.call_counts(CREATE) == {"received": 1, "recognised": 0}
    assert not is_replayed(account.create_session(key="purchase-1").last_response)


def test_a_list_where_an_object_belongs(account, add_fault):
    add_fault("stripe.sessions_retrieve", "wrong_shape")
    session = account.create_session()

    with pytest.raises(AttributeError):
        account.client.v1.checkout.sessions.retrieve(session.id).id  # noqa: B018


@pytest.mark.parametrize("kind", ["lost", "cut"])
def test_a_lost_response_hides_a_created_session(account, stripe_with_key, keys, add_fault, kind):
    short_timeout_client = stripe_with_key(keys.stripe, timeout_seconds=0.5)
    add_fault(CREATE, kind)

    with pytest.raises((stripe.APIConnectionError, stripe.APIError)):
        short_timeout_client.v1.checkout.sessions.create(PACKAGE, {"idempotency_key": "purchase-1"})
    again = account.create_session(key="purchase-1")

    assert is_replayed(again.last_response)
    assert [item.id for item in account.client.v1.checkout.sessions.list().data] == [again.id]
    assert account.call_counts(CREATE) == {"received": 2, "recognised": 1}


def test_a_slow_body_does_not_time_out_in_the_sdk(account, stripe_with_key, keys, add_fault):
    """Its timeout applies to each read, not to the whole response."""
    add_fault(CREATE, "slow", delay_seconds=1)

    session = stripe_with_key(keys.stripe, timeout_seconds=0.5).v1.checkout.sessions.create(PACKAGE)

    assert session.status == "open"


def test_a_timeout_before_the_work_creates_nothing(account, stripe_with_key, keys, add_fault):
    short_timeout_client = stripe_with_key(keys.stripe, timeout_seconds=0.2)
    add_fault(CREATE, "timeout")

    with pytest.raises(stripe.APIConnectionError):
        short_timeout_client.v1.checkout.sessions.create(PACKAGE, {"idempotency_key": "purchase-1"})

    assert account.client.v1.checkout.sessions.list().data == []


def test_while_a_key_is_in_flight_a_second_request_is_409(account, stripe_with_key, keys, add_fault):
    add_fault(CREATE, "late", delay_seconds=1)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(account.create_session, "purchase-1")
        while account.http.get("/sandbox/calls").json()["services"].get(CREATE) is None:
            pass
        with pytest.raises(stripe.APIError) as refused:
            stripe_with_key(keys.stripe).v1.checkout.sessions.create(PACKAGE, {"idempotency_key": "purchase-1"})

    assert refused.value.http_status == 409
    assert refused.value.json_body["error"]["code"] == "idempotency_key_in_use"
    assert account.create_session(key="purchase-1").id == first.result().id


def test_the_sdks_own_retry_gets_the_first_result(account, sandbox_url, keys, add_fault):
    add_fault(CREATE, "lost", delay_seconds=0.1)
    client = stripe.StripeClient(keys.stripe, base_addresses={"api": f"{sandbox_url}/stripe"}, max_network_retries=1)

    session = client.v1.checkout.sessions.create(PACKAGE)

    assert is_replayed(session.last_response)
    assert account.call_counts(CREATE) == {"received": 2, "recognised": 1}


@pytest.mark.parametrize("point", POINTS.values())
def test_every_fault_point_applies_its_faults(account, add_fault, point):
    session = account.create_paid_session()
    intent = account.client.v1.payment_intents.retrieve(session.payment_intent)
    refund = account.client.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    dispute = account.control("disputes", session=session.id)["id"]
    v1 = account.client.v1
    event = v1.events.list().data[0].id
    calls = {
        "sessions_create": account.create_session,
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
    add_fault(point, "429")

    with pytest.raises(stripe.RateLimitError):
        calls[point.removeprefix("stripe.")]()
