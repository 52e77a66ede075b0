"""A page, worker or offscreen document in a browser, as DevTools sees it."""

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from scripts.browser import BrowserError, call_function

if TYPE_CHECKING:
    from tests.extension.devtools import Devtools

Event = dict[str, Any]


class ClosedError(BrowserError):
    """The context, or the browser, has ended."""


class Context:
    """A page, the service worker or the offscreen document. All methods raise BrowserError."""

    def __init__(self, devtools: "Devtools", session: str, info: Event, tab_target_id: str | None):
        self.devtools, self._session, self.tab_target_id = devtools, session, tab_target_id
        self.target_id, self.kind, self.url = str(info["targetId"]), str(info["type"]), str(info["url"])
        self.is_closed = False

    def command(self, method: str, **parameters: Any) -> Event:
        return self.devtools.command(method, self._session, **parameters)

    def send(self, method: str, **parameters: Any) -> None:
        """Send a command without waiting for its answer."""
        self.devtools.send(method, self._session, **parameters)

    def run(self, function: str, *arguments: Any) -> Any:
        """Run an asynchronous JavaScript function; returns what it resolves to."""
        return call_function(self.command, function, *arguments)

    def poll(self, function: str, *arguments: Any) -> Any:
        """What the function returns once that is true; also in a page that is still being opened."""
        return self.devtools.poll(lambda: self.run(function, *arguments), f"{function} that is true in {self.url}")

    def start(self, function: str, *arguments: Any) -> None:
        """Run a function without waiting for it."""
        self.send("Runtime.evaluate", expression=f"void ({function})({', '.join(map(json.dumps, arguments))})")

    def close(self) -> None:
        """Close the page, or kill the worker."""
        with suppress(BrowserError):  # a debugger would keep the worker
            self.devtools.command("Target.detachFromTarget", sessionId=self._session)
        with suppress(BrowserError):  # it may have ended by itself
            self.devtools.command("Target.closeTarget", targetId=self.target_id)
        self.devtools.wait_until_gone(self.target_id)
