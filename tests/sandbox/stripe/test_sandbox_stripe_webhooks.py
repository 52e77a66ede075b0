"""Stripe's webhooks: signatures, retries, duplicates, twins, order and loss."""

import queue
import threading
import time
from itertools import pairwise

import httpx
import pytest
import requests
import stripe

from sandbox.__main__ import main
from tests.sandbox.process import running
from tests.sandbox.stripe_account import DELAYED, Account, WebhookEndpoint

PAID = ["payment_intent.succeeded", "checkout.session.completed"]


def test_the_sdk_accepts_the_signature_of_an_event(account, hook, keys):
    session = account.create_paid_session()
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


def test_a_new_secret_signs_the_following_events(account, hook, receiver):
    account.update_settings(webhook_secret="the next secret")

    account.create_paid_session()

    got = receiver.next()
    assert account.client.construct_event(got.body, got.headers["stripe-signature"], "the next secret")


def test_the_secret_is_never_shown(account, hook, keys):
    assert "webhook_secret" not in account.update_settings(webhook_secret="the next secret")


def test_only_a_2xx_counts_as_delivered(account, hook, receiver):
    receiver.statuses = [500, 404, 302, 204]
    account.update_settings(webhook_retry_seconds=0.01, webhook_lose=["payment_intent.succeeded"])

    account.create_paid_session()

    (delivery,) = account.wait_for_deliveries("delivered", 1)
    attempts = [(item["number"], item["status"], item["outcome"]) for item in delivery["attempts"]]
    assert attempts == [(1, 500, "failed"), (2, 404, "failed"), (3, 302, "failed"), (4, 204, "delivered")]
    assert len({hook.next().id for _ in range(4)}) == 1
    assert account.events(delivery_success=True) == ["checkout.session.completed"]


def test_attempts_wait_longer_each_time_on_the_accounts_clock(account, hook, receiver):
    started_at = time.monotonic()
    waits_seconds = (3_600, 7_200, 14_400)
    receiver.statuses = [500, 500, 500, 204]
    account.update_settings(
        webhook_retry_seconds=3_600, webhook_deadline_seconds=60, webhook_lose=["payment_intent.succeeded"]
    )
    account.create_paid_session()
    for number, wait_seconds in enumerate(waits_seconds, start=1):
        hook.next()
        # The sandbox counts the wait from the end of the attempt, which a slow receiver delays.
        while len(account.wait_for_deliveries("sending", 1)[0]["attempts"]) < number:
            assert time.monotonic() < started_at + 300
            time.sleep(0.01)
        account.control("clock", advance_seconds=wait_seconds - 600)
        with pytest.raises(queue.Empty):
            receiver.received.get(timeout=0.1)
        account.control("clock", advance_seconds=600)
    hook.next()

    (delivery,) = account.wait_for_deliveries("delivered", 1)
    times = [item["at"] for item in delivery["attempts"]]
    passed_seconds = time.monotonic() - started_at  # The clock of the sandbox runs on between its advances.
    for wait_seconds, (earlier, later) in zip(waits_seconds, pairwise(times), strict=True):
        assert wait_seconds <= later - earlier <= wait_seconds + passed_seconds + 1


def test_an_undelivered_event_is_given_up_and_stays_in_the_list(account, hook, receiver):
    receiver.statuses = [500] * 3
    account.update_settings(webhook_retry_seconds=0.01, webhook_attempts=3, webhook_lose=["payment_intent.succeeded"])

    account.create_paid_session()

    (delivery,) = account.wait_for_deliveries("failed", 1)
    assert len(delivery["attempts"]) == 3
    (event,) = account.client.v1.events.list({"types": ["checkout.session.completed"], "delivery_success": False}).data
    assert (event.id, event.pending_webhooks) == (delivery["id"], 1)


def test_an_unreachable_endpoint_and_a_timeout_are_distinguished(account, hook, receiver):
    receiver.silence.clear()
    account.update_settings(webhook_attempts=1, webhook_deadline_seconds=0.2)
    account.create_paid_session()
    slow = account.wait_for_deliveries("failed", 2)
    account.update_settings(webhook_url="http://127.0.0.1:9/")
    account.create_paid_session()

    outcomes = [item["attempts"][0]["outcome"] for item in account.wait_for_deliveries("failed", 4)]
    assert outcomes == ["timeout"] * 2 + ["unreachable"] * 2
    assert {item["attempts"][0]["status"] for item in slow} == {None}


def test_without_an_endpoint_no_delivery_is_pending(account):
    account.create_paid_session()

    assert {item["state"] for item in account.deliveries()} == {"no_endpoint"}
    assert account.events(delivery_success=False) == []
    assert account.control_error("deliveries", events=[account.deliveries()[0]["id"]]) == (
        409,
        "no webhook endpoint is configured",
    )


def test_a_copy_has_the_same_id_and_a_twin_another(account, hook):
    account.update_settings(webhook_copies=2, webhook_twins=1, webhook_lose=["payment_intent.succeeded"])

    session = account.create_paid_session()

    events = [hook.next() for _ in range(4)]
    ids = [event.id for event in events]
    assert sorted(ids.count(item) for item in set(ids)) == [2, 2]
    assert {event.data.object.id for event in events} == {session.id}
    assert account.events(types=["checkout.session.completed"]) == ["checkout.session.completed"] * 2


