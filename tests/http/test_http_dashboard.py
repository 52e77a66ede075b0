"""The owner's dashboard in a real browser: signing in, figures as the API tells them, nothing from elsewhere."""

import json
from collections.abc import Iterator

import pytest
import requests

from chalicelib.http.static_files import ASSETS
from scripts.browser import Page
from scripts.local.stack import LocalStack
from tests.browsing import opened
from tests.http.checkout_steps import PaymentsClient, buy_and_pay
from tests.http.dashboard_page import ANSWER, ANSWER_ONCE, FAINT, FIND, FOCUSED, Dashboard, staged
from tests.http.http_client import PASSWORD, Api, Person, check_error, new_email, origin_of

HOSTILE = "Img src=x onerror=document.title='taken' //"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened(tmp_path_factory, ("Runtime", "Log", "Network")) as empty:
        yield empty


@pytest.fixture
def dashboard(browser: Page, stack: LocalStack) -> Iterator[Dashboard]:
    """Whatever a test does, the page asks only its own API, and nothing on it goes wrong by itself."""
    complaints = [browser.watch(event) for event in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled")]
    logged, asked = browser.watch("Log.entryAdded"), browser.watch("Network.requestWillBeSent")
    for heard in (*complaints, logged, asked):
        heard.clear()
    opened = Dashboard(browser, stack, asked)
    opened.size(1280)
    opened.system("light")
    yield opened
    browser.run("async () => null")  # What was said until now is heard.
    assert complaints == [[], []]
    # A refused request is logged by the browser itself; anything else, such as a breach of the policy, is a fault.
    assert [one["entry"]["text"] for one in logged if one["entry"]["source"] != "network"] == []
    urls = [one["request"]["url"] for one in asked]
    assert urls
    assert [url for url in urls if not url.startswith((stack.api_url, "data:", "blob:"))] == []
    assert [url for url in urls if "eyJ" in url or PASSWORD in url] == []


def test_the_figures_are_those_of_the_api(
    dashboard: Dashboard, owner: Person, person: Person, payments_client: PaymentsClient
) -> None:
    buy_and_pay(person, payments_client)
    session_id = person.start()
    dashboard.open()
    dashboard.enter()

    told = owner.get("/analytics/costs").json()

    figures = dashboard.text("#figures")
    assert f"{told['totals']['credits_sold']:,} credits sold" in figures
    assert f"{told['outstanding']['credits']:,}" in figures
    assert person.user_id in dashboard.text("#holds")
    for model in told["models"]:
        assert f"{model['provider']}/{model['model']}" in dashboard.text("#money")
    wide = "[...document.querySelectorAll('#money .scroll')].filter((one) => one.scrollWidth > one.clientWidth)"
    assert dashboard.page.run(f"async () => {wide}.length") == 0
    assert dashboard.page.run("async () => document.querySelectorAll('.chart canvas').length") == 3
    person.stop(session_id)


def test_the_days_shown_are_those_that_were_picked(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.enter()

    dashboard.page.run("async () => document.querySelector('[data-days=\"7\"]').click()")
    dashboard.until("document.querySelectorAll('#usage details tbody')[0].rows.length === 7")
    dashboard.page.run(
        """async () => { const range = document.getElementById("range");
        range.elements.from.value = "2026-01-31"; range.elements.to.value = "2026-03-01"; range.requestSubmit(); }"""
    )
    dashboard.until("document.querySelectorAll('#usage details tbody')[0].rows.length === 30")
    days = dashboard.page.run(
        "async () => [...document.querySelectorAll('#money details tbody tr')].map((row) => row.cells[0].textContent)"
    )
    assert (days[0], days[-1], len(days)) == ("2026-01-31", "2026-03-01", 30)
    dashboard.page.run(
        """async () => { const range = document.getElementById("range");
        range.elements.to.value = "2026-01-01"; range.requestSubmit(); }"""
    )
    dashboard.until("document.getElementById('notice').textContent.includes('ends before it begins')")


def test_who_is_no_administrator_is_told_so_and_sees_nothing(dashboard: Dashboard, person: Person) -> None:
    dashboard.open()

    dashboard.sign_in(person.email, PASSWORD)
    dashboard.until("document.getElementById('notice').textContent.includes('(forbidden)')")

    assert "group admins" in dashboard.text("#notice")
    assert dashboard.page.run("async () => document.getElementById('dashboard').hidden")
    dashboard.sign_in(person.email, "not the password at all")
    dashboard.until("document.getElementById('notice').textContent.includes('(invalid_credentials)')")


def test_names_are_text_whatever_they_are(dashboard: Dashboard, owner: Person, api: Api) -> None:
    """Names may hold no angle brackets; reasons may."""
    reason = "<img src=x onerror=\"document.title='taken'\">"
    somebody = Person.register(api, new_email(), name=HOSTILE)
    given = {"user_id": somebody.user_id, "credits": 1, "reason": reason}
    assert owner.post("/admin/credits", json=given).status_code == 200
    dashboard.open()
    dashboard.enter()

    assert reason in dashboard.text("#audit")
    dashboard.page.run(FIND, somebody.email)
    dashboard.until("document.querySelectorAll('#users tbody tr').length === 1")
    assert HOSTILE in dashboard.text("#users")
    assert dashboard.page.run("async () => document.title") == "Live transcription · owner's dashboard"
    assert dashboard.page.run("async () => document.images.length") == 0


def test_a_user_is_blocked_and_given_credits_after_asking(dashboard: Dashboard, person: Person) -> None:
    dashboard.open()
    dashboard.enter()
    dashboard.page.run(FIND, person.user_id)
    dashboard.until("document.querySelectorAll('#users tbody tr').length === 1")
    dashboard.page.run(ANSWER, "Block…", "", "", "cancel")
    assert person.balance() == (200, 0)
    dashboard.page.run(ANSWER, "Credits…", "A gift.", "25", "ok")
    dashboard.until("document.querySelector('#users tbody').innerText.includes('225')")
    dashboard.page.run(ANSWER, "Block…", "Abuse.", "", "ok")
    dashboard.until("document.querySelector('#users tbody').innerText.includes('blocked')")

    check_error(person.get("/credits/balance"), 403, "account_blocked")
    dashboard.page.run(ANSWER, "Unblock…", "A mistake.", "", "ok")
    dashboard.until("!document.querySelector('#users tbody').innerText.includes('blocked')")
    assert person.balance() == (225, 0)


def test_a_token_that_ended_is_renewed_or_asked_for_again(dashboard: Dashboard, owner: Person) -> None:
    """Signing out ends it everywhere, also for the page."""
    said = owner.api.login(dashboard.stack.dev["admin_email"], dashboard.stack.dev["admin_password"]).json()
    dashboard.open()
    dashboard.enter()
    owner.api.post("/auth/logout", said["token"])

    dashboard.page.run("async () => document.querySelector('[data-days=\"7\"]').click()")
    dashboard.until("!document.getElementById('sign-in').hidden")

    assert "sign in again" in dashboard.text("#notice")
    assert dashboard.text("#figures") == ""
    again = owner.api.login(dashboard.stack.dev["admin_email"], dashboard.stack.dev["admin_password"]).json()
    owner.token, owner.access_token, owner.refresh_token = (
        again[name] for name in ("token", "access_token", "refresh_token")
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_small_screen_nothing_stands_out_and_text_can_be_read(dashboard: Dashboard, scheme: str) -> None:
    dashboard.size(360, 740)
    dashboard.system(scheme)
    dashboard.open()
    dashboard.enter()

    assert dashboard.page.run("async () => document.documentElement.dataset.theme") == scheme
    assert dashboard.page.run("async () => document.documentElement.scrollWidth") <= 360
    faint = dashboard.page.run(FAINT)
    assert faint == []


def test_everything_is_reached_and_named_without_a_mouse(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.enter()
    nameless = dashboard.page.run(
        """async () => [...document.querySelectorAll("button, a, input, summary, [tabindex='0']")].filter((one) =>
        one.offsetParent && !(one.innerText.trim() || one.getAttribute("aria-label") || one.labels?.length)).length"""
    )
    assert nameless == 0
    stops = [dashboard.key("Tab") for _ in range(60)]
    assert {"BUTTON theme", "BUTTON sign-out", "INPUT from", "INPUT to", "BUTTON Show", "BUTTON download"} <= set(stops)
    assert {"BUTTON 7 days", "A Money", "BUTTON Find"} <= set(stops)


def test_credits_are_given_by_keyboard_alone(dashboard: Dashboard, person: Person) -> None:
    dashboard.open()
    dashboard.tab_to("INPUT email")
    dashboard.write(dashboard.stack.dev["admin_email"])
    dashboard.tab_to("INPUT password")
    dashboard.write(dashboard.stack.dev["admin_password"])
    dashboard.key("Enter")
    dashboard.until("document.querySelector('#audit table, #audit .empty') && !document.body.hasAttribute('aria-busy')")
    dashboard.tab_to("INPUT word")
    dashboard.write(person.email)
    dashboard.key("Enter")
    dashboard.until("document.querySelectorAll('#users tbody tr').length === 1")
    dashboard.tab_to("BUTTON Credits…")
    dashboard.key("Enter")
    assert dashboard.key("Escape") == "BUTTON Credits…"
    dashboard.key("Enter")
    dashboard.write("25")
    dashboard.tab_to("INPUT reason")
    dashboard.write("A gift.")
    dashboard.key("Enter")
    dashboard.until("document.getElementById('status').textContent.startsWith('Done')")

    assert person.balance() == (225, 0)
    assert dashboard.page.run(FOCUSED) == "BUTTON Credits…"


def test_what_is_not_there_now_can_be_tried_again(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.enter()
    refusal = {"code": "unavailable", "message": "Later."}
    dashboard.page.run(ANSWER_ONCE, "analytics/costs", 503, refusal, "1")
    dashboard.page.run("async () => document.querySelector('[data-days=\"7\"]').click()")
    dashboard.until("document.getElementById('notice').textContent === 'Later. (unavailable)'")
    assert dashboard.text("#retry") == "Try again in 1 s"
    dashboard.until("!document.getElementById('retry').disabled")
    dashboard.page.run("async () => document.getElementById('retry').click()")

    dashboard.until("document.querySelectorAll('#usage details tbody')[0].rows.length === 7")
    assert dashboard.text("#notice") == ""
    assert dashboard.page.run("async () => document.getElementById('retry').hidden")


def test_an_audit_is_started_and_watched_to_its_end(dashboard: Dashboard, owner: Person) -> None:
    dashboard.open()
    dashboard.enter()
    dashboard.page.run(
        "async () => [...document.querySelectorAll('#audit button')].find((b) => /Start/.test(b.textContent)).click()"
    )
    dashboard.until("document.querySelector('#audit .good, #audit .bad')")
    dashboard.until("!document.querySelector('#audit button').disabled")

    report = owner.get("/admin/audit").json()["report"]
    assert f"{report['users_judged']:,} user" in dashboard.text("#audit")
    assert f"{report['credits_outstanding']:,} credits outstanding" in dashboard.text("#audit")


def test_an_audit_that_failed_is_not_called_good(dashboard: Dashboard) -> None:
    nothing = ("users_judged", "users_moving", "entries", "open_holds", "purchases", "credits_outstanding")
    report = dict.fromkeys((*nothing, "findings_count"), 0) | {"audit_id": "a", "status": "failed", "ended_at": ""}
    report |= {"findings": [], "top_users": [], "active_users": {"day": 0, "week": 0, "month": 0}}
    dashboard.open()
    dashboard.page.run(ANSWER_ONCE, "admin/audit", 200, {"report": report, "running": None, "actions": []}, "0")
    dashboard.enter()

    assert "proved nothing" in dashboard.text("#audit .bad")
    assert dashboard.text("#audit .good") == ""


def test_below_a_stages_name_everything_is_found(browser: Page, stack: LocalStack) -> None:
    """As API Gateway serves it, at https://host/api/admin; its page's calls are of its own origin."""
    with staged(stack.api_url, "/api") as base:
        dashboard = Dashboard(browser, stack)
        browser.go("about:blank")  # What the page before still asked is not ours.
        asked = browser.watch("Network.requestWillBeSent")
        asked.clear()
        dashboard.open(base)
        dashboard.enter()

    assert dashboard.page.run("async () => document.querySelectorAll('.chart canvas').length") == 3
    urls = [one["request"]["url"] for one in asked]
    assert [url for url in urls if not url.startswith((f"{base}/", "data:"))] == []


def test_the_file_has_all_that_the_api_tells(
    dashboard: Dashboard, owner: Person, payments_client: PaymentsClient, person: Person
) -> None:
    buy_and_pay(person, payments_client)
    dashboard.open()
    dashboard.enter()
    saved = dashboard.page.run(
        """async () => {
      let saved = null;
      const made = URL.createObjectURL;
      URL.createObjectURL = (blob) => { saved = blob; return made.call(URL, blob); };
      HTMLAnchorElement.prototype.click = function () { this.dataset.clicked = this.download; };
      document.getElementById("download").click();
      while (!saved) await new Promise((next) => setTimeout(next, 20));
      return await saved.text();
    }"""
    )
    header = owner.get("/analytics/costs?format=csv").text.splitlines()[0]
    assert saved.splitlines()[0] == header
    assert "purchase" in saved


# Without a browser


def test_the_api_answers_the_pages_of_its_own_origin_by_either_name(stack: LocalStack, owner: Person) -> None:
    own = origin_of(stack.api_url)
    for origin in (own, own.replace("127.0.0.1", "localhost")):
        assert owner.get("/auth/user", headers={"Origin": origin}).status_code == 200
    check_error(owner.get("/auth/user", headers={"Origin": "https://evil.example"}), 403, "origin_not_allowed")


def test_a_page_that_the_browser_has_is_not_sent_again(api: Api) -> None:
    first = api.get("/admin/assets/app.js")
    tag = first.headers["ETag"]
    for had in (tag, f"W/{tag}", f'"other", {tag}'):
        again = api.get("/admin/assets/app.js", headers={"If-None-Match": had})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert api.get("/admin/assets/app.js", headers={"If-None-Match": '"other"'}).content == first.content


def test_every_file_of_the_page_is_served_with_its_policy(api: Api) -> None:
    index = api.get("/admin")
    assert index.headers["Content-Type"] == "text/html; charset=utf-8"
    for path in sorted((ASSETS / "admin").iterdir()):
        answer = api.get(f"/admin/assets/{path.name}")
        assert (answer.status_code, answer.content) == (200, path.read_bytes())
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["ETag"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["nothing.js", "..%2f..%2fapp.py", "%2e%2e", ".", "index.html%00", "ADMIN.JS"])
def test_no_other_file_is_served(stack: LocalStack, name: str) -> None:
    answer = requests.get(f"{stack.api_url}/admin/assets/{name}", timeout=10)

    assert answer.status_code == 404
    assert json.loads(answer.text)["code"] == "not_found"


def test_the_page_names_its_files_and_calls_relative_to_itself() -> None:
    """So that it works below a stage's name."""
    for path in (ASSETS / "admin").iterdir():
        if path.name.startswith("uplot") or path.suffix == ".svg":
            continue
        text = path.read_text()
        for lead in ('href="/', 'src="/', '"/auth', '"/admin', '"/analytics', "`/", "http://", "https://"):
            assert lead not in text, (path.name, lead)
        assert "innerHTML" not in text
        assert "style=" not in text
