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
from chalicelib.logs.request_log import counting
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
from tests.payments.payments_env import RETURN, Shop, credits, dispute, refund

FOREVER = 99_999_999_999


@pytest.fixture
def shop(backend: Backend) -> Shop:
    return Shop(backend)


@pytest.fixture
def ada(shop: Shop) -> Caller:
    return shop.backend.person(200)


def test_the_packages_are_those_of_the_price_file(shop: Shop) -> None:
    sold = shop.purchases.packages()

    assert [(one.id, one.credits, one.cents, one.currency) for one in sold.packages] == [
        ("starter", 500, 299, "usd"),
        ("popular", 2_000, 999, "usd"),
        ("power", 5_000, 1_999, "usd"),
    ]


def test_a_package_is_paid_for_once_and_brings_its_credits_once(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    assert credits(shop, ada) == (200, 0)

    assert shop.hears(purchase_id, Payment.PAID).outcome == "applied"
    assert shop.hears(purchase_id, Payment.PAID).outcome == "applied"

    assert credits(shop, ada) == (2_200, 0)
    (entry,) = [entry for entry in shop.backend.entries(ada.user_id) if entry.kind == "purchase"]
    assert (entry.credits, entry.cents, entry.reference) == (2_000, 999, purchase_id)
    assert entry.reason == "2000 credits for $9.99"
    assert shop.backend.ledger.balance(ada.user_id).purchased == 2_000
    assert open_purchases(shop.backend.tables, FOREVER, 10) == []


def test_a_delayed_payment_brings_nothing_until_it_is_in(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    shop.hears(purchase_id, Payment.PENDING)
    assert credits(shop, ada) == (200, 0)

    shop.hears(purchase_id, Payment.PAID)
    assert credits(shop, ada) == (2_200, 0)


@pytest.mark.parametrize("end", [Payment.FAILED, Payment.EXPIRED])
def test_a_payment_that_comes_to_nothing_brings_nothing_unless_money_comes_after_all(
    shop: Shop, ada: Caller, end: Payment
) -> None:
    purchase_id = shop.buy(ada)
    shop.hears(purchase_id, end)
    assert credits(shop, ada) == (200, 0)
    assert open_purchases(shop.backend.tables, FOREVER, 10) == []

    shop.hears(purchase_id, Payment.PAID)
    assert credits(shop, ada) == (2_200, 0)


def test_thirty_two_deliveries_at_once_grant_once(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    news = shop.payments.news_of(shop.purchase(purchase_id), Payment.PAID)

    with ThreadPoolExecutor(32) as threads:
        heard = list(threads.map(lambda _: shop.hears_news(news), range(32)))

    assert {one.outcome for one in heard} == {"applied"}
    assert credits(shop, ada) == (2_200, 0)


def test_partial_refunds_take_what_the_money_was_worth(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    shop.hears(purchase_id, Payment.PAID)

    shop.hears(purchase_id, refund("re_1", 333, RefundState.PENDING))
    assert credits(shop, ada) == (2_200, 0)
    shop.hears(purchase_id, refund("re_1", 333))
    assert credits(shop, ada) == (2_200 - 666, 0)
    shop.hears(purchase_id, refund("re_2", 666))
    assert credits(shop, ada) == (200, 0)
    shop.hears(purchase_id, refund("re_2", 666, RefundState.FAILED))
    assert credits(shop, ada) == (2_200 - 666, 0)

    kinds = [(entry.kind, entry.credits) for entry in shop.backend.entries(ada.user_id)]
    assert sorted(kinds) == sorted(
        [
            ("clawback_reversed", 1_334),
            ("clawback", -1_334),
            ("clawback", -666),
            ("purchase", 2_000),
            ("free_credits", 200),
        ]
    )
    assert shop.backend.ledger.balance(ada.user_id).purchased == 1_334


def test_a_refund_of_what_is_spent_leaves_less_than_nothing_and_that_blocks_spending(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada, "starter")
    shop.hears(purchase_id, Payment.PAID)
    lease = shop.backend.start(ada, lease_seconds=3_600)
    for seq in range(40):
        shop.backend.send(ada, lease.session_id, seq, seconds=100)
        shop.backend.clock.forward(1)
        if seq == 35:
            break
    shop.backend.streaming.stop(ada, lease.session_id)
    shop.hears(purchase_id, refund("re_1", 299))

    available, held = credits(shop, ada)
    assert (available, held) == (700 - 600 - 500, 0)
    with pytest.raises(InsufficientCreditsError) as refusal:
        shop.backend.start(ada)
    assert refusal.value.details == {"required": 10, "available": -400}
    assert "below zero" in refusal.value.message


def test_a_dispute_holds_what_is_left_until_the_bank_has_decided(shop: Shop, ada: Caller) -> None:
    first, second = shop.buy(ada), shop.buy(ada, "starter")
    shop.hears(first, Payment.PAID)
    shop.hears(first, dispute("dp_1", DisputeState.OPEN, 999))
    assert credits(shop, ada) == (200, 2_000)

    shop.hears(second, Payment.PAID)
    shop.hears(first, dispute("dp_1", DisputeState.OPEN, 999))
    assert credits(shop, ada) == (700, 2_000)
    assert list(shop.backend.ledger.due_holds(FOREVER)) == []

    shop.hears(first, dispute("dp_1", DisputeState.LOST, 999))
    assert credits(shop, ada) == (700, 0)
    (entry,) = [entry for entry in shop.backend.entries(ada.user_id) if entry.kind == "clawback"]
    assert (entry.credits, entry.hold_id) == (-2_000, f"dispute:{first}:dp_1")


def test_a_dispute_that_is_won_gives_everything_back(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    shop.payments.moved(purchase_id, Payment.PAID)
    shop.hears(purchase_id, dispute("dp_1", DisputeState.OPEN, 999))
    shop.hears(purchase_id, Payment.PAID)
    assert credits(shop, ada) == (200, 2_000)

    shop.hears(purchase_id, dispute("dp_1", DisputeState.WON, 999))
    assert credits(shop, ada) == (2_200, 0)


def test_a_refund_heard_of_before_its_payment_asks_for_it(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    shop.payments.moved(purchase_id, Payment.PAID)

    shop.hears(purchase_id, refund("re_1", 333))

    assert credits(shop, ada) == (2_200 - 666, 0)


def test_a_refund_booked_with_its_payment_is_shown_after_it(shop: Shop, ada: Caller) -> None:
    """Both in one write: the refund was heard of while the payment was not."""
    for number in range(5):
        purchase_id = shop.buy(ada)
        shop.payments.moved(purchase_id, Payment.OPEN)
        shop.hears(purchase_id, refund(f"re_{number}", 333))
        shop.hears(purchase_id, Payment.PAID)

        entries = [entry for entry in shop.backend.entries(ada.user_id) if entry.reference == purchase_id]
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
    shop: Shop, ada: Caller, changes: dict[str, object], reason: str
) -> None:
    purchase_id = shop.buy(ada)
    paid = shop.payments.moved(purchase_id, Payment.PAID)

    heard = shop.hears_news(structs.replace(paid, **changes))

    assert (heard.outcome, heard.reason) == ("ignored", reason)
    assert credits(shop, ada) == (200, 0)


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
    shop: Shop, ada: Caller, changes: dict[str, object], reason: str
) -> None:
    purchase_id = shop.buy(ada)
    shop.hears(purchase_id, Payment.PAID)
    news = shop.payments.news_of(shop.purchase(purchase_id), refund("re_1", 333))
    assert isinstance(news, PaymentNews)

    heard = shop.hears_news(structs.replace(news, **changes))

    assert (heard.outcome, heard.reason) == ("ignored", reason)
    assert credits(shop, ada) == (2_200, 0)


def test_an_event_of_another_mode_moves_nothing_whatever_it_speaks_of(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    paid = shop.payments.moved(purchase_id, Payment.PAID)

    assert shop.hears_news(paid, livemode=True).reason == "another mode"
    assert credits(shop, ada) == (200, 0)
    shop.hears_news(paid)
    back = shop.payments.news_of(shop.purchase(purchase_id), refund("re_1", 333))
    assert shop.hears_news(back, livemode=True).reason == "another mode"
    assert shop.hears_news(None, livemode=True).reason == "nothing about a payment"
    assert credits(shop, ada) == (2_200, 0)


def test_another_checkout_of_the_purchase_moves_nothing_until_it_is_paid(shop: Shop, ada: Caller) -> None:
    """Its answer was lost, so nobody was shown it; the one that was shown stays as it is."""
    purchase_id = shop.buy(ada)
    shown = shop.payments.sessions[f"cs_{purchase_id}"]
    lost = structs.replace(shown, session_id="cs_lost", url="https://pay.example/lost")

    heard = shop.hears_news(structs.replace(lost, payment=Payment.EXPIRED))
    assert (heard.outcome, heard.reason) == ("ignored", "another checkout")
    known = shop.purchase(purchase_id)
    assert (known.facts.payment, known.checkout_url) == (Payment.OPEN, shown.url)

    assert shop.hears_news(structs.replace(lost, payment=Payment.PAID, payment_id="pi_lost")).outcome == "applied"
    assert credits(shop, ada) == (2_200, 0)
    assert shop.purchase(purchase_id).payment_id == "pi_lost"


def test_who_pays_twice_for_one_purchase_gets_its_credits_once_and_the_alarm_rings(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    shop.hears(purchase_id, Payment.PAID)
    second = structs.replace(
        shop.payments.moved(purchase_id, Payment.PAID), session_id="cs_lost", payment_id="pi_second"
    )
    shop.payments.sessions["cs_lost"] = second

    for news in (second, PaymentNews(refund("re_1", 999), "pi_second", 999, "usd", is_live=False)):
        with counting() as counted:
            assert shop.hears_news(news).reason == "another payment"
        assert counted.notes["payment_alarm"] == "another payment"

    assert credits(shop, ada) == (2_200, 0)
    assert shop.purchase(purchase_id).payment_id == f"pi_{purchase_id}"


def test_a_delayed_payment_that_comes_after_another_one_is_the_second_also_when_it_is_refunded(
    shop: Shop, ada: Caller
) -> None:
    """Its payment was known as the purchase's, before the other one paid."""
    purchase_id = shop.buy(ada)
    shop.hears(purchase_id, Payment.PENDING)
    late = shop.payments.moved(purchase_id, Payment.PAID)
    quick = structs.replace(late, session_id="cs_lost", payment_id="pi_quick")
    assert shop.hears_news(quick).outcome == "applied"

    assert shop.hears_news(late).reason == "another payment"
    assert shop.hears(purchase_id, refund("re_1", 999)).reason == "another payment"

    assert credits(shop, ada) == (2_200, 0)
    shop.hears_news(PaymentNews(refund("re_2", 333), "pi_quick", 333, "usd", is_live=False))
    assert credits(shop, ada) == (2_200 - 666, 0)


def test_an_expired_checkout_is_not_where_a_purchase_is_paid(shop: Shop, ada: Caller) -> None:
    """Its process died before the checkout was known, and the checkout has expired since."""
    shop.payments.script = [ProviderTimeoutError("no answer")]
    with pytest.raises(ProviderError):
        shop.buy(ada, purchase_id="the-purchase")
    made = shop.payments.open(shop.purchase("the-purchase"))

    shop.hears_news(structs.replace(made, payment=Payment.EXPIRED))

    known = shop.purchase("the-purchase")
    assert (known.facts.payment, known.checkout_session_id, known.checkout_url) == (Payment.EXPIRED, "", "")
    with pytest.raises(ConflictError):
        shop.buy(ada, purchase_id="the-purchase")


def test_other_events_are_answered_and_ignored(shop: Shop) -> None:
    heard = shop.hears_news(None)

    assert (heard.received, heard.outcome, heard.reason) == (True, "ignored", "nothing about a payment")


def test_what_is_not_signed_is_refused(shop: Shop) -> None:
    with pytest.raises(InvalidSignatureError):
        shop.purchases.receive(b"{}", "bad")


def test_an_event_that_needs_asking_while_nobody_answers_is_to_come_again(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada)
    shop.payments.moved(purchase_id, Payment.PAID)
    shop.payments.script = [ProviderTimeoutError("no answer")]

    with pytest.raises(UnavailableError):
        shop.hears(purchase_id, refund("re_1", 333))
    assert credits(shop, ada) == (200, 0)


# Buying


def test_the_same_request_is_the_same_checkout(shop: Shop, ada: Caller) -> None:
    wish = contract.Buy("popular")
    first = shop.purchases.buy(ada, wish, "the-purchase", "hash")

    assert shop.purchases.buy(ada, wish, "the-purchase", "hash") == first
    assert shop.payments.opens == ["the-purchase"]
    with pytest.raises(IdempotencyMismatchError):
        shop.purchases.buy(ada, contract.Buy("starter"), "the-purchase", "another hash")


@pytest.mark.parametrize("failure", [ProviderTimeoutError("no answer"), ProviderError("500")])
def test_a_checkout_whose_answer_was_lost_is_had_by_asking_again(shop: Shop, ada: Caller, failure: Exception) -> None:
    shop.payments.script = [failure]
    with pytest.raises(ProviderError):
        shop.buy(ada, purchase_id="the-purchase")
    shop.backend.clock.forward(100)

    answer = shop.purchases.buy(ada, contract.Buy("popular"), "the-purchase", "hash")

    assert answer.checkout_url == "https://pay.example/the-purchase"
    assert shop.purchase("the-purchase").checkout_expires_at == shop.backend.clock() - 100 + 3_600


def test_a_checkout_that_was_refused_is_a_purchase_that_failed(shop: Shop, ada: Caller) -> None:
    shop.payments.script = [ProviderRefusedError("no")]
    with pytest.raises(ProviderRefusedError):
        shop.buy(ada, purchase_id="the-purchase")

    assert shop.purchase("the-purchase").facts.payment is Payment.FAILED
    assert open_purchases(shop.backend.tables, FOREVER, 10) == []
    with pytest.raises(ConflictError):
        shop.buy(ada, purchase_id="the-purchase")


def test_a_purchase_of_yesterday_that_never_began_is_not_begun(shop: Shop, ada: Caller) -> None:
    shop.payments.script = [ProviderTimeoutError("no answer")]
    with pytest.raises(ProviderError):
        shop.buy(ada, purchase_id="the-purchase")
    shop.backend.clock.forward(RESUMABLE_SECONDS + 1)

    with pytest.raises(ConflictError):
        shop.buy(ada, purchase_id="the-purchase")


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
def test_buyers_come_back_to_our_pages_only(shop: Shop, ada: Caller, field: str, url: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        shop.buy(ada, **{field: url})

    assert refusal.value.details["field"] == field
    assert shop.payments.opens == []


def test_a_page_that_the_payment_system_cannot_lead_to_is_refused(shop: Shop, ada: Caller) -> None:
    """Stripe takes http and https only, so that an extension's own page is none."""
    extension = "chrome-extension://abcdefghijklmnop"
    purchases = replace(shop.purchases, return_origins=frozenset({extension}))

    with pytest.raises(InvalidRequestError):
        purchases.buy(ada, contract.Buy("popular", success_url=f"{extension}/paid"), "the-purchase", "hash")


def test_a_page_of_ours_is_taken(shop: Shop, ada: Caller) -> None:
    purchase_id = shop.buy(ada, success_url=f"{RETURN}/thanks?session={{CHECKOUT_SESSION_ID}}")

    assert shop.purchase(purchase_id).success_url.startswith(f"{RETURN}/thanks")


def test_what_cannot_be_bought_or_by_whom(shop: Shop, ada: Caller) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        shop.buy(ada, "everything")
    assert refusal.value.details["field"] == "package_id"

    shop.buy(ada, purchase_id="the-purchase")
    with pytest.raises(NotFoundError):
        shop.buy(shop.backend.person(), purchase_id="the-purchase")

    shop.backend.ledger.set_blocked(ada.user_id, True)
    with pytest.raises(AccountBlockedError):
        shop.buy(ada)


def test_without_a_key_nothing_is_sold_or_heard(shop: Shop, ada: Caller) -> None:
    off = replace(shop.purchases, is_on=False)

    with pytest.raises(UnavailableError):
        off.buy(ada, contract.Buy("popular"), "the-purchase", "hash")
    with pytest.raises(UnavailableError):
        off.receive(b"{}", "good")
    assert replace(shop.reconciler, is_on=False).reconcile()[0]["purchases_asked"] == 0


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
