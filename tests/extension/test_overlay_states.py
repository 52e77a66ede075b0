"""The captions in the tab, in every state of a session, judged inside of their closed shadow root."""

import pytest

from tests.extension.listener import Listener
from tests.extension.overlay import Overlay, stop_and_keep
from tests.extension.session_states import STATES


@pytest.mark.soak
@pytest.mark.parametrize("page_color", ["white", "black"])
def test_axe_finds_no_fault_in_any_state_of_the_captions(
    listener: Listener, overlay: Overlay, page_color: str, scheme: str
) -> None:
    overlay.open_dialog(page_color)
    draw = stop_and_keep(listener, overlay)
    for state in STATES:
        draw(state.view)
        overlay.wait_for_text("log", state.words)
        overlay.wait_for_text("log" if "gaps" in state.changes else "status", state.overlay)
        violations, colors_checked = overlay.judge(scheme)
        assert violations == [], state.name
        assert colors_checked >= 2  # the status and the words
