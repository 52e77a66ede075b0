"""Buying credits: one checkout, one grant, exact claw-backs, and events of other payments change nothing."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import structs

from chalicelib import contract
from chalicelib.errors import (
    AccountBlockedError,
    ConflictError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    InvalidRequestError,
    InvalidSignatureError,
    NotFoundError,
    ProviderError,
    ProviderRefusedError,
    ProviderTimeoutError,
    UnavailableError,
)
from chalicelib.logs.request_log import collect_request_log
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Balance
from chalicelib.models.purchase_facts import (
    Dispute,
    DisputeFact,
    DisputeState,
    PaymentFact,
    PaymentState,
    Refund,
    RefundFact,
    RefundState,
)
from chalicelib.models.purchases import CheckoutSession, PaymentUpdate, Purchase
from chalicelib.payments.fulfilment import RESUMABLE_SECONDS
from chalicelib.payments.purchase_state import apply_changes, ledger_changes
from chalicelib.repositories.purchases import ledger_writes, list_open_purchases
from tests.default_prices import PRICE_VERSION
from tests.fakes import Backend
from tests.payments.payments_env import RETURN, FakePayments, PaymentsEnv, credits, dispute, refund

FOREVER = 99_999_999_999


@pytest.fixture
def payments_env(backend: Backend) -> PaymentsEnv:
    return PaymentsEnv(backend)


@pytest.fixture
def ada(payments_env: PaymentsEnv) -> Caller:
    return payments_env.backend.person(200)


def test_packages_are_those_of_the_price_file(payments_env: PaymentsEnv) -> None:
    packages = payments_env.purchases.packages().packages

    assert [(package.id, package.credits, package.cents, package.currency) for package in packages] == [
        ("starter", 500, 299, "usd"),
        ("popular", 2_000, 999, "usd"),
        ("power", 5_000, 1_999, "usd"),
    ]


def test_a_paid_package_grants_its_credits_once(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    assert credits(payments_env, ada) == (200, 0)

    assert payments_env.receive_fact(purchase_id, PaymentState.PAID).outcome == "applied"
    assert payments_env.receive_fact(purchase_id, PaymentState.PAID).outcome == "applied"

    assert credits(payments_env, ada) == (2_200, 0)
    (entry,) = [entry for entry in payments_env.backend.entries(ada.user_id) if entry.kind == "purchase"]
    assert (entry.credits, entry.cents, entry.reference) == (2_000, 999, purchase_id)
    assert entry.reason == "2,000 credits for $9.99"
    assert payments_env.backend.ledger.balance(ada.user_id).purchased == 2_000
    assert list_open_purchases(payments_env.backend.tables, FOREVER, 10) == []


def test_a_delayed_payment_grants_nothing_until_the_money_arrives(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PENDING)
    assert credits(payments_env, ada) == (200, 0)

    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    assert credits(payments_env, ada) == (2_200, 0)


@pytest.mark.parametrize("end", [PaymentState.FAILED, PaymentState.EXPIRED])
def test_a_failed_or_expired_payment_grants_nothing_unless_it_is_paid_later(
    payments_env: PaymentsEnv, ada: Caller, end: PaymentState
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, end)
    assert credits(payments_env, ada) == (200, 0)
    assert list_open_purchases(payments_env.backend.tables, FOREVER, 10) == []

    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    assert credits(payments_env, ada) == (2_200, 0)


def test_thirty_two_deliveries_at_once_grant_once(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    update = payments_env.payments.make_update(payments_env.purchase(purchase_id), PaymentState.PAID)

    with ThreadPoolExecutor(32) as threads:
        responses = list(threads.map(lambda _: payments_env.receive_update(update), range(32)))

    assert {response.outcome for response in responses} == {"applied"}
    assert credits(payments_env, ada) == (2_200, 0)


def test_partial_refunds_claw_back_their_share_of_the_credits(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)

    payments_env.receive_fact(purchase_id, refund("re_1", 333, RefundState.PENDING))
    assert credits(payments_env, ada) == (2_200, 0)
    payments_env.receive_fact(purchase_id, refund("re_1", 333))
    assert credits(payments_env, ada) == (2_200 - 666, 0)
    payments_env.receive_fact(purchase_id, refund("re_2", 666))
    assert credits(payments_env, ada) == (200, 0)
    payments_env.receive_fact(purchase_id, refund("re_2", 666, RefundState.FAILED))
    assert credits(payments_env, ada) == (2_200 - 666, 0)

    kinds = [(entry.kind, entry.credits) for entry in payments_env.backend.entries(ada.user_id)]
    assert sorted(kinds) == sorted(
        [
            ("clawback_reversed", 1_334),
            ("clawback", -1_334),
            ("clawback", -666),
            ("purchase", 2_000),
            ("free_credits", 200),
        ]
    )
    assert payments_env.backend.ledger.balance(ada.user_id).purchased == 1_334


def test_a_refund_of_spent_credits_makes_the_balance_negative_and_blocks_spending(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    purchase_id = payments_env.buy(ada, "starter")
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    lease = payments_env.backend.start(ada, lease_seconds=3_600)
    for seq in range(40):
        payments_env.backend.send(ada, lease.session_id, seq, seconds=100)
        payments_env.backend.clock.forward(1)
        if seq == 35:
            break
    payments_env.backend.streaming.stop(ada, lease.session_id)
    payments_env.receive_fact(purchase_id, refund("re_1", 299))

    available, held = credits(payments_env, ada)
    assert (available, held) == (700 - 600 - 500, 0)
    with pytest.raises(InsufficientCreditsError) as refusal:
        payments_env.backend.start(ada)
    assert refusal.value.details == {"required": 10, "available": -400}
    assert "below zero" in refusal.value.message


def test_a_dispute_holds_the_credits_until_the_bank_decides(payments_env: PaymentsEnv, ada: Caller) -> None:
    first, second = payments_env.buy(ada), payments_env.buy(ada, "starter")
    payments_env.receive_fact(first, PaymentState.PAID)
    payments_env.receive_fact(first, dispute("dp_1", DisputeState.OPEN, 999))
    assert credits(payments_env, ada) == (200, 2_000)

    payments_env.receive_fact(second, PaymentState.PAID)
    payments_env.receive_fact(first, dispute("dp_1", DisputeState.OPEN, 999))
    assert credits(payments_env, ada) == (700, 2_000)
    assert list(payments_env.backend.ledger.iter_due_holds(FOREVER)) == []

    payments_env.receive_fact(first, dispute("dp_1", DisputeState.LOST, 999))
    assert credits(payments_env, ada) == (700, 0)
    (entry,) = [entry for entry in payments_env.backend.entries(ada.user_id) if entry.kind == "clawback"]
    assert (entry.credits, entry.hold_id) == (-2_000, f"dispute:{first}:dp_1")


def test_a_won_dispute_releases_all_credits(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.payments.set_payment(purchase_id, PaymentState.PAID)
    payments_env.receive_fact(purchase_id, dispute("dp_1", DisputeState.OPEN, 999))
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    assert credits(payments_env, ada) == (200, 2_000)

    payments_env.receive_fact(purchase_id, dispute("dp_1", DisputeState.WON, 999))
    assert credits(payments_env, ada) == (2_200, 0)


def test_a_refund_reported_before_its_payment_looks_the_payment_up(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.payments.set_payment(purchase_id, PaymentState.PAID)

    payments_env.receive_fact(purchase_id, refund("re_1", 333))

    assert credits(payments_env, ada) == (2_200 - 666, 0)


def test_a_refund_booked_together_with_its_payment_follows_it_in_the_statement(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    """Both are booked in one write, because the refund was reported first."""
    for number in range(5):
        purchase_id = payments_env.buy(ada)
        payments_env.payments.set_payment(purchase_id, PaymentState.OPEN)
        payments_env.receive_fact(purchase_id, refund(f"re_{number}", 333))
        payments_env.receive_fact(purchase_id, PaymentState.PAID)

        entries = [entry for entry in payments_env.backend.entries(ada.user_id) if entry.reference == purchase_id]
        assert [(entry.kind, entry.credits) for entry in entries] == [("clawback", -666), ("purchase", 2_000)]


# Events of other payments, and wrong data


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"purchase_id": ""}, "not of this service"),
        ({"purchase_id": "another"}, "unknown purchase"),
        ({"user_id": "another"}, "another user"),
        ({"stage": "prod"}, "another stage"),
        ({"is_live": True}, "another mode"),
        ({"cents": 1}, "another amount"),
        ({"currency": "eur"}, "another currency"),
    ],
)
def test_a_checkout_that_differs_from_the_purchase_grants_nothing(
    payments_env: PaymentsEnv, ada: Caller, changes: dict[str, object], reason: str
) -> None:
    purchase_id = payments_env.buy(ada)
    paid = payments_env.payments.set_payment(purchase_id, PaymentState.PAID)

    received = payments_env.receive_update(structs.replace(paid, **changes))

    assert (received.outcome, received.reason) == ("ignored", reason)
    assert credits(payments_env, ada) == (200, 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payment_id": "pi_other"}, "not of this service"),
        ({"is_live": True}, "another mode"),
        ({"currency": "eur"}, "another currency"),
        ({"cents": 1_000}, "another amount"),
    ],
)
def test_a_refund_that_differs_from_the_payment_claws_nothing_back(
    payments_env: PaymentsEnv, ada: Caller, changes: dict[str, object], reason: str
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    update = payments_env.payments.make_update(payments_env.purchase(purchase_id), refund("re_1", 333))
    assert isinstance(update, PaymentUpdate)

    received = payments_env.receive_update(structs.replace(update, **changes))

    assert (received.outcome, received.reason) == ("ignored", reason)
    assert credits(payments_env, ada) == (2_200, 0)


def test_an_event_of_another_mode_changes_nothing(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    paid = payments_env.payments.set_payment(purchase_id, PaymentState.PAID)

    assert payments_env.receive_update(paid, livemode=True).reason == "another mode"
    assert credits(payments_env, ada) == (200, 0)
    payments_env.receive_update(paid)
    refunded = payments_env.payments.make_update(payments_env.purchase(purchase_id), refund("re_1", 333))
    assert payments_env.receive_update(refunded, livemode=True).reason == "another mode"
    assert payments_env.receive_update(None, livemode=True).reason == "nothing about a payment"
    assert credits(payments_env, ada) == (2_200, 0)


def test_a_second_checkout_of_a_purchase_changes_nothing_until_it_is_paid(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    """Its response was lost, so no buyer has seen it; the checkout that was shown stays as it is."""
    purchase_id = payments_env.buy(ada)
    shown = payments_env.payments.sessions[f"cs_{purchase_id}"]
    lost = structs.replace(shown, session_id="cs_lost", url="https://pay.example/lost")

    received = payments_env.receive_update(structs.replace(lost, payment=PaymentState.EXPIRED))
    assert (received.outcome, received.reason) == ("ignored", "another checkout")
    purchase = payments_env.purchase(purchase_id)
    assert (purchase.facts.payment, purchase.checkout_url) == (PaymentState.OPEN, shown.url)

    assert (
        payments_env.receive_update(structs.replace(lost, payment=PaymentState.PAID, payment_id="pi_lost")).outcome
        == "applied"
    )
    assert credits(payments_env, ada) == (2_200, 0)
    assert payments_env.purchase(purchase_id).payment_id == "pi_lost"


def test_paying_a_purchase_twice_grants_once_and_triggers_an_alarm(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    second = structs.replace(
        payments_env.payments.set_payment(purchase_id, PaymentState.PAID), session_id="cs_lost", payment_id="pi_second"
    )
    payments_env.payments.sessions["cs_lost"] = second

    for update in (second, PaymentUpdate(refund("re_1", 999), "pi_second", 999, "usd", is_live=False)):
        with collect_request_log() as log:
            assert payments_env.receive_update(update).reason == "another payment"
        assert log.notes["payment_alarm"] == "another payment"

    assert credits(payments_env, ada) == (2_200, 0)
    assert payments_env.purchase(purchase_id).payment_id == f"pi_{purchase_id}"


def test_a_delayed_payment_after_another_one_is_the_second_even_when_refunded(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    """It was recorded as the payment of the purchase before the other one was made."""
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PENDING)
    late = payments_env.payments.set_payment(purchase_id, PaymentState.PAID)
    first = structs.replace(late, session_id="cs_lost", payment_id="pi_first")
    assert payments_env.receive_update(first).outcome == "applied"

    assert payments_env.receive_update(late).reason == "another payment"
    assert payments_env.receive_fact(purchase_id, refund("re_1", 999)).reason == "another payment"

    assert credits(payments_env, ada) == (2_200, 0)
    payments_env.receive_update(PaymentUpdate(refund("re_2", 333), "pi_first", 333, "usd", is_live=False))
    assert credits(payments_env, ada) == (2_200 - 666, 0)


def test_an_expired_checkout_is_not_recorded_as_the_place_to_pay(payments_env: PaymentsEnv, ada: Caller) -> None:
    """The process died before it recorded the checkout, and the checkout has expired since."""
    payments_env.payments.script = [ProviderTimeoutError("no answer")]
    with pytest.raises(ProviderError):
        payments_env.buy(ada, purchase_id="the-purchase")
    session = payments_env.payments.open_checkout(payments_env.purchase("the-purchase"))

    payments_env.receive_update(structs.replace(session, payment=PaymentState.EXPIRED))

    purchase = payments_env.purchase("the-purchase")
    assert (purchase.facts.payment, purchase.checkout_session_id, purchase.checkout_url) == (
        PaymentState.EXPIRED,
        "",
        "",
    )
    with pytest.raises(ConflictError):
        payments_env.buy(ada, purchase_id="the-purchase")


def test_other_events_are_answered_and_ignored(payments_env: PaymentsEnv) -> None:
    received = payments_env.receive_update(None)

    assert (received.received, received.outcome, received.reason) == (True, "ignored", "nothing about a payment")


def test_an_unsigned_event_is_rejected(payments_env: PaymentsEnv) -> None:
    with pytest.raises(InvalidSignatureError):
        payments_env.purchases.receive(b"{}", "bad")


def test_an_event_is_to_be_delivered_again_while_the_payment_system_is_down(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.payments.set_payment(purchase_id, PaymentState.PAID)
    payments_env.payments.script = [ProviderTimeoutError("no answer")]

    with pytest.raises(UnavailableError):
        payments_env.receive_fact(purchase_id, refund("re_1", 333))
    assert credits(payments_env, ada) == (200, 0)


# Buying


def test_the_same_request_returns_the_same_checkout(payments_env: PaymentsEnv, ada: Caller) -> None:
    body = contract.Buy("popular")
    first = payments_env.purchases.buy(ada, body, "the-purchase", "hash")

    assert payments_env.purchases.buy(ada, body, "the-purchase", "hash") == first
    assert payments_env.payments.opens == ["the-purchase"]
    with pytest.raises(IdempotencyMismatchError):
        payments_env.purchases.buy(ada, contract.Buy("starter"), "the-purchase", "another hash")


def test_of_two_checkouts_made_for_one_purchase_at_once_both_requests_return_the_same(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    """A failure that the payment system stores for a key makes each retry open a checkout of its own."""
    payments_env.payments.script = [ProviderError("500")]
    with pytest.raises(ProviderError):
        payments_env.buy(ada, purchase_id="the-purchase")
    both_opened, body = threading.Barrier(2), contract.Buy("popular")

    class FreshCheckouts(FakePayments):
        def open_checkout(self, purchase: Purchase) -> CheckoutSession:
            session = super().open_checkout(purchase)
            session = structs.replace(session, session_id=f"cs_{uuid.uuid4()}")
            session = structs.replace(session, url=f"https://pay.example/{session.session_id}")
            self.sessions[session.session_id] = session
            both_opened.wait(timeout=30)
            return session

    env = replace(payments_env, payments=FreshCheckouts())
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: env.purchases.buy(ada, body, "the-purchase", "hash"), range(2))

    assert first == second
    unseen = next(
        session
        for session_id, session in env.payments.sessions.items()
        if session_id not in (first.checkout_session_id, "cs_the-purchase")
    )
    assert env.receive_update(structs.replace(unseen, payment=PaymentState.EXPIRED)).reason == "another checkout"
    shown = env.payments.sessions[first.checkout_session_id]
    env.receive_update(structs.replace(shown, payment=PaymentState.PAID, payment_id="pi_1"))
    assert credits(env, ada) == (2_200, 0)


@pytest.mark.parametrize("failure", [ProviderTimeoutError("no answer"), ProviderError("500")])
def test_a_retry_returns_the_checkout_whose_response_was_lost(
    payments_env: PaymentsEnv, ada: Caller, failure: Exception
) -> None:
    payments_env.payments.script = [failure]
    with pytest.raises(ProviderError):
        payments_env.buy(ada, purchase_id="the-purchase")
    payments_env.backend.clock.forward(100)

    checkout = payments_env.purchases.buy(ada, contract.Buy("popular"), "the-purchase", "hash")

    assert checkout.checkout_url == "https://pay.example/the-purchase"
    assert payments_env.purchase("the-purchase").checkout_expires_at == payments_env.backend.clock() - 100 + 3_600


def test_a_rejected_checkout_fails_the_purchase(payments_env: PaymentsEnv, ada: Caller) -> None:
    payments_env.payments.script = [ProviderRefusedError("no")]
    with pytest.raises(ProviderRefusedError):
        payments_env.buy(ada, purchase_id="the-purchase")

    assert payments_env.purchase("the-purchase").facts.payment is PaymentState.FAILED
    assert list_open_purchases(payments_env.backend.tables, FOREVER, 10) == []
    with pytest.raises(ConflictError):
        payments_env.buy(ada, purchase_id="the-purchase")


def test_a_purchase_of_yesterday_without_a_checkout_cannot_be_resumed(payments_env: PaymentsEnv, ada: Caller) -> None:
    payments_env.payments.script = [ProviderTimeoutError("no answer")]
    with pytest.raises(ProviderError):
        payments_env.buy(ada, purchase_id="the-purchase")
    payments_env.backend.clock.forward(RESUMABLE_SECONDS + 1)

    with pytest.raises(ConflictError):
        payments_env.buy(ada, purchase_id="the-purchase")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/paid",
        "https://extension.example.evil.example/",
        "https://extension.example@evil.example/",
        "https://extension.example:444/",
        "http://extension.example/",
        "//extension.example/",
        "/paid",
        "javascript:alert(1)",
        "https://[extension.example/",
        "https://extension.example\\@evil.example/",
    ],
)
@pytest.mark.parametrize("field", ["success_url", "cancel_url"])
def test_buyers_return_only_to_pages_of_allowed_origins(
    payments_env: PaymentsEnv, ada: Caller, field: str, url: str
) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        payments_env.buy(ada, **{field: url})

    assert refusal.value.details["field"] == field
    assert payments_env.payments.opens == []


def test_a_return_page_that_the_payment_system_does_not_support_is_rejected(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    """Stripe accepts http and https only, so a page of an extension cannot be used."""
    extension = "chrome-extension://abcdefghijklmnop"
    purchases = replace(payments_env.purchases, return_origins=frozenset({extension}))

    with pytest.raises(InvalidRequestError):
        purchases.buy(ada, contract.Buy("popular", success_url=f"{extension}/paid"), "the-purchase", "hash")


def test_a_return_page_of_an_allowed_origin_is_accepted(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada, success_url=f"{RETURN}/thanks?session={{CHECKOUT_SESSION_ID}}")

    assert payments_env.purchase(purchase_id).success_url.startswith(f"{RETURN}/thanks")


def test_unknown_packages_other_users_purchases_and_blocked_accounts_are_refused(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        payments_env.buy(ada, "unlimited")
    assert refusal.value.details["field"] == "package_id"

    payments_env.buy(ada, purchase_id="the-purchase")
    with pytest.raises(NotFoundError):
        payments_env.buy(payments_env.backend.person(), purchase_id="the-purchase")

    payments_env.backend.ledger.set_blocked(ada.user_id, True)
    with pytest.raises(AccountBlockedError):
        payments_env.buy(ada)


def test_without_an_api_key_nothing_is_sold_or_received(payments_env: PaymentsEnv, ada: Caller) -> None:
    off = replace(payments_env.purchases, is_on=False)

    with pytest.raises(UnavailableError):
        off.buy(ada, contract.Buy("popular"), "the-purchase", "hash")
    with pytest.raises(UnavailableError):
        off.receive(b"{}", "good")
    assert replace(payments_env.reconciler, is_on=False).reconcile()[0]["purchases_asked"] == 0


# What the ledger books

MONEY_FACTS = st.tuples(st.sampled_from("ab"), st.sampled_from([*RefundState, *DisputeState]), st.integers(1, 60))


@settings(derandomize=True, deadline=None)
@given(credits=st.integers(1, 30), cents=st.integers(50, 900), reported=st.lists(MONEY_FACTS, max_size=8))
def test_every_cent_paid_or_returned_is_in_an_entry(credits: int, cents: int, reported: list[tuple]) -> None:
    """Also where a cent buys less than a credit."""
    purchase = Purchase("p", "ada", "some", credits, cents, "usd", PRICE_VERSION, False, 1, 2, "", "")
    available, entries = 30, []
    facts: list[PaymentFact] = [PaymentState.PAID]
    for name, state, money in reported:
        is_refund = isinstance(state, RefundState)
        facts.append(RefundFact(name, Refund(state, money)) if is_refund else DisputeFact(name, Dispute(state, money)))
    for fact in facts:
        purchase = structs.replace(purchase, facts=purchase.facts.with_fact(fact), version=purchase.version + 1)
        changes = ledger_changes(purchase.facts, purchase.booked, credits, cents, available)
        writes = ledger_writes(purchase, changes, Balance(available), at=100)
        entries += [write.item | {"sk": write.key.sk} for write in writes if write.item and "ENTRY#" in write.key.sk]
        purchase = structs.replace(purchase, booked=apply_changes(purchase.booked, changes))
        available += changes.available_change

    booked = purchase.booked
    assert sum(entry["cents"] for entry in entries) == cents - booked.returned_cents
    assert sum(entry["credits"] for entry in entries) == booked.granted - booked.clawed_back
    assert len({entry["sk"] for entry in entries}) == len(entries)
