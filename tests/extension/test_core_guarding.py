"""What the extension guards against: a stop that comes early, another user, a question about a page that was left."""

from tests.extension.listener import Listener
from tests.extension.overlay import Overlay, stop_and_keep
from tests.extension.panel_page import PanelPage, text
from tests.http.http_client import Api, Person

COUNT_DOCUMENTS = """async () =>
  (await chrome.runtime.getContexts({ contextTypes: ["OFFSCREEN_DOCUMENT"] })).length"""
SEND_WITHOUT_WAITING = """async (type, body) => {
  const { send } = await import("/common/messages.js");
  void send(type, body).catch(() => undefined);
}"""
NO_DIALOG = "async () => document.querySelector('dialog') === null"
LIVE = {"state": "live", "sessionId": "s", "transcriptId": "t", "gaps": []}


def test_a_stop_while_the_session_starts_leaves_no_session_and_no_credits_held(listener: Listener) -> None:
    listener.proxy.fail("start", "held")
    listener.panel.run(SEND_WITHOUT_WAITING, "START", {"tabId": listener.open_tab(), "microphone": False})
    panel = PanelPage(listener.devtools, listener.panel)
    panel.go("#/live")
    panel.wait_for_state("starting")
    listener.devtools.poll(lambda: "held" in {each.fault for each in listener.proxy.exchanges}, "start that is held")

    panel.click(text("action_stop"))
    listener.wait_for_view("(view) => view.isStopRequested === true")
    listener.proxy.release()

    listener.wait_for_view("(view) => view.state === 'ended' || view.state === 'idle'")
    listener.panel.poll(f"async () => await ({COUNT_DOCUMENTS})() === 0")
    panel.wait_for_worker()
    assert listener.client("(client) => client.live.findOpen()") == []
    assert listener.account.balance()[1] == 0


def test_of_the_session_of_another_user_the_panel_shows_only_that_it_runs(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    panel.wait_for_worker()
    caption = {"seq": 0, "text": "The secret of somebody else.", "startMs": 0, "endMs": 900}
    shared = {"userId": "somebody-else", "tabTitle": "Board meeting", "captions": [caption]}

    panel.put_view(**LIVE | shared)

    panel.wait_for_state("live")
    panel.wait_for_text(text("action_stop"))
    for words in (caption["text"], shared["tabTitle"]):
        assert words not in panel.text_of("body")
    panel.put_view(**LIVE | shared | {"state": "ended", "ended": {"reason": "stopped"}})
    panel.wait_for_text(text("start_title"))
    assert text("overlay_ended_stopped") not in panel.text_of("body")


def test_a_question_is_gone_with_the_page_that_asked_it(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    panel.go("#/settings")
    panel.click(text("action_sign_out"))
    panel.wait_for_element("dialog[open]")

    panel.go("#/history")

    panel.poll(NO_DIALOG)
    panel.wait_for_text(text("history_empty_title"))


def test_the_captions_say_one_credit_of_one(listener: Listener, overlay: Overlay) -> None:
    draw = stop_and_keep(listener, overlay)
    for credits, words in ((1, "1 credit/min, 19 min left"), (1_200, "1,200 credits/min, 19 min left")):
        lease = {"lease": {"creditsPerMinute": credits}, "credits": {"minutesLeft": 19}}
        draw(LIVE | {"captions": []} | lease)
        overlay.wait_for_text("status", words)
