"""Buying credits over HTTP: a package, the hosted page, one grant, and retries."""

import html.parser
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from scripts.local.stack import LocalStack
from tests.default_prices import PRICE_VERSION, PRICES, STARTER
from tests.fakes import Backend
from tests.http.checkout_steps import PURCHASE, PaymentsClient, buy, movements
from tests.http.conftest import StartApi
from tests.http.http_client import Api, Person, check_error
from tests.payments.payments_env import CENTS, CREDITS

PACKAGES = PRICES.packages


class Buttons(html.parser.HTMLParser):
    """The buttons of a page."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "button":
            self.found.append(dict(attrs))


def press(checkout: dict[str, Any], action: str) -> str:
    """Press a button of the hosted page as a browser without scripts does; the address it leads to."""
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(checkout["checkout_url"])
        (button,) = [button for button in Buttons(page.text).found if button["value"] == action]
        response = browser.post(page.url, data={button["name"]: button["value"]}, allow_redirects=False)
    assert response.status_code == 303
    return response.headers["Location"]


def test_packages_are_public(api: Api) -> None:
    answer = api.get("/credits/packages")

    assert answer.status_code == 200
    assert answer.json() == {
        "packages": [
            {"id": name, "credits": package.credits, "cents": package.cents, "currency": "usd"}
            for name, package in PACKAGES.items()
        ],
        "price_version": PRICE_VERSION,
    }


def test_a_package_is_bought_on_the_hosted_page(
    payments_client: PaymentsClient, person: Person, stack: LocalStack, books: Backend
) -> None:
    answer = person.post(PURCHASE, json={"package_id": "popular"})
    checkout = answer.json()

    assert answer.status_code == 201
    assert set(checkout) == {
        "purchase_id", "checkout_url", "checkout_session_id", "expires_at", "credits", "cents", "currency",
    }  # fmt: skip
    assert (checkout["credits"], checkout["cents"], checkout["currency"]) == (CREDITS, CENTS, "usd")
    assert checkout["checkout_url"].startswith(f"{stack.dev['sandbox_url']}/stripe/pay/")
    assert person.balance() == (200, 0)

    assert press(checkout, "pay") == f"{stack.api_url}/checkout/paid?credits={CREDITS}"

    page = person.get(f"/checkout/paid?credits={CREDITS}").text
    assert f"Paid: {CREDITS:,} credits." in page
    assert person.balance() == (200 + CREDITS, 0)
    (item,) = person.get("/credits/purchases").json()["purchases"]
    assert item == person.get(f"/credits/purchases/{checkout['purchase_id']}").json()
    assert (item["state"], item["credits_added"], item["cents"]) == ("paid", CREDITS, CENTS)
    # Newest first, also within a second.
    bought, granted = person.get("/credits/transactions").json()["transactions"]
    assert (bought["kind"], granted["kind"]) == ("purchase", "free_credits")
    assert (bought["credits"], bought["cents"]) == (CREDITS, CENTS)
    assert (bought["purchase_id"], bought["price_version"]) == (checkout["purchase_id"], PRICE_VERSION)
    assert bought["explanation"] == f"{CREDITS:,} credits for ${CENTS / 100:.2f}"
    balance = person.get("/credits/balance").json()
    assert (balance["lifetime_purchased"], balance["lifetime_granted"]) == (CREDITS, 200)
    books.check_books(person.user_id)


def test_a_cancelled_checkout_costs_nothing_and_can_still_be_paid(
    payments_client: PaymentsClient, person: Person, stack: LocalStack
) -> None:
    checkout = buy(person, "starter", cancel_url=f"{stack.api_url}/health?cancelled={{CHECKOUT_SESSION_ID}}")

    assert press(checkout, "cancel").endswith(f"/health?cancelled={checkout['checkout_session_id']}")
    assert person.balance() == (200, 0)
    press(checkout, "pay")
    assert person.balance() == (200 + STARTER.credits, 0)


def test_a_delayed_payment_grants_credits_when_the_money_arrives(
    payments_client: PaymentsClient, start_api: StartApi, person: Person
) -> None:
    elsewhere = start_api(STRIPE_PAYMENT_METHODS="card,us_bank_account")
    buyer = Person(elsewhere, person.email, person.user_id, person.token, "", "")
    arrives, fails = buy(buyer, "starter"), buy(buyer, "power")
    for checkout in (arrives, fails):
        press(checkout, "pay_later")
    assert person.balance() == (200, 0)

    payments_client.do(f"sessions/{arrives['checkout_session_id']}/settle", outcome="succeeded")
    payments_client.do(f"sessions/{fails['checkout_session_id']}/settle", outcome="failed")
    payments_client.rest()

    assert person.balance() == (200 + STARTER.credits, 0)
    assert movements(person) == [("purchase", STARTER.credits, STARTER.cents)]


# Retries


def test_the_same_key_returns_the_same_checkout_and_another_body_is_rejected(
    payments_client: PaymentsClient, person: Person
) -> None:
    key = str(uuid.uuid4())
    first = buy(person, key=key)

    assert buy(person, key=key) == first
    assert len(payments_client.sessions_of(first["purchase_id"])) == 1
    other = person.post(PURCHASE, json={"package_id": "power"}, headers={"Idempotency-Key": key})
    check_error(other, 409, "idempotency_mismatch")
    payments_client.pay(first)
    assert buy(person, key=key) == first
    assert person.balance() == (200 + CREDITS, 0)


def test_the_same_key_of_two_users_makes_two_purchases(
    payments_client: PaymentsClient, person: Person, signed_in_user: Person
) -> None:
    key = str(uuid.uuid4())

    assert buy(person, key=key)["purchase_id"] != buy(signed_in_user, key=key)["purchase_id"]


def test_the_same_request_many_times_at_once_makes_one_checkout(
    payments_client: PaymentsClient, person: Person
) -> None:
    body = {"json": {"package_id": "starter"}, "headers": {"Idempotency-Key": "pressed sixteen times"}}
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: person.post(PURCHASE, **body), range(16)))
    for answer in answers:
        if answer.status_code != 201:  # It arrived while the first one was being handled.
            assert answer.status_code in (409, 503), answer.text
            assert answer.headers["Retry-After"]

    checkout = buy(person, "starter", key="pressed sixteen times")

    assert len(payments_client.sessions_of(checkout["purchase_id"])) == 1
    checkouts = [answer.json() for answer in answers if answer.status_code == 201]
    assert checkouts
    assert all(found == checkout for found in checkouts)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "package_id"),
        ({"package_id": "unlimited"}, "package_id"),
        ({"package_id": ""}, "package_id"),
        ({"package_id": 7}, "package_id"),
        ({"package_id": "popular", "cents": 1}, "cents"),
        ({"package_id": "popular", "credits": 1_000_000}, "credits"),
        ({"package_id": "popular", "quantity": 2}, "quantity"),
        ({"package_id": "popular", "success_url": "https://evil.example/"}, "success_url"),
        ({"package_id": "popular", "cancel_url": "https://evil.example/"}, "cancel_url"),
        ({"package_id": "popular", "success_url": "javascript:alert(1)"}, "success_url"),
        ({"package_id": "popular", "success_url": "//evil.example/"}, "success_url"),
        ({"package_id": "popular", "success_url": "http://127.0.0.1@evil.example/"}, "success_url"),
        ({"package_id": "popular", "success_url": "a page\r\nof mine"}, "success_url"),
        ({"package_id": "popular", "success_url": "https://x/" + "a" * 2_000}, "success_url"),
    ],
)
def test_an_invalid_purchase_is_rejected_with_its_field(
    payments_client: PaymentsClient, signed_in_user: Person, body: dict[str, Any], field: str
) -> None:
    before = len(payments_client.books()["sessions"])

    assert check_error(signed_in_user.post(PURCHASE, json=body), 400, "invalid_request")["field"] == field
    assert len(payments_client.books()["sessions"]) == before


def test_buyers_return_only_to_pages_of_allowed_origins(
    payments_client: PaymentsClient, person: Person, stack: LocalStack
) -> None:
    allowed = f"{stack.api_url}/health?session={{CHECKOUT_SESSION_ID}}"
    # Stripe supports http and https only, so pages of the extension cannot be used.
    for page in (f"{stack.dev['extension_origin']}/paid.html", stack.api_url.replace("http", "https"), "https://"):
        body = {"package_id": "starter", "success_url": page}
        check_error(person.post(PURCHASE, json=body), 400, "invalid_request")

    checkout = buy(person, "starter", success_url=allowed)

    assert press(checkout, "pay") == allowed.replace("{CHECKOUT_SESSION_ID}", checkout["checkout_session_id"])


def test_a_blocked_account_cannot_buy(payments_client: PaymentsClient, person: Person, books: Backend) -> None:
    books.ledger.set_blocked(person.user_id, True)

    check_error(person.post(PURCHASE, json={"package_id": "popular"}), 403, "account_blocked")


def test_without_an_api_key_nothing_is_sold_or_received(
    payments_client: PaymentsClient, start_api: StartApi, person: Person
) -> None:
    api = start_api(STRIPE_API_KEY="")

    assert api.get("/credits/packages").status_code == 200
    check_error(api.post(PURCHASE, person.token, json={"package_id": "popular"}), 503, "unavailable")
    check_error(api.post("/webhooks/stripe", data=b"{}"), 503, "unavailable")