def test_an_event_is_sent_again_under_another_id_on_request(account, hook):
    account.update_settings(webhook_lose=["payment_intent.succeeded"])
    account.create_paid_session()
    event = hook.next()

    twin = account.control(f"events/{event.id}/twin")

    repeated = hook.next()
    assert repeated.id == twin["id"] != event.id
    assert repeated.data.to_dict() == event.data.to_dict()


def test_a_lost_event_is_only_in_the_list(account, hook, receiver):
    account.update_settings(webhook_lose=["*"])

    account.create_paid_session()

    assert [item["state"] for item in account.deliveries()] == ["lost", "lost"]
    assert account.events(delivery_success=False) == PAID
    assert receiver.received.empty()


def test_held_events_are_sent_in_the_requested_order(account, hook):
    account.update_settings(webhook_hold=True)
    session = account.create_session()
    account.control(f"sessions/{session.id}/pay", method=DELAYED)
    account.control(f"sessions/{session.id}/settle", outcome="succeeded")
    ids = {item["type"]: item["id"] for item in account.deliveries()}
    first, again = ids["checkout.session.async_payment_succeeded"], ids["checkout.session.completed"]

    account.control("deliveries", events=[first, again, again])

    assert [hook.next().id for _ in range(3)] == [first, again, again]
    assert account.control("deliveries")["released"] == [ids["payment_intent.succeeded"]]
    assert hook.next().type == "payment_intent.succeeded"


def test_a_seed_always_gives_the_same_order(account, hook, receiver):
    account.update_settings(webhook_hold=True)
    for _ in range(3):
        account.create_paid_session()
    held = [item["id"] for item in account.deliveries()]

    first = account.control("deliveries", shuffle=7)["released"]
    second = account.control("deliveries", events=held, shuffle=7)["released"]

    assert first == second
    assert sorted(first) == sorted(held)
    assert first != held
    assert [hook.next().id for _ in range(12)] == first + second


def test_events_released_together_are_sent_at_once(account, hook, receiver):
    account.update_settings(webhook_hold=True)
    account.create_paid_session()
    (event_id,) = [item["id"] for item in account.deliveries() if item["type"] == "checkout.session.completed"]
    receiver.silence.clear()  # None is answered before all have come.
    received = []
    with_all = 8

    def let_go() -> None:
        received.extend(hook.next().id for _ in range(with_all))
        receiver.silence.set()

    thread = threading.Thread(target=let_go)
    thread.start()
    account.control("deliveries", events=[event_id] * with_all, concurrently=True)
    thread.join()

    assert received == [event_id] * with_all


def test_ending_the_hold_sends_the_held_events(account, hook):
    account.update_settings(webhook_hold=True)
    account.create_paid_session()

    account.update_settings(webhook_hold=False)

    assert hook.types(2) == PAID
    assert {item["state"] for item in account.deliveries()} == {"delivered"}


def test_an_event_that_never_happened_can_be_sent(account, hook):
    account.control("events", type="radar.early_fraud_warning.created", object={"id": "issfr_1"}, livemode=True)

    event = hook.next()

    assert (event.type, event.data.object.id, event.livemode) == ("radar.early_fraud_warning.created", "issfr_1", True)


def test_a_payment_sends_its_event_before_the_response(account, hook, receiver):
    """Stripe's page waits for the endpoint before it redirects the customer."""
    session = account.create_session()

    account.control(f"sessions/{session.id}/pay")

    (completed,) = [item for item in account.deliveries() if item["type"] == "checkout.session.completed"]
    assert completed["state"] == "delivered"


def test_a_response_can_skip_the_wait_for_the_endpoint(account, hook, receiver):
    receiver.silence.clear()
    account.update_settings(webhook_before_redirect=False)
    session = account.create_session()

    account.control(f"sessions/{session.id}/pay")

    assert {item["state"] for item in account.deliveries()} == {"sending"}


def test_the_endpoint_can_be_set_by_an_environment_variable(receiver, keys, tmp_path):
    settings = {"SANDBOX_STRIPE_WEBHOOK_URL": receiver.url, "SANDBOX_TIME_SCALE": "1000"}
    with (
        running(keys, tmp_path / "stderr.txt", **settings) as url,
        httpx.Client(base_url=url) as http,
        requests.Session() as session,
    ):
        client = stripe.StripeClient(
            keys.stripe, base_addresses={"api": f"{url}/stripe"}, http_client=stripe.RequestsClient(session=session)
        )
        ends_at = http.get("/sandbox/stripe").json()["now"] + 2_400
        made = Account(client, http).create_session(expires_at=ends_at)

        event = WebhookEndpoint(receiver, client, keys.stripe_webhooks).next()

    assert (event.type, event.data.object.id) == ("checkout.session.expired", made.id)
    assert ends_at <= event.created < ends_at + 1_000


def test_an_endpoint_on_another_machine_prevents_the_start(monkeypatch, capsys):
    monkeypatch.setenv("SANDBOX_STRIPE_WEBHOOK_URL", "https://example.org/hook")
    monkeypatch.setattr("sys.argv", ["sandbox"])

    with pytest.raises(SystemExit):
        main()

    assert "SANDBOX_STRIPE_WEBHOOK_URL" in capsys.readouterr().err
