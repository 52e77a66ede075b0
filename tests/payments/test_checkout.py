"""Buying credits: one checkout for each purchase, and no purchase of what cannot be bought."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from msgspec import structs

from chalicelib import contract
from chalicelib.errors import (
    AccountBlockedError,
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    ProviderRefusedError,
    ProviderTimeoutError,
    UnavailableError,
)
from chalicelib.models.accounts import Caller
from chalicelib.models.purchase_facts import DisputeState, PaymentFact, PaymentState
from chalicelib.models.purchases import CheckoutSession, Purchase
from chalicelib.payments.fulfilment import RESUMABLE_SECONDS
from chalicelib.repositories.purchases import list_open_purchases
from tests.default_prices import PRICES
from tests.payments.payments_env import (
    CENTS,
    CREDITS,
    RETURN,
    THIRD_CENTS,
    THIRD_CREDITS,
    FakePayments,
    PaymentsEnv,
    credits,
    dispute,
    refund,
)

FOREVER = 99_999_999_999


def test_packages_are_those_of_the_price_file(payments_env: PaymentsEnv) -> None:
    packages = payments_env.purchases.packages().packages

    assert [(package.id, package.credits, package.cents, package.currency) for package in packages] == [
        (name, PRICES.packages[name].credits, PRICES.packages[name].cents, "usd")
        for name in ("starter", "popular", "power")
    ]


def test_the_same_request_returns_the_same_checkout(payments_env: PaymentsEnv, ada: Caller) -> None:
    body = contract.Buy(package_id="popular")
    first = payments_env.purchases.buy(ada, body, "the-purchase", "hash")

    assert payments_env.purchases.buy(ada, body, "the-purchase", "hash") == first
    assert payments_env.payments.opens == ["the-purchase"]
    with pytest.raises(IdempotencyMismatchError):
        payments_env.purchases.buy(ada, contract.Buy(package_id="starter"), "the-purchase", "another hash")


def test_of_two_checkouts_made_for_one_purchase_at_once_both_requests_return_the_same(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    """A failure that the payment system stores for a key makes each retry open a checkout of its own."""
    payments_env.payments.script = [ProviderError("500")]
    with pytest.raises(ProviderError):
        payments_env.buy(ada, purchase_id="the-purchase")
    both_opened, body = threading.Barrier(2), contract.Buy(package_id="popular")

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
    assert credits(env, ada) == (200 + CREDITS, 0)


@pytest.mark.parametrize("failure", [ProviderTimeoutError("no answer"), ProviderError("500")])
def test_a_retry_returns_the_checkout_whose_response_was_lost(
    payments_env: PaymentsEnv, ada: Caller, failure: Exception
) -> None:
    payments_env.payments.script = [failure]
    with pytest.raises(ProviderError):
        payments_env.buy(ada, purchase_id="the-purchase")
    payments_env.backend.clock.forward(100)

    checkout = payments_env.purchases.buy(ada, contract.Buy(package_id="popular"), "the-purchase", "hash")

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
    purchases = replace(payments_env.purchases, return_origins=(extension,))

    with pytest.raises(InvalidRequestError):
        purchases.buy(ada, contract.Buy(package_id="popular", success_url=f"{extension}/paid"), "the-purchase", "hash")


def test_a_return_page_of_an_allowed_origin_is_accepted(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada, success_url=f"{RETURN}/thanks?session={{CHECKOUT_SESSION_ID}}")

    assert payments_env.purchase(purchase_id).success_url.startswith(f"{RETURN}/thanks")


def test_without_a_setting_buyers_return_to_our_own_pages(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchases = replace(payments_env.purchases, success_url="", cancel_url="")
    body, api = contract.Buy(package_id="popular"), "https://api.example/api"

    purchases.buy(ada, body, "first", "hash", api)
    purchases.buy(ada, contract.Buy(package_id="popular", success_url=f"{RETURN}/mine"), "second", "hash", api)

    first, second = payments_env.purchase("first"), payments_env.purchase("second")
    assert first.success_url == f"https://api.example/api/checkout/paid?credits={CREDITS}"
    assert first.cancel_url == second.cancel_url == "https://api.example/api/checkout/cancelled"
    assert second.success_url == f"{RETURN}/mine"


# Looking at purchases


@pytest.mark.parametrize(
    ("facts", "state", "added", "removed", "returned", "is_disputed"),
    [
        ([], "open", 0, 0, 0, False),
        ([PaymentState.OPEN], "open", 0, 0, 0, False),
        ([PaymentState.PENDING], "pending", 0, 0, 0, False),
        ([PaymentState.FAILED], "failed", 0, 0, 0, False),
        ([PaymentState.EXPIRED], "expired", 0, 0, 0, False),
        ([PaymentState.PAID], "paid", CREDITS, 0, 0, False),
        ([PaymentState.PAID, refund("re", THIRD_CENTS)], "paid", CREDITS, THIRD_CREDITS, THIRD_CENTS, False),
        ([PaymentState.PAID, refund("re", CENTS)], "refunded", CREDITS, CREDITS, CENTS, False),
        ([PaymentState.PAID, dispute("dp", DisputeState.OPEN, CENTS)], "paid", CREDITS, 0, 0, True),
        ([PaymentState.PAID, dispute("dp", DisputeState.LOST, CENTS)], "disputed_lost", CREDITS, CREDITS, CENTS, False),
        (
            [PaymentState.PAID, dispute("dp", DisputeState.LOST, THIRD_CENTS)],
            "paid",
            CREDITS,
            THIRD_CREDITS,
            THIRD_CENTS,
            False,
        ),
        ([PaymentState.PAID, dispute("dp", DisputeState.WON, CENTS)], "paid", CREDITS, 0, 0, False),
        (
            [PaymentState.PAID, refund("re", THIRD_CENTS), dispute("dp", DisputeState.LOST, CENTS - THIRD_CENTS)],
            "disputed_lost",
            *(CREDITS, CREDITS, CENTS),
            False,
        ),
        (
            [PaymentState.PAID, refund("re", CENTS), dispute("dp", DisputeState.LOST, CENTS)],
            "refunded",
            *(CREDITS, CREDITS, CENTS),
            False,
        ),
        (
            [PaymentState.PAID, refund("re", THIRD_CENTS), refund("re2", CENTS - THIRD_CENTS)],
            "refunded",
            CREDITS,
            CREDITS,
            CENTS,
            False,
        ),
    ],
)
def test_a_purchase_tells_whether_it_came(
    payments_env: PaymentsEnv,
    ada: Caller,
    facts: list[PaymentFact],
    state: str,
    added: int,
    removed: int,
    returned: int,
    is_disputed: bool,
) -> None:
    purchase_id = payments_env.buy(ada)
    for fact in facts:
        payments_env.receive_fact(purchase_id, fact)

    item = payments_env.purchases.get(ada, purchase_id)

    assert (item.state, item.credits, item.cents, item.currency) == (state, CREDITS, CENTS, "usd")
    assert (item.credits_added, item.credits_taken_back, item.cents_returned) == (added, removed, returned)
    assert item.is_disputed is is_disputed
    assert bool(item.checkout_url) == (state == "open")


def test_purchases_are_listed_newest_first_and_page_by_page(payments_env: PaymentsEnv, ada: Caller) -> None:
    bought = []
    for package in ("starter", "popular", "power", "starter", "popular"):
        bought.append(payments_env.buy(ada, package))
        payments_env.backend.clock.forward(1)
    payments_env.buy(payments_env.backend.person())

    found, cursor = [], None
    for size in (2, 2, 1):
        page = payments_env.purchases.page(ada, 2, cursor)
        assert len(page.purchases) == size
        found += [item.purchase_id for item in page.purchases]
        cursor = page.next_cursor
    assert cursor is None
    assert found == bought[::-1]


def test_an_account_without_purchases_has_an_empty_list(payments_env: PaymentsEnv, ada: Caller) -> None:
    page = payments_env.purchases.page(ada, 50, None)

    assert (page.purchases, page.next_cursor) == ([], None)


def test_a_cursor_or_a_purchase_of_somebody_else_is_refused(payments_env: PaymentsEnv, ada: Caller) -> None:
    eve = payments_env.backend.person()
    purchase_ids = [payments_env.buy(ada), payments_env.buy(ada)]
    cursor = payments_env.purchases.page(ada, 1, None).next_cursor

    with pytest.raises(InvalidRequestError):
        payments_env.purchases.page(eve, 1, cursor)
    for purchase_id in (*purchase_ids, "unknown"):
        with pytest.raises(NotFoundError):
            payments_env.purchases.get(eve, purchase_id)


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
        off.buy(ada, contract.Buy(package_id="popular"), "the-purchase", "hash")
    with pytest.raises(UnavailableError):
        off.receive(b"{}", "good")
    assert replace(payments_env.reconciler, is_on=False).reconcile()[0]["purchases_asked"] == 0
