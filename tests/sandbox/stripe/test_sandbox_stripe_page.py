"""The hosted page of Stripe's stand-in, with and without a browser."""

import re
from collections.abc import Iterator

import httpx
import pytest

from scripts import checkout
from scripts.browser import BrowserError, Page
from tests.browsing import open_browser
from tests.sandbox.stripe_account import DELAYED


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Page]:
    with open_browser(tmp_path_factory) as empty:
        yield empty


@pytest.fixture
def create_checkout(account, receiver):
    """Creates a session whose URLs lead to a server that responds."""
    receiver.files["/cancelled"] = b"<h1>Another time</h1>"

    def create_checkout(**changes):
        urls = {
            "success_url": f"{receiver.url}/bought?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{receiver.url}/cancelled",
        }
        return account.create_session(**(urls | changes))

    return create_checkout


def press(url: str, action: str) -> httpx.Response:
    return httpx.post(url, data={"action": action})


def buttons(html: str) -> list[str]:
    return re.findall(r'<button name="action" value="(\w+)"', html)


def state(account, session) -> tuple[str, str]:
    now = account.client.v1.checkout.sessions.retrieve(session.id)
    return now.status, now.payment_status


def test_the_page_shows_line_items_and_total(account):
    session = account.create_session(
        line_items=[
            {
                "price_data": {
                    "currency": "usd",
                    "unit_amount": 105,
                    "product_data": {"name": "<b>500</b> credits & more"},
                },
                "quantity": 3,
            }
        ]
    )

    shown = httpx.get(session.url)

    assert shown.status_code == 200
    assert "&lt;b&gt;500&lt;/b&gt; credits &amp; more" in shown.text
    assert "3 × 1.05 USD" in shown.text
    assert '<th id="total">3.15 USD</th>' in shown.text
    assert "ada@example.com" in shown.text
    assert buttons(shown.text) == ["pay", "pay_later", "cancel"]
    assert "<script" not in shown.text


def test_unavailable_buttons_are_hidden(account):
    assert buttons(httpx.get(account.create_session(payment_method_types=["card"], cancel_url=None).url).text) == [
        "pay"
    ]
    assert buttons(httpx.get(account.create_session(payment_method_types=[DELAYED]).url).text) == [
        "pay_later",
        "cancel",
    ]


def test_the_policy_of_the_page_allows_only_its_own_targets(account):
    session = account.create_session(success_url="https://shop.example/ok?a={CHECKOUT_SESSION_ID}", cancel_url=None)

    policy = httpx.get(session.url).headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("form-action 'self' https://shop.example")


def test_pay_leads_to_the_success_url_with_the_sessions_id(account):
    session = account.create_session(
        success_url="https://shop.example/ok?a={CHECKOUT_SESSION_ID}&b={CHECKOUT_SESSION_ID}"
    )

    answer = press(session.url, "pay")

    assert answer.status_code == 303
    assert answer.headers["location"] == f"https://shop.example/ok?a={session.id}&b={session.id}"
    assert state(account, session) == ("complete", "paid")


def test_pressing_pay_twice_pays_once(account):
    session = account.create_session()
    press(session.url, "pay")

    again = press(session.url, "pay")

    assert (again.status_code, "This checkout is paid" in again.text) == (409, True)
    assert len(account.http.get("/sandbox/stripe").json()["charges"]) == 1


def test_the_webhook_arrives_before_the_customer_is_redirected(account, hook):
    press(account.create_session().url, "pay")

    assert account.events(delivery_success=True)[-1] == "checkout.session.completed"


def test_cancel_redirects_and_leaves_the_session_open(account):
    session = account.create_session(cancel_url="https://shop.example/no")

    answer = press(session.url, "cancel")

    assert (answer.status_code, answer.headers["location"]) == (303, "https://shop.example/no")
    assert state(account, session) == ("open", "unpaid")


