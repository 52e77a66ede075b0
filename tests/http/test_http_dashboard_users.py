"""The owner's questions about one person and about money, answered in the dashboard in at most three clicks."""

from pathlib import Path

import pytest

from tests.default_prices import STARTER
from tests.fakes import Backend
from tests.http.checkout_steps import PaymentsClient, buy_and_pay
from tests.http.dashboard_page import CONFIRM, FIND, READY, Dashboard
from tests.http.http_client import Person, check_error
from tests.payments.payments_env import CENTS, CREDITS, share

AXE = Path(__file__).parents[2] / "clients" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
VIOLATIONS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  const summary = (id) => ({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`;
  return violations.flatMap(({ id, nodes }) => nodes.map(summary(id)));
}"""
CLICK = """async (selector, text) => {
  const found = [...document.querySelectorAll(selector)].find((each) => each.textContent.trim().startsWith(text));
  if (!found) throw new Error(`nothing to click: ${selector} ${text}`);
  found.click();
}"""
FILL_DIALOG = """async (reason, credits, dollars) => {
  while (!document.getElementById("confirm").open) await new Promise((next) => setTimeout(next, 10));
  const form = document.querySelector("#confirm form");
  form.elements.reason.value = reason;
  form.elements.credits.value = credits;
  form.elements.dollars.value = dollars;
  form.querySelector("button[value=ok]").click();
}"""
ANSWER = "document.querySelector('#user .answer [role=status]').textContent"
SHOWN = "document.querySelector('#user h3')"


@pytest.fixture
def signed_in(dashboard: Dashboard) -> Dashboard:
    dashboard.open()
    dashboard.sign_in_as_owner()
    return dashboard


def find_and_open(dashboard: Dashboard, person: Person) -> None:
    """Two clicks: Find, and the person."""
    dashboard.page.run(FIND, person.email)
    dashboard.wait_until("document.querySelectorAll('#users tbody tr').length === 1")
    dashboard.page.run(CLICK, "#users tbody a", person.email)
    dashboard.wait_until(SHOWN)


def open_address(dashboard: Dashboard, person: Person) -> None:
    dashboard.page.run("async (hash) => { location.hash = hash; }", f"#/users/{person.user_id}")
    dashboard.wait_until(f"{SHOWN}?.textContent === '{person.email}'")


def test_did_the_payment_arrive_and_why_is_the_balance_so(
    signed_in: Dashboard, person: Person, payments_client: PaymentsClient, owner: Person
) -> None:
    checkout = buy_and_pay(person, payments_client)
    gift = {"user_id": person.user_id, "credits": -188, "reason": "Given twice by mistake."}
    assert owner.post("/admin/credits", json=gift).status_code == 200

    find_and_open(signed_in, person)

    text = signed_in.text("#user")
    assert f"{12 + CREDITS:,}" in signed_in.text("#user .figures")
    assert checkout["purchase_id"] in text
    assert f"{CREDITS:,} credits for ${CENTS / 100:.2f}" in text
    assert text.count("Given twice by mistake.") == 2  # in the statement, and among what administrators did
    assert "credits taken" in text
    link = signed_in.page.run("async () => document.querySelector('#user a[href*=stripe]').href")
    assert link.startswith("https://dashboard.stripe.com/test/payments/pi_")


def test_a_purchase_is_refunded_in_part_and_the_answer_is_beside_the_button(
    signed_in: Dashboard, person: Person, payments_client: PaymentsClient, books: Backend
) -> None:
    buy_and_pay(person, payments_client)
    open_address(signed_in, person)

    signed_in.page.run(CLICK, "#user button", "Refund…")
    signed_in.page.run(FILL_DIALOG, "Bought twice.", "", "3.33")
    signed_in.wait_until(f"{ANSWER}.startsWith('Done')")
    payments_client.rest()

    assert person.balance() == (200 + CREDITS - share(333), 0)
    assert "refund requested" in signed_in.text("#user")
    signed_in.page.run("async () => { location.hash = '#/purchases'; }")
    signed_in.page.run("async () => document.querySelector('[data-days=\"7\"]').click()")
    signed_in.wait_until("document.querySelector('#purchases').innerText.includes('$3.33')")
    assert person.user_id in signed_in.text("#purchases")
    books.check_books(person.user_id)


def test_credits_are_given_and_an_account_is_blocked_on_the_page_of_the_user(
    signed_in: Dashboard, person: Person
) -> None:
    open_address(signed_in, person)

    signed_in.page.run(CLICK, "#user button", "Credits…")
    signed_in.page.run(FILL_DIALOG, "A gift.", "25", "")
    signed_in.wait_until(f"{ANSWER}.startsWith('Done: Credits')")
    assert person.balance() == (225, 0)
    assert "225" in signed_in.text("#user .figures")
    signed_in.page.run(CLICK, "#user button", "Block…")
    signed_in.page.run(FILL_DIALOG, "Abuse.", "", "")
    signed_in.wait_until(f"{ANSWER}.startsWith('Done: Block')")

    check_error(person.get("/credits/balance"), 403, "account_blocked")
    assert "blocked" in signed_in.text("#user .card")
    assert "Abuse." in signed_in.text("#user")


def test_a_refusal_is_said_beside_the_button(
    signed_in: Dashboard, person: Person, payments_client: PaymentsClient
) -> None:
    checkout = buy_and_pay(person, payments_client, "starter")
    open_address(signed_in, person)
    payments_client.refund(checkout)  # somebody was faster, in Stripe's dashboard

    signed_in.page.run(CLICK, "#user button", "Refund…")
    signed_in.page.run(FILL_DIALOG, "Late.", "", "")
    signed_in.wait_until("document.querySelector('#user .answer [role=alert]').textContent.includes('(conflict)')")

    assert person.balance() == (200, 0)
    assert STARTER.credits > 0


def test_the_page_of_a_user_is_left_and_found_again_by_its_address(signed_in: Dashboard, person: Person) -> None:
    open_address(signed_in, person)
    assert signed_in.page.run("async () => document.getElementById('users').hidden")

    signed_in.page.run("async () => { location.hash = '#/users'; }")
    signed_in.wait_until("!document.getElementById('users').hidden && document.getElementById('user').hidden")
    signed_in.page.run("async () => history.back()")
    signed_in.wait_until(f"!document.getElementById('user').hidden && {READY}")
    signed_in.page.run("async () => { location.hash = '#/users/5a1de7d4'; }")
    signed_in.wait_until("document.getElementById('user').textContent.includes('no such user')")


@pytest.mark.parametrize("width", [360, 1_280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_user_has_no_fault_for_axe_and_fits(
    signed_in: Dashboard, person: Person, payments_client: PaymentsClient, width: int, scheme: str
) -> None:
    buy_and_pay(person, payments_client)
    session_id = person.start()
    signed_in.set_size(width)
    signed_in.set_color_scheme(scheme)
    open_address(signed_in, person)
    signed_in.page.devtools("Runtime.evaluate", expression=AXE.read_text(encoding="utf-8"))

    assert signed_in.page.run(VIOLATIONS) == []
    assert signed_in.page.run("async () => document.documentElement.scrollWidth") <= width
    person.stop(session_id)


def test_hostile_reasons_are_text_on_the_page_of_a_user(signed_in: Dashboard, person: Person) -> None:
    reason = "<img src=x onerror=\"document.title='taken'\">"
    signed_in.page.run(FIND, person.email)
    signed_in.wait_until("document.querySelectorAll('#users tbody tr').length === 1")
    signed_in.page.run(CONFIRM, "Credits…", reason, "5", "ok")
    signed_in.wait_until("document.querySelector('#users').innerText.includes('Done: Credits')")

    open_address(signed_in, person)

    assert reason in signed_in.text("#user")
    assert signed_in.page.run("async () => [document.title, document.images.length]")[1] == 0
