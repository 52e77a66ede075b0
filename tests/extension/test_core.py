"""The captions in the tab, in a real browser: one session, whose captions each test uses in another way."""

import json
from collections.abc import Iterator

import pytest

from tests.extension.devtools import Devtools
from tests.extension.fault_proxy import FaultProxy
from tests.extension.listener import LATE_RENEWALS, Listener
from tests.extension.overlay import HOST, IS_IN_FRONT, Overlay
from tests.extension.panel_page import text
from tests.http.http_client import Api


@pytest.fixture(scope="module")
def listener(browser: Devtools, api: Api, proxy: FaultProxy, page_url: str) -> Iterator[Listener]:
    with Listener.of_new_person(browser, api, proxy, page_url) as sitting:
        yield sitting


@pytest.fixture(scope="module")
def overlay(listener: Listener) -> Overlay:
    listener.configure(**LATE_RENEWALS)  # many early ones would use up the credits, however slow the machine is
    return Overlay.of_new_session(listener)


def test_captions_are_read_aloud_politely_and_the_page_cannot_read_them(listener: Listener, overlay: Overlay) -> None:
    (log,) = overlay.nodes("log")
    properties = {item["name"]: item["value"]["value"] for item in log["properties"]}
    assert properties["live"] == "polite"
    overlay.wait_for_text("log", listener.wait_for_captions()["captions"][-1]["text"])
    assert overlay.page.run(f"async () => document.querySelector('{HOST}').shadowRoot") is None
    # The page may style its own elements, and nothing of the captions.
    overlay.page.run(
        """async () => {
          globalThis.own = document.head.appendChild(document.createElement("style"));
          own.textContent = "html * { display: none !important; opacity: 0 !important; left: -9999px !important; }";
        }"""
    )
    assert overlay.page.run(IS_IN_FRONT)
    overlay.page.run("async () => own.remove()")


@pytest.mark.parametrize("page_color", ["white", pytest.param("black", marks=pytest.mark.soak)])
def test_axe_finds_no_fault_in_the_captions_in_light_and_dark(overlay: Overlay, page_color: str) -> None:
    with overlay.over_dialog(page_color):
        assert overlay.page.run(IS_IN_FRONT)
        for scheme in ("light", "dark"):
            violations, colors_checked = overlay.judge(scheme)
            assert violations == []
            assert colors_checked >= 2  # the status and the words


def test_keyboard_and_mouse_place_and_size_the_captions_for_good(listener: Listener, overlay: Overlay) -> None:
    left, top, width, height = overlay.rectangle
    overlay.press("Move", "ArrowLeft", times=2)
    overlay.press("Move", "ArrowUp")
    assert overlay.rectangle == [left - 48, top - 24, width, height]

    with overlay.dragging("Move", 10, -40):
        newest = listener.wait_for_captions()["captions"][-1]
        overlay.wait_for_text("log", newest["text"])  # words that come meanwhile change nothing
    assert overlay.rectangle == [left - 38, top - 64, width, height]
    overlay.press("Size", "ArrowRight")
    with overlay.dragging("Size", 0, 30):
        pass
    placed = overlay.rectangle
    assert placed == [left - 38, top - 64, width + 24, height + 30]
    overlay.press("Larger", "Enter")

    listener.wait_for_view("(view) => view.state === 'live'")
    settings = listener.panel.poll(
        "async () => { const { loadSettings } = await import('/common/settings.js');"
        " const settings = await loadSettings(); return settings.captionSize === 'large' && settings; }"
    )
    assert set(settings["captionPosition"]) == {"left", "top", "width", "height"}
    overlay.page.send("Page.reload")
    assert Overlay(overlay.page).wait().rectangle == pytest.approx(placed, abs=1)


def test_the_newest_words_stay_in_sight_when_the_text_grows_or_the_box_shrinks(
    listener: Listener, overlay: Overlay
) -> None:
    listener.wait_for_view("(view) => view.captions.at(-1)?.seq >= 5")
    overlay.press("Smaller", "Enter", times=2)
    overlay.press("Size", "ArrowUp", times=9)  # more words than the box shows
    overlay.press("Size", "ArrowDown")
    with listener.pause_session():  # no words come that would show the newest ones again
        overlay.wait_for_text("status", text("overlay_paused"))
        small = overlay.check_newest_words()

        overlay.press("Larger", "Enter")
        large = overlay.check_newest_words()
        assert large > small
        overlay.press("Size", "ArrowUp")
        assert overlay.check_newest_words() > large

    overlay.wait_for_text("log", listener.wait_for_captions()["captions"][-1]["text"])
    overlay.check_newest_words()


def test_captions_are_above_a_full_screen(overlay: Overlay) -> None:
    overlay.page.command(
        "Runtime.evaluate", expression="document.body.requestFullscreen()", awaitPromise=True, userGesture=True
    )

    overlay.page.poll("async () => document.fullscreenElement === document.body")
    overlay.page.poll(IS_IN_FRONT)
    overlay.page.run("async () => document.exitFullscreen()")
    overlay.page.poll(IS_IN_FRONT)


def test_captions_that_were_hidden_come_back_when_asked_for(listener: Listener, overlay: Overlay) -> None:
    overlay.press("Hide", "Enter")
    overlay.page.poll(f"async () => !(await ({IS_IN_FRONT})())")
    listener.wait_for_view("(view) => view.overlay === 'hidden'")
    listener.wait_for_captions()
    assert not overlay.page.run(IS_IN_FRONT)

    assert listener.send("SHOW_CAPTIONS", isVisible=True) == {"value": {}}

    overlay.wait()


def test_a_content_script_can_neither_read_the_sign_in_nor_command_the_worker(
    listener: Listener, overlay: Overlay
) -> None:
    """A program that has taken over the process of a page speaks as its content script does."""
    ask = """async (tabId) => {
      const [{ result }] = await chrome.scripting.executeScript({ target: { tabId }, func: async () => {
        const key = "live-transcription/sign-in";
        const messages = [
          { type: "STOP" }, { type: "SHOW_CAPTIONS", isVisible: false }, { type: "RECORDER_STOP" },
          { type: "live-transcription/storage", operation: "get", key },
        ];
        const settled = await Promise.allSettled(messages.map((message) => chrome.runtime.sendMessage(message)));
        const answers = settled.map(({ value }) => value);
        const stored = await chrome.storage.local.get(key).then((found) => found, (error) => String(error));
        return JSON.stringify([answers, stored]);
      } });
      return result;
    }"""

    answers, stored = json.loads(listener.panel.run(ask, listener.view["tabId"]))

    assert answers == [None] * 4
    assert "Access to storage is not allowed" in stored
    assert listener.view["state"] == "live"
    assert overlay.page.run(IS_IN_FRONT)
