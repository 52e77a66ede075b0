"""Credits are bought: a package, the hosted page, credits once; money that goes back takes what it was worth."""

import html.parser
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from chalicelib.pricing import price_files
from scripts.local.stack import LocalStack
from tests.fakes import Backend
from tests.http.checkout_steps import PURCHASE, Till, bought, buy, movements
from tests.http.conftest import StartApi
from tests.http.http_client import Api, Person, check_error

SOLD = price_files.load("2026-11").packages


class Buttons(html.parser.HTMLParser):
    """What can be pressed on a page."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "button":
            self.found.append(dict(attrs))


def press(checkout: dict[str, Any], action: str) -> str:
    """Press a button of the hosted page as a browser without scripts does; where it leads."""
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(checkout["checkout_url"])
        (button,) = [one for one in Buttons(page.text).found if one["value"] == action]
        left = browser.post(page.url, data={button["name"]: button["value"]}, allow_redirects=False)
    assert left.status_code == 303
    return left.headers["Location"]


def test_anybody_sees_what_credits_cost(api: Api) -> None:
    answer = api.get("/credits/packages")

    assert answer.status_code == 200
    assert answer.json() == {
        "packages": [
            {"id": name, "credits": one.credits, "cents": one.cents, "currency": "usd"} for name, one in SOLD.items()
        ],
        "price_version": "2026-11",
    }


def test_a_package_is_bought_on_the_hosted_page(till: Till, person: Person, stack: LocalStack, books: Backend) -> None:
    answer = person.post(PURCHASE, json={"package_id": "popular"})
    checkout = answer.json()

    assert answer.status_code == 201
    assert set(checkout) == {
        "purchase_id", "checkout_url", "checkout_session_id", "expires_at", "credits", "cents", "currency",
    }  # fmt: skip
    assert (checkout["credits"], checkout["cents"], checkout["currency"]) == (2_000, 999, "usd")
    assert checkout["checkout_url"].startswith(f"{stack.dev['sandbox_url']}/stripe/pay/")
    assert person.balance() == (200, 0)

    assert press(checkout, "pay") == f"{stack.api_url}/health?checkout=paid"

    assert person.balance() == (2_200, 0)
    bought_entry, given = person.get("/credits/transactions").json()[
        "transactions"
    ]  # Newest first, within a second too.
    assert (bought_entry["kind"], given["kind"]) == ("purchase", "free_credits")
    assert (bought_entry["credits"], bought_entry["cents"]) == (2_000, 999)
    assert (bought_entry["purchase_id"], bought_entry["price_version"]) == (checkout["purchase_id"], "2026-11")
    assert bought_entry["explanation"] == "2000 credits for $9.99"
    said = person.get("/credits/balance").json()
    assert (said["lifetime_purchased"], said["lifetime_granted"]) == (2_000, 200)
    books.check_books(person.user_id)


def test_who_cancels_pays_nothing_and_may_still_pay(till: Till, person: Person, stack: LocalStack) -> None:
    checkout = buy(person, "starter", cancel_url=f"{stack.api_url}/health?cancelled={{CHECKOUT_SESSION_ID}}")

    assert press(checkout, "cancel").endswith(f"/health?cancelled={checkout['checkout_session_id']}")
    assert person.balance() == (200, 0)
    press(checkout, "pay")
    assert person.balance() == (700, 0)


def test_a_delayed_payment_brings_credits_when_it_is_in(till: Till, start_api: StartApi, person: Person) -> None:
    elsewhere = start_api(STRIPE_PAYMENT_METHODS="card,us_bank_account")
    buyer = Person(elsewhere, person.email, person.user_id, person.token, "", "")
    arrives, fails = buy(buyer, "starter"), buy(buyer, "power")
    for checkout in (arrives, fails):
        press(checkout, "pay_later")
    assert person.balance() == (200, 0)

    till.do(f"sessions/{arrives['checkout_session_id']}/settle", outcome="succeeded")
    till.do(f"sessions/{fails['checkout_session_id']}/settle", outcome="failed")
    till.rest()

    assert person.balance() == (700, 0)
    assert movements(person) == [("purchase", 500, 299)]


# The same request again


def test_the_same_key_is_the_same_checkout_and_another_body_is_refused(till: Till, person: Person) -> None:
    key = str(uuid.uuid4())
    first = buy(person, key=key)

    assert buy(person, key=key) == first
    assert len(till.sessions_of(first["purchase_id"])) == 1
    other = person.post(PURCHASE, json={"package_id": "power"}, headers={"Idempotency-Key": key})
    check_error(other, 409, "idempotency_mismatch")
    till.pay(first)
    assert buy(person, key=key) == first
    assert person.balance() == (2_200, 0)


def test_the_same_key_of_two_people_is_two_purchases(till: Till, person: Person, resident: Person) -> None:
    key = str(uuid.uuid4())

    assert buy(person, key=key)["purchase_id"] != buy(resident, key=key)["purchase_id"]


def test_the_same_request_at_once_makes_one_checkout(till: Till, person: Person) -> None:
    body = {"json": {"package_id": "starter"}, "headers": {"Idempotency-Key": "pressed sixteen times"}}
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: person.post(PURCHASE, **body), range(16)))
    for answer in answers:
        if answer.status_code != 201:  # It came while the first was being made.
            assert answer.status_code in (409, 503), answer.text
            assert answer.headers["Retry-After"]

    checkout = buy(person, "starter", key="pressed sixteen times")

    assert len(till.sessions_of(checkout["purchase_id"])) == 1
    made = [answer.json() for answer in answers if answer.status_code == 201]
    assert made
    assert all(one == checkout for one in made)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "package_id"),
        ({"package_id": "everything"}, "package_id"),
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
def test_what_cannot_be_bought_so(till: Till, resident: Person, body: dict[str, Any], field: str) -> None:
    before = len(till.books()["sessions"])

    assert check_error(resident.post(PURCHASE, json=body), 400, "invalid_request")["field"] == field
    assert len(till.books()["sessions"]) == before


def test_buyers_come_back_to_our_pages_only(till: Till, person: Person, stack: LocalStack) -> None:
    ours = f"{stack.api_url}/health?session={{CHECKOUT_SESSION_ID}}"
    # Stripe leads to http and https only, so the extension's own pages are none.
    for page in (f"{stack.dev['extension_origin']}/paid.html", stack.api_url.replace("http", "https"), "https://"):
        body = {"package_id": "starter", "success_url": page}
        check_error(person.post(PURCHASE, json=body), 400, "invalid_request")

    checkout = buy(person, "starter", success_url=ours)

    assert press(checkout, "pay") == ours.replace("{CHECKOUT_SESSION_ID}", checkout["checkout_session_id"])


def test_a_blocked_buyer_buys_nothing(till: Till, person: Person, books: Backend) -> None:
    books.ledger.set_blocked(person.user_id, True)

    check_error(person.post(PURCHASE, json={"package_id": "popular"}), 403, "account_blocked")


def test_without_a_key_nothing_is_sold_or_heard(till: Till, start_api: StartApi, person: Person) -> None:
    api = start_api(STRIPE_API_KEY="")

    assert api.get("/credits/packages").status_code == 200
    check_error(api.post(PURCHASE, person.token, json={"package_id": "popular"}), 503, "unavailable")
    check_error(api.post("/webhooks/stripe", data=b"{}"), 503, "unavailable")


# Money that goes back


def test_refunds_take_what_the_money_was_worth_and_no_more(till: Till, person: Person, books: Backend) -> None:
    checkout = bought(person, till)

    first = till.refund(checkout, 333)
    assert person.balance() == (2_200 - 666, 0)
    till.refund(checkout, 333)
    assert person.balance() == (2_200 - 1_333, 0)
    pending = till.refund(checkout, 333, status="pending")
    assert person.balance() == (2_200 - 1_333, 0)
    till.step(f"refunds/{pending}", "succeeded")
    assert person.balance() == (200, 0)
    till.step(f"refunds/{first}", "failed")
    assert person.balance() == (200 + 667, 0)

    assert movements(person) == sorted(
        [
            ("clawback_reversed", 667, 333),
            ("clawback", -667, -333),
            ("clawback", -667, -333),
            ("clawback", -666, -333),
            ("purchase", 2_000, 999),
        ]
    )
    books.check_books(person.user_id)


def test_a_refund_that_never_succeeds_takes_nothing(till: Till, person: Person) -> None:
    checkout = bought(person, till)
    refund = till.refund(checkout, status="pending")

    till.step(f"refunds/{refund}", "canceled")

    assert person.balance() == (2_200, 0)
    assert movements(person) == [("purchase", 2_000, 999)]


def test_a_dispute_holds_the_credits_and_its_end_decides(till: Till, person: Person, books: Backend) -> None:
    won, lost = bought(person, till), bought(person, till, "starter")

    first = till.dispute(won)
    assert person.balance() == (700, 2_000)
    second = till.dispute(lost)
    assert person.balance() == (200, 2_500)
    till.step(f"disputes/{first}", "under_review")
    assert person.balance() == (200, 2_500)
    till.step(f"disputes/{first}", "won")
    assert person.balance() == (2_200, 500)
    till.step(f"disputes/{second}", "lost")

    assert person.balance() == (2_200, 0)
    assert movements(person) == [("clawback", -500, -299), ("purchase", 500, 299), ("purchase", 2_000, 999)]
    books.check_books(person.user_id)


def test_an_inquiry_holds_nothing_until_it_is_a_dispute(till: Till, person: Person) -> None:
    checkout = bought(person, till)

    inquiry = till.dispute(checkout, status="warning_needs_response")
    assert person.balance() == (2_200, 0)
    till.step(f"disputes/{inquiry}", "needs_response")
    assert person.balance() == (200, 2_000)


def test_a_refund_and_a_lost_dispute_together_take_once(till: Till, person: Person, books: Backend) -> None:
    checkout = bought(person, till)
    till.refund(checkout, 499)
    assert person.balance() == (2_200 - 998, 0)

    dispute = till.dispute(checkout, amount=600)
    assert person.balance() == (2_200 - 1_201, 1_201 - 998)
    till.step(f"disputes/{dispute}", "lost")

    assert person.balance() == (200, 0)
    assert sum(credits for _, credits, _ in movements(person)) == 0
    books.check_books(person.user_id)


def test_who_spent_what_was_refunded_owes_it_and_hears_why(till: Till, person: Person) -> None:
    checkout = bought(person, till, "starter")
    session_id = person.start(lease_seconds=3_600)
    assert person.balance() == (100, 600)
    till.refund(checkout)
    assert person.balance() == (-400, 600)

    refusal = person.stream(action="start", transport="relay")

    assert check_error(refusal, 402, "insufficient_credits") == {"required": 10, "available": -400}
    assert "below zero" in refusal.json()["message"]
    person.stop(session_id)
    assert person.balance() == (200, 0)
