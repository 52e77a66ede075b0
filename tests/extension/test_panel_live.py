"""What the panel shows while captions run, in states that take long to reach."""

import time

import pytest

from tests.extension.addresses import POPUP
from tests.extension.panel_page import PanelPage, text
from tests.http.http_client import Api, Person

LIVE = {"state": "live", "sessionId": "s", "transcriptId": "t", "captions": [], "gaps": []}
IS_AT_END = """async () => {
  const { scrollHeight, scrollTop, clientHeight } = document.querySelector(".scroller");
  return clientHeight < scrollHeight && scrollHeight - scrollTop - clientHeight < 2;
}"""


def test_the_keyboard_stays_at_pause_when_its_name_changes(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    panel.wait_for_worker()
    panel.put_view(**LIVE)
    panel.wait_for_state("live")
    panel.tab_to(f"BUTTON {text('action_pause')}")

    panel.put_view(**LIVE | {"state": "paused"})
    panel.wait_for_state("paused")

    assert panel.focused_element() == f"BUTTON {text('action_resume')}"
    panel.put_view(**LIVE | {"state": "stopping"})
    panel.wait_for_state("stopping")
    assert panel.focused_element() == f"H1 {text('live_title')}"


def test_each_loss_of_a_live_session_is_shown_however_short(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    panel.wait_for_worker()
    reasons = ["not_recognised", "buffer_full", "interrupted", "no_audio"]
    gaps = [{"startMs": 9_000 * n, "endMs": 9_000 * n + 1_000, "reason": reason} for n, reason in enumerate(reasons)]
    panel.put_view(**LIVE | {"gaps": gaps})

    panel.poll("async (count) => document.querySelectorAll('.captions .gap').length === count", len(gaps))

    shown = panel.page.run("async () => [...document.querySelectorAll('.captions .gap p')].map((row) => row.innerText)")
    assert shown == [text("gap", v1="1 second")] * 3 + [text("gap_no_audio", v1="1 second")]
    panel.check("gaps")


@pytest.mark.soak
def test_a_microphone_that_is_gone_is_said_while_captions_go_on(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    popup = PanelPage.open(panel.devtools, "#/home", POPUP)
    panel.wait_for_worker()
    panel.put_view(**LIVE)
    for page in (panel, popup):
        page.wait_for_state("live")
        assert text("live_microphone_gone") not in page.text_of("main")

    panel.put_view(**LIVE | {"isMicrophoneGone": True})

    for page in (panel, popup):
        page.wait_for_element("main .warning[role=status]")
        assert page.text_of("main .warning") == text("live_microphone_gone")
        page.check("without the microphone")
    popup.close()


def test_the_seconds_until_an_interrupted_session_is_stopped_count_down(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    panel.wait_for_worker()
    interrupted = {"sessionId": "s", "transcriptId": "t", "stopAtMs": 1_000 * (time.time() + 60)}
    panel.put_view(state="idle", captions=[], gaps=[], interrupted=interrupted)
    panel.wait_for_element(".countdown")
    first = panel.text_of(".countdown")

    panel.poll("async (first) => document.querySelector('.countdown').innerText !== first", first)


def test_the_panel_shows_the_newest_captions_from_the_first_look_on(panel: PanelPage, api: Api) -> None:
    panel.sign_in(Person.register(api).email)
    panel.page.command("Page.bringToFront")  # sizes are observed only where something is drawn
    captions = [{"seq": seq, "text": "Good morning. " * 9, "startMs": seq, "endMs": seq} for seq in range(20)]
    panel.wait_for_worker()
    panel.put_view(**LIVE | {"captions": captions})
    panel.poll(IS_AT_END)

    panel.set_size(320, 500)  # or a notice takes of its height

    panel.poll(IS_AT_END)
