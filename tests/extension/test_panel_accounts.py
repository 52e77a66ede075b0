"""Signing up with a mailed code, signing in and out, a forgotten password, and an account that is blocked."""

from collections.abc import Iterator

import pytest

from scripts.local.extension import EXTENSION_ID
from scripts.local.stack import LocalStack
from tests.extension.devtools import Devtools
from tests.extension.panel_page import PanelPage, text
from tests.http.http_client import PASSWORD, Api, Person, ResponseRecorder, new_email
from tests.http.running_stack import additional_api
from tests.http.test_http_accounts import mailed_code

NEW_PASSWORD = "another horse battery canary"


@pytest.fixture(scope="module")
def verifying_api(stack: LocalStack) -> Iterator[Api]:
    """An API on the same tables that wants email addresses confirmed."""
    with additional_api(stack, "verifying-api", ResponseRecorder(), EMAIL_VERIFICATION="on") as api:
        yield api


def test_the_code_step_outlives_the_popup_and_then_asks_for_the_password(
    panel: PanelPage, verifying_api: Api, stack: LocalStack, browser: Devtools, page_url: str
) -> None:
    email = new_email()
    panel.reset(verifying_api.url)
    page = browser.open_page(page_url)
    popup = PanelPage(browser, browser.click_action(EXTENSION_ID, page))
    popup.wait_for_place("#/sign-in")
    popup.sign_up(email)
    popup.wait_for_place("#/confirm")
    popup.wait_for_text(text("confirm_lead", v1=email))
    assert text("confirm_password") not in popup.text_of("body")  # it still knows the password
    assert popup.page.run("async () => document.querySelector('.resend button').disabled")
    popup.check("code")

    popup.close()
    popup = PanelPage(browser, browser.click_action(EXTENSION_ID, page))
    popup.wait_for_place("#/confirm")
    popup.wait_for_text(text("confirm_password_why"))
    popup.fill(text("field_code"), "000000")
    popup.fill(text("confirm_password"), PASSWORD)
    popup.click(text("action_confirm"))
    popup.wait_for_text(text("field_code_invalid"))
    assert popup.focused_element().startswith("INPUT code")
    popup.check("wrong code")
    popup.fill(text("field_code"), mailed_code(stack, email))
    popup.click(text("action_confirm"))
    popup.wait_for_place("#/home")

    popup.wait_for_text("200")
    panel.wait_for_place("#/live")
    popup.close()
    page.close()


@pytest.mark.soak
def test_another_code_can_be_asked_for_when_the_wait_is_over(
    panel: PanelPage, verifying_api: Api, stack: LocalStack
) -> None:
    email = new_email()
    panel.reset(verifying_api.url)
    panel.sign_up(email)
    panel.wait_for_place("#/confirm")
    panel.page.run(
        "async (email) => chrome.storage.session.set({ 'pending-sign-up': { email, sentAtMs: 0, waitSeconds: 30 } })",
        email,
    )
    panel.go("#/confirm")

    panel.click(text("code_resend"))
    panel.wait_for_text(text("code_sent_again", v1=email))

    assert panel.page.run("async () => document.querySelector('.resend button').disabled")
    panel.fill(text("field_code"), mailed_code(stack, email))
    panel.click(text("action_confirm"))
    panel.wait_for_place("#/live")


def test_an_unconfirmed_account_that_signs_in_is_led_to_its_code(panel: PanelPage, verifying_api: Api) -> None:
    email = new_email()
    assert verifying_api.register(email).status_code == 201
    panel.reset(verifying_api.url)
    panel.fill(text("field_email"), email)
    panel.fill(text("field_password"), PASSWORD)
    panel.click(text("action_sign_in"))

    panel.wait_for_place("#/confirm")

    panel.wait_for_text(text("code_resend"))  # no code was sent now, so there is nothing to wait for


@pytest.mark.soak
def test_who_has_an_account_is_led_from_signing_up_to_signing_in(panel: PanelPage, api: Api) -> None:
    person = Person.register(api)
    panel.sign_up(person.email)
    panel.wait_for_text(text("error_address_has_account"))
    panel.check("address taken")

    panel.page.run("async () => document.querySelector('.notice button').click()")
    panel.wait_for_place("#/sign-in")
    panel.fill(text("field_password"), "a wrong horse battery canary")
    panel.click(text("action_sign_in"))
    panel.wait_for_text(text("error_invalid_credentials"))
    panel.sign_in(person.email)

    panel.wait_for_text("200")


