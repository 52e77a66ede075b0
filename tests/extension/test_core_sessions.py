"""Sessions of the extension in a real browser: navigation, closed tabs and documents, and interrupted ones."""

import time

import pytest

from scripts.local.extension import EXTENSION_ORIGIN
from tests.extension.addresses import WORKER
from tests.extension.conftest import Gather
from tests.extension.context import Context
from tests.extension.listener import HAS_ENDED, Listener, words_of
from tests.extension.overlay import HOST, Overlay
from tests.extension.panel_page import PanelPage, text
from tests.fakes import Backend

COUNT_DOCUMENTS = """async () =>
  (await chrome.runtime.getContexts({ contextTypes: ["OFFSCREEN_DOCUMENT"] })).length"""
# Without those of a window of the developer tools. The extension may not see their addresses.
NEWEST_TABS = """async () =>
  (await chrome.windows.getAll({ populate: true, windowTypes: ["normal"] })).flatMap(({ tabs }) => tabs)
    .map(({ id }) => id).sort((one, other) => one - other).slice(-2)"""
AWAY_SECONDS = 4


def test_a_session_outlives_the_pages_of_its_tab_and_ends_with_the_tab(
    listener: Listener, overlay: Overlay, gather: Gather, books: Backend
) -> None:
    """On the same site the captions are put back; on another one the panel alone shows them."""
    overlay.page.send("Page.navigate", url=f"{listener.page_url}?same-site")
    overlay.page.poll("async () => location.search === '?same-site'")
    overlay.wait()
    overlay.wait_for_text("log", listener.wait_for_captions()["captions"][-1]["text"])
    assert listener.view["overlay"] == "shown"

    overlay.page.send("Page.navigate", url=listener.page_url.replace("127.0.0.1", "localhost"))
    listener.wait_for_view("(view) => view.overlay === 'unavailable'")
    newest = listener.wait_for_captions()["captions"][-1]
    PanelPage(listener.devtools, listener.panel).wait_for_text(newest["text"])
    assert overlay.page.run(f"async () => [location.hostname, document.querySelector('{HOST}')]") == ["localhost", None]
    overlay.page.close()

    view = listener.wait_for_view(HAS_ENDED)
    assert (view["ended"]["reason"], view["ended"]["cause"]) == ("stopped", "tab_closed")
    listener.panel.poll(f"async () => await ({COUNT_DOCUMENTS})() === 0")
    proof = gather(listener, view)
    proof.check_every_sample_once()
    proof.check_every_word_once()
    proof.check_money(books)


@pytest.mark.soak
def test_the_keyboard_starts_and_stops_captions_of_the_tab_in_front(
    listener: Listener, gather: Gather, books: Backend
) -> None:
    """The shortcut allows the capture, as a click would."""
    listener.tab = listener.devtools.open_page(listener.page_url)
    press_shortcut(listener.tab)
    listener.wait_for_view("(view) => view.state === 'live'")
    Overlay(listener.tab).wait()

    press_shortcut(listener.tab)

    view = listener.wait_for_view(HAS_ENDED)
    assert view["ended"]["reason"] == "stopped"
    proof = gather(listener, view)
    proof.check_every_sample_once()
    proof.check_money(books)


def press_shortcut(page: Context) -> None:
    """Alt+Shift+L, which the manifest suggests for `toggle-captions`."""
    key = {"key": "L", "code": "KeyL", "windowsVirtualKeyCode": 76, "nativeVirtualKeyCode": 76, "modifiers": 1 | 8}
    page.command("Page.bringToFront")
    for kind in ("rawKeyDown", "keyUp"):
        page.command("Input.dispatchKeyEvent", type=kind, **key)


@pytest.mark.soak
def test_the_microphone_is_mixed_in_where_it_is_allowed_and_costs_nothing_where_not(listener: Listener) -> None:
    tab_id = listener.open_tab()
    assert listener.send("START", tabId=tab_id, microphone=True)["code"] == "microphone_denied"
    assert listener.proxy.of("start") == []
    listener.panel.poll(f"async () => await ({COUNT_DOCUMENTS})() === 0")

    permission = {"origin": EXTENSION_ORIGIN, "permission": {"name": "microphone"}}
    listener.devtools.command("Browser.setPermission", setting="granted", **permission)
    try:
        assert listener.send("START", tabId=tab_id, microphone=True) == {"value": {}}
        listener.wait_for_view("(view) => view.state === 'live' && view.captions.length > 0")
        listener.stop()
    finally:
        listener.devtools.command("Browser.setPermission", setting="prompt", **permission)


