"""Chromium without a window, driven through its DevTools protocol."""

import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
START_SECONDS = 60


def chromium() -> str | None:
    """Where the browser is; None if it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """An empty page."""

    def __init__(self, connection: ClientConnection):
        self._connection = connection
        self._ids = itertools.count(1)
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def run(self, function: str, *arguments: Any) -> Any:
        """What an asynchronous JavaScript function resolves to in the page."""
        expression = f"({function})({', '.join(map(json.dumps, arguments))})"
        answer = self._call(
            "Runtime.evaluate", self._session, expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def _call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        command = {"id": number, "method": method, "params": parameters}
        self._connection.send(json.dumps(command | ({"sessionId": session} if session else {})))
        while (answer := json.loads(self._connection.recv(timeout=120))).get("id") != number:
            pass
        assert "error" not in answer, answer["error"]
        return answer["result"]


@contextmanager
def page(program: str, profile: Path) -> Iterator[Page]:
    """A page in a browser of its own. `profile` is a new directory."""
    process = subprocess.Popen(
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with connect(_address(process, profile), max_size=None, open_timeout=START_SECONDS) as connection:
            yield Page(connection)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _address(process: subprocess.Popen[bytes], profile: Path) -> str:
    """Where the browser takes commands, which it writes down when it has started."""
    port_file = profile / "DevToolsActivePort"
    deadline = time.monotonic() + START_SECONDS
    while True:
        lines = port_file.read_text().split() if port_file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        assert process.poll() is None, "the browser ended as it started"
        assert time.monotonic() < deadline, "the browser did not start"
        time.sleep(0.05)
