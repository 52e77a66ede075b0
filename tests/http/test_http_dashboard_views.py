"""Every view of the owner's dashboard: reached by its address, clean for axe, and honest about what it shows."""

from collections.abc import Iterator

import pytest

from scripts.browser import Page
from scripts.local.aws import client as aws_client
from scripts.local.stack import LocalStack
from tests.http.dashboard_page import ANSWER_ONCE, CONFIRM, FIND, LEGEND, READY, Dashboard, watched_dashboard
from tests.http.http_client import Api, Person, new_email

VIEWS = ("money", "purchases", "usage", "holds", "audit", "users?search=owner", "health")
DOWN = {"code": "unavailable", "message": "Later."}
CLICK = """async (selector, text) => {
  const found = [...document.querySelectorAll(selector)].filter((element) => element.textContent.trim() === text);
  if (found.length !== 1) throw new Error(`${found.length} elements say ${text}`);
  found[0].click();
}"""
# Whether the element is within the card around it and within the window, as far as it is to the left or right.
INSIDE = """async (selector) => [...document.querySelectorAll(selector)].every((element) => {
  const [own, card] = [element.getBoundingClientRect(), element.closest(".card").getBoundingClientRect()];
  return own.left >= card.left && own.right <= card.right && own.right <= innerWidth;
})"""
DISTANCE = """async (first, second) => {
  const [a, b] = [first, second].map((selector) => document.querySelector(selector).getBoundingClientRect());
  return Math.max(0, b.top - a.bottom, a.top - b.bottom);
}"""
AUDIT_OF_NOBODY = {
    "report": dict.fromkeys(
        ("users_checked", "users_moving", "entries", "open_holds", "purchases", "credits_outstanding"), 0
    )
    | {"findings_count": 0, "audit_id": "a", "status": "done", "ended_at": "", "findings": [], "top_users": []}
    | {"active_users": {"day": 0, "week": 0, "month": 0}},
    "running": None,
    "actions": [],
}


@pytest.fixture
def dashboard(browser: Page, stack: LocalStack) -> Iterator[Dashboard]:
    with watched_dashboard(browser, stack) as page:
        page.open()
        page.sign_in_as_owner()
        yield page


