"""Selling credits: a checkout once, credits once, taken back exactly, and what is none of ours moves nothing."""

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
from chalicelib.models.purchases import PaymentNews, Purchase
from chalicelib.payments.fulfilment import RESUMABLE_SECONDS
from chalicelib.payments.purchase_state import (
    Dispute,
    DisputeFact,
    DisputeState,
    Fact,
    Payment,
    Refund,
    RefundFact,
    RefundState,
    after,
    moves,
)
from chalicelib.repositories.purchases import booking, open_purchases
from tests.fakes import Backend
from tests.payments.payments_env import RETURN, PaymentsEnv, credits, dispute, refund

FOREVER = 99_999_999_999


@pytest.fixture
def payments_env(backend: Backend) -> PaymentsEnv:
    return PaymentsEnv(backend)


@pytest.fixture
def ada(payments_env: PaymentsEnv) -> Caller:
    return payments_env.backend.person(200)


def test_the_packages_are_those_of_the_price_file(payments_env: PaymentsEnv) -> None:
    sold = payments_env.purchases.packages()

    assert [(one.id, one.credits, one.cents, one.currency) for one in sold.packages] == [
        ("starter", 500, 299, "usd"),
        ("popular", 2_000, 999, "usd"),
        ("power", 5_000, 1_999, "usd"),
    ]


