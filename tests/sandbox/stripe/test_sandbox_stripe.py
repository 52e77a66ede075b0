"""Stripe's stand-in through the official SDK: sessions, payments, events and lists."""

import time
from contextlib import nullcontext

import pytest
import stripe

from sandbox.stripe.errors import ParamError
from sandbox.stripe.session_parameters import check_combinations
from tests.sandbox.stripe_account import DELAYED, PACKAGE

PRICE = PACKAGE["line_items"][0]["price_data"]
LEFT_OUT = {
    stripe.checkout.Session: {"line_items"},
    stripe.PaymentIntent: {
        *("allowed_payment_method_types", "excluded_payment_method_types"),
        *("hooks", "managed_payments", "payment_details", "payment_record"),
    },
    stripe.Charge: {"authorization_code", "level3", "radar_options", "refunds"},
    stripe.Refund: {
        *("customer", "customer_account", "payment_method", "presentment_details"),
        *("instructions_email", "next_action"),
    },
    stripe.Dispute: {"intended_submission_method"},
}
"""Fields of the SDK's types that Stripe itself shows on request or in special cases only."""


def test_a_new_session_is_open_and_returns_its_parameters(account):
    before = int(time.time())

    session = account.create_session()

    assert (session.object, session.mode, session.status, session.payment_status) == (
        "checkout.session",
        "payment",
        "open",
        "unpaid",
    )
    assert (session.amount_subtotal, session.amount_total, session.currency) == (299, 299, "usd")
    assert (session.client_reference_id, session.customer_email) == ("ada", "ada@example.com")
    assert session.metadata.to_dict() == {"purchase_id": "purchase-1"}
    assert (session.payment_intent, session.customer, session.livemode) == (None, None, False)
    assert before + 86_400 <= session.expires_at <= int(time.time()) + 86_400
    assert session.success_url == PACKAGE["success_url"]
    assert session.url.endswith(f"/stripe/pay/{session.id}")
    assert "line_items" not in session.to_dict()


def test_a_retrieved_session_has_its_line_items_on_request(account):
    made = account.create_session()

    session = account.client.v1.checkout.sessions.retrieve(made.id, {"expand": ["line_items"]})

    (item,) = session.line_items.data
    assert (item.description, item.quantity, item.amount_total, item.price.unit_amount) == (
        "Starter, 500 credits",
        1,
        299,
        299,
    )
    page = account.client.v1.checkout.sessions.line_items.list(made.id)
    assert [item.id for item in page.data] == [item.id]


