"""Transcripts in the side panel: saved as files, listed a page at a time, and made of a recording."""

import json
from pathlib import Path

import pytest
import requests

from sandbox.speech import samples
from tests.extension.devtools import Devtools
from tests.extension.fault_proxy import FaultProxy
from tests.extension.panel_page import PanelPage, text
from tests.http.http_client import PATIENCE_SECONDS, Api, Person

PAGE = 20
COUNT_ROWS = "async (count) => document.querySelectorAll('.history > li').length === count"


@pytest.mark.soak
def test_a_recording_becomes_a_transcript_that_is_saved_in_every_format(
    panel: PanelPage, api: Api, browser: Devtools, tmp_path: Path
) -> None:
    recording, words = samples()[0]
    panel.sign_in(Person.register(api).email)
    panel.go("#/upload")
    panel.choose_file(recording)
    panel.summarise()
    panel.wait_for_text(recording.stem)
    panel.wait_for_element(".captions li")
    (shown,) = panel.page.run("async () => [document.querySelector('.captions').innerText]")

    browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path), eventsEnabled=True)
    for kind in ("txt", "srt", "vtt", "json"):
        panel.click(text(f"format_{kind}"))
        browser.poll(lambda kind=kind: downloads(tmp_path, kind), f"saved file: {kind}")  # type: ignore[misc]
    panel.wait_for_text(text("transcript_saved", v1=downloads(tmp_path, "json")[0].name))
    panel.check("saved")

    first = words.split()[0].strip(",.").lower()
    assert first in shown.lower()
    for kind in ("txt", "srt", "vtt"):
        assert first in downloads(tmp_path, kind)[0].read_text().lower()
    assert downloads(tmp_path, "vtt")[0].read_text().startswith("WEBVTT")
    assert json.loads(downloads(tmp_path, "json")[0].read_text())["segments"]


def downloads(folder: Path, kind: str) -> list[Path]:
    """The finished downloads of a kind."""
    return list(folder.glob(f"*.{kind}"))


@pytest.mark.soak
def test_a_long_history_is_shown_a_page_at_a_time(panel: PanelPage, api: Api) -> None:
    person = Person.register(api)
    for number in range(PAGE + 1):
        person.stop(person.start(title=f"Stand-up {number}"))
    panel.sign_in(person.email)
    panel.go("#/history")
    panel.poll(COUNT_ROWS, PAGE)
    assert "Stand-up 0" not in panel.text_of("main").splitlines()
    panel.check("a page of the history")

    panel.click(text("action_more"))

    panel.poll(COUNT_ROWS, PAGE + 1)
    panel.wait_for_text("Stand-up 0")
    assert panel.focused_element().startswith("A Stand-up 0")
    assert text("action_more") not in panel.text_of("main")


SAVED = [
    {"seq": number, "start_ms": number * 65_000, "end_ms": number * 65_000 + 900, "text": words}
    for number, words in enumerate(["Good morning.", "We meet next week at noon.", "Goodbye."])
]


def person_with_transcript(api: Api) -> Person:
    person = Person.register(api)
    session_id = person.start(title="Stand-up")
    person.stream(action="save", session_id=session_id, segments=SAVED)
    person.stop(session_id)
    return person


@pytest.fixture
def reader(panel: PanelPage, api: Api) -> Person:
    """Somebody with one transcript, who is signed in."""
    person = person_with_transcript(api)
    panel.sign_in(person.email)
    return person


def test_words_are_found_and_open_the_transcript_at_their_moment(panel: PanelPage, reader: Person) -> None:
    panel.go("#/history")
    panel.fill(text("search_label"), '"NEXT week"')
    panel.click(text("search_go"))
    panel.wait_for_element(".snippet mark")
    assert "next week" in panel.text_of(".snippet mark")
    assert "1:05" in panel.text_of(".history")
    panel.check("found")

    panel.click_row("Stand-up")
    panel.wait_for_element(".captions .found")

    assert "at noon" in panel.text_of(".captions .found")
    panel.click(text("action_back"))
    panel.wait_for_element(".snippet mark")
    panel.go("#/history")
    panel.fill(text("search_label"), "nobody said this")
    panel.click(text("search_go"))
    panel.wait_for_text(text("search_empty_title"))
    panel.check("nothing found", "light")


def test_a_transcript_is_shared_and_its_share_is_ended(panel: PanelPage, reader: Person, api: Api) -> None:
    (item,) = reader.get("/transcription/history").json()["items"]
    panel.go(f"#/history/{item['id']}")
    panel.wait_for_text(text("share_none"))
    panel.click(text("share_make"))
    panel.confirm(text("share_make"))
    panel.wait_for_element(".share input")
    panel.check("shared")
    url = panel.page.run("async () => document.querySelector('.share input').value")
    assert "at noon" in requests.get(url, timeout=PATIENCE_SECONDS).text

    panel.go("#/settings")
    panel.go(f"#/history/{item['id']}")
    panel.wait_for_text(text("share_end"))
    assert url not in panel.page.run("async () => document.body.innerHTML")  # it was shown once
    panel.click(text("share_end"))

    panel.wait_for_text(text("share_none"))
    assert requests.get(url, timeout=PATIENCE_SECONDS).status_code == 404


@pytest.mark.parametrize(
    ("hash_path", "api_path"),
    [("#/history", "/transcription/history"), ("#/history?words=noon", "/transcription/search")],
)
def test_a_list_that_could_not_be_loaded_is_there_after_the_next_try(
    panel: PanelPage, api: Api, proxy: FaultProxy, hash_path: str, api_path: str
) -> None:
    proxy.reset()
    panel.reset(proxy.url)
    panel.sign_in(person_with_transcript(api).email)
    proxy.fail(api_path, "drop", times=20)
    panel.go(hash_path)
    panel.wait_for_element(".notice.error")
    proxy.reset()

    panel.click(text("action_retry"))

    panel.wait_for_text("Stand-up")
