"""Errors with what to do next; the keyboard, the popup and a language from right to left."""

from pathlib import Path

import pytest

from scripts.local.extension import EXTENSION, EXTENSION_ID
from scripts.local.stack import LocalStack
from tests.extension.addresses import PANEL, POPUP, WORKER
from tests.extension.devtools import Devtools, browser_with
from tests.extension.fault_proxy import FaultProxy
from tests.extension.panel_page import PanelPage, text
from tests.http.http_client import PASSWORD, Api, Person, Sandbox

API_URL = "async () => (await (await import('/common/settings.js')).loadSettings()).apiUrl"
KEEP_PRICE = "async (apiUrl, price) => (await import('/common/price.js')).keepPrice(apiUrl, price)"
CONSENT = "async () => (await import('/common/settings.js')).giveConsent()"
OFFLINE = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


@pytest.mark.soak  # for the time in which the SDK tries again
def test_without_a_network_the_page_says_so_and_retries(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    panel.page.command("Network.enable")
    panel.page.command("Network.emulateNetworkConditions", offline=True, **OFFLINE)
    panel.wait_for_text(text("offline_strip"))
    panel.go("#/history")
    panel.wait_for_element("main .notice.error")
    panel.wait_for_text(text("error_offline"))
    panel.check("offline")

    panel.page.command("Network.emulateNetworkConditions", offline=False, **OFFLINE)
    panel.click(text("action_retry"))

    panel.wait_for_text(text("history_empty_title"))


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("credits", "action_buy"),
        pytest.param("provider", "error_provider", marks=pytest.mark.soak),  # the SDK tries again first
        pytest.param("tab", "error_tab_not_invoked", marks=pytest.mark.soak),
    ],
)
def test_a_start_that_is_refused_says_what_to_do(
    panel: PanelPage,
    api: Api,
    owner: Person,
    sandbox: Sandbox,
    browser: Devtools,
    page_url: str,
    fault: str,
    sentence: str,
) -> None:
    person = Person.register(api)
    panel.sign_in(person.email)
    panel.page.run(CONSENT)
    speaking = browser.open_page(f"{page_url}?{fault}")
    if fault != "tab":
        browser.click_action(EXTENSION_ID, speaking).close()
    if fault == "credits":
        clawback = {"user_id": person.user_id, "credits": -200, "reason": "A test."}
        assert (
            owner.post("/admin/credits", json=clawback, headers={"Idempotency-Key": person.user_id}).status_code == 200
        )
    if fault == "provider":
        for service in (Sandbox.TOKEN, Sandbox.CLIENT_SECRET):
            sandbox.fail(service, "500", times=20)

    panel.go("#/live")
    panel.click(text("action_start"))

    panel.wait_for_element("main .notice.error")
    panel.wait_for_text(text(sentence))
    panel.check(fault)
    speaking.close()


@pytest.mark.parametrize(
    ("hash_path", "api_path"),
    [
        ("#/history", "/transcription/history"),
        pytest.param("#/credits", "/credits/packages", marks=pytest.mark.soak),
        pytest.param("#/usage", "/analytics/usage", marks=pytest.mark.soak),
    ],
)
def test_a_page_whose_answer_is_awaited_says_so(
    panel: PanelPage, api: Api, proxy: FaultProxy, hash_path: str, api_path: str
) -> None:
    proxy.reset()
    panel.reset(proxy.url)
    panel.sign_in(Person.register(api).email)
    proxy.fail(api_path, "held")
    panel.go(hash_path)
    panel.wait_for_element("[aria-busy] .skeleton")
    panel.devtools.poll(lambda: "held" in {exchange.fault for exchange in proxy.exchanges}, f"held {api_path}")
    assert text("loading") in panel.text_of("[aria-busy]")
    panel.check("loading")

    proxy.release()

    panel.poll("async () => !document.querySelector('[aria-busy]')")