@pytest.mark.parametrize("width", [360, 1_280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_has_a_fault_for_axe_or_overflows(
    dashboard: Dashboard, person: Person, width: int, scheme: str
) -> None:
    person.start()
    dashboard.set_size(width)
    dashboard.set_color_scheme(scheme)
    for view in VIEWS:
        dashboard.show(view)
        assert (view, dashboard.violations()) == (view, [])
        assert dashboard.page.run("async () => document.documentElement.scrollWidth") <= width


def test_the_sign_in_outlives_a_reload_and_ends_with_the_sign_out(dashboard: Dashboard, stack: LocalStack) -> None:
    dashboard.page.go("about:blank")
    dashboard.page.go(f"{stack.api_url}/admin#/users?search=nobody@")
    dashboard.wait_until(READY)
    dashboard.wait_until("document.getElementById('users').innerText.includes('No user was found')")
    assert dashboard.page.run("async () => localStorage.length") == 0

    dashboard.page.run("async () => document.getElementById('sign-out').click()")

    assert dashboard.page.run("async () => sessionStorage.length") == 0
    dashboard.page.go("about:blank")
    dashboard.page.go(f"{stack.api_url}/admin")
    assert not dashboard.page.run("async () => document.getElementById('sign-in').hidden")


def test_days_are_part_of_the_address_and_today_and_yesterday_are_presets(
    dashboard: Dashboard, stack: LocalStack
) -> None:
    days = "async () => { const e = document.getElementById('range').elements; return [e.from.value, e.to.value]; }"
    dashboard.page.run(CLICK, "button", "Yesterday")
    dashboard.wait_until("location.hash.includes('from=') && !document.body.hasAttribute('aria-busy')")
    first, last = yesterday = dashboard.page.run(days)
    assert first == last
    address = dashboard.page.run("async () => location.href")
    assert address.endswith(f"#/money?from={first}&to={first}")
    dashboard.page.run(CLICK, "button", "Today")
    dashboard.wait_until("!document.body.hasAttribute('aria-busy')")
    today = dashboard.page.run(days)
    assert today[0] == today[1] > first
    dashboard.page.go("about:blank")

    dashboard.page.go(address)
    dashboard.wait_until(READY)

    assert dashboard.page.run(days) == yesterday
    pressed = "async () => document.querySelector('[aria-pressed=true]').textContent"
    assert dashboard.page.run(pressed) == "Yesterday"


def test_after_a_failed_load_no_figures_of_other_days_are_shown(dashboard: Dashboard) -> None:
    assert "credits sold" in dashboard.text("#figures")
    dashboard.page.run(ANSWER_ONCE, "analytics/costs", 503, DOWN, "0")

    dashboard.page.run(CLICK, "button", "7 days")
    dashboard.wait_until("document.getElementById('notice').textContent !== ''")

    for place in ("#figures", "#money", "#usage", "#holds"):
        text = dashboard.page.run("async (selector) => document.querySelector(selector).textContent", place)
        assert "could not be loaded" in text
    assert dashboard.page.run("async () => document.querySelectorAll('.uplot').length") == 0


@pytest.mark.parametrize("width", [360, 768, 1_280])
def test_buttons_of_a_user_are_inside_their_card_and_answers_beside_them(
    dashboard: Dashboard, person: Person, width: int
) -> None:
    dashboard.set_size(width)
    dashboard.page.run(FIND, person.user_id)
    dashboard.wait_until("document.querySelectorAll('#users tbody tr').length === 1")
    assert dashboard.page.run(INSIDE, "#users td button:not([hidden])")

    dashboard.page.run(CONFIRM, "Block…", "Abuse.", "", "ok")
    dashboard.wait_until("document.querySelector('#users td .answer')?.innerText.startsWith('Done')")

    assert dashboard.page.run(DISTANCE, "#users td .row button", "#users td .answer") < 50
    dashboard.page.run(ANSWER_ONCE, "admin/users", 503, DOWN, "0")
    dashboard.page.run(CONFIRM, "Unblock…", "A mistake.", "", "ok")
    dashboard.wait_until("document.querySelector('#users td .answer').innerText.includes('Later. (unavailable)')")
    assert dashboard.page.run(INSIDE, "#users td button:not([hidden])")


def test_what_administrators_did_is_read_again_after_an_action(dashboard: Dashboard, person: Person) -> None:
    reason = f"A gift for {person.user_id[:8]}."
    dashboard.page.run(FIND, person.user_id)
    dashboard.wait_until("document.querySelectorAll('#users tbody tr').length === 1")
    dashboard.page.run(CONFIRM, "Credits…", reason, "5", "ok")

    dashboard.wait_until(f"document.getElementById('audit').textContent.includes('{reason}')")


def test_unreadable_actions_are_not_shown_as_none(dashboard: Dashboard) -> None:
    dashboard.page.run(ANSWER_ONCE, "admin/audit", 503, DOWN, "0")
    dashboard.show("audit")

    dashboard.wait_until("document.getElementById('audit').textContent.includes('could not be read')")
    assert "No actions yet" not in dashboard.text("#audit")
    assert dashboard.text("#audit .good") == ""


def test_an_audit_of_nobody_is_not_shown_as_good(dashboard: Dashboard) -> None:
    dashboard.page.run(ANSWER_ONCE, "admin/audit", 200, AUDIT_OF_NOBODY, "0")
    dashboard.show("audit")

    dashboard.wait_until("document.getElementById('audit').textContent.includes('proves nothing')")
    assert dashboard.text("#audit .good") == ""


def test_a_failed_search_leaves_no_users_of_an_earlier_one(dashboard: Dashboard, person: Person) -> None:
    dashboard.page.run(FIND, person.user_id)
    dashboard.wait_until("document.querySelectorAll('#users tbody tr').length === 1")
    dashboard.page.run(ANSWER_ONCE, "admin/users", 503, DOWN, "0")
    dashboard.page.run(FIND, "somebody")
    dashboard.wait_until("document.getElementById('users').innerText.includes('Later. (unavailable)')")

    assert dashboard.page.run("async () => document.querySelectorAll('#users tbody tr').length") == 0


def test_users_are_filtered_and_sorted_and_the_address_says_how(dashboard: Dashboard, owner: Person, api: Api) -> None:
    people = [Person.register(api, new_email()) for _ in range(2)]
    for person, credits in zip(people, (-500, -900), strict=True):
        body = {"user_id": person.user_id, "credits": credits, "reason": "A test."}
        assert owner.post("/admin/credits", json=body).status_code == 200

    dashboard.show("users?only=below_zero&sort=lowest")
    dashboard.wait_until("document.querySelectorAll('#users tbody tr').length > 1")

    shown = dashboard.page.run(
        "async () => [...document.querySelectorAll('#users [data-user]')].map((cell) => cell.dataset.user)"
    )
    assert set(shown) >= {person.user_id for person in people}
    assert shown.index(people[1].user_id) < shown.index(people[0].user_id)
    balances = dashboard.page.run(
        "async () => [...document.querySelectorAll('#users tbody tr')].map((row) => row.cells[2].innerText)"
    )
    assert all(balance.startswith("-") for balance in balances)


def test_users_are_saved_as_a_file(dashboard: Dashboard, person: Person) -> None:
    dashboard.show("users")
    saved = dashboard.page.run(
        """async (text) => {
      let saved = null;
      const made = URL.createObjectURL;
      URL.createObjectURL = (blob) => { saved = blob; return made.call(URL, blob); };
      HTMLAnchorElement.prototype.click = function () { this.dataset.clicked = this.download; };
      document.querySelector("#users form").elements.search.value = text;
      [...document.querySelectorAll("#users button")].find((b) => b.textContent === "Download CSV").click();
      while (!saved) await new Promise((next) => setTimeout(next, 20));
      return new TextDecoder("utf-8").decode(await saved.arrayBuffer());
    }""",
        person.email,
    )

    header, row = saved.strip().splitlines()
    assert header.startswith("user_id,email,")
    assert row.startswith(f"{person.user_id},{person.email}")


# The owner's questions: which webhooks were refused, and what is stuck


def test_refused_webhooks_are_seen_in_one_click_and_named_at_the_top(
    dashboard: Dashboard, api: Api, stack: LocalStack
) -> None:
    refused = api.post("/webhooks/stripe", data=b'{"card": "canary"}', headers={"Stripe-Signature": "t=1,v1=canary"})
    assert refused.status_code == 400

    dashboard.page.run(CLICK, "nav a", "Health")
    dashboard.wait_until("document.getElementById('health').innerText.includes('invalid signature')")

    text = dashboard.text("#health")
    assert "Stripe" in text
    assert "canary" not in text
    assert "Webhooks refused, by hour" in text


def test_what_is_stuck_is_seen_in_one_click_with_the_command_that_helps(
    dashboard: Dashboard, stack: LocalStack
) -> None:
    dead = stack.settings["JOBS_QUEUE_URL"] + "-dead"
    sqs = aws_client("sqs", stack.dev["aws_endpoint_url"])
    sqs.send_message(QueueUrl=dead, MessageBody="a job")
    try:
        dashboard.page.run(CLICK, "nav a", "Health")
        dashboard.wait_until("document.getElementById('attention').innerText.includes('dead letter')")

        text = dashboard.text("#health")
        assert "work that failed for good" in text
        assert f"scripts.replay --stage {stack.settings['STAGE']}" in text
        assert "thing" in dashboard.text("#attention")
    finally:
        sqs.purge_queue(QueueUrl=dead)


def test_a_part_of_health_that_could_not_be_read_is_not_good(dashboard: Dashboard, owner: Person) -> None:
    health = owner.get("/admin/health").json() | {"dead_letters": None, "stuck": None, "unreadable": ["dead_letters"]}
    dashboard.page.run(ANSWER_ONCE, "admin/health", 200, health, "0")
    dashboard.show("health")
    dashboard.wait_until("document.getElementById('health').innerText.includes('Dead letters: could not be read')")

    assert "No dead letter" not in dashboard.text("#health")
    dashboard.page.run(ANSWER_ONCE, "admin/health", 503, DOWN, "0")
    dashboard.page.run(CLICK, "#health button", "Check again")
    dashboard.wait_until("document.getElementById('attention').innerText.includes('could not be read')")
    assert dashboard.page.run("async () => document.querySelectorAll('#health .good').length") == 0


@pytest.mark.parametrize("width", [360, 1_280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_dialog_and_the_sign_in_have_no_fault_for_axe(
    dashboard: Dashboard, person: Person, width: int, scheme: str
) -> None:
    dashboard.set_size(width)
    dashboard.set_color_scheme(scheme)
    dashboard.page.run(FIND, person.user_id)
    dashboard.wait_until("document.querySelectorAll('#users tbody tr').length === 1")
    dashboard.page.run(CLICK, "#users td button", "Credits…")
    assert dashboard.violations() == []

    dashboard.page.run("async () => document.getElementById('confirm-cancel').click()")
    dashboard.page.run("async () => document.getElementById('sign-out').click()")

    assert dashboard.text("#sign-in h2") == "Sign in"
    assert dashboard.violations() == []


def test_a_single_day_is_in_the_middle_of_its_chart(dashboard: Dashboard) -> None:
    """The only day is one of three, the outer ones without figures; its legend has its figures."""
    dashboard.page.run(CLICK, "button", "Today")
    dashboard.wait_until("!document.body.hasAttribute('aria-busy')")
    today = dashboard.page.run("async () => document.getElementById('range').elements.to.value")

    for share in (0.02, 0.5, 0.98):
        dashboard.page.run(
            """async (share) => {
          const over = document.querySelector("#money .u-over");
          const { left, width, top, height } = over.getBoundingClientRect();
          const at = { bubbles: true, clientX: left + width * share, clientY: top + height / 2 };
          over.dispatchEvent(new MouseEvent("mousemove", at));
          await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
        }""",
            share,
        )
        legend = dict(dashboard.page.run(LEGEND))
        assert legend["Day"] == today
        assert legend["Revenue"]
