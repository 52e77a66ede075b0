"""Sessions of the extension in a real browser: navigation, closed tabs and documents, and interrupted ones."""

from collections.abc import Callable

import pytest

from tests.extension.listener import ROOT, WORKER, Listener
from tests.extension.overlay import Overlay
from tests.extension.proof import Proof, words_of

COUNT_DOCUMENTS = """async () =>
  (await chrome.runtime.getContexts({ contextTypes: ["OFFSCREEN_DOCUMENT"] })).length"""


def test_a_session_outlives_the_pages_of_its_tab(
    listener: Listener, overlay: Overlay, stop: Callable[[Listener], Proof]
) -> None:
    """On the same site the captions are put back; on another one the panel alone shows them."""
    overlay.page.send("Page.navigate", url=f"{listener.page_url}?same-site")
    Overlay(overlay.page).wait()
    assert listener.view["overlay"] == "shown"

    overlay.page.send("Page.navigate", url=listener.page_url.replace("127.0.0.1", "localhost"))
    listener.wait_for_view("(view) => view.overlay === 'unavailable'")
    shown = len(listener.view["captions"])
    listener.wait_for_view(f"(view) => view.captions.length > {shown}")

    proof = stop(listener)
    proof.check_every_sample_once()
    proof.check_every_word_once()


def test_closing_the_tab_ends_the_session_with_its_last_words(listener: Listener, overlay: Overlay) -> None:
    listener.wait_for_audio(1)

    overlay.page.close()

    view = listener.wait_for_view("(view) => view.state === 'ended'")
    assert (view["ended"]["reason"], view["ended"]["cause"]) == ("stopped", "tab_closed")
    assert view["ended"]["billedSeconds"] > 0
    listener.panel.poll(f"async () => await ({COUNT_DOCUMENTS})() === 0")


def test_the_microphone_is_mixed_in_where_it_is_allowed_and_costs_nothing_where_not(listener: Listener) -> None:
    tab_id = listener.open_tab()
    assert listener.send("START", tabId=tab_id, microphone=True)["code"] == "microphone_denied"
    assert listener.proxy.of("start") == []
    listener.panel.poll(f"async () => await ({COUNT_DOCUMENTS})() === 0")

    permission = {"origin": ROOT, "permission": {"name": "microphone"}}
    listener.devtools.command("Browser.setPermission", setting="granted", **permission)
    try:
        assert listener.send("START", tabId=tab_id, microphone=True) == {"value": {}}
        listener.wait_for_view("(view) => view.state === 'live' && view.captions.length > 0")
        listener.stop()
    finally:
        listener.devtools.command("Browser.setPermission", setting="prompt", **permission)


def test_two_starts_at_once_make_one_session_and_one_document(listener: Listener) -> None:
    tab_id = listener.open_tab()

    answers = listener.panel.run(
        """async (tabId) => {
          const { send } = await import("/common/messages.js");
          const start = () => send("START", { tabId }).then(() => "started", ({ code }) => code);
          return Promise.all([start(), start(), start()]);
        }""",
        tab_id,
    )

    assert sorted(answers) == ["session_running", "session_running", "started"]
    assert listener.panel.run(COUNT_DOCUMENTS) == 1
    assert len(listener.proxy.of("start", 201)) == 1
    listener.stop()
    listener.panel.poll(f"async () => await ({COUNT_DOCUMENTS})() === 0")


def test_a_start_on_a_page_that_was_not_clicked_costs_nothing(listener: Listener, page_url: str) -> None:
    page = listener.devtools.open_page(f"{page_url}?not-clicked")
    own = listener.devtools.open_page("chrome://version/")
    (page_id, own_id) = listener.panel.run(
        "async () => (await chrome.tabs.query({})).map(({ id }) => id).sort((one, other) => one - other).slice(-2)"
    )

    assert listener.send("START", tabId=page_id)["code"] == "tab_not_invoked"
    assert listener.send("START", tabId=own_id)["code"] == "tab_protected"

    assert listener.view["state"] == "idle"  # nor are the captions of who was signed in before
    assert listener.proxy.of("start") == []
    page.close()
    own.close()


def test_a_session_whose_document_was_closed_goes_on_in_the_same_transcript(
    listener: Listener, overlay: Overlay, stop: Callable[[Listener], Proof]
) -> None:
    transcript_id = listener.view["transcriptId"]
    listener.wait_for_audio(2)
    listener.recorder.close()

    view = listener.wait_for_view("(view) => view.interrupted !== undefined")
    assert (view["state"], view["ended"]["cause"]) == ("ended", "recorder_lost")
    assert view["interrupted"]["transcriptId"] == transcript_id
    listener.speak(position=listener.fed_samples)
    answer = listener.send("RESUME_SESSION", sessionId=view["interrupted"]["sessionId"], tabId=listener.view["tabId"])
    assert answer == {"value": {}}
    listener.wait_for_audio(2)

    proof = stop(listener)
    assert proof.ended["transcriptId"] == transcript_id
    numbers = [int(word[1:]) for word in words_of(proof.transcript["segments"])]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == int(proof.expected_words[-1][1:])
    # What was said while nobody listened is shown as a gap, in the view as in the history.
    missed = [gap for gap in proof.transcript["uncovered"] if gap["end_ms"] - gap["start_ms"] >= 1_000]
    shown = [gap for gap in proof.ended["gaps"] if gap["reason"] == "interrupted"]
    assert all(gap["startMs"] < gap["endMs"] for gap in shown)
    for gap in missed:
        assert any(
            shown_gap["startMs"] <= gap["start_ms"] and gap["end_ms"] <= shown_gap["endMs"] for shown_gap in shown
        )


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
    view = listener.wait_for_view("(view) => view.interrupted !== undefined")

    assert listener.send("STOP_SESSION", sessionId=view["interrupted"]["sessionId"]) == {"value": {}}

    assert "interrupted" not in listener.view
    assert listener.client("(client) => client.live.findOpen()") == []
