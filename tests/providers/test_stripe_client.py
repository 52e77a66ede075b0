"""Our Stripe gateway by the official SDK: one checkout for a purchase, every way to fail named, the key never told."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import ProviderError, ProviderRefusedError, ProviderUnavailableError
from chalicelib.payments.purchase_state import Payment
from chalicelib.providers import stripe_client
from chalicelib.providers.stripe_client import KEY_ENDINGS, StripeGateway
from tests.providers.stand_in import KEYS, SHORT_TIMEOUT_SECONDS, StandIn, failure_of
from tests.providers.stripe_checkout_steps import APP, STAGE, gateway, wanted

ROOT = Path(__file__).parents[2]
CREATE = "stripe.sessions_create"
SHOWN_TO_BOTH_TRIES = 2


@pytest.fixture
def selling(stand_in: StandIn) -> Iterator[StripeGateway]:
    with gateway(stand_in) as made:
        yield made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits eight seconds for an answer that never comes."""
    monkeypatch.setattr(stripe_client, "READ_SECONDS", 3 * SHORT_TIMEOUT_SECONDS)


def opening_calls(stand_in: StandIn) -> list[dict[str, Any]]:
    return [call for call in stand_in.calls() if call["service"] == CREATE]


# Opening a checkout


def test_a_checkout_is_asked_for_with_exactly_these_words(stand_in: StandIn, selling: StripeGateway) -> None:
    one = wanted()
    session = selling.open(one)

    (call,) = opening_calls(stand_in)
    names = {"app": APP, "stage": STAGE, "purchase_id": one.purchase_id, "user_id": "ada"}
    item = {"currency": "usd", "unit_amount": "999", "product_data": {"name": "2,000 credits"}}
    assert call["idempotency_key"] == one.purchase_id
    assert call["fields"] == {
        "mode": "payment",
        "line_items": {"0": {"quantity": "1", "price_data": item}},
        "metadata": names,
        "payment_intent_data": {"metadata": names},
        "client_reference_id": one.purchase_id,
        "expires_at": str(one.checkout_expires_at),
        "success_url": "https://shop.example/paid?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/cancelled",
        "allow_promotion_codes": "false",
        "automatic_tax": {"enabled": "false"},
        "adaptive_pricing": {"enabled": "false"},
        "payment_method_types": {"0": "card"},
    }
    assert (session.payment, session.payment_id, session.cents, session.currency) == (Payment.OPEN, "", 999, "usd")
    assert (session.purchase_id, session.user_id, session.stage, session.is_live) == (
        one.purchase_id,
        "ada",
        STAGE,
        False,
    )
    assert session.url.startswith(stand_in.url)


def test_our_ids_reach_the_payment_too(stand_in: StandIn, selling: StripeGateway) -> None:
    """Stripe copies nothing from the session; a refund in the dashboard then shows whose it is."""
    one = wanted()
    stand_in.stripe(f"sessions/{selling.open(one).session_id}/pay")

    (intent,) = stand_in.stripe_state()["payment_intents"]
    assert intent["metadata"]["purchase_id"] == one.purchase_id


@pytest.mark.parametrize("methods", [("card", "us_bank_account"), ()])
def test_ways_to_pay_are_those_of_the_settings_or_else_of_the_dashboard(
    stand_in: StandIn, methods: tuple[str, ...]
) -> None:
    with gateway(stand_in, methods=methods) as selling:
        selling.open(wanted())

    (call,) = opening_calls(stand_in)
    given = call["fields"].get("payment_method_types", {})
    assert tuple(given.values()) == methods


def test_the_same_purchase_is_the_same_checkout(stand_in: StandIn, selling: StripeGateway) -> None:
    one = wanted()

    assert selling.open(one) == selling.open(one)
    assert len(stand_in.stripe_state()["sessions"]) == 1
    assert selling.open(wanted()) != selling.open(one)


@pytest.mark.parametrize("kind", ["lost", "cut", "bad_json", "timeout", "429", "503", "409", "401", "wrong_shape"])
def test_after_any_failure_the_same_purchase_has_one_checkout(
    stand_in: StandIn, selling: StripeGateway, kind: str, request: pytest.FixtureRequest
) -> None:
    if kind in ("lost", "timeout"):
        request.getfixturevalue("hasty")
    one = wanted()
    stand_in.fail(CREATE, {"kind": kind, "times": SHOWN_TO_BOTH_TRIES})
    for _ in range(SHOWN_TO_BOTH_TRIES):
        if stand_in.session.get(f"{stand_in.url}/sandbox/faults").json()["pending"]:
            failure_of(lambda: selling.open(one), KEYS.stripe)

    session = selling.open(one)

    (there,) = stand_in.stripe_state()["sessions"]
    assert there["id"] == session.session_id
    assert {call["idempotency_key"] for call in opening_calls(stand_in)} == {one.purchase_id}


def test_an_answer_lost_once_is_had_by_the_second_try(stand_in: StandIn, selling: StripeGateway, hasty: None) -> None:
    stand_in.fail(CREATE, {"kind": "lost"})

    session = selling.open(wanted())

    (there,) = stand_in.stripe_state()["sessions"]
    assert there["id"] == session.session_id
    assert len(opening_calls(stand_in)) == 2


