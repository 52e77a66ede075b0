"""A walk through every view of the side panel against the local stack, each judged by axe in light and dark."""

from collections.abc import Iterator

import pytest

from scripts.local.extension import EXTENSION_ID
from scripts.local.stack import LocalStack
from tests.extension.addresses import POPUP
from tests.extension.context import Context
from tests.extension.devtools import Devtools
from tests.extension.panel_page import PanelPage, text
from tests.extension.session_states import STATES
from tests.http.checkout_steps import PaymentsClient
from tests.http.http_client import Api, Person, Sandbox, new_email

INTERRUPTED = {"sessionId": "s", "transcriptId": "t", "tabTitle": "Stand-up", "stopAtMs": 4_102_444_800_000}


@pytest.fixture
def payments_client(stack: LocalStack) -> Iterator[PaymentsClient]:
    with PaymentsClient.on(stack) as control:
        yield control


def payment_pages(browser: Devtools) -> list[Context]:
    return [page for page in browser.contexts("http://127.0.0.1") if "/stripe/pay/" in page.url]


def test_a_person_signs_up_captions_a_tab_and_reads_it_again(
    panel: PanelPage, browser: Devtools, page_url: str, sandbox: Sandbox
) -> None:
    panel.check("sign-in")
    panel.follow(text("sign_in_to_sign_up"), "#/sign-up")
    panel.click(text("action_sign_up"))
    panel.wait_for_text(text("field_missing"))
    panel.check("sign-up")
    panel.sign_up(new_email())
    panel.wait_for_place("#/live")
    panel.wait_for_text("200")
    panel.check("start")
    panel.visit("#/history", text("history_empty_title"))

    # Captions of another tab, whose toolbar button was clicked; the first start asks for consent.
    speaking = browser.open_page(f"{page_url}?walk")
    browser.click_action(EXTENSION_ID, speaking).close()
    panel.go("#/live")
    panel.follow(text("action_start"), "#/consent")
    panel.click(text("consent_agree_start"))
    panel.wait_for_text(text("consent_promise_missing"))
    panel.agree_to_recording()
    panel.wait_for_element(".captions li")
    panel.check("captions")
    panel.click(text("action_pause"))
    panel.wait_for_text(text("live_paused"))
    panel.click(text("action_resume"))
    panel.wait_for_state("live")
    panel.click(text("action_stop"))
    panel.wait_for_text(text("overlay_ended_stopped"))
    panel.wait_for_text("10 credits a minute")
    panel.check("stopped")

    panel.follow(text("catch_up_title"), "#/catch-up")
    panel.summarise()
    panel.wait_for_element(".captions li")
    panel.check("transcript")
    panel.follow(text("ask_title"), "#/ask")
    panel.check("question")
    panel.fill(text("ask_question"), "What was said?")
    panel.click(text("action_ask"))
    panel.wait_for_text(text("credits_used", v1="5 credits"))
    panel.check("answer")
    panel.follow(text("action_back"), "#/history/")
    panel.click(text("transcript_rename"))
    panel.check("renaming")
    panel.page.run("async () => { document.querySelector('.rename input').value = 'Stand-up'; }")
    panel.click(text("action_save"))
    panel.wait_for_text(text("transcript_renamed"))
    panel.visit("#/credits", "500 credits")
    panel.visit("#/usage", text("service_ask"))
    panel.visit("#/history", "Stand-up")
    panel.click_row("Stand-up")
    panel.click(text("transcript_delete"))
    panel.wait_for_element("dialog[open]")
    panel.check("deleting")
    panel.confirm(text("action_delete"))
    panel.wait_for_place("#/history")
    panel.wait_for_text(text("history_empty_title"))
    speaking.close()


def test_every_state_of_a_session_has_a_view_without_fault(panel: PanelPage, scheme: str) -> None:
    panel.sign_up(new_email())
    panel.wait_for_place("#/live")
    panel.wait_for_worker()
    for state in STATES:
        panel.put_view(**state.view)
        state.wait_in(panel)
        if not state.has_ended:
            panel.wait_for_text(state.words)
        panel.check(state.name, scheme)
    panel.put_view(state="idle", captions=[], gaps=[], interrupted=INTERRUPTED)
    panel.wait_for_text(text("interrupted_title"))
    panel.check("interrupted", scheme)
    for place in ("#/settings", "#/upload", "#/microphone", "#/catch-up", "#/ask", "#/usage"):
        panel.go(place)
        panel.poll("async () => !document.querySelector('[aria-busy]')")
        panel.check(place, scheme)
    panel.put_view(state="idle", captions=[], gaps=[])


@pytest.mark.soak
def test_every_state_of_a_session_has_a_popup_without_fault(
    panel: PanelPage, browser: Devtools, api: Api, scheme: str
) -> None:
    panel.sign_in(Person.register(api).email)
    popup = PanelPage.open(browser, "#/home", POPUP)
    popup.wait_for_worker()
    for state in STATES:
        if state.is_in_words:
            continue
        popup.put_view(state="idle", captions=[], gaps=[])
        popup.poll("async () => document.body.dataset.live === 'idle'")
        popup.put_view(**state.view)
        state.wait_in(popup)
        popup.check(state.name, scheme)
    popup.put_view(state="idle", captions=[], gaps=[])
    popup.close()


@pytest.mark.soak
def test_credits_are_bought_on_the_payment_page(
    panel: PanelPage, browser: Devtools, payments_client: PaymentsClient
) -> None:
    panel.sign_up(new_email())
    panel.wait_for_place("#/live")
    panel.go("#/credits")
    panel.wait_for_element(".package")
    panel.check("credits")

    panel.page.run("async () => document.querySelector('.package').click()")
    panel.wait_for_text(text("credits_waiting"))
    panel.check("waiting for the payment")
    browser.wait_for(lambda: payment_pages(browser) != [], "page of the payment")
    (checkout,) = payment_pages(browser)
    payments_client.do(f"sessions/{checkout.url.rsplit('/', 1)[-1]}/pay", method="card")

    panel.wait_for_text(text("credits_thanks", v1="500 credits"))
    panel.poll("async () => document.querySelector('.balance-number').innerText === '700'")
    panel.check("thanks")
    checkout.close()
