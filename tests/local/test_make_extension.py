"""`make extension`: it says what is missing, and opens the extension with the API of the stack."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from scripts import extension
from scripts.browser import chromium
from scripts.local.aws import REPOSITORY
from scripts.local.extension import EXTENSION_ORIGIN

DEV = {"api_url": "http://127.0.0.1:8000", "extension_origins": EXTENSION_ORIGIN}
# `make extension` with another folder for dev.json and the profile.
COMMAND = """
import sys
from pathlib import Path
from scripts import extension
extension.LOCAL = Path(sys.argv[1])
sys.exit(extension.main())
"""
END_SECONDS = 120
HEADLESS = ("--headless", "--autoplay-policy=no-user-gesture-required")


@pytest.fixture(autouse=True)
def _ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is missing."""
    monkeypatch.setattr(extension, "url_answers", lambda url: url == "http://127.0.0.1:8000/health")
    monkeypatch.setattr(extension, "chromium", lambda: "/usr/bin/chromium")
    monkeypatch.setenv("DISPLAY", ":0")


def test_nothing_is_missing() -> None:
    assert extension.reason_not_to_open(DEV) is None


@pytest.mark.parametrize("dev", [{}, DEV | {"api_url": "http://127.0.0.1:9"}])
def test_without_a_running_stack_the_message_says_what_to_do(
    dev: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dev.json").write_text(json.dumps(dev))
    monkeypatch.setattr(extension, "LOCAL", tmp_path)

    assert extension.main() == 1
    assert "`make run`" in capsys.readouterr().err


def test_without_chromium_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension, "chromium", lambda: None)

    assert "apt-get install chromium" in str(extension.reason_not_to_open(DEV))


def test_without_a_display_the_message_names_the_folder_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    closed = DEV | {"extension_origins": "https://example.com"}  # what this machine lacks comes first

    message = str(extension.reason_not_to_open(closed))

    assert str(extension.EXTENSION.relative_to(REPOSITORY)) in message
    assert DEV["api_url"] in message


def test_a_stack_that_refuses_the_extension_is_named() -> None:
    other = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"

    reason = extension.reason_not_to_open(DEV | {"extension_origins": other})

    assert reason
    assert f"PORT=8000 EXTENSION_ORIGIN={other},{EXTENSION_ORIGIN} make run" in reason


def test_the_browser_opens_the_extension_with_the_address_of_the_api_and_a_page_that_speaks(tmp_path: Path) -> None:
    program = chromium()
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")

    with extension.open_browser(program, tmp_path, DEV["api_url"], HEADLESS) as (browser, page_url):
        (worker,) = [
            target for target in browser.targets("service_worker") if target["url"].startswith(EXTENSION_ORIGIN)
        ]
        stored = browser.run(worker["targetId"], "chrome.storage.local.get('settings')")
        (page,) = browser.targets("page")
        played = browser.run(
            page["targetId"],
            """new Promise((resolve) => {
              const speak = () => {
                document.querySelector("#speak").click();
                setInterval(() => audio?.currentTime > 0 && resolve(audio.src), 50);
              };
              document.readyState === "complete" ? speak() : addEventListener("load", speak);
            })""",
        )
        (page,) = browser.targets("page")
        assert requests.get(f"{page_url}../.local/dev.json", timeout=10).status_code == 404

    assert stored["settings"]["apiUrl"] == DEV["api_url"]
    assert page["url"] == page_url
    assert played.startswith(page_url)
    assert played.endswith(".wav")


class _HealthyHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is written about requests."""


@pytest.fixture
def healthy_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _HealthyHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def commands_with(text: str) -> list[str]:
    """The command lines of running processes that contain a text; one that has ended and is not collected has none."""
    try:
        output = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("ps is not installed")
    return [line for line in output.splitlines() if text in line]


def wait_for_line(command: subprocess.Popen[str], text: str, seconds: float = END_SECONDS) -> None:
    """Read what a command prints until a line contains a text; kill the command, with its children, after `seconds`."""
    assert command.stdout
    timer = threading.Timer(seconds, os.killpg, (command.pid, signal.SIGKILL))
    timer.start()
    try:
        assert any(text in line for line in command.stdout), f"the command ended, or printed no {text!r} in {seconds} s"
    finally:
        timer.cancel()


def test_a_command_that_prints_nothing_is_not_waited_for_without_end() -> None:
    silent = [sys.executable, "-c", "import time; time.sleep(600)"]
    with (
        subprocess.Popen(silent, stdout=subprocess.PIPE, text=True, start_new_session=True) as command,
        pytest.raises(AssertionError, match="printed no 'Ctrl-C'"),
    ):
        wait_for_line(command, "Ctrl-C", seconds=0.5)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_of_the_browser_outlives_the_command(tmp_path: Path, healthy_url: str, kind: signal.Signals) -> None:
    program = chromium()
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    (tmp_path / "bin").mkdir()
    headless = tmp_path / "bin" / "chromium"
    headless.write_text(f'#!/bin/sh\nexec "{program}" --headless "$@"\n')
    headless.chmod(0o755)
    (tmp_path / "dev.json").write_text(json.dumps(DEV | {"api_url": healthy_url}))
    environment = os.environ | {"PATH": f"{headless.parent}{os.pathsep}{os.environ['PATH']}", "DISPLAY": ":0"}
    profile = str(tmp_path / "extension-profile")

    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path)],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with command:
        try:
            wait_for_line(command, "Ctrl-C")
            assert commands_with(profile)
        except BaseException:
            command.terminate()
            raise
        if kind is signal.SIGINT:
            os.killpg(command.pid, kind)  # Ctrl-C in a terminal reaches the browser too
        else:
            command.send_signal(kind)
        assert command.wait(timeout=END_SECONDS) == (0 if kind is signal.SIGINT else -kind)

    deadline = time.monotonic() + END_SECONDS
    while commands_with(profile) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert commands_with(profile) == []
