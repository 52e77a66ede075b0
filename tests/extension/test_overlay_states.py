"""The captions in the tab, in every state of a session, judged inside of their closed shadow root."""

import pytest

from tests.extension.listener import Listener
from tests.extension.overlay import Overlay
from tests.extension.panel_page import text
from tests.extension.session_states import STATES

DRAW = """async (tabId, view) => {
  const { overlayView } = await import("/common/live_view.js");
  await chrome.tabs.sendMessage(tabId, { type: "OVERLAY_VIEW", view: overlayView(view) }, { frameId: 0 });
}"""
KEEP_CAPTIONS = """async (tabId) => {
  const func = () => void (globalThis.setTimeout = () => undefined); // of the content scripts alone
  await chrome.scripting.executeScript({ target: { tabId }, func });
}"""


@pytest.mark.soak
@pytest.mark.parametrize("page_color", ["white", "black"])
def test_axe_finds_no_fault_in_any_state_of_the_captions(
    listener: Listener, overlay: Overlay, page_color: str, scheme: str
) -> None:
    tab_id = listener.view["tabId"]
    overlay.open_dialog(page_color)
    listener.panel.run(KEEP_CAPTIONS, tab_id)  # which go some time after a stop
    listener.stop()
    overlay.wait_for_text("status", text("overlay_ended_stopped"))  # nothing else is drawn from now on
    for state in STATES:
        listener.panel.run(DRAW, tab_id, state.view)
        overlay.wait_for_text("log", state.words)
        overlay.wait_for_text("log" if "gaps" in state.changes else "status", state.overlay)
        violations, colors_checked = overlay.judge(scheme)
        assert violations == [], state.name
        assert colors_checked >= 2  # the status and the words
