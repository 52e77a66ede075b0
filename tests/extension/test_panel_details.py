"""Small things of the panel that a person would notice: a number in two lines, a link that leads elsewhere."""

import json
from typing import Any

from tests.extension.panel_page import PanelPage, text
from tests.http.http_client import Api, Person

ANSWER_INSTEAD = """async (path, body) => {
  const fetch = window.fetch;
  window.fetch = (url, init) =>
    String(url).includes(path)
      ? Promise.resolve(new Response(body, { headers: { "Content-Type": "application/json" } }))
      : fetch(url, init);
}"""
LINES = """async (selector) => {
  const range = document.createRange();
  range.selectNodeContents(document.querySelector(selector));
  return new Set([...range.getClientRects()].map(({ top }) => top)).size;
}"""
NUMBER_OF_TABS = "async () => (await chrome.tabs.query({})).length"


def answer_instead(panel: PanelPage, path: str, body: Any) -> None:
    """Answer the requests of this page to a path with a body, as an API could."""
    panel.page.run(ANSWER_INSTEAD, path, json.dumps(body))


def test_the_credits_of_a_day_are_in_one_line(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    used = {"uses": 9, "credits": 12_345, "seconds": 3_600}
    usage = {
        "totals": used,
        "services": [{"service": "live"} | used],
        "days": [{"date": "2026-11-30"} | used],
    }
    answer_instead(panel, "/analytics/usage", usage)

    panel.go("#/usage")
    panel.wait_for_element(".figure")

    assert panel.text_of(".figure") == "12,345"
    assert panel.page.run(LINES, ".figure") == 1
    panel.check("usage")


def test_an_error_of_a_catch_up_has_its_icon_beside_its_sentence(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    panel.go("#/catch-up?session=01JDXM0000000000000000AAAA")
    panel.wait_for_element(".offer > .notice")

    assert panel.page.run("async () => getComputedStyle(document.querySelector('.offer > .notice')).display") == "flex"


def test_a_guest_can_read_what_is_recorded(panel: PanelPage) -> None:
    panel.go("#/settings")
    panel.follow(text("settings_consent"), "#/consent")

    panel.wait_for_text(text("consent_what_title"))

    assert text("consent_agree") not in panel.text_of("main")
    panel.check("consent of a guest")


def test_a_payment_page_that_is_not_secure_is_not_opened(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    panel.go("#/credits")
    panel.wait_for_element(".package")
    checkout = {"purchase_id": "p", "checkout_url": "http://checkout.example.com/"}
    answer_instead(panel, "/credits/purchase", checkout)
    tabs = panel.page.run(NUMBER_OF_TABS)

    panel.page.run("async () => document.querySelector('.package').click()")

    panel.wait_for_text(text("error_unsafe_address"))
    assert panel.page.run(NUMBER_OF_TABS) == tabs
    panel.check("payment page that is not secure")


def test_an_address_at_which_something_else_answers_is_not_saved(panel: PanelPage) -> None:
    panel.go("#/settings")
    saved = panel.page.run("async () => (await chrome.storage.local.get('settings')).settings.apiUrl")
    answer_instead(panel, "/health", {"hello": "world"})
    panel.fill(text("settings_api"), "https://api.example.com")

    panel.click(text("settings_api_check"))

    panel.wait_for_text(text("error_not_the_service"))
    assert panel.page.run("async () => (await chrome.storage.local.get('settings')).settings.apiUrl") == saved


def test_a_setting_that_cannot_be_stored_is_not_called_saved(panel: PanelPage) -> None:
    panel.go("#/settings")
    panel.page.run("async () => { chrome.storage.local.set = async () => { throw new Error('QUOTA_BYTES'); }; }")

    panel.click(text("size_large"))

    panel.wait_for_text(text("error_unknown"))
    assert text("settings_saved") not in panel.text_of("body")