def test_a_package_is_paid_for_once_and_brings_its_credits_once(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    assert credits(payments_env, ada) == (200, 0)

    assert payments_env.hears(purchase_id, Payment.PAID).outcome == "applied"
    assert payments_env.hears(purchase_id, Payment.PAID).outcome == "applied"

    assert credits(payments_env, ada) == (2_200, 0)
    (entry,) = [entry for entry in payments_env.backend.entries(ada.user_id) if entry.kind == "purchase"]
    assert (entry.credits, entry.cents, entry.reference) == (2_000, 999, purchase_id)
    assert entry.reason == "2000 credits for $9.99"
    assert payments_env.backend.ledger.balance(ada.user_id).purchased == 2_000
    assert open_purchases(payments_env.backend.tables, FOREVER, 10) == []


def test_a_delayed_payment_brings_nothing_until_it_is_in(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.hears(purchase_id, Payment.PENDING)
    assert credits(payments_env, ada) == (200, 0)

    payments_env.hears(purchase_id, Payment.PAID)
    assert credits(payments_env, ada) == (2_200, 0)


@pytest.mark.parametrize("end", [Payment.FAILED, Payment.EXPIRED])
def test_a_payment_that_comes_to_nothing_brings_nothing_unless_money_comes_after_all(
    payments_env: PaymentsEnv, ada: Caller, end: Payment
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.hears(purchase_id, end)
    assert credits(payments_env, ada) == (200, 0)
    assert open_purchases(payments_env.backend.tables, FOREVER, 10) == []

    payments_env.hears(purchase_id, Payment.PAID)
    assert credits(payments_env, ada) == (2_200, 0)


def test_thirty_two_deliveries_at_once_grant_once(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    news = payments_env.payments.news_of(payments_env.purchase(purchase_id), Payment.PAID)

    with ThreadPoolExecutor(32) as threads:
        heard = list(threads.map(lambda _: payments_env.hears_news(news), range(32)))

    assert {one.outcome for one in heard} == {"applied"}
    assert credits(payments_env, ada) == (2_200, 0)


def test_partial_refunds_take_what_the_money_was_worth(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.hears(purchase_id, Payment.PAID)

    payments_env.hears(purchase_id, refund("re_1", 333, RefundState.PENDING))
    assert credits(payments_env, ada) == (2_200, 0)
    payments_env.hears(purchase_id, refund("re_1", 333))
    assert credits(payments_env, ada) == (2_200 - 666, 0)
    payments_env.hears(purchase_id, refund("re_2", 666))
    assert credits(payments_env, ada) == (200, 0)
    payments_env.hears(purchase_id, refund("re_2", 666, RefundState.FAILED))
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


def test_a_refund_of_what_is_spent_leaves_less_than_nothing_and_that_blocks_spending(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    purchase_id = payments_env.buy(ada, "starter")
    payments_env.hears(purchase_id, Payment.PAID)
    lease = payments_env.backend.start(ada, lease_seconds=3_600)
    for seq in range(40):
        payments_env.backend.send(ada, lease.session_id, seq, seconds=100)
        payments_env.backend.clock.forward(1)
        if seq == 35:
            break
    payments_env.backend.streaming.stop(ada, lease.session_id)
    payments_env.hears(purchase_id, refund("re_1", 299))

    available, held = credits(payments_env, ada)
    assert (available, held) == (700 - 600 - 500, 0)
    with pytest.raises(InsufficientCreditsError) as refusal:
        payments_env.backend.start(ada)
    assert refusal.value.details == {"required": 10, "available": -400}
    assert "below zero" in refusal.value.message


def test_a_dispute_holds_what_is_left_until_the_bank_has_decided(payments_env: PaymentsEnv, ada: Caller) -> None:
    first, second = payments_env.buy(ada), payments_env.buy(ada, "starter")
    payments_env.hears(first, Payment.PAID)
    payments_env.hears(first, dispute("dp_1", DisputeState.OPEN, 999))
    assert credits(payments_env, ada) == (200, 2_000)

    payments_env.hears(second, Payment.PAID)
    payments_env.hears(first, dispute("dp_1", DisputeState.OPEN, 999))
    assert credits(payments_env, ada) == (700, 2_000)
    assert list(payments_env.backend.ledger.iter_due_holds(FOREVER)) == []

    payments_env.hears(first, dispute("dp_1", DisputeState.LOST, 999))
    assert credits(payments_env, ada) == (700, 0)
    (entry,) = [entry for entry in payments_env.backend.entries(ada.user_id) if entry.kind == "clawback"]
    assert (entry.credits, entry.hold_id) == (-2_000, f"dispute:{first}:dp_1")


def test_a_dispute_that_is_won_gives_everything_back(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.payments.moved(purchase_id, Payment.PAID)
    payments_env.hears(purchase_id, dispute("dp_1", DisputeState.OPEN, 999))
    payments_env.hears(purchase_id, Payment.PAID)
    assert credits(payments_env, ada) == (200, 2_000)

    payments_env.hears(purchase_id, dispute("dp_1", DisputeState.WON, 999))
    assert credits(payments_env, ada) == (2_200, 0)


def test_a_refund_heard_of_before_its_payment_asks_for_it(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.payments.moved(purchase_id, Payment.PAID)

    payments_env.hears(purchase_id, refund("re_1", 333))

    assert credits(payments_env, ada) == (2_200 - 666, 0)


def test_a_refund_booked_with_its_payment_is_shown_after_it(payments_env: PaymentsEnv, ada: Caller) -> None:
    """Both in one write: the refund was heard of while the payment was not."""
    for number in range(5):
        purchase_id = payments_env.buy(ada)
        payments_env.payments.moved(purchase_id, Payment.OPEN)
        payments_env.hears(purchase_id, refund(f"re_{number}", 333))
        payments_env.hears(purchase_id, Payment.PAID)

        entries = [entry for entry in payments_env.backend.entries(ada.user_id) if entry.reference == purchase_id]
        assert [(entry.kind, entry.credits) for entry in entries] == [("clawback", -666), ("purchase", 2_000)]


# What is none of ours, or not as it should be


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
def test_a_checkout_that_is_not_the_one_we_made_brings_nothing(
    payments_env: PaymentsEnv, ada: Caller, changes: dict[str, object], reason: str
) -> None:
    purchase_id = payments_env.buy(ada)
    paid = payments_env.payments.moved(purchase_id, Payment.PAID)

    heard = payments_env.hears_news(structs.replace(paid, **changes))

    assert (heard.outcome, heard.reason) == ("ignored", reason)
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
def test_a_refund_that_is_not_of_our_payment_takes_nothing(
    payments_env: PaymentsEnv, ada: Caller, changes: dict[str, object], reason: str
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.hears(purchase_id, Payment.PAID)
    news = payments_env.payments.news_of(payments_env.purchase(purchase_id), refund("re_1", 333))
    assert isinstance(news, PaymentNews)

    heard = payments_env.hears_news(structs.replace(news, **changes))

    assert (heard.outcome, heard.reason) == ("ignored", reason)
    assert credits(payments_env, ada) == (2_200, 0)


def test_an_event_of_another_mode_moves_nothing_whatever_it_speaks_of(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    paid = payments_env.payments.moved(purchase_id, Payment.PAID)

    assert payments_env.hears_news(paid, livemode=True).reason == "another mode"
    assert credits(payments_env, ada) == (200, 0)
    payments_env.hears_news(paid)
    back = payments_env.payments.news_of(payments_env.purchase(purchase_id), refund("re_1", 333))
    assert payments_env.hears_news(back, livemode=True).reason == "another mode"
    assert payments_env.hears_news(None, livemode=True).reason == "nothing about a payment"
    assert credits(payments_env, ada) == (2_200, 0)


def test_another_checkout_of_the_purchase_moves_nothing_until_it_is_paid(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    """Its answer was lost, so nobody was shown it; the one that was shown stays as it is."""
    purchase_id = payments_env.buy(ada)
    shown = payments_env.payments.sessions[f"cs_{purchase_id}"]
    lost = structs.replace(shown, session_id="cs_lost", url="https://pay.example/lost")

    heard = payments_env.hears_news(structs.replace(lost, payment=Payment.EXPIRED))
    assert (heard.outcome, heard.reason) == ("ignored", "another checkout")
    known = payments_env.purchase(purchase_id)
    assert (known.facts.payment, known.checkout_url) == (Payment.OPEN, shown.url)

    assert (
        payments_env.hears_news(structs.replace(lost, payment=Payment.PAID, payment_id="pi_lost")).outcome == "applied"
    )
    assert credits(payments_env, ada) == (2_200, 0)
    assert payments_env.purchase(purchase_id).payment_id == "pi_lost"


def test_who_pays_twice_for_one_purchase_gets_its_credits_once_and_the_alarm_rings(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.hears(purchase_id, Payment.PAID)
    second = structs.replace(
        payments_env.payments.moved(purchase_id, Payment.PAID), session_id="cs_lost", payment_id="pi_second"
    )
    payments_env.payments.sessions["cs_lost"] = second

    for news in (second, PaymentNews(refund("re_1", 999), "pi_second", 999, "usd", is_live=False)):
        with collect_request_log() as counted:
            assert payments_env.hears_news(news).reason == "another payment"
        assert counted.notes["payment_alarm"] == "another payment"

    assert credits(payments_env, ada) == (2_200, 0)
    assert payments_env.purchase(purchase_id).payment_id == f"pi_{purchase_id}"


def test_a_delayed_payment_that_comes_after_another_one_is_the_second_also_when_it_is_refunded(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    """Its payment was known as the purchase's, before the other one paid."""
    purchase_id = payments_env.buy(ada)
    payments_env.hears(purchase_id, Payment.PENDING)
    late = payments_env.payments.moved(purchase_id, Payment.PAID)
    quick = structs.replace(late, session_id="cs_lost", payment_id="pi_quick")
    assert payments_env.hears_news(quick).outcome == "applied"

    assert payments_env.hears_news(late).reason == "another payment"
    assert payments_env.hears(purchase_id, refund("re_1", 999)).reason == "another payment"

    assert credits(payments_env, ada) == (2_200, 0)
    payments_env.hears_news(PaymentNews(refund("re_2", 333), "pi_quick", 333, "usd", is_live=False))
    assert credits(payments_env, ada) == (2_200 - 666, 0)


def test_an_expired_checkout_is_not_where_a_purchase_is_paid(payments_env: PaymentsEnv, ada: Caller) -> None:
    """Its process died before the checkout was known, and the checkout has expired since."""
    payments_env.payments.script = [ProviderTimeoutError("no answer")]
    with pytest.raises(ProviderError):
        payments_env.buy(ada, purchase_id="the-purchase")
    made = payments_env.payments.open(payments_env.purchase("the-purchase"))

    payments_env.hears_news(structs.replace(made, payment=Payment.EXPIRED))

    known = payments_env.purchase("the-purchase")
    assert (known.facts.payment, known.checkout_session_id, known.checkout_url) == (Payment.EXPIRED, "", "")
    with pytest.raises(ConflictError):
        payments_env.buy(ada, purchase_id="the-purchase")


def test_other_events_are_answered_and_ignored(payments_env: PaymentsEnv) -> None:
    heard = payments_env.hears_news(None)

    assert (heard.received, heard.outcome, heard.reason) == (True, "ignored", "nothing about a payment")


def test_what_is_not_signed_is_refused(payments_env: PaymentsEnv) -> None:
    with pytest.raises(InvalidSignatureError):
        payments_env.purchases.receive(b"{}", "bad")


def test_an_event_that_needs_asking_while_nobody_answers_is_to_come_again(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.payments.moved(purchase_id, Payment.PAID)
    payments_env.payments.script = [ProviderTimeoutError("no answer")]

    with pytest.raises(UnavailableError):
        payments_env.hears(purchase_id, refund("re_1", 333))
    assert credits(payments_env, ada) == (200, 0)


# Buying


def test_the_same_request_is_the_same_checkout(payments_env: PaymentsEnv, ada: Caller) -> None:
    body = contract.Buy(package_id="popular")
    first = payments_env.purchases.buy(ada, body, "the-purchase", "hash")

    assert payments_env.purchases.buy(ada, body, "the-purchase", "hash") == first
    assert payments_env.payments.opens == ["the-purchase"]
    with pytest.raises(IdempotencyMismatchError):
        payments_env.purchases.buy(ada, contract.Buy(package_id="starter"), "the-purchase", "another hash")


@pytest.mark.parametrize("failure", [ProviderTimeoutError("no answer"), ProviderError("500")])
def test_a_checkout_whose_answer_was_lost_is_had_by_asking_again(
    payments_env: PaymentsEnv, ada: Caller, failure: Exception
) -> None:
    payments_env.payments.script = [failure]
    with pytest.raises(ProviderError):
        payments_env.buy(ada, purchase_id="the-purchase")
    payments_env.backend.clock.forward(100)

    answer = payments_env.purchases.buy(ada, contract.Buy(package_id="popular"), "the-purchase", "hash")

    assert answer.checkout_url == "https://pay.example/the-purchase"
    assert payments_env.purchase("the-purchase").checkout_expires_at == payments_env.backend.clock() - 100 + 3_600


def test_a_checkout_that_was_refused_is_a_purchase_that_failed(payments_env: PaymentsEnv, ada: Caller) -> None:
    payments_env.payments.script = [ProviderRefusedError("no")]
    with pytest.raises(ProviderRefusedError):
        payments_env.buy(ada, purchase_id="the-purchase")

    assert payments_env.purchase("the-purchase").facts.payment is Payment.FAILED
    assert open_purchases(payments_env.backend.tables, FOREVER, 10) == []
    with pytest.raises(ConflictError):
        payments_env.buy(ada, purchase_id="the-purchase")


def test_a_purchase_of_yesterday_that_never_began_is_not_begun(payments_env: PaymentsEnv, ada: Caller) -> None:
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
def test_buyers_come_back_to_our_pages_only(payments_env: PaymentsEnv, ada: Caller, field: str, url: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        payments_env.buy(ada, **{field: url})

    assert refusal.value.details["field"] == field
    assert payments_env.payments.opens == []


def test_a_page_that_the_payment_system_cannot_lead_to_is_refused(payments_env: PaymentsEnv, ada: Caller) -> None:
    """Stripe takes http and https only, so that an extension's own page is none."""
    extension = "chrome-extension://abcdefghijklmnop"
    purchases = replace(payments_env.purchases, return_origins=frozenset({extension}))

    with pytest.raises(InvalidRequestError):
        purchases.buy(ada, contract.Buy(package_id="popular", success_url=f"{extension}/paid"), "the-purchase", "hash")


def test_a_page_of_ours_is_taken(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada, success_url=f"{RETURN}/thanks?session={{CHECKOUT_SESSION_ID}}")

    assert payments_env.purchase(purchase_id).success_url.startswith(f"{RETURN}/thanks")


def test_what_cannot_be_bought_or_by_whom(payments_env: PaymentsEnv, ada: Caller) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        payments_env.buy(ada, "everything")
    assert refusal.value.details["field"] == "package_id"

    payments_env.buy(ada, purchase_id="the-purchase")
    with pytest.raises(NotFoundError):
        payments_env.buy(payments_env.backend.person(), purchase_id="the-purchase")

    payments_env.backend.ledger.set_blocked(ada.user_id, True)
    with pytest.raises(AccountBlockedError):
        payments_env.buy(ada)


def test_without_a_key_nothing_is_sold_or_heard(payments_env: PaymentsEnv, ada: Caller) -> None:
    off = replace(payments_env.purchases, is_on=False)

    with pytest.raises(UnavailableError):
        off.buy(ada, contract.Buy(package_id="popular"), "the-purchase", "hash")
    with pytest.raises(UnavailableError):
        off.receive(b"{}", "good")
    assert replace(payments_env.reconciler, is_on=False).reconcile()[0]["purchases_asked"] == 0


# What the ledger books

MONEY_MOVES = st.tuples(st.sampled_from("ab"), st.sampled_from([*RefundState, *DisputeState]), st.integers(1, 60))


@settings(derandomize=True, deadline=None)
@given(credits=st.integers(1, 30), cents=st.integers(50, 900), told=st.lists(MONEY_MOVES, max_size=8))
def test_every_cent_that_comes_or_goes_is_in_an_entry(credits: int, cents: int, told: list[tuple]) -> None:
    """Also where a cent buys less than a credit."""
    known = Purchase("p", "ada", "some", credits, cents, "usd", "2026-11", False, 1, 2, "", "")
    available, entries = 30, []
    facts: list[Fact] = [Payment.PAID]
    for name, state, money in told:
        is_refund = isinstance(state, RefundState)
        facts.append(RefundFact(name, Refund(state, money)) if is_refund else DisputeFact(name, Dispute(state, money)))
    for fact in facts:
        known = structs.replace(known, facts=known.facts.learned(fact), version=known.version + 1)
        due = moves(known.facts, known.booked, credits, cents, available)
        writes = booking(known, due, Balance(available), at=100)
        entries += [write.item | {"sk": write.key.sk} for write in writes if write.item and "ENTRY#" in write.key.sk]
        known, available = structs.replace(known, booked=after(known.booked, due)), available + due.available

    booked = known.booked
    assert sum(entry["cents"] for entry in entries) == cents - booked.returned_cents
    assert sum(entry["credits"] for entry in entries) == booked.granted - booked.taken
    assert len({entry["sk"] for entry in entries}) == len(entries)