def test_every_field_of_the_sdks_types_can_be_read(account):
    """A field missing from the JSON would raise AttributeError in the SDK instead of returning None."""
    session = account.create_paid_session()
    intent = account.client.v1.payment_intents.retrieve(session.payment_intent)
    charge = account.client.v1.charges.retrieve(intent.latest_charge)
    refund = account.client.v1.refunds.create({"charge": charge.id, "amount": 1})
    dispute = account.control("disputes", charge=charge.id)

    shown = {
        stripe.checkout.Session: session.to_dict(),
        stripe.PaymentIntent: intent.to_dict(),
        stripe.Charge: charge.to_dict(),
        stripe.Refund: refund.to_dict(),
        stripe.Dispute: dispute,
    }
    for kind, fields in shown.items():
        named = {name for name in kind.__annotations__ if not name.startswith("_") and name != "OBJECT_NAME"}
        assert named - set(fields) == LEFT_OUT[kind], kind


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"mode": None}, "mode", "parameter_missing"),
        ({"mode": "subscription"}, "mode", None),
        ({"line_items": None}, "line_items", "parameter_missing"),
        ({"idempotency_key": "in the wrong place"}, "idempotency_key", "parameter_unknown"),
        ({"customer": "cus_1"}, "customer", "parameter_unknown"),
        ({"success_url": None}, "success_url", "parameter_missing"),
        ({"success_url": "chrome-extension://abcdef/bought.html"}, "success_url", "url_invalid"),
        ({"cancel_url": "/cancelled"}, "cancel_url", "url_invalid"),
        ({"customer_email": "ada"}, "customer_email", "email_invalid"),
        ({"customer_email": ""}, "customer_email", "parameter_invalid_empty"),
        ({"client_reference_id": "x" * 201}, "client_reference_id", "parameter_invalid_string"),
        ({"allow_promotion_codes": "perhaps"}, "allow_promotion_codes", None),
        ({"automatic_tax": {}, "automatic_tax[on]": "true"}, "automatic_tax[on]", "parameter_unknown"),
        ({"metadata": {"k" * 41: "v"}}, f"metadata[{'k' * 41}]", None),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
        ({"metadata": {str(n): "v" for n in range(51)}}, "metadata", None),
        ({"payment_method_types": ["cheque"]}, "payment_method_types[0]", None),
        ({"allowed_payment_method_types": ["boleto"]}, "allowed_payment_method_types", "parameter_unknown"),
        ({"expand": ["customer"]}, "expand[]", "property_expansion"),
    ],
)
def test_invalid_parameters_are_refused_by_name(account, changes, param, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        account.create_session(**changes)

    assert (refused.value.http_status, refused.value.param, refused.value.code) == (400, param, code)
    assert refused.value.request_id.startswith("req_")


@pytest.mark.parametrize(
    ("price", "param", "code"),
    [
        (PRICE | {"unit_amount": "2.99"}, "line_items[0][price_data][unit_amount]", "parameter_invalid_integer"),
        (PRICE | {"unit_amount": -1}, "line_items[0][price_data][unit_amount]", "parameter_invalid_integer"),
        (PRICE | {"unit_amount": 49}, None, "amount_too_small"),
        (PRICE | {"currency": "USD"}, "line_items[0][price_data][currency]", None),
        (PRICE | {"product_data": {}}, "line_items[0][price_data][product_data]", "parameter_missing"),
        (PRICE | {"discount": 1}, "line_items[0][price_data][discount]", "parameter_unknown"),
    ],
)
def test_an_invalid_price_is_refused(account, price, param, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        account.create_session(line_items=[{"price_data": price}])

    assert (refused.value.param, refused.value.code) == (param, code)


@pytest.mark.parametrize(("seconds", "is_accepted"), [(1_799, False), (1_800, True), (86_399, True), (86_400, False)])
def test_the_time_of_a_session_is_judged_to_the_second(seconds, is_accepted):
    price = {"price_data": {"currency": "usd", "unit_amount": 299, "product_data": {"name": "Starter"}}, "quantity": 1}

    with nullcontext() if is_accepted else pytest.raises(ParamError, match="expires_at"):
        check_combinations({"line_items": [price], "expires_at": 1_000 + seconds}, now=1_000)


@pytest.mark.parametrize("seconds", [1_790, 86_400 + 60])  # a minute more: the time of the call counts
def test_a_session_lives_between_30_minutes_and_a_day(account, seconds):
    with pytest.raises(stripe.InvalidRequestError, match="expires_at"):
        account.create_session(expires_at=int(time.time()) + seconds)


@pytest.mark.parametrize("key", ["another key", ""])
def test_a_wrong_key_is_401(stripe_with_key, key):
    with pytest.raises(stripe.AuthenticationError) as refused:
        stripe_with_key(key).v1.events.list()

    assert refused.value.http_status == 401


def test_an_unknown_route_is_an_error_of_stripe(account):
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as refused:
        account.client.v1.customers.list()

    assert refused.value.http_status == 404


def test_an_unknown_id_is_404(account):
    with pytest.raises(stripe.InvalidRequestError, match=r"No such checkout\.session: 'cs_1'") as refused:
        account.client.v1.checkout.sessions.retrieve("cs_1")

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_a_response_has_version_request_id_and_key_headers(account):
    response = account.create_session(key="key-1").last_response

    headers = {name.lower(): value for name, value in response.headers.items()}
    assert (headers["stripe-version"], headers["idempotency-key"]) == ("2026-10-28.endive", "key-1")
    assert response.request_id.startswith("req_")


def test_a_payment_has_its_own_metadata_and_not_the_sessions(account):
    session = account.create_paid_session(metadata={"only": "the session"})

    intent = account.client.v1.payment_intents.retrieve(session.payment_intent, {"expand": ["latest_charge"]})
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert intent.metadata.to_dict() == {"purchase_id": "purchase-1", "place": "payment"}
    assert (intent.status, intent.amount_received) == ("succeeded", 299)
    charge = intent.latest_charge
    assert charge.metadata.to_dict() == intent.metadata.to_dict()
    assert (charge.amount, charge.paid, charge.payment_intent) == (299, True, intent.id)


def test_without_metadata_for_it_a_payment_has_none(account):
    session = account.create_paid_session(payment_intent_data=None)

    assert account.client.v1.payment_intents.retrieve(session.payment_intent).metadata.to_dict() == {}


def test_the_session_of_a_payment_is_found_by_it(account):
    session, _ = account.create_paid_session(), account.create_paid_session()

    found = account.client.v1.checkout.sessions.list({"payment_intent": session.payment_intent})

    assert [item.id for item in found.data] == [session.id]


def test_a_price_of_zero_needs_no_payment(account):
    session = account.create_paid_session(line_items=[{"price_data": PRICE | {"unit_amount": 0}}])

    assert (session.status, session.payment_status, session.payment_intent) == ("complete", "no_payment_required", None)


def test_only_an_open_session_expires(account):
    session = account.create_session()

    expired = account.client.v1.checkout.sessions.expire(session.id)

    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        account.client.v1.checkout.sessions.expire(session.id)
    assert account.control_error(f"sessions/{session.id}/pay") == (409, "the session is expired")
    assert account.events() == ["checkout.session.expired"]


def test_a_session_expires_at_its_time(account):
    session = account.create_session(expires_at=int(time.time()) + 1_810)

    account.control("clock", advance_seconds=1_700)
    assert account.client.v1.checkout.sessions.retrieve(session.id).status == "open"
    account.control("clock", advance_seconds=120)

    assert account.client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert account.events() == ["checkout.session.expired"]


def test_delayed_methods_are_offered_unless_methods_are_named(account):
    assert account.create_session().payment_method_types == ["card", "link", DELAYED]
    assert account.create_session(payment_method_types=["card"]).payment_method_types == ["card"]
    assert account.create_session(payment_method_types=["sepa_debit"]).payment_method_types == ["sepa_debit"]


@pytest.mark.parametrize(
    ("outcome", "payment_status", "intent_status", "last_events"),
    [
        ("succeeded", "paid", "succeeded", ["payment_intent.succeeded", "checkout.session.async_payment_succeeded"]),
        (
            "failed",
            "unpaid",
            "requires_payment_method",
            ["payment_intent.payment_failed", "checkout.session.async_payment_failed"],
        ),
    ],
)
def test_a_delayed_payment_completes_unpaid_and_settles_later(
    account, outcome, payment_status, intent_status, last_events
):
    session = account.create_session()

    completed = account.control(f"sessions/{session.id}/pay", method=DELAYED)
    assert (completed["status"], completed["payment_status"]) == ("complete", "unpaid")
    settled = account.control(f"sessions/{session.id}/settle", outcome=outcome)

    assert (settled["status"], settled["payment_status"]) == ("complete", payment_status)
    assert account.client.v1.payment_intents.retrieve(settled["payment_intent"]).status == intent_status
    assert account.events() == ["checkout.session.completed", *last_events]
    assert account.control_error(f"sessions/{session.id}/settle", outcome="failed") == (
        409,
        "the session has no pending payment",
    )


def test_an_event_keeps_the_object_as_it_was_then(account):
    session = account.create_session()
    account.control(f"sessions/{session.id}/pay", method=DELAYED)
    account.control(f"sessions/{session.id}/settle", outcome="succeeded")

    (event,) = account.client.v1.events.list({"types": ["checkout.session.completed"]}).data

    assert (event.object, event.api_version, event.livemode) == ("event", "2026-10-28.endive", False)
    assert (event.data.object.id, event.data.object.payment_status) == (session.id, "unpaid")
    assert account.client.v1.events.retrieve(event.id).to_dict() == event.to_dict()


def test_events_are_listed_newest_first_in_pages(account):
    for _ in range(5):
        account.client.v1.checkout.sessions.expire(account.create_session().id)
    whole = [event.id for event in account.client.v1.events.list({"limit": 100}).data]

    first = account.client.v1.events.list({"limit": 2})
    second = account.client.v1.events.list({"limit": 2, "starting_after": first.data[-1].id})
    back = account.client.v1.events.list({"limit": 2, "ending_before": second.data[-1].id})

    assert [event.id for event in first.data + second.data] == whole[:4]
    assert (first.has_more, second.has_more) == (True, True)
    assert [event.id for event in back.data] == whole[1:3]
    assert [event.id for event in account.client.v1.events.list({"limit": 2}).auto_paging_iter()] == whole


def test_events_are_found_by_type_and_time(account):
    account.create_paid_session()
    now = int(time.time())

    assert account.events(types=["checkout.session.completed", "refund.created"]) == ["checkout.session.completed"]
    assert account.events(type="payment_intent.succeeded") == ["payment_intent.succeeded"]
    assert len(account.events(created={"gte": now - 60})) == 2
    assert account.events(created={"gte": now + 60}) == []
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        account.events(starting_after="evt_1")
    with pytest.raises(stripe.InvalidRequestError):
        account.events(limit=101)


def test_events_are_kept_for_30_days(account):
    account.create_paid_session()

    account.control("clock", advance_seconds=30 * 86_400)

    assert account.events() == []