@pytest.mark.parametrize(
    ("action", "payment_status", "title"),
    [("arrive", "paid", "This checkout is paid"), ("fail", "unpaid", "The payment failed")],
)
def test_after_pay_later_the_page_settles_the_payment(account, action, payment_status, title):
    session = account.create_session()

    assert press(session.url, "pay_later").status_code == 303
    assert state(account, session) == ("complete", "unpaid")
    assert buttons(httpx.get(session.url).text) == ["arrive", "fail"]
    answer = press(session.url, action)

    assert answer.status_code == 303
    assert title in httpx.get(session.url).text
    assert state(account, session) == ("complete", payment_status)


def test_an_expired_session_shows_it_and_cannot_be_paid(account):
    session = account.create_session()
    account.client.v1.checkout.sessions.expire(session.id)

    shown, pressed = httpx.get(session.url), press(session.url, "pay")

    assert "This checkout has expired" in shown.text
    assert buttons(shown.text) == []
    assert (pressed.status_code, state(account, session)) == (409, ("expired", "unpaid"))


def test_unknown_pages_and_buttons_are_refused(account):
    session = account.create_session()

    assert httpx.get(session.url[:-1] + "x").status_code == 404
    assert press(session.url[:-1] + "x", "pay").status_code == 404
    assert press(session.url, "steal").status_code == 400
    assert httpx.post(session.url, content=b"action=pay" + b"x" * 5000).status_code == 400
    assert press(account.create_session(payment_method_types=["card"]).url, "pay_later").status_code == 409
    assert account.events() == []


def test_a_browser_pays_and_arrives(browser, account, create_checkout, hook):
    session = create_checkout()

    assert browser.go(session.url) == session.url
    assert browser.run("() => document.getElementById('total').textContent") == "2.99 USD"
    assert browser.run("() => getComputedStyle(document.querySelector('.first')).fontWeight") == "600"
    arrived = browser.press("Pay 2.99 USD")

    assert arrived == session.success_url.replace("{CHECKOUT_SESSION_ID}", session.id)
    assert state(account, session) == ("complete", "paid")


def test_a_browser_pays_later_and_the_money_arrives(browser, account, create_checkout):
    session = create_checkout()
    browser.go(session.url)

    assert "/bought?" in browser.press("Pay later")
    browser.go(session.url)
    browser.press("The money arrives")

    assert browser.run("() => document.querySelector('h1').textContent") == "This checkout is paid"
    assert state(account, session) == ("complete", "paid")


def test_a_browser_cancels(browser, account, create_checkout):
    session = create_checkout()
    browser.go(session.url)

    assert browser.press("Cancel") == session.cancel_url
    assert state(account, session) == ("open", "unpaid")


def test_a_script_pays_in_the_browser(browser, account, create_checkout, capsys):
    session = create_checkout()

    assert checkout.pay(session.url) == "in headless Chromium"

    assert state(account, session) == ("complete", "paid")
    assert "redirected to http://127.0.0.1" in capsys.readouterr().out


def test_a_script_pays_by_the_form_where_there_is_no_browser(account, create_checkout, capsys, monkeypatch):
    monkeypatch.setattr(checkout, "chromium", lambda: None)
    session = create_checkout()

    assert checkout.pay(session.url) == "with its form, because Chromium is not installed"

    assert state(account, session) == ("complete", "paid")
    assert "because Chromium is not installed" in capsys.readouterr().out


def test_a_script_pays_by_the_form_where_the_browser_fails(account, create_checkout, monkeypatch):
    monkeypatch.setattr(checkout, "chromium", lambda: "/bin/false")
    session = create_checkout()

    assert checkout.pay(session.url) == "with its form, because the browser ended while it started"
    assert state(account, session) == ("complete", "paid")


def test_a_script_pays_only_on_the_sandbox_page_and_only_once(account, sandbox_url, monkeypatch):
    monkeypatch.setattr(checkout, "chromium", lambda: None)
    session = account.create_paid_session()

    with pytest.raises(checkout.CheckoutError, match="on the page of the sandbox only"):
        checkout.pay("https://checkout.stripe.com/c/pay/cs_live_1")
    with pytest.raises(checkout.CheckoutError, match="no button to pay"):
        checkout.pay(f"{sandbox_url}/stripe/pay/{session.id}")


def test_a_missing_button_is_an_error(browser, account):
    browser.go(account.create_session().url)

    with pytest.raises(BrowserError, match="0 buttons match Steal"):
        browser.press("Steal")
