"""Starts and stops that fail: nothing is lost, nothing is billed on in silence, and the pages say so."""

import pytest

from tests.extension.addresses import WORKER
from tests.extension.listener import Listener
from tests.extension.overlay import Overlay
from tests.extension.panel_page import PanelPage, text
from tests.http.http_client import Person

OPEN_SESSIONS = "(client) => client.live.findOpen()"
START = """async (tabId) => {
  const { send } = await import("/common/messages.js");
  void send("START", { tabId, microphone: false }).catch(() => undefined);
}"""


@pytest.mark.soak  # for the time in which the SDK tries again
def test_a_stop_without_a_network_says_that_nothing_is_saved_yet_until_it_is(listener: Listener) -> None:
    listener.start()
    listener.wait_for_view("(view) => view.captions.length > 0")
    listener.proxy.fail("stop", "drop", times=100)
    panel = PanelPage(listener.devtools, listener.panel)
    panel.go("#/live")
    panel.click(text("action_stop"))

    panel.wait_for_text(text("overlay_ended_not_saved"))
    assert text("overlay_ended_stopped") not in panel.text_of("main")
    panel.check("not saved")
    listener.proxy.reset()
    panel.click(text("action_retry"))

    panel.wait_for_text(text("overlay_ended_stopped"))
    assert text("overlay_ended_not_saved") not in panel.text_of("main")
    assert listener.client(OPEN_SESSIONS) == []


@pytest.mark.soak  # for the time in which the SDK tries again
def test_an_interrupted_session_that_could_not_be_stopped_at_the_next_start_is_stopped_later(
    listener: Listener, overlay: Overlay
) -> None:
    first = listener.view["sessionId"]
    listener.recorder.close()
    listener.wait_for_view("(view) => view.interrupted !== undefined")
    listener.proxy.fail("stop", "drop", times=100)
    listener.start()
    assert first in [session["sessionId"] for session in listener.client(OPEN_SESSIONS)]
    listener.proxy.reset()

    listener.stop()

    PanelPage(listener.devtools, listener.panel).wait_for_worker()
    assert listener.client(OPEN_SESSIONS) == []
    assert listener.account.balance()[1] == 0


@pytest.mark.soak
def test_a_start_that_fails_after_the_worker_was_killed_says_why(listener: Listener, owner: Person) -> None:
    body = {"user_id": listener.account.user_id, "credits": -200, "reason": "A test."}
    assert owner.post("/admin/credits", json=body).status_code == 200
    listener.proxy.fail("start", "held")
    listener.panel.run(START, listener.open_tab())
    listener.devtools.poll(lambda: "held" in {each.fault for each in listener.proxy.exchanges}, "the start")
    listener.devtools.wait_for_context(WORKER).close()

    listener.proxy.release()

    view = listener.wait_for_view("(view) => view.error !== undefined")
    assert (view["state"], view["error"]["code"]) == ("idle", "insufficient_credits")
    assert "tabId" not in view
    panel = PanelPage(listener.devtools, listener.panel)
    panel.go("#/live")
    required = f"{view['error']['details']['required']} credits"
    panel.wait_for_text(text("error_insufficient_credits", v1=required, v2="0 credits"))