@pytest.mark.soak
def test_a_forgotten_password_is_replaced_and_signs_in(panel: PanelPage, api: Api, stack: LocalStack) -> None:
    person = Person.register(api)
    panel.click(text("sign_in_forgot"))
    panel.wait_for_place("#/forgot")
    panel.check("forgotten")
    panel.fill(text("field_email"), person.email)
    panel.click(text("action_send_code"))
    panel.wait_for_place("#/reset")
    panel.check("reset")

    panel.fill(text("field_code"), mailed_code(stack, person.email))
    panel.fill(text("field_new_password"), NEW_PASSWORD)
    panel.click(text("action_set_password"))
    panel.wait_for_place("#/live")

    assert api.login(person.email, NEW_PASSWORD).status_code == 200


def test_signing_out_asks_first_and_ends_every_device(panel: PanelPage, api: Api) -> None:
    person = Person.register(api)
    panel.sign_in(person.email)
    panel.go("#/settings")
    panel.click(text("action_sign_out"))
    panel.wait_for_element("dialog[open]")
    assert text("sign_out_body") in panel.text_of("dialog")
    assert panel.focused_element() == f"BUTTON {text('action_cancel')}"
    panel.check("signing out")
    panel.press("Escape")
    panel.poll("async () => document.querySelector('dialog') === null")
    assert person.get("/credits/balance").status_code == 200

    panel.click(text("action_sign_out"))
    panel.confirm(text("action_sign_out"))
    panel.wait_for_place("#/sign-in")

    panel.wait_for_text(text("signed_out_done"))
    assert person.get("/credits/balance").status_code == 401


def test_a_sign_in_that_ended_elsewhere_leads_back_and_says_why(panel: PanelPage, api: Api) -> None:
    person = Person.register(api)
    panel.sign_in(person.email)
    assert api.post("/auth/logout", api.login(person.email).json()["token"], json={}).status_code == 200

    panel.go("#/history")
    panel.wait_for_place("#/sign-in")

    panel.wait_for_text(text("error_signed_out"))


def test_a_blocked_account_has_a_page_of_its_own(panel: PanelPage, blocked_person: Person, owner: Person) -> None:
    panel.wait_for_text(text("blocked_title"))
    panel.check("blocked")

    assert owner.post(f"/admin/users/{blocked_person.user_id}/unblock", json={"reason": "A test."}).status_code == 200
    panel.click(text("action_retry"))

    panel.wait_for_place("#/live")


@pytest.mark.soak
def test_another_server_is_checked_and_ends_the_sign_in(panel: PanelPage, api: Api, verifying_api: Api) -> None:
    person = Person.register(api)
    panel.sign_in(person.email)
    panel.go("#/settings")
    panel.fill(text("settings_api"), "ftp://example.com")
    panel.click(text("settings_api_check"))
    panel.wait_for_text(text("settings_api_invalid"))
    panel.fill(text("settings_api"), "http://127.0.0.1:9")
    panel.click(text("settings_api_check"))
    panel.wait_for_text(text("error_unreachable"))
    panel.check("no such server")

    panel.fill(text("settings_api"), verifying_api.url)
    panel.click(text("settings_api_check"))
    panel.confirm(text("settings_api_change"))
    panel.wait_for_text(text("settings_api_ok", v1="local"))

    stored = panel.page.run("async () => (await chrome.storage.local.get('live-transcription/sign-in'))")
    assert stored == {"live-transcription/sign-in": {"reason": "logout", "apiUrl": api.url}}


@pytest.mark.soak
def test_an_api_that_lets_in_other_extensions_only_leads_to_the_settings(panel: PanelPage, stack: LocalStack) -> None:
    others = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
    with additional_api(stack, "closed-api", ResponseRecorder(), EXTENSION_ORIGIN=others) as closed_api:
        panel.reset(closed_api.url)
        panel.fill(text("field_email"), new_email())
        panel.fill(text("field_password"), PASSWORD)
        panel.click(text("action_sign_in"))
        panel.wait_for_text(text("error_unreachable"))
        panel.check("not let in")

        panel.click(text("action_settings"))

        panel.wait_for_place("#/settings")
        panel.reset(stack.api_url)  # nothing asks the closed API from now on
    lines = panel.console_errors()
    assert lines
    assert [line for line in lines if "blocked by CORS policy" not in line] == []  # the browser's own lines
    panel.devtools.errors.clear()
