"""Stripe's webhooks out of the sandbox: signed by the SDK, tried again, doubled, told twice, reordered, lost."""

import queue
import threading
import time

import httpx
import pytest
import requests
import stripe

from sandbox.__main__ import main
from tests.sandbox.process import running
from tests.sandbox.stripe_account import DELAYED, Account, Hook

PAID = ["payment_intent.succeeded", "checkout.session.completed"]


def test_an_event_is_signed_so_that_the_sdk_takes_it(account, hook, keys):
    session = account.sold()
    received = {}
    for _ in PAID:
        got = hook.receiver.next()
        event = account.client.construct_event(got.body, got.headers["stripe-signature"], keys.stripe_webhooks)
        received[event.type] = (got, event)

    got, event = received["checkout.session.completed"]
    assert (event.object, event.livemode, event.api_version) == ("event", False, "2026-10-28.endive")
    assert (event.data.object.id, event.data.object.payment_status) == (session.id, "paid")
    assert got.path == "/stripe"
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    signed_at = int(got.headers["stripe-signature"].split(",")[0].removeprefix("t="))
    assert abs(signed_at - time.time()) < 10
    for body, secret in ((got.body + b" ", keys.stripe_webhooks), (got.body, "another secret")):
        with pytest.raises(stripe.SignatureVerificationError):
            account.client.construct_event(body, got.headers["stripe-signature"], secret)


def test_another_secret_signs_what_follows(account, hook, receiver):
    account.order(webhook_secret="the next secret")

    account.sold()

    got = receiver.next()
    assert account.client.construct_event(got.body, got.headers["stripe-signature"], "the next secret")


def test_the_secret_is_never_shown(account, hook, keys):
    assert "webhook_secret" not in account.order(webhook_secret="the next secret")


def test_an_event_is_delivered_by_2xx_alone(account, hook, receiver):
    receiver.statuses = [500, 404, 302, 204]
    account.order(webhook_retry_seconds=0.01, webhook_lose=["payment_intent.succeeded"])

    account.sold()

    (delivery,) = account.delivered("delivered", 1)
    attempts = [(one["number"], one["status"], one["outcome"]) for one in delivery["attempts"]]
    assert attempts == [(1, 500, "failed"), (2, 404, "failed"), (3, 302, "failed"), (4, 204, "delivered")]
    assert len({hook.next().id for _ in range(4)}) == 1
    assert account.events(delivery_success=True) == ["checkout.session.completed"]


def test_attempts_wait_ever_longer_on_the_sandboxs_clock(account, hook, receiver):
    receiver.statuses = [500, 500, 500, 204]
    account.order(webhook_retry_seconds=3_600, webhook_lose=["payment_intent.succeeded"])
    account.sold()
    for waited_seconds in (3_600, 7_200, 14_400):
        hook.next()
        account.delivered("sending", 1)
        account.control("clock", advance_seconds=waited_seconds - 60)
        with pytest.raises(queue.Empty):
            receiver.received.get(timeout=0.1)
        account.control("clock", advance_seconds=60)
    hook.next()

    (delivery,) = account.delivered("delivered", 1)
    assert [round(one["at"] - delivery["attempts"][0]["at"], -2) for one in delivery["attempts"]] == [
        0,
        3_600,
        10_800,
        25_200,
    ]


def test_an_event_nobody_takes_is_given_up_and_found_in_the_list(account, hook, receiver):
    receiver.statuses = [500] * 3
    account.order(webhook_retry_seconds=0.01, webhook_attempts=3, webhook_lose=["payment_intent.succeeded"])

    account.sold()

    (delivery,) = account.delivered("failed", 1)
    assert len(delivery["attempts"]) == 3
    (event,) = account.client.v1.events.list({"types": ["checkout.session.completed"], "delivery_success": False}).data
    assert (event.id, event.pending_webhooks) == (delivery["id"], 1)


def test_nobody_listening_and_nobody_answering_are_told_apart(account, hook, receiver):
    receiver.silence.clear()
    account.order(webhook_attempts=1, webhook_deadline_seconds=0.2)
    account.sold()
    slow = account.delivered("failed", 2)
    account.order(webhook_url="http://127.0.0.1:9/")
    account.sold()

    outcomes = [one["attempts"][0]["outcome"] for one in account.delivered("failed", 4)]
    assert outcomes == ["timeout"] * 2 + ["unreachable"] * 2
    assert {one["attempts"][0]["status"] for one in slow} == {None}


def test_without_an_endpoint_nothing_waits_for_delivery(account):
    account.sold()

    assert {one["state"] for one in account.deliveries()} == {"no_endpoint"}
    assert account.events(delivery_success=False) == []
    assert account.refused("deliveries", events=[account.deliveries()[0]["id"]]) == (
        409,
        "no webhook endpoint is configured",
    )


def test_a_copy_has_the_same_id_and_a_twin_another(account, hook):
    account.order(webhook_copies=2, webhook_twins=1, webhook_lose=["payment_intent.succeeded"])

    session = account.sold()

    events = [hook.next() for _ in range(4)]
    ids = [event.id for event in events]
    assert sorted(ids.count(one) for one in set(ids)) == [2, 2]
    assert {event.data.object.id for event in events} == {session.id}
    assert account.events(types=["checkout.session.completed"]) == ["checkout.session.completed"] * 2


