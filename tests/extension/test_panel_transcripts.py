"""Transcripts in the side panel: saved as files, listed a page at a time, and made of a recording."""

import json
from pathlib import Path

import pytest

from sandbox.speech import samples
from tests.extension.devtools import Devtools
from tests.extension.panel_page import PanelPage, text
from tests.http.http_client import Api, Person

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
