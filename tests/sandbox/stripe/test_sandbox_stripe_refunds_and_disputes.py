"""Refunds and disputes of Stripe's stand-in, through the API and the control routes."""

import pytest
import stripe

from tests.sandbox.stripe_account import DELAYED


@pytest.fixture
def paid_session(account) -> stripe.checkout.Session:
    """A paid session of 299 cents; `new_events` omits the events up to the payment."""
    return account.create_paid_session()


@pytest.fixture
def new_events(account, paid_session):
    """Types of the events since the payment."""
    before = len(account.events())
    return lambda: account.events()[before:]


@pytest.fixture
def refund(account, paid_session):
    def refund(**params):
        return account.client.v1.refunds.create({"payment_intent": paid_session.payment_intent, **params})

    return refund


def charge_of(account, session) -> stripe.Charge:
    return account.client.v1.payment_intents.retrieve(
        session.payment_intent, {"expand": ["latest_charge"]}
    ).latest_charge


def test_refunds_add_up_to_the_amount_and_never_above(account, paid_session, refund, new_events):
    first = refund(amount=100, reason="requested_by_customer", metadata={"ticket": "7"})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount") as too_much:
        refund(amount=200)
    partly = charge_of(account, paid_session)
    second = refund()
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded") as again:
        refund()

    assert (first.status, first.amount, first.reason, first.metadata["ticket"]) == (
        "succeeded",
        100,
        "requested_by_customer",
        "7",
    )
    assert (partly.amount_refunded, partly.refunded) == (100, False)
    assert (too_much.value.param, again.value.code) == ("amount", "charge_already_refunded")
    assert second.amount == 199
    whole = charge_of(account, paid_session)
    assert (whole.amount_refunded, whole.refunded) == (299, True)
    page = account.client.v1.refunds.list({"payment_intent": paid_session.payment_intent}).data
    assert [item.id for item in page] == [second.id, first.id]
    assert new_events() == ["refund.created", "charge.refunded"] * 2


def test_a_refund_has_its_payment_but_not_its_session(paid_session, refund):
    shown = refund().to_dict()

    assert shown["payment_intent"] == paid_session.payment_intent
    assert paid_session.id not in str(shown)


def test_a_pending_refund_succeeds_later(account, refund, new_events):
    account.update_settings(refund_status="pending")
    made = refund()

    ended = account.control(f"refunds/{made.id}", status="succeeded")

    assert (made.status, made.pending_reason, ended["status"]) == ("pending", "processing", "succeeded")
    assert new_events() == ["refund.created", "charge.refunded", "refund.updated"]


@pytest.mark.parametrize(
    ("status", "event_types"), [("failed", ["refund.updated", "refund.failed"]), ("canceled", ["refund.updated"])]
)
def test_a_failed_refund_can_be_refunded_again(account, paid_session, refund, new_events, status, event_types):
    made = account.control("refunds", session=paid_session.id, amount=100, status="pending")

    account.control(f"refunds/{made['id']}", status=status)

    assert new_events() == ["refund.created", "charge.refunded", *event_types]
    assert charge_of(account, paid_session).amount_refunded == 0
    assert account.client.v1.refunds.retrieve(made["id"]).status == status
    assert refund().amount == 299


def test_a_refund_that_succeeded_may_only_fail(account, refund):
    made = refund()

    assert account.control_error(f"refunds/{made.id}", status="canceled") == (
        409,
        "a refund that is succeeded can become failed",
    )
    assert account.control(f"refunds/{made.id}", status="failed")["failure_reason"]


def test_an_unpaid_charge_cannot_be_refunded(account):
    session = account.create_session()
    completed = account.control(f"sessions/{session.id}/pay", method=DELAYED)

    with pytest.raises(stripe.InvalidRequestError, match="no successful charge"):
        account.client.v1.refunds.create({"payment_intent": completed["payment_intent"]})
    assert account.control_error("refunds", session=account.create_session().id) == (409, "this session has no payment")


