"""The owner's dashboard in a real browser: signing in, the figures of the API, no requests to other hosts."""

import json

import pytest
import requests

from chalicelib.http.static_files import ASSETS
from scripts.browser import Page
from scripts.local.stack import LocalStack
from tests.http.catchup_steps import wait_for
from tests.http.checkout_steps import PaymentsClient, buy_and_pay
from tests.http.dashboard_page import (
    ANSWER_ONCE,
    CONFIRM,
    FIND,
    FOCUSED,
    LEGEND,
    LOW_CONTRAST,
    READY,
    Dashboard,
    serve_below_stage,
)
from tests.http.http_client import PASSWORD, Api, Person, check_error, new_email, origin_of

HOSTILE = "Img src=x onerror=document.title='taken' //"


def credits_sold(owner: Person) -> int:
    return int(owner.get("/analytics/costs").json()["totals"]["credits_sold"])


def test_the_figures_are_those_of_the_api(
    dashboard: Dashboard, owner: Person, person: Person, payments_client: PaymentsClient
) -> None:
    sold_before = credits_sold(owner)
    buy_and_pay(person, payments_client)
    wait_for(lambda: credits_sold(owner) > sold_before)  # The totals follow the ledger.
    session_id = person.start()
    dashboard.open()
    dashboard.sign_in_as_owner()

    costs = owner.get("/analytics/costs").json()

    figures = dashboard.text("#figures")
    assert f"{costs['totals']['credits_sold']:,} credits sold" in figures
    assert f"{costs['outstanding']['credits']:,}" in figures
    assert person.user_id in dashboard.text("#holds")
    for model in costs["models"]:
        assert f"{model['provider']}/{model['model']}" in dashboard.text("#money")
    wide = "[...document.querySelectorAll('#money .scroll')].filter((table) => table.scrollWidth > table.clientWidth)"
    assert dashboard.page.run(f"async () => {wide}.length") == 0
    assert dashboard.page.run("async () => document.querySelectorAll('.chart canvas').length") == 1
    dashboard.show("usage")
    assert dashboard.page.run("async () => document.querySelectorAll('.chart canvas').length") == 2
    person.stop(session_id)


