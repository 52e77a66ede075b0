"""Our Stripe gateway through the official SDK: one checkout for a purchase, named failures, and a secret API key."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.errors import ProviderError, ProviderRefusedError, ProviderUnavailableError
from chalicelib.models.purchase_facts import PaymentState, RefundState
from chalicelib.models.purchases import Purchase
from chalicelib.providers import stripe_client
from chalicelib.providers.stripe_client import StripeGateway
from tests.providers.stand_in import KEYS, SHORT_TIMEOUT_SECONDS, StandIn, failure_of
from tests.providers.stripe_checkout_steps import APP, STAGE, gateway, new_purchase

ROOT = Path(__file__).parents[2]
CREATE = "stripe.sessions_create"
BOTH_TRIES = 2


@pytest.fixture
def stripe_gateway(stand_in: StandIn) -> Iterator[StripeGateway]:
    with gateway(stand_in) as started:
        yield started


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit of a call is short, so that no test waits for eight seconds."""
    monkeypatch.setattr(stripe_client, "READ_SECONDS", 3 * SHORT_TIMEOUT_SECONDS)


def opening_calls(stand_in: StandIn) -> list[dict[str, Any]]:
    return [call for call in stand_in.calls() if call["service"] == CREATE]


# Opening a checkout


def test_a_checkout_is_opened_with_exactly_these_parameters(stand_in: StandIn, stripe_gateway: StripeGateway) -> None:
    purchase = new_purchase()
    session = stripe_gateway.open_checkout(purchase)

    (call,) = opening_calls(stand_in)
    metadata = {"app": APP, "stage": STAGE, "purchase_id": purchase.purchase_id, "user_id": "ada"}
    item = {"currency": "usd", "unit_amount": "999", "product_data": {"name": "2,000 credits"}}
    assert call["idempotency_key"] == purchase.purchase_id
    assert call["fields"] == {
        "mode": "payment",
        "line_items": {"0": {"quantity": "1", "price_data": item}},
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "client_reference_id": purchase.purchase_id,
        "expires_at": str(purchase.checkout_expires_at),
        "success_url": "https://shop.example/paid?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/cancelled",
        "allow_promotion_codes": "false",
        "automatic_tax": {"enabled": "false"},
        "adaptive_pricing": {"enabled": "false"},
        "payment_method_types": {"0": "card"},
    }
    assert (session.payment, session.payment_id, session.cents, session.currency) == (PaymentState.OPEN, "", 999, "usd")
    assert (session.purchase_id, session.user_id, session.stage, session.is_live) == (
        purchase.purchase_id,
        "ada",
        STAGE,
        False,
    )
    assert session.url.startswith(stand_in.url)


def test_our_ids_are_also_metadata_of_the_payment(stand_in: StandIn, stripe_gateway: StripeGateway) -> None:
    """Stripe copies nothing from the session; with the ids, a refund in the dashboard shows its purchase."""
    purchase = new_purchase()
    stand_in.stripe(f"sessions/{stripe_gateway.open_checkout(purchase).session_id}/pay")

    (intent,) = stand_in.stripe_state()["payment_intents"]
    assert intent["metadata"]["purchase_id"] == purchase.purchase_id


@pytest.mark.parametrize("methods", [("card", "us_bank_account"), ()])
def test_payment_methods_come_from_the_settings_or_else_from_the_dashboard(
    stand_in: StandIn, methods: tuple[str, ...]
) -> None:
    with gateway(stand_in, methods=methods) as stripe_gateway:
        stripe_gateway.open_checkout(new_purchase())

    (call,) = opening_calls(stand_in)
    sent = call["fields"].get("payment_method_types", {})
    assert tuple(sent.values()) == methods


def test_the_same_purchase_has_the_same_checkout(stand_in: StandIn, stripe_gateway: StripeGateway) -> None:
    purchase = new_purchase()

    assert stripe_gateway.open_checkout(purchase) == stripe_gateway.open_checkout(purchase)
    assert len(stand_in.stripe_state()["sessions"]) == 1
    assert stripe_gateway.open_checkout(new_purchase()) != stripe_gateway.open_checkout(purchase)


@pytest.mark.parametrize("kind", ["lost", "cut", "bad_json", "timeout", "429", "503", "409", "401", "wrong_shape"])
def test_after_any_failure_the_same_purchase_has_one_checkout(
    stand_in: StandIn, stripe_gateway: StripeGateway, kind: str, request: pytest.FixtureRequest
) -> None:
    if kind in ("lost", "timeout"):
        request.getfixturevalue("short_timeout")
    purchase = new_purchase()
    stand_in.fail(CREATE, {"kind": kind, "times": BOTH_TRIES})
    for _ in range(BOTH_TRIES):
        if stand_in.session.get(f"{stand_in.url}/sandbox/faults").json()["pending"]:
            failure_of(lambda: stripe_gateway.open_checkout(purchase), KEYS.stripe)

    session = stripe_gateway.open_checkout(purchase)

    (stored,) = stand_in.stripe_state()["sessions"]
    assert stored["id"] == session.session_id
    assert {call["idempotency_key"] for call in opening_calls(stand_in)} == {purchase.purchase_id}