def test_one_event_is_told_again_under_another_id_when_asked_for(account, hook):
    account.order(webhook_lose=["payment_intent.succeeded"])
    account.sold()
    event = hook.next()

    twin = account.control(f"events/{event.id}/twin")

    told = hook.next()
    assert told.id == twin["id"] != event.id
    assert told.data.to_dict() == event.data.to_dict()


def test_a_lost_event_is_found_in_the_list_alone(account, hook, receiver):
    account.order(webhook_lose=["*"])

    account.sold()

    assert [one["state"] for one in account.deliveries()] == ["lost", "lost"]
    assert account.events(delivery_success=False) == PAID
    assert receiver.received.empty()


def test_held_events_go_out_in_the_order_asked_for(account, hook):
    account.order(webhook_hold=True)
    session = account.sell()
    account.control(f"sessions/{session.id}/pay", method=DELAYED)
    account.control(f"sessions/{session.id}/settle", outcome="succeeded")
    ids = {one["type"]: one["id"] for one in account.deliveries()}
    first, again = ids["checkout.session.async_payment_succeeded"], ids["checkout.session.completed"]

    account.control("deliveries", events=[first, again, again])

    assert [hook.next().id for _ in range(3)] == [first, again, again]
    assert account.control("deliveries")["released"] == [ids["payment_intent.succeeded"]]
    assert hook.next().type == "payment_intent.succeeded"


def test_a_seed_shuffles_always_the_same(account, hook, receiver):
    account.order(webhook_hold=True)
    for _ in range(3):
        account.sold()
    held = [one["id"] for one in account.deliveries()]

    first = account.control("deliveries", shuffle=7)["released"]
    second = account.control("deliveries", events=held, shuffle=7)["released"]

    assert first == second
    assert sorted(first) == sorted(held)
    assert first != held
    assert [hook.next().id for _ in range(12)] == first + second


def test_events_released_together_are_on_their_way_at_once(account, hook, receiver):
    account.order(webhook_hold=True)
    account.sold()
    (event_id,) = [one["id"] for one in account.deliveries() if one["type"] == "checkout.session.completed"]
    receiver.silence.clear()  # None is answered before all have come.
    received = []
    with_all = 8

    def let_go() -> None:
        received.extend(hook.next().id for _ in range(with_all))
        receiver.silence.set()

    thread = threading.Thread(target=let_go)
    thread.start()
    account.control("deliveries", events=[event_id] * with_all, together=True)
    thread.join()

    assert received == [event_id] * with_all


def test_when_nothing_is_held_any_more_what_waits_goes_out(account, hook):
    account.order(webhook_hold=True)
    account.sold()

    account.order(webhook_hold=False)

    assert hook.types(2) == PAID
    assert {one["state"] for one in account.deliveries()} == {"delivered"}


def test_an_event_that_never_happened_can_be_told(account, hook):
    account.control("events", type="radar.early_fraud_warning.created", object={"id": "issfr_1"}, livemode=True)

    event = hook.next()

    assert (event.type, event.data.object.id, event.livemode) == ("radar.early_fraud_warning.created", "issfr_1", True)


def test_a_payment_is_heard_of_before_its_answer(account, hook, receiver):
    """Stripe's page waits for the endpoint before it sends the customer back."""
    session = account.sell()

    account.control(f"sessions/{session.id}/pay")

    (completed,) = [one for one in account.deliveries() if one["type"] == "checkout.session.completed"]
    assert completed["state"] == "delivered"


def test_an_answer_need_not_wait_for_the_endpoint(account, hook, receiver):
    receiver.silence.clear()
    account.order(webhook_before_redirect=False)
    session = account.sell()

    account.control(f"sessions/{session.id}/pay")

    assert {one["state"] for one in account.deliveries()} == {"sending"}


def test_with_an_endpoint_from_the_environment_a_session_lapses_by_itself(receiver, keys, tmp_path):
    settings = {"SANDBOX_STRIPE_WEBHOOK_URL": receiver.url, "SANDBOX_TIME_SCALE": "1000"}
    with (
        running(keys, tmp_path / "stderr.txt", **settings) as url,
        httpx.Client(base_url=url) as desk,
        requests.Session() as session,
    ):
        client = stripe.StripeClient(
            keys.stripe, base_addresses={"api": f"{url}/stripe"}, http_client=stripe.RequestsClient(session=session)
        )
        ends_at = desk.get("/sandbox/stripe").json()["now"] + 2_400
        made = Account(client, desk).sell(expires_at=ends_at)

        event = Hook(receiver, client, keys.stripe_webhooks).next()

    assert (event.type, event.data.object.id) == ("checkout.session.expired", made.id)
    assert ends_at <= event.created < ends_at + 1_000


def test_an_endpoint_elsewhere_keeps_the_sandbox_from_starting(monkeypatch, capsys):
    monkeypatch.setenv("SANDBOX_STRIPE_WEBHOOK_URL", "https://example.org/hook")
    monkeypatch.setattr("sys.argv", ["sandbox"])

    with pytest.raises(SystemExit):
        main()

    assert "SANDBOX_STRIPE_WEBHOOK_URL" in capsys.readouterr().err