def test_a_failure_that_stripe_keeps_for_a_key_is_left_behind_with_the_next_key(
    stand_in: StandIn, selling: StripeGateway
) -> None:
    """Else a purchase whose first try met a 500 would meet it for a day. Each request spends one key, not all."""
    one = wanted()
    for keys_tried in (1, 2):
        stand_in.fail(CREATE, {"kind": "500", "times": keys_tried})
        assert type(failure_of(lambda: selling.open(one), KEYS.stripe)) is ProviderError

    session = selling.open(one)

    assert selling.open(one) == session
    assert [there["id"] for there in stand_in.stripe_state()["sessions"]] == [session.session_id]
    keys = [call["idempotency_key"].removeprefix(one.purchase_id) for call in opening_calls(stand_in)]
    assert keys == ["", "", ":2", "", ":2", ":3", "", ":2", ":3"]


def test_a_stripe_that_fails_for_every_key_fails_in_the_end(stand_in: StandIn, selling: StripeGateway) -> None:
    one = wanted()
    for _ in KEY_ENDINGS:
        stand_in.fail(CREATE, {"kind": "500", "times": -1})
        assert type(failure_of(lambda: selling.open(one), KEYS.stripe)) is ProviderError
        stand_in.session.delete(f"{stand_in.url}/sandbox/faults")

    assert type(failure_of(lambda: selling.open(one), KEYS.stripe)) is ProviderError


def test_a_purchase_that_is_still_being_made_is_to_be_asked_for_again(
    stand_in: StandIn, selling: StripeGateway, hasty: None
) -> None:
    one = wanted()
    stand_in.fail(CREATE, {"kind": "late", "delay_seconds": 2})

    error = failure_of(lambda: selling.open(one), KEYS.stripe)

    assert isinstance(error, ProviderUnavailableError)
    assert error.log_note.startswith("status 409")


def test_other_words_under_the_same_key_are_no_refusal(stand_in: StandIn, selling: StripeGateway) -> None:
    """Settings may change between two tries; the checkout of the first may be there and be paid."""
    one = wanted()
    selling.open(one)
    with gateway(stand_in, methods=("card", "link")) as changed:
        error = failure_of(lambda: changed.open(one), KEYS.stripe)

    assert type(error) is ProviderError


def test_what_stripe_refuses_is_told_apart(stand_in: StandIn, selling: StripeGateway) -> None:
    too_cheap = failure_of(lambda: selling.open(wanted(cents=1)), KEYS.stripe)
    nowhere = failure_of(lambda: selling.open(wanted(success_url="chrome-extension://abc/paid")), KEYS.stripe)
    unknown = failure_of(lambda: selling.session("cs_test_unknown"), KEYS.stripe)

    assert {type(error) for error in (too_cheap, nowhere, unknown)} == {ProviderRefusedError}
    assert "status 404 resource_missing req_" in unknown.log_note


# Asking


def test_a_checkout_is_read_as_it_stands(stand_in: StandIn) -> None:
    with gateway(stand_in, methods=("card", "us_bank_account")) as selling:
        opened = [selling.open(wanted()).session_id for _ in range(5)]
        stand_in.stripe(f"sessions/{opened[0]}/pay")
        for later in (*opened[1:3], opened[4]):
            stand_in.stripe(f"sessions/{later}/pay", method="us_bank_account")
        stand_in.stripe(f"sessions/{opened[2]}/settle", outcome="succeeded")
        stand_in.stripe(f"sessions/{opened[4]}/settle", outcome="failed")
        stand_in.stripe("clock", advance_seconds=3_601)

        payments = [selling.session(session_id).payment for session_id in opened]

    assert payments == [Payment.PAID, Payment.PENDING, Payment.PAID, Payment.EXPIRED, Payment.FAILED]


def test_a_payment_leads_to_its_checkout(stand_in: StandIn, selling: StripeGateway) -> None:
    one = wanted()
    session_id = selling.open(one).session_id
    stand_in.stripe(f"sessions/{session_id}/pay")
    (intent,) = stand_in.stripe_state()["payment_intents"]

    found = selling.session_of(intent["id"])

    assert found is not None
    assert (found.session_id, found.purchase_id, found.payment) == (session_id, one.purchase_id, Payment.PAID)
    assert found.payment_id == intent["id"]
    assert selling.session_of("pi_another") is None


def test_all_events_that_did_not_arrive_are_listed_page_by_page(stand_in: StandIn, selling: StripeGateway) -> None:
    stand_in.stripe("orders", webhook_url="http://127.0.0.1:9/", webhook_lose=["*"])
    told = [
        stand_in.stripe("events", type="refund.updated", object={"id": f"re_{number}"})["id"] for number in range(230)
    ]
    stand_in.stripe("events", type="charge.refunded", object={"id": "ch_1"})

    heard = [event.id for event in selling.undelivered(0)]

    assert heard == told[::-1]
    assert len([call for call in stand_in.calls() if call["service"] == "stripe.events_list"]) == 3
    assert list(selling.undelivered(9_999_999_999)) == []


def test_events_that_arrived_are_not_listed(stand_in: StandIn, selling: StripeGateway) -> None:
    stand_in.stripe("events", type="refund.updated", object={"id": "re_1"})  # There is no endpoint to miss it.

    assert list(selling.undelivered(0)) == []


# On the machine


def in_a_process(code: str, home: Path) -> str:
    """What it prints, with this home."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_written_into_the_home_directory(stand_in: StandIn, tmp_path: Path) -> None:
    in_a_process(
        "from tests.providers.stripe_checkout_steps import *\n"
        "import types\n"
        f"there = types.SimpleNamespace(url={stand_in.url!r})\n"
        "with gateway(there) as selling: print(selling.open(wanted()).session_id, selling.session_of('pi_1'))\n",
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