def test_a_legend_has_the_last_day_until_another_is_pointed_at(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.sign_in_as_owner()
    last_day = dashboard.page.run("async () => document.getElementById('range').elements.to.value")
    before = dashboard.page.run(LEGEND)

    dashboard.point_at(".uplot canvas")
    dashboard.wait_until(f"document.querySelector('.u-legend .u-value').innerText !== '{last_day}'")
    pointed_at = dashboard.page.run(LEGEND)

    labels = ["Day", "Revenue", "Providers", "Payment fees", "Margin"]
    assert sorted(label for label, _ in before) == sorted(labels)
    assert dict(before)["Day"] == last_day
    assert sorted(label for label, _ in pointed_at) == sorted(labels)
    assert all(value for _, value in before + pointed_at)


def test_the_dashboard_shows_the_selected_days(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.sign_in_as_owner()

    dashboard.page.run("async () => document.querySelector('[data-days=\"7\"]').click()")
    dashboard.wait_until("document.querySelectorAll('#usage details tbody')[0].rows.length === 7")
    dashboard.page.run(
        """async () => { const range = document.getElementById("range");
        range.elements.from.value = "2026-01-31"; range.elements.to.value = "2026-03-01"; range.requestSubmit(); }"""
    )
    dashboard.wait_until("document.querySelectorAll('#usage details tbody')[0].rows.length === 30")
    days = dashboard.page.run(
        "async () => [...document.querySelectorAll('#money details tbody tr')].map((row) => row.cells[0].textContent)"
    )
    assert (days[0], days[-1], len(days)) == ("2026-01-31", "2026-03-01", 30)
    dashboard.page.run(
        """async () => { const range = document.getElementById("range");
        range.elements.to.value = "2026-01-01"; range.requestSubmit(); }"""
    )
    dashboard.wait_until("document.getElementById('notice').textContent.includes('ends before it begins')")


def test_a_user_who_is_no_administrator_is_refused_and_sees_no_figures(dashboard: Dashboard, person: Person) -> None:
    dashboard.open()

    dashboard.sign_in(person.email, PASSWORD)
    dashboard.wait_until("document.getElementById('notice').textContent.includes('(forbidden)')")

    assert "group admins" in dashboard.text("#notice")
    assert dashboard.page.run("async () => document.getElementById('dashboard').hidden")
    dashboard.sign_in(person.email, "not the password at all")
    dashboard.wait_until("document.getElementById('notice').textContent.includes('(invalid_credentials)')")


def test_names_and_reasons_are_inserted_as_text(dashboard: Dashboard, owner: Person, api: Api) -> None:
    """Names may hold no angle brackets; reasons may."""
    reason = "<img src=x onerror=\"document.title='taken'\">"
    user = Person.register(api, new_email(), name=HOSTILE)
    body = {"user_id": user.user_id, "credits": 1, "reason": reason}
    assert owner.post("/admin/credits", json=body).status_code == 200
    dashboard.open()
    dashboard.sign_in_as_owner()

    assert reason in dashboard.text("#audit")
    dashboard.page.run(FIND, user.email)
    dashboard.wait_until("document.querySelectorAll('#users tbody tr').length === 1")
    assert HOSTILE in dashboard.text("#users")
    assert dashboard.page.run("async () => document.title") == "Live transcription · owner's dashboard"
    assert dashboard.page.run("async () => document.images.length") == 0


def test_a_user_is_blocked_and_granted_credits_after_confirmation(dashboard: Dashboard, person: Person) -> None:
    dashboard.open()
    dashboard.sign_in_as_owner()
    dashboard.page.run(FIND, person.user_id)
    dashboard.wait_until("document.querySelectorAll('#users tbody tr').length === 1")
    dashboard.page.run(CONFIRM, "Block…", "", "", "cancel")
    assert person.balance() == (200, 0)
    dashboard.page.run(CONFIRM, "Credits…", "A gift.", "25", "ok")
    dashboard.wait_until("document.querySelector('#users tbody').innerText.includes('225')")
    dashboard.page.run(CONFIRM, "Block…", "Abuse.", "", "ok")
    dashboard.wait_until("document.querySelector('#users tbody').innerText.includes('blocked')")

    check_error(person.get("/credits/balance"), 403, "account_blocked")
    dashboard.page.run(CONFIRM, "Unblock…", "A mistake.", "", "ok")
    dashboard.wait_until("!document.querySelector('#users tbody').innerText.includes('blocked')")
    assert person.balance() == (225, 0)


def test_an_expired_sign_in_returns_to_the_sign_in_form(dashboard: Dashboard, owner: Person) -> None:
    """Signing out elsewhere also signs the page out."""
    tokens = owner.api.login(dashboard.stack.dev["admin_email"], dashboard.stack.dev["admin_password"]).json()
    dashboard.open()
    dashboard.sign_in_as_owner()
    owner.api.post("/auth/logout", tokens["token"])

    dashboard.page.run("async () => document.querySelector('[data-days=\"7\"]').click()")
    dashboard.wait_until("!document.getElementById('sign-in').hidden")

    assert "Sign in again" in dashboard.text("#notice")
    assert dashboard.text("#figures") == ""
    again = owner.api.login(dashboard.stack.dev["admin_email"], dashboard.stack.dev["admin_password"]).json()
    owner.token, owner.access_token, owner.refresh_token = (
        again[name] for name in ("token", "access_token", "refresh_token")
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_small_screen_nothing_overflows_and_text_is_readable(dashboard: Dashboard, scheme: str) -> None:
    dashboard.set_size(360, 740)
    dashboard.set_color_scheme(scheme)
    dashboard.open()
    dashboard.sign_in_as_owner()

    assert dashboard.page.run("async () => document.documentElement.dataset.theme") == scheme
    assert dashboard.page.run("async () => document.documentElement.scrollWidth") <= 360
    assert dashboard.page.run(LOW_CONTRAST) == []


def test_every_control_has_a_name_and_is_reached_by_keyboard(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.sign_in_as_owner()
    unnamed = dashboard.page.run(
        """async () => [...document.querySelectorAll("button, a, input, summary, [tabindex='0']")].filter((control) =>
        control.offsetParent && !(control.innerText.trim() || control.getAttribute("aria-label") ||
        control.labels?.length)).length"""
    )
    assert unnamed == 0
    focused = [dashboard.key("Tab") for _ in range(60)]
    assert {"BUTTON theme", "BUTTON sign-out", "INPUT from", "INPUT to", "BUTTON Show", "BUTTON download"} <= set(
        focused
    )
    assert {"BUTTON 7 days", "BUTTON Today", "A Money", "A Health"} <= set(focused)


def test_credits_are_granted_by_keyboard_alone(dashboard: Dashboard, person: Person) -> None:
    dashboard.open()
    dashboard.tab_to("INPUT email")
    dashboard.type_text(dashboard.stack.dev["admin_email"])
    dashboard.tab_to("INPUT password")
    dashboard.type_text(dashboard.stack.dev["admin_password"])
    dashboard.key("Enter")
    dashboard.wait_until(READY)
    dashboard.tab_to("A Users")
    dashboard.key("Enter")
    dashboard.tab_to("INPUT search")
    dashboard.type_text(person.email)
    dashboard.key("Enter")
    dashboard.wait_until("document.querySelectorAll('#users tbody tr').length === 1")
    dashboard.tab_to("BUTTON Credits…")
    dashboard.key("Enter")
    assert dashboard.key("Escape") == "BUTTON Credits…"
    dashboard.key("Enter")
    dashboard.type_text("25")
    dashboard.tab_to("INPUT reason")
    dashboard.type_text("A gift.")
    dashboard.key("Enter")
    dashboard.wait_until("document.querySelector('#users td .answer')?.innerText.startsWith('Done')")

    assert person.balance() == (225, 0)
    assert dashboard.page.run(FOCUSED) == "BUTTON Credits…"


def test_an_unavailable_api_can_be_retried(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.sign_in_as_owner()
    refusal = {"code": "unavailable", "message": "Later."}
    dashboard.page.run(ANSWER_ONCE, "analytics/costs", 503, refusal, "1")
    dashboard.page.run("async () => document.querySelector('[data-days=\"7\"]').click()")
    dashboard.wait_until("document.getElementById('notice').textContent === 'Later. (unavailable)'")
    assert dashboard.text("#retry") == "Try again in 1 s"
    dashboard.wait_until("!document.getElementById('retry').disabled")
    dashboard.page.run("async () => document.getElementById('retry').click()")

    dashboard.wait_until("document.querySelectorAll('#usage details tbody')[0]?.rows.length === 7")
    assert dashboard.text("#notice") == ""
    assert dashboard.page.run("async () => document.getElementById('retry').hidden")


def test_an_audit_is_started_and_followed_to_its_end(dashboard: Dashboard, owner: Person) -> None:
    dashboard.open()
    dashboard.sign_in_as_owner()
    dashboard.page.run(
        "async () => [...document.querySelectorAll('#audit button')].find((b) => /Start/.test(b.textContent)).click()"
    )
    dashboard.wait_until("document.querySelector('#audit .good, #audit .bad')")
    dashboard.wait_until("!document.querySelector('#audit button').disabled")

    report = owner.get("/admin/audit").json()["report"]
    assert f"{report['users_checked']:,} user" in dashboard.text("#audit")
    assert f"{report['credits_outstanding']:,} credits outstanding" in dashboard.text("#audit")


def test_a_failed_audit_is_not_shown_as_good(dashboard: Dashboard) -> None:
    figures = ("users_checked", "users_moving", "entries", "open_holds", "purchases", "credits_outstanding")
    report = dict.fromkeys((*figures, "findings_count"), 0) | {"audit_id": "a", "status": "failed", "ended_at": ""}
    report |= {"findings": [], "top_users": [], "active_users": {"day": 0, "week": 0, "month": 0}}
    dashboard.open()
    dashboard.page.run(ANSWER_ONCE, "admin/audit", 200, {"report": report, "running": None, "actions": []}, "0")
    dashboard.sign_in_as_owner()

    assert "proved nothing" in dashboard.text("#audit .bad")
    assert dashboard.text("#audit .good") == ""


def test_the_dashboard_works_below_the_name_of_a_stage(browser: Page, stack: LocalStack) -> None:
    """As API Gateway serves it, at https://host/api/admin; the calls of the page have the same origin."""
    with serve_below_stage(stack.api_url, "/api") as base:
        dashboard = Dashboard(browser, stack)
        browser.go("about:blank")  # So that no requests of an earlier page are recorded.
        sent = browser.watch("Network.requestWillBeSent")
        sent.clear()
        dashboard.open(base)
        dashboard.sign_in_as_owner()

    assert dashboard.page.run("async () => document.querySelectorAll('.chart canvas').length") == 1
    urls = [event["request"]["url"] for event in sent]
    assert [url for url in urls if not url.startswith((f"{base}/", "data:"))] == []


def test_the_downloaded_file_is_that_of_the_api(
    dashboard: Dashboard, owner: Person, payments_client: PaymentsClient, person: Person
) -> None:
    buy_and_pay(person, payments_client)
    dashboard.open()
    dashboard.sign_in_as_owner()
    saved = dashboard.page.run(
        """async () => {
      let saved = null;
      const made = URL.createObjectURL;
      URL.createObjectURL = (blob) => { saved = blob; return made.call(URL, blob); };
      HTMLAnchorElement.prototype.click = function () { this.dataset.clicked = this.download; };
      document.getElementById("download").click();
      while (!saved) await new Promise((next) => setTimeout(next, 20));
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await saved.arrayBuffer());
    }"""
    )
    header = owner.get("/analytics/costs?format=csv").content.decode().splitlines()[0]
    assert header.startswith("\ufeff")
    assert saved.splitlines()[0] == header
    assert "purchase" in saved


# Without a browser


def test_the_api_accepts_pages_of_its_own_origin_by_either_name(stack: LocalStack, owner: Person) -> None:
    own = origin_of(stack.api_url)
    for origin in (own, own.replace("127.0.0.1", "localhost")):
        assert owner.get("/auth/user", headers={"Origin": origin}).status_code == 200
    check_error(owner.get("/auth/user", headers={"Origin": "https://evil.example"}), 403, "origin_not_allowed")


def test_a_cached_file_is_not_sent_again(api: Api) -> None:
    first = api.get("/admin/assets/app.js")
    tag = first.headers["ETag"]
    for cached in (tag, f"W/{tag}", f'"other", {tag}'):
        again = api.get("/admin/assets/app.js", headers={"If-None-Match": cached})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert api.get("/admin/assets/app.js", headers={"If-None-Match": '"other"'}).content == first.content


def test_every_file_is_served_with_the_strict_policy(api: Api) -> None:
    index = api.get("/admin")
    assert index.headers["Content-Type"] == "text/html; charset=utf-8"
    for path in sorted((ASSETS / "admin").iterdir()):
        response = api.get(f"/admin/assets/{path.name}")
        assert (response.status_code, response.content) == (200, path.read_bytes())
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["ETag"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["nothing.js", "..%2f..%2fapp.py", "%2e%2e", ".", "index.html%00", "ADMIN.JS"])
def test_no_other_file_is_served(stack: LocalStack, name: str) -> None:
    response = requests.get(f"{stack.api_url}/admin/assets/{name}", timeout=60)

    assert response.status_code == 404
    assert json.loads(response.text)["code"] == "not_found"


def test_all_addresses_on_the_page_are_relative() -> None:
    """So that it works below the name of a stage."""
    for path in (ASSETS / "admin").iterdir():
        if path.name.startswith("uplot") or path.suffix == ".svg":
            continue
        text = path.read_text()
        for prefix in ('href="/', 'src="/', '"/auth', '"/admin', '"/analytics', "`/", "http://", "https://"):
            assert prefix not in text, (path.name, prefix)
        assert "innerHTML" not in text
        assert "style=" not in text
