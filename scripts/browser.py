"""Headless Chromium, controlled through its DevTools protocol."""

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException
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
START_SECONDS, RESPONSE_SECONDS = 60, 120
KEPT_EVENTS = 1000
PORT_FILE = "DevToolsActivePort"
PRESS = """(pattern) => {
  const found = [...document.querySelectorAll("button")].filter((item) => new RegExp(pattern).test(item.textContent));
  if (found.length !== 1) throw new Error(`${found.length} buttons match ${pattern}`);
  found[0].click();
}"""


class BrowserError(Exception):
    """The browser did not respond, or a command failed."""


class NotStartedError(BrowserError):
    """The browser did not start."""


def chromium() -> str | None:
    """The path of the browser; None if it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def call_function(command: Callable[..., dict[str, Any]], function: str, *arguments: Any) -> Any:
    """What an asynchronous JavaScript function resolves to. `command` sends a command of DevTools to where it runs."""
    return evaluate(command, f"({function})({', '.join(map(json.dumps, arguments))})")


def evaluate(command: Callable[..., dict[str, Any]], expression: str) -> Any:
    """What an expression is, once its promise is kept. Raises BrowserError with what it threw."""
    response = command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
    if details := response.get("exceptionDetails"):
        raise BrowserError(details.get("exception", {}).get("description") or details["text"])
    return response["result"].get("value")


class Page:
    """An empty page. All methods raise BrowserError."""

    def __init__(self, connection: ClientConnection):
        self._connection = connection
        self._ids = itertools.count(1)
        self._events: deque[dict[str, Any]] = deque(maxlen=KEPT_EVENTS)
        self._watched: dict[str, list[dict[str, Any]]] = {}
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.devtools("Page.enable")

    def devtools(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol to this page. Source: chromedevtools.github.io/devtools-protocol."""
        return self._call(method, self._session, **parameters)

    def watch(self, event: str) -> list[dict[str, Any]]:
        """The parameters of events of this kind, appended as they arrive; their domain must be enabled."""
        return self._watched.setdefault(event, [])

    def shot(self) -> bytes:
        """A screenshot of the page as PNG."""
        return base64.b64decode(self.devtools("Page.captureScreenshot", format="png")["data"])

    def run(self, function: str, *arguments: Any) -> Any:
        """Run an asynchronous JavaScript function in the page; returns what it resolves to."""
        return call_function(self.devtools, function, *arguments)

    def go(self, url: str) -> str:
        """Open a page; returns the final address, also if nothing responds there."""
        self._events.clear()
        self._call("Page.navigate", self._session, url=url)
        return self._wait_for_load()

    def press(self, pattern: str) -> str:
        """Press the only button whose text matches, which opens another page; returns the final address."""
        self._events.clear()
        self.run(PRESS, pattern)
        return self._wait_for_load()

    def _wait_for_load(self) -> str:
        frame = self._wait_for_event("Page.frameNavigated")["frame"]
        self._wait_for_event("Page.loadEventFired")
        return str(frame.get("unreachableUrl") or frame["url"])

    def _wait_for_event(self, method: str) -> dict[str, Any]:
        """The next event of a kind; events before it are dropped."""
        while True:
            while self._events:
                event = self._events.popleft()
                if event["method"] == method:
                    return dict(event.get("params", {}))
            self._receive()

    def _call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        command = {"id": number, "method": method, "params": parameters}
        self._connection.send(json.dumps(command | ({"sessionId": session} if session else {})))
        while (response := self._receive()).get("id") != number:
            pass
        if "error" in response:
            raise BrowserError(f"{method}: {response['error']}")
        return dict(response["result"])

    def _receive(self) -> dict[str, Any]:
        """The next message; events are also kept."""
        try:
            message: dict[str, Any] = json.loads(self._connection.recv(timeout=RESPONSE_SECONDS))
        except (TimeoutError, WebSocketException) as error:
            raise BrowserError("the browser does not respond") from error
        if "method" in message:
            self._events.append(message)
            if message["method"] in self._watched:
                self._watched[message["method"]].append(message.get("params", {}))
        return message


@contextmanager
def launch(program: str, profile: Path, flags: Sequence[str] = ()) -> Iterator[ClientConnection]:
    """A new browser, connected; the connection is that of its DevTools. Raises NotStartedError.

    `profile`: a new directory, or that of a browser that has ended. `flags`: additional ones.
    """
    (profile / PORT_FILE).unlink(missing_ok=True)
    process = subprocess.Popen(
        [program, *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = _address(process, profile)
        try:
            # Without pings: a test may stop the browser for longer than one may wait.
            connection = connect(address, max_size=None, open_timeout=START_SECONDS, ping_interval=None)
        except (OSError, WebSocketException) as error:
            raise NotStartedError("the browser does not accept commands") from error
        with connection:
            yield connection
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def page(program: str, profile: Path, flags: Sequence[str] = ()) -> Iterator[Page]:
    """A page in a new browser. `profile`: a new directory; `flags`: additional ones. Raises NotStartedError."""
    with launch(program, profile, flags) as connection:
        yield Page(connection)


def _address(process: subprocess.Popen[bytes], profile: Path) -> str:
    """The address for commands, which the browser writes to a file when it has started."""
    port_file = profile / PORT_FILE
    deadline = time.monotonic() + START_SECONDS
    while True:
        lines = port_file.read_text().split() if port_file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        if process.poll() is not None:
            raise NotStartedError("the browser ended while it started")
        if time.monotonic() > deadline:
            raise NotStartedError("the browser did not start in time")
        time.sleep(0.05)
