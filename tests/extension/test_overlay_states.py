"""The captions in the tab, in every state of a session, judged inside of their closed shadow root."""

import pytest

from tests.extension.listener import Listener
from tests.extension.overlay import Overlay
from tests.extension.session_states import STATES

DRAW = """async (tabId, view) => {
  const { overlayView } = await import("/common/live_view.js");
  await chrome.tabs.sendMessage(tabId, { type: "OVERLAY_VIEW", view: overlayView(view) }, { frameId: 0 });
}"""


@pytest.mark.parametrize("page_color", ["white", pytest.param("black", marks=pytest.mark.soak)])
def test_axe_finds_no_fault_in_any_state_of_the_captions(listener: Listener, overlay: Overlay, page_color: str) -> None:
    tab_id = listener.view["tabId"]
    overlay.open_dialog(page_color)
    listener.stop()  # nothing else is drawn from now on
    for state in STATES:
        listener.panel.run(DRAW, tab_id, state.view)
        log = overlay.text("log")
        assert state.words in log, state.name
        assert state.overlay in (log if "gaps" in state.changes else overlay.text("status")), state.name
        for scheme in ("light", "dark"):
            violations, colors_checked = overlay.judge(scheme)
            assert violations == [], f"{state.name}, {scheme}"
            assert colors_checked >= 2  # the status and the words