def test_the_second_try_gets_the_response_that_the_first_lost(
    stand_in: StandIn, stripe_gateway: StripeGateway, short_timeout: None
) -> None:
    stand_in.fail(CREATE, {"kind": "lost"})

    session = stripe_gateway.open_checkout(new_purchase())

    (stored,) = stand_in.stripe_state()["sessions"]
    assert stored["id"] == session.session_id
    assert len(opening_calls(stand_in)) == 2


def test_a_retry_after_a_failure_that_stripe_stores_for_the_key_uses_a_new_key(
    stand_in: StandIn, stripe_gateway: StripeGateway
) -> None:
    """Otherwise a purchase whose first try met a 500 would meet it for a day. Each request uses two keys at most."""
    purchase = new_purchase()
    for keys_tried in (1, 2):
        stand_in.fail(CREATE, {"kind": "500", "times": keys_tried})
        assert type(failure_of(lambda: stripe_gateway.open_checkout(purchase), KEYS.stripe)) is ProviderError

    session = stripe_gateway.open_checkout(purchase)

    assert [stored["id"] for stored in stand_in.stripe_state()["sessions"]] == [session.session_id]
    assert session.purchase_id == purchase.purchase_id
    keys = [call["idempotency_key"] for call in opening_calls(stand_in)]
    own_key, new_keys = purchase.purchase_id, {keys[2], keys[4]}
    assert [key if key == own_key else "new" for key in keys] == [own_key, own_key, "new", own_key, "new"]
    assert len(new_keys) == 2
    assert all(key.startswith(f"{own_key}:") for key in new_keys)


def test_every_retry_reaches_a_stripe_that_keeps_failing_and_the_first_success_counts(
    stand_in: StandIn, stripe_gateway: StripeGateway
) -> None:
    purchase = new_purchase()
    for _ in range(9):
        stand_in.fail(CREATE, {"kind": "500", "times": -1})
        assert type(failure_of(lambda: stripe_gateway.open_checkout(purchase), KEYS.stripe)) is ProviderError
        stand_in.session.delete(f"{stand_in.url}/sandbox/faults")

    session = stripe_gateway.open_checkout(purchase)

    assert [stored["id"] for stored in stand_in.stripe_state()["sessions"]] == [session.session_id]
    assert len(opening_calls(stand_in)) == 1 + 8 * 2 + 2


def test_a_checkout_that_stripe_is_still_making_is_to_be_retried(
    stand_in: StandIn, stripe_gateway: StripeGateway, short_timeout: None
) -> None:
    purchase = new_purchase()
    stand_in.fail(CREATE, {"kind": "late", "delay_seconds": 2})

    error = failure_of(lambda: stripe_gateway.open_checkout(purchase), KEYS.stripe)

    assert isinstance(error, ProviderUnavailableError)
    assert error.log_note.startswith("status 409")


def test_changed_parameters_under_the_same_key_do_not_end_the_purchase(
    stand_in: StandIn, stripe_gateway: StripeGateway
) -> None:
    """Settings may change between two tries; the checkout of the first may exist and be paid."""
    purchase = new_purchase()
    stripe_gateway.open_checkout(purchase)
    with gateway(stand_in, methods=("card", "link")) as other_settings:
        error = failure_of(lambda: other_settings.open_checkout(purchase), KEYS.stripe)

    assert type(error) is ProviderError


def test_a_rejection_by_stripe_differs_from_a_failure(stand_in: StandIn, stripe_gateway: StripeGateway) -> None:
    too_cheap = failure_of(lambda: stripe_gateway.open_checkout(new_purchase(cents=1)), KEYS.stripe)
    nowhere = failure_of(
        lambda: stripe_gateway.open_checkout(new_purchase(success_url="chrome-extension://abc/paid")), KEYS.stripe
    )
    unknown = failure_of(lambda: stripe_gateway.get_checkout("cs_test_unknown"), KEYS.stripe)

    assert {type(error) for error in (too_cheap, nowhere, unknown)} == {ProviderRefusedError}
    assert "status 404 resource_missing req_" in unknown.log_note


# Refunding


def paid_purchase(stand_in: StandIn, stripe_gateway: StripeGateway) -> Purchase:
    purchase = new_purchase()
    stand_in.stripe(f"sessions/{stripe_gateway.open_checkout(purchase).session_id}/pay")
    return replace(purchase, payment_id=stand_in.stripe_state()["payment_intents"][-1]["id"])