def test_a_dispute_withdraws_the_money_and_a_won_dispute_returns_it(account, paid_session, refund, new_events):
    opened = account.control("disputes", session=paid_session.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refund()
    account.control(f"disputes/{opened['id']}", status="won")

    dispute = account.client.v1.disputes.retrieve(opened["id"])
    assert (opened["status"], opened["amount"]) == ("needs_response", 299)
    assert refused.value.code == "charge_disputed"
    assert (dispute.status, dispute.payment_intent) == ("won", paid_session.payment_intent)
    assert [moved.amount for moved in dispute.balance_transactions] == [-299, 299]
    assert new_events() == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert charge_of(account, paid_session).disputed
    assert refund().amount == 299


def test_a_lost_dispute_keeps_the_money(account, paid_session, new_events):
    opened = account.control("disputes", session=paid_session.id, amount=200)

    account.control(f"disputes/{opened['id']}", status="under_review")
    lost = account.control(f"disputes/{opened['id']}", status="lost")

    assert [moved["amount"] for moved in lost["balance_transactions"]] == [-200]
    assert new_events()[2:] == ["charge.dispute.updated", "charge.dispute.closed"]
    assert account.control_error(f"disputes/{opened['id']}", status="won")[0] == 409
    assert account.control("refunds", session=paid_session.id)["amount"] == 99


def test_an_inquiry_moves_no_money_until_it_becomes_a_dispute(account, paid_session, new_events):
    inquiry = account.control("disputes", session=paid_session.id, status="warning_needs_response")
    assert (inquiry["balance_transactions"], new_events()) == ([], ["charge.dispute.created"])

    dispute = account.control(f"disputes/{inquiry['id']}", status="needs_response")

    assert len(dispute["balance_transactions"]) == 1
    assert new_events()[1:] == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]


def test_an_inquiry_may_close_with_nothing_moved(account, paid_session, new_events):
    inquiry = account.control("disputes", session=paid_session.id, status="warning_needs_response")

    closed = account.control(f"disputes/{inquiry['id']}", status="warning_closed")

    assert (closed["status"], closed["balance_transactions"]) == ("warning_closed", [])
    assert new_events() == ["charge.dispute.created", "charge.dispute.closed"]


def test_a_dispute_after_a_refund_defaults_to_the_rest(account, paid_session, refund):
    refund(amount=100)

    assert account.control("disputes", session=paid_session.id)["amount"] == 199
    assert account.control("disputes", session=paid_session.id, amount=299)["amount"] == 299
    assert account.control_error("disputes", session=paid_session.id, amount=300)[0] == 409
    page = account.client.v1.disputes.list({"payment_intent": paid_session.payment_intent}).data
    assert [item.amount for item in page] == [299, 199]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("refunds", {"sesion": "cs_1"}, 400),
        ("refunds", {}, 400),
        ("refunds", {"session": "cs_1", "charge": "ch_1"}, 400),
        ("refunds", {"charge": "ch_1"}, 404),
        ("refunds", {"session": "cs_1", "amount": 0}, 400),
        ("refunds/re_1", {"status": "failed"}, 404),
        ("disputes", {"payment_intent": "pi_1"}, 404),
        ("disputes", {"payment_intent": "pi_1", "status": "won"}, 400),
        ("disputes/du_1", {"status": "won"}, 404),
        ("sessions/cs_1/pay", {}, 404),
        ("sessions/cs_1/settle", {"outcome": "perhaps"}, 400),
        ("orders", {"webhook_copy": 2}, 400),
        ("orders", {"webhook_url": "https://example.org/hook"}, 400),
        ("orders", {"webhook_lose": ["checkout.completed"]}, 400),
        ("clock", {"advance_seconds": -1}, 400),
        ("deliveries", {"events": ["evt_1"]}, 404),
        ("events", {"type": "x"}, 400),
        ("events/evt_1/twin", {}, 404),
    ],
)
def test_an_invalid_control_body_is_refused(account, path, body, status):
    assert account.control_error(path, **body)[0] == status


def test_the_control_routes_show_and_reset_all_objects(account, paid_session, refund):
    refund(amount=1)

    shown = account.http.get("/sandbox/stripe").json()
    account.http.delete("/sandbox/stripe")
    forgotten = account.http.get("/sandbox/stripe").json()

    counts = {name: len(objects) for name, objects in shown.items() if name != "now"}
    assert counts == {"sessions": 1, "payment_intents": 1, "charges": 1, "refunds": 1, "disputes": 0}
    assert not any(objects for name, objects in forgotten.items() if name != "now")
    assert account.events() == []
