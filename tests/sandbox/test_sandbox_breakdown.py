"""A stand-in whose recogniser breaks: the log says so, and the job or the session ends."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from sandbox.speech import samples
from tests.sandbox import realtime
from tests.sandbox.process import ROOT, running
from tests.sandbox.streaming import frames, query, send_at_pace, until_closed

BROKEN_MODEL = "raise RuntimeError('the model is broken')\n"
SHORT = samples()[2][0]


@dataclass
class BrokenSandbox:
    """A running sandbox whose speech model cannot be loaded."""

    http: httpx.Client
    log: Path

    def count_in_log(self, text: str) -> int:
        return self.log.read_text().count(text)


@pytest.fixture(scope="module")
def broken(keys, tmp_path_factory) -> Iterator[BrokenSandbox]:
    root = tmp_path_factory.mktemp("broken")
    shutil.copytree(ROOT / "sandbox", root / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "demo").symlink_to(ROOT / "demo")
    (root / "sandbox" / "recognition" / "whisper.py").write_text(BROKEN_MODEL)
    with running(keys, root / "log", root=root) as url, httpx.Client(base_url=url, timeout=30) as http:
        yield BrokenSandbox(http, root / "log")


def test_a_transcript_that_breaks_down_ends_with_an_error_and_is_logged(broken, keys):
    headers = {"Authorization": keys.assemblyai}
    upload = broken.http.post("/v2/upload", headers=headers, content=SHORT.read_bytes()).json()["upload_url"]
    job = broken.http.post("/v2/transcript", headers=headers, json={"audio_url": upload}).json()

    while job["status"] in ("queued", "processing"):
        time.sleep(0.05)
        job = broken.http.get(f"/v2/transcript/{job['id']}", headers=headers).raise_for_status().json()

    assert (job["status"], job["error"]) == ("error", "Server error, developers have been alerted")
    assert broken.count_in_log(f"sandbox: transcript {job['id']} broke down\nTraceback") == 1
    assert "RuntimeError: the model is broken" in broken.log.read_text()


def test_a_live_session_that_breaks_down_is_closed_while_nobody_sends(broken, keys):
    url = str(broken.http.base_url).replace("http", "ws", 1)
    headers = {"Authorization": keys.assemblyai}
    with connect(f"{url}/v3/ws?{query()}", additional_headers=headers, proxy=None) as socket:
        try:
            for frame in send_at_pace(frames(SHORT)):
                socket.send(frame)
        except ConnectionClosed:
            pass  # It broke down at the first partial turn.
        ended = until_closed(socket)

    assert (ended.code, ended.error) == (3005, "Session Cancelled: An error occurred")
    assert broken.count_in_log("sandbox: a live session broke down\nTraceback") == 1
    session = broken.http.get("/sandbox/sessions").json()["sessions"][0]
    assert (session["ending"], session["close_code"]) == ("error", 3005)


def test_a_realtime_session_that_breaks_down_is_closed_while_nobody_sends(broken, keys):
    audio = {"input": {"transcription": {"model": "gpt-live-transcribe"}, "turn_detection": None}}
    body = {"session": {"type": "transcription", "audio": audio}}
    headers = {"Authorization": f"Bearer {keys.openai}"}
    secret = (
        broken.http.post("/openai/v1/realtime/client_secrets", headers=headers, json=body).raise_for_status().json()
    )
    url = str(broken.http.base_url).replace("http", "ws", 1)

    with realtime.as_browser(f"{url}/openai/v1/realtime?intent=transcription", secret["value"]) as socket:
        realtime.send(socket, realtime.append(realtime.speech(SHORT)), realtime.COMMIT)
        error = realtime.wait_until(socket, "error")[-1]["error"]
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=60)

    assert (error["type"], closed.value.rcvd.code) == ("server_error", 1011)
    assert broken.count_in_log("sandbox: a realtime session broke down\nTraceback") == 1
