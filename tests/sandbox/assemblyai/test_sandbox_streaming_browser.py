"""Live speech through a browser's own WebSocket, which can send its token only in the URL."""

import base64
from collections.abc import Iterator

import pytest

from sandbox.speech import samples, word_error_rate
from scripts.browser import Page
from tests.browsing import open_browser
from tests.sandbox.streaming import FRAME_MS, frames, pcm, query

PATH, WORDS = samples()[-1]
SPEAK = """(url, audio, frameBytes, frameMs) => new Promise((resolve) => {
  const bytes = Uint8Array.from(atob(audio), (character) => character.charCodeAt(0));
  const socket = new WebSocket(url);
  const messages = [];
  let place = 0;
  const speak = () => {
    if (place < bytes.length) {
      socket.send(bytes.slice(place, place += frameBytes));
      setTimeout(speak, frameMs);
    } else {
      socket.send(JSON.stringify({type: "Terminate"}));
    }
  };
  socket.onmessage = ({data}) => {
    messages.push(JSON.parse(data));
    if (messages.length === 1 && messages[0].type === "Begin") speak();
  };
  socket.onclose = ({code, reason, wasClean}) => resolve({messages, code, reason, wasClean});
})"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Page]:
    with open_browser(tmp_path_factory) as empty:
        yield empty


@pytest.fixture
def speak(browser, sandbox_url, http, keys):
    """Sends the short recording from the browser; returns the messages and the close of the socket."""

    def speak(token: str | None = None, **options) -> dict:
        if token is None:
            headers = {"Authorization": keys.assemblyai}
            answer = http.get("/v3/token", params={"expires_in_seconds": 60}, headers=headers)
            token = answer.raise_for_status().json()["token"]
        url = f"{sandbox_url.replace('http', 'ws')}/v3/ws?{query(token=token, **options)}"
        audio = base64.b64encode(b"".join(frames(PATH))).decode()
        return browser.run(SPEAK, url, audio, len(pcm(FRAME_MS)), FRAME_MS)

    return speak


def test_a_browser_sends_speech_and_receives_turns(speak):
    received = speak(format_turns="true")

    types = [message["type"] for message in received["messages"]]
    assert (types[0], types[-1], set(types[1:-1])) == ("Begin", "Termination", {"Turn"})
    assert (received["code"], received["wasClean"]) == (1000, True)
    raw, formatted = [turn for turn in received["messages"][1:-1] if turn["end_of_turn"]]
    assert word_error_rate(WORDS, raw["transcript"]) < 0.25
    assert (formatted["turn_order"], formatted["turn_is_formatted"]) == (raw["turn_order"], True)


def test_a_browser_receives_the_reason_of_a_refusal(speak):
    received = speak(token="no token of ours")

    assert [message["type"] for message in received["messages"]] == ["Error"]
    assert (received["code"], received["reason"]) == (1008, "Unauthorized Connection: Invalid token")


def test_a_browser_sees_a_lost_connection_as_1006(speak, add_fault):
    add_fault("assemblyai.streaming", "cut", delay_seconds=0.3)

    received = speak()

    assert (received["messages"][0]["type"], received["code"], received["wasClean"]) == ("Begin", 1006, False)
