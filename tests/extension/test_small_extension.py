"""The small extension of docs/extension.md comes to life: signed up, a tab captioned, stopped, billed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local.stack import LocalStack
from tests.extension.context import Context
from tests.extension.devtools import Devtools, browser_with
from tests.extension.listener import feed_script
from tests.extension.proof import sockets
from tests.extension.small_extension import PAGE, SmallExtension, files_of
from tests.http.http_client import PASSWORD, Api, Person, Sandbox, new_email

MOST_LINES = 80
SIGN_UP = """async (email, password) => {
  Object.assign(document.querySelector("[name=email]"), { value: email });
  Object.assign(document.querySelector("[name=password]"), { value: password });
  document.querySelector("[value=register]").click();
}"""
PRESS = "async (id) => document.getElementById(id).click()"
CREDITS = (
    "async (before) => { const { value } = document.getElementById('credits'); return value !== before && value; }"
)
CAPTIONS = "async () => document.getElementById('captions').innerText.split('\\n')"
SIGNED_IN = f"async () => (await ({CREDITS})('')) || (await ({CAPTIONS})()).at(-1)"  # or why not
HAS_WORDS = f"async () => (await ({CAPTIONS})()).slice(0, -2).find((line) => /^w\\d+ w\\d+/.test(line))"


@pytest.fixture
def speaking(small: SmallExtension, stack: LocalStack, sandbox: Sandbox, tmp_path: Path) -> Iterator[Devtools]:
    """A browser with the extension. What it captures is real; the ruler's samples take the place of its sound."""
    small.point_to(stack.api_url)
    with browser_with(small.directory, tmp_path) as browser:
        browser.first_lines["background_page"] = [feed_script()]
        yield browser
        assert not browser.errors, "\n".join(browser.errors)


def open_popup(browser: Devtools, small: SmallExtension, tab: Context) -> Context:
    """Click the icon while the tab is in front."""
    return browser.click_action(small.id, tab)


def test_the_small_extension_of_the_page_captions_a_tab(
    speaking: Devtools, small: SmallExtension, stack: LocalStack, api: Api, page_url: str
) -> None:
    email = new_email()
    tab = speaking.open_page(page_url)
    popup = open_popup(speaking, small, tab)
    popup.run(SIGN_UP, email, PASSWORD)
    assert popup.poll(SIGNED_IN) == "200 credits"

    popup.run(PRESS, "start")
    popup.poll(HAS_WORDS)
    popup.close()
    popup = open_popup(speaking, small, tab)  # it shows what it showed before
    caption = popup.poll(HAS_WORDS)
    popup.run(PRESS, "stop")
    popup.poll(f"async () => (await ({CAPTIONS})()).at(-1) === 'stopped'")
    left = popup.poll(CREDITS, "200 credits")
    speaking.wait_for(lambda: not speaking.contexts(f"{small.origin}/offscreen.html"), "end of the recording")

    person = Person.sign_in(api, email)
    (used,) = person.usage()
    (saved,) = person.get("/transcription/history").json()["items"]
    segments = person.get(f"/transcription/history/{saved['id']}").json()["segments"]
    assert used["credits"] < 0
    assert person.balance() == (200 + used["credits"], 0)
    assert left == f"{200 + used['credits']} credits"
    assert caption in [segment["text"] for segment in segments]
    assert sockets(stack.dev["sandbox_url"])


@pytest.mark.soak
def test_the_small_extension_stops_a_session_whose_recording_is_gone(
    speaking: Devtools, small: SmallExtension, api: Api, page_url: str
) -> None:
    email = new_email()
    tab = speaking.open_page(page_url)
    popup = open_popup(speaking, small, tab)
    popup.run(SIGN_UP, email, PASSWORD)
    popup.poll(SIGNED_IN)
    popup.run(PRESS, "start")
    popup.poll(HAS_WORDS)
    person = Person.sign_in(api, email)
    assert person.balance()[1] > 0
    popup.run("() => chrome.offscreen.closeDocument()")

    popup.run(PRESS, "stop")

    popup.poll(f"async () => (await ({CAPTIONS})()).join('') === ''")
    assert person.balance()[1] == 0


def test_the_small_extension_is_small() -> None:
    files = files_of(PAGE)
    lines = [line for text in files.values() for line in text.splitlines() if line.strip()]

    assert sorted(files) == [
        "client.js",
        "manifest.json",
        "offscreen.html",
        "offscreen.js",
        "popup.html",
        "popup.js",
        "worker.js",
    ]
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= 120


def test_the_small_extension_saves_what_waits_when_the_browser_starts() -> None:
    """As the page itself advises, under "Waking"."""
    startup = files_of(PAGE)["worker.js"].partition("async function stopInterrupted()")[2].partition("\n}")[0]

    assert startup.index(".live.saveUnsaved()") < startup.index(".live.stop(sessionId)")