def test_minutes_are_reckoned_with_the_last_price_of_this_api_only(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    panel.wait_for_text(text("start_cost_by_second"))
    panel.page.run(KEEP_PRICE, "https://api.example.com", 5)
    panel.go("#/credits")
    panel.wait_for_text("200")
    assert "minutes" not in panel.text_of("body")

    panel.page.run(KEEP_PRICE, panel.page.run(API_URL), 10)

    panel.wait_for_text(text("credits_minutes", v1="20 minutes"))


def test_every_page_is_reached_by_the_keyboard_and_says_where_it_is(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    panel.tab_to(f"A {text('tab_history')}")
    panel.press("Enter")
    panel.wait_for_place("#/history")
    panel.wait_for_element(".empty")
    assert panel.focused_element() == f"H1 {text('history_title')}"

    panel.tab_to(f"A {text('history_upload')}")
    panel.press("Enter")
    panel.wait_for_place("#/upload")
    assert panel.focused_element() == f"H1 {text('upload_title')}"
    panel.go("#/settings")
    panel.tab_to(f"BUTTON {text('action_sign_out')}")


def test_the_popup_starts_and_stops_captions_of_its_tab_and_opens_the_side_panel(
    panel: PanelPage, api: Api, browser: Devtools, page_url: str, sandbox: Sandbox
) -> None:
    panel.sign_in(Person.register(api).email)
    speaking = browser.open_page(f"{page_url}?popup")
    popup = PanelPage(browser, browser.click_action(EXTENSION_ID, speaking))  # as wide as it makes itself
    popup.wait_for_view()
    popup.wait_for_text(text("credits_other", v1="200"))
    popup.check("popup")
    popup.click(text("action_start"))
    popup.agree_to_recording()
    popup.wait_for_state("live")
    popup.check("captions in the popup")

    popup.click(text("action_stop"))

    popup.wait_for_text(text("overlay_ended_stopped"))
    popup.close()

    # Each click opens another one; a click in it opens the side panel, which goes on where the popup ended.
    popup = PanelPage(browser, browser.click_action(EXTENSION_ID, speaking))
    popup.wait_for_view()
    panel.close()
    popup.click_with_mouse(text("popup_open_panel"))
    panel.page = browser.wait_for_context(PANEL)
    panel.wait_for_place("#/live")
    panel.wait_for_text(text("overlay_ended_stopped"))
    browser.wait_until_gone(popup.page.target_id)
    speaking.close()


@pytest.mark.soak
def test_the_popup_signs_in(panel: PanelPage, api: Api, browser: Devtools) -> None:
    person = Person.register(api)
    popup = PanelPage.open(browser, "#/sign-in", POPUP)
    popup.check("signing in in the popup")
    popup.fill(text("field_email"), person.email)
    popup.fill(text("field_password"), PASSWORD)
    popup.click(text("action_sign_in"))
    popup.wait_for_place("#/home")

    panel.wait_for_place("#/live")  # the panel that is open follows

    popup.close()


@pytest.mark.soak
def test_in_arabic_the_pages_run_from_right_to_left(
    stack: LocalStack, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "ar")  # Chromium on Linux; elsewhere it takes the flag
    person = Person.register(api)
    with browser_with(EXTENSION, tmp_path / "chromium", "--lang=ar") as browser:
        browser.wait_for_context(WORKER)
        panel = PanelPage.open(browser)
        panel.reset(stack.api_url)
        panel.fill(text("field_email", "ar"), person.email)
        panel.fill(text("field_password", "ar"), PASSWORD)
        panel.check("sign-in")
        panel.click(text("action_sign_in", "ar"))
        panel.wait_for_place("#/live")
        panel.wait_for_text(text("start_title", "ar"))

        assert panel.page.run("async () => [document.documentElement.lang, document.dir]") == ["ar", "rtl"]
        for place in ("#/live", "#/credits", "#/settings"):
            panel.go(place)
            panel.poll("async () => !document.querySelector('[aria-busy]')")
            panel.check(place)
        assert panel.console_errors() == []