def test_starts_that_are_refused_cost_nothing_and_starts_at_once_make_one_session(
    listener: Listener, page_url: str
) -> None:
    page = listener.devtools.open_page(f"{page_url}?not-clicked")
    own = listener.devtools.open_page("chrome://version/")
    (page_id, own_id) = listener.panel.run(NEWEST_TABS)
    assert listener.send("START", tabId=page_id)["code"] == "tab_not_invoked"
    assert listener.send("START", tabId=own_id)["code"] == "tab_protected"
    assert listener.view["state"] == "idle"  # nor are the captions of who was signed in before
    assert listener.proxy.of("start", 201) == []
    page.close()
    own.close()

    answers = listener.panel.run(
        """async (tabId) => {
          const { send } = await import("/common/messages.js");
          const start = () => send("START", { tabId }).then(() => "started", ({ code }) => code);
          return Promise.all([start(), start(), start()]);
        }""",
        listener.open_tab(),
    )

    assert sorted(answers) == ["session_running", "session_running", "started"]
    assert listener.panel.run(COUNT_DOCUMENTS) == 1
    assert len(listener.proxy.of("start", 201)) == 1
    listener.stop()
    listener.panel.poll(f"async () => await ({COUNT_DOCUMENTS})() === 0")


@pytest.mark.soak
def test_a_session_whose_document_was_closed_goes_on_in_the_same_transcript(
    listener: Listener, overlay: Overlay, gather: Gather, books: Backend
) -> None:
    """The card in the panel asks, and what it says is done."""
    transcript_id = listener.view["transcriptId"]
    listener.recorder.close()

    view = listener.wait_for_view("(view) => view.interrupted !== undefined")
    assert (view["state"], view["ended"]["cause"]) == ("ended", "recorder_lost")
    assert view["interrupted"]["transcriptId"] == transcript_id
    listener.speak(position=listener.fed_samples)
    panel = PanelPage(listener.devtools, listener.panel)
    panel.wait_for_text(text("interrupted_title"))
    time.sleep(AWAY_SECONDS)  # it is the person who is away
    panel.click(text("interrupted_resume"))
    panel.wait_for_state("live")
    listener.wait_for_audio(2)
    panel.click(text("action_stop"))
    panel.wait_for_text(text("overlay_ended_stopped"))
    assert text("interrupted_title") not in panel.text_of("main")

    proof = gather(listener, listener.wait_for_view(HAS_ENDED))
    assert proof.ended["transcriptId"] == transcript_id
    numbers = [int(word[1:]) for word in words_of(proof.transcript["segments"])]
    assert numbers[-1] == int(proof.expected_words[-1][1:])
    proof.check_words_and_gaps()
    # What was said while nobody listened is shown as a gap, in the view as in the history.
    missed = [gap for gap in proof.transcript["uncovered"] if gap["end_ms"] - gap["start_ms"] >= 1_000]
    shown = [gap for gap in proof.ended["gaps"] if gap["reason"] == "interrupted"]
    assert all(gap["startMs"] < gap["endMs"] for gap in shown)
    assert missed
    for gap in missed:
        assert any(
            shown_gap["startMs"] <= gap["start_ms"] and gap["end_ms"] <= shown_gap["endMs"] for shown_gap in shown
        )
    proof.check_money(books)


@pytest.mark.soak
def test_an_interrupted_session_without_an_answer_is_stopped_and_billed_no_longer(
    listener: Listener, overlay: Overlay
) -> None:
    """The worker dies as well: whenever it wakes after the time is up, it stops the session."""
    assert listener.person
    listener.recorder.close()
    listener.wait_for_view("(view) => view.interrupted?.stopAtMs !== undefined")
    assert listener.person.balance()[1] > 0
    listener.devtools.wait_for_context(WORKER).close()
    listener.panel.run(
        """async () => {
          const { live } = await chrome.storage.session.get("live");
          live.interrupted.stopAtMs = Date.now();
          await chrome.storage.session.set({ live });
        }"""
    )

    listener.send("WAKE")

    listener.wait_for_view("(view) => view.interrupted === undefined")
    assert listener.person.balance()[1] == 0
    assert listener.client("(client) => client.live.findOpen()") == []


@pytest.mark.soak
def test_an_interrupted_session_can_be_finished_at_once(listener: Listener, overlay: Overlay) -> None:
    listener.recorder.close()
    PanelPage(listener.devtools, listener.panel).click(text("interrupted_finish"))

    listener.wait_for_view("(view) => view.interrupted === undefined")
    assert listener.client("(client) => client.live.findOpen()") == []