def test_a_refund_is_made_once_for_its_key(stand_in: StandIn, stripe_gateway: StripeGateway) -> None:
    purchase = paid_purchase(stand_in, stripe_gateway)
    stand_in.fail("stripe.refunds_create", {"kind": "cut"})
    failure_of(lambda: stripe_gateway.refund(purchase, 100, "the-key"), KEYS.stripe)

    first, again = (stripe_gateway.refund(purchase, 100, "the-key") for _ in range(2))

    assert first == again
    assert (first.refund.cents, first.refund.state) == (100, RefundState.SUCCEEDED)
    (stored,) = stand_in.stripe_state()["refunds"]
    assert (stored["id"], stored["amount"], stored["metadata"]["purchase_id"]) == (
        first.refund_id,
        100,
        purchase.purchase_id,
    )


def test_more_than_what_is_left_of_a_payment_is_not_refunded(stand_in: StandIn, stripe_gateway: StripeGateway) -> None:
    purchase = paid_purchase(stand_in, stripe_gateway)
    stripe_gateway.refund(purchase, 900, "first")

    assert type(failure_of(lambda: stripe_gateway.refund(purchase, 100, "second"), KEYS.stripe)) is ProviderRefusedError
    assert stripe_gateway.refund(purchase, 99, "third").refund.cents == 99


# Reading


def test_a_checkout_is_read_in_its_current_state(stand_in: StandIn) -> None:
    with gateway(stand_in, methods=("card", "us_bank_account")) as stripe_gateway:
        opened = [stripe_gateway.open_checkout(new_purchase()).session_id for _ in range(5)]
        stand_in.stripe(f"sessions/{opened[0]}/pay")
        for later in (*opened[1:3], opened[4]):
            stand_in.stripe(f"sessions/{later}/pay", method="us_bank_account")
        stand_in.stripe(f"sessions/{opened[2]}/settle", outcome="succeeded")
        stand_in.stripe(f"sessions/{opened[4]}/settle", outcome="failed")
        stand_in.stripe("clock", advance_seconds=3_601)

        payments = [stripe_gateway.get_checkout(session_id).payment for session_id in opened]

    assert payments == [
        PaymentState.PAID,
        PaymentState.PENDING,
        PaymentState.PAID,
        PaymentState.EXPIRED,
        PaymentState.FAILED,
    ]


def test_a_payment_leads_to_its_checkout(stand_in: StandIn, stripe_gateway: StripeGateway) -> None:
    purchase = new_purchase()
    session_id = stripe_gateway.open_checkout(purchase).session_id
    stand_in.stripe(f"sessions/{session_id}/pay")
    (intent,) = stand_in.stripe_state()["payment_intents"]

    found = stripe_gateway.find_checkout(intent["id"])

    assert found is not None
    assert (found.session_id, found.purchase_id, found.payment) == (session_id, purchase.purchase_id, PaymentState.PAID)
    assert found.payment_id == intent["id"]
    assert stripe_gateway.find_checkout("pi_another") is None


def test_all_undelivered_events_are_listed_page_by_page(stand_in: StandIn, stripe_gateway: StripeGateway) -> None:
    stand_in.stripe("orders", webhook_url="http://127.0.0.1:9/", webhook_lose=["*"])
    reported = [
        stand_in.stripe("events", type="refund.updated", object={"id": f"re_{number}"})["id"] for number in range(230)
    ]
    stand_in.stripe("events", type="charge.refunded", object={"id": "ch_1"})

    listed_ids = [event.id for event in stripe_gateway.list_undelivered_events(0)]

    assert listed_ids == reported[::-1]
    assert len([call for call in stand_in.calls() if call["service"] == "stripe.events_list"]) == 3
    assert list(stripe_gateway.list_undelivered_events(9_999_999_999)) == []


def test_delivered_events_are_not_listed(stand_in: StandIn, stripe_gateway: StripeGateway) -> None:
    stand_in.stripe("events", type="refund.updated", object={"id": "re_1"})  # There is no endpoint that could miss it.

    assert list(stripe_gateway.list_undelivered_events(0)) == []


# The process


def in_a_process(code: str, home: Path) -> str:
    """What the code prints in a process with this home directory."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_nothing_is_written_into_the_home_directory(stand_in: StandIn, tmp_path: Path) -> None:
    in_a_process(
        "from tests.providers.stripe_checkout_steps import *\n"
        "import types\n"
        f"target = types.SimpleNamespace(url={stand_in.url!r})\n"
        "with gateway(target) as started:\n"
        "    print(started.open_checkout(new_purchase()).session_id, started.find_checkout('pi_1'))\n",
        tmp_path,
    )

    assert len(opening_calls(stand_in)) == 1
    assert list(tmp_path.rglob("*")) == []


def test_a_cold_start_does_not_load_the_sdk(tmp_path: Path) -> None:
    loaded = in_a_process(
        "import app, sys, chalicelib.providers.stripe_client\n"
        "print(sorted({'stripe', 'requests', 'chalice'} & set(sys.modules)))\n",
        tmp_path,
    )

    assert loaded == "['chalice']\n"
