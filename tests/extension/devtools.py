"""A headless Chromium with an extension in it: all of its contexts, through the DevTools protocol.

Source: chromedevtools.github.io/devtools-protocol (Target, Extensions, Runtime, Page).
"""

import itertools
import json
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from scripts.browser import BrowserError, chromium, launch

FLAGS = (
    "--disable-features=DisableLoadExtensionCommandLineSwitch,LocalNetworkAccessChecks",
    "--enable-unsafe-extension-debugging",  # Extensions.triggerAction: the click on the toolbar
    "--autoplay-policy=no-user-gesture-required",  # the page speaks by itself
    "--use-fake-device-for-media-stream",  # a microphone that beeps; whether it may be used is still asked
)
ANSWER_SECONDS = 120
KINDS = ("page", "background_page", "service_worker")
"""Of targets with a debugger. `background_page`: an offscreen document."""
Event = dict[str, Any]


class Context:
    """A page, the service worker or the offscreen document. All methods raise BrowserError."""

    def __init__(self, devtools: "Devtools", session: str, info: Event):
        self._devtools, self._session = devtools, session
        self.target_id, self.kind, self.url = str(info["targetId"]), str(info["type"]), str(info["url"])
        self.is_closed = False

    def command(self, method: str, **parameters: Any) -> Event:
        return self._devtools.command(method, self._session, **parameters)

    def send(self, method: str, **parameters: Any) -> None:
        """Send a command without waiting for its answer."""
        self._devtools.send(method, self._session, **parameters)

    def run(self, function: str, *arguments: Any) -> Any:
        """Run an asynchronous JavaScript function; returns what it resolves to."""
        expression = f"({function})({', '.join(map(json.dumps, arguments))})"
        answer = self.command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if details := answer.get("exceptionDetails"):
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def poll(self, function: str, *arguments: Any) -> Any:
        """What the function returns once that is true; also in a page that is still being opened."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            with suppress(BrowserError):  # its execution context was replaced
                if result := self.run(function, *arguments):
                    return result
            time.sleep(0.02)
        raise BrowserError(f"{ANSWER_SECONDS} s passed: {function} is not true in {self.url}")

    def start(self, function: str, *arguments: Any) -> None:
        """Run a function without waiting for it."""
        self.send("Runtime.evaluate", expression=f"void ({function})({', '.join(map(json.dumps, arguments))})")

    def close(self) -> None:
        """Close the page, or kill the worker."""
        with suppress(BrowserError):  # a debugger would keep the worker
            self._devtools.command("Target.detachFromTarget", sessionId=self._session)
        self._devtools.command("Target.closeTarget", targetId=self.target_id)
        self._devtools.wait_until_gone(self.target_id)


class Devtools:
    """The connection to a browser. Each context of an extension gets a debugger before its first line runs."""

    def __init__(self, connection: ClientConnection):
        self._connection = connection
        self._condition = threading.Condition()
        self._has_ended = False
        self._numbers = itertools.count(1)
        self._answers: dict[int, Event] = {}
        self._contexts: dict[str, Context] = {}
        self.first_lines: dict[str, list[str]] = defaultdict(list)
        """Scripts that run before all others in contexts of a kind; for a service worker, when it was found."""
        self.errors: list[str] = []
        """What any context wrote to its console as a warning or an error, or threw."""
        self.reported: Any = None
        """What an offscreen document passed to `report` last."""
        threading.Thread(target=self._read, daemon=True).start()
        self.command("Target.setDiscoverTargets", discover=True, filter=[{"type": kind} for kind in KINDS])
        self._attach_to("tab")

    def command(self, method: str, session: str | None = None, **parameters: Any) -> Event:
        number = self.send(method, session, **parameters)
        self.wait_for(lambda: number in self._answers, f"answer to {method}")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def send(self, method: str, session: str | None = None, **parameters: Any) -> int:
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        try:
            self._connection.send(json.dumps(command | ({"sessionId": session} if session else {})))
        except WebSocketException as error:
            raise BrowserError("the browser has ended") from error
        return number

    def _attach_to(self, *kinds: str, session: str | None = None) -> None:
        """Attach to what begins from now on, before its first line. A page or offscreen document is within a tab."""
        only = [{"type": kind} for kind in kinds]
        self.send(
            "Target.setAutoAttach", session, autoAttach=True, waitForDebuggerOnStart=True, flatten=True, filter=only
        )

    def contexts(self, url: str = "", kind: str | None = None) -> list[Context]:
        """The contexts whose address begins like this, oldest first."""
        return [
            context
            for context in list(self._contexts.values())
            if context.url.startswith(url) and kind in (None, context.kind)
        ]

    def wait_for_context(self, url: str, kind: str | None = None) -> Context:
        """The newest context of this address, when it can be used."""
        self.wait_for(lambda: bool(self.contexts(url, kind)), f"context of {url}")
        context = self.contexts(url, kind)[-1]
        context.poll("async () => Boolean(globalThis.chrome?.runtime?.id)")  # its first line may not have run yet
        return context

    def open_page(self, url: str) -> Context:
        """A page in a new tab, when its scripts have run."""
        target = self.command("Target.createTarget", url=url)["targetId"]
        self.wait_for(lambda: any(context.target_id == target for context in self.contexts()), f"page of {url}")
        page = next(context for context in self.contexts() if context.target_id == target)
        page.poll("async (url) => location.href.startsWith(url) && document.readyState === 'complete'", url)
        return page

    def click_action(self, extension_id: str, page: Context) -> Context:
        """Click the extension's button in the toolbar while this page is in front; returns the popup."""
        tabs = self.command("Target.getTargets", filter=[{"type": "tab"}])["targetInfos"]
        (tab,) = [tab for tab in tabs if tab["url"] == page.url]
        self.command("Extensions.triggerAction", id=extension_id, targetId=tab["targetId"])
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            for target in self.command("Target.getTargets", filter=[{"type": "page"}])["targetInfos"]:
                if not target["attached"] and target["url"].startswith(f"chrome-extension://{extension_id}/"):
                    # It is in no tab that was attached to, and no event reports it.
                    self.command("Target.attachToTarget", targetId=target["targetId"], flatten=True)
                    popup = next(context for context in self.contexts() if context.target_id == target["targetId"])
                    popup.poll("async () => document.readyState === 'complete'")
                    return popup
            time.sleep(0.02)
        raise BrowserError("no popup opened")

    def kill(self) -> None:
        """End the browser at once, as a power failure would."""
        processes = self.command("SystemInfo.getProcessInfo")["processInfo"]
        os.kill(next(process["id"] for process in processes if process["type"] == "browser"), signal.SIGKILL)
        self.wait_for(lambda: self._has_ended, "end of the browser")

    def wait_until_gone(self, target_id: str) -> None:
        """Wait until a target has ended; no event reports some of them."""
        filter = [{"type": kind} for kind in KINDS]
        while any(
            target["targetId"] == target_id
            for target in self.command("Target.getTargets", filter=filter)["targetInfos"]
        ):
            time.sleep(0.02)
        with self._condition:
            self._remove(target_id)

    def wait_for(self, is_true: Callable[[], bool], expected: str, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until the browser sent what makes `is_true` true. Raises BrowserError after `seconds`."""
        with self._condition:
            is_in_time = self._condition.wait_for(lambda: is_true() or self._has_ended, seconds)
        if not is_in_time or not is_true():
            raise BrowserError(f"{'the browser has ended' if is_in_time else f'{seconds} s passed'}: no {expected}")

    def _read(self) -> None:
        """Handle messages until the browser ends: a new context waits for its debugger, whatever the test does."""
        with suppress(WebSocketException, BrowserError):
            for data in self._connection:
                message: Event = json.loads(data)
                with self._condition:
                    if "id" in message:
                        self._answers[message["id"]] = message
                    else:
                        self._handle(message["method"], message["params"], message.get("sessionId", ""))
                    self._condition.notify_all()
        with self._condition:
            self._has_ended = True
            self._condition.notify_all()

    def _handle(self, method: str, parameters: Event, session: str) -> None:
        match method:
            case "Target.attachedToTarget":
                self._begin(Context(self, parameters["sessionId"], parameters["targetInfo"]), parameters["sessionId"])
            case "Target.targetCreated" if parameters["targetInfo"]["type"] == "service_worker":
                self.send("Target.attachToTarget", targetId=parameters["targetInfo"]["targetId"], flatten=True)
            case "Target.detachedFromTarget":
                if context := self._contexts.pop(parameters["sessionId"], None):
                    context.is_closed = True
            case "Target.targetDestroyed":
                self._remove(parameters["targetId"])
            case "Target.targetInfoChanged":
                for context in self._contexts.values():
                    if context.target_id == parameters["targetInfo"]["targetId"]:
                        context.url = parameters["targetInfo"]["url"]
            case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning", "assert"):
                text = " ".join(str(part.get("value", part.get("description"))) for part in parameters["args"])
                self._note(session, text)
            case "Runtime.bindingCalled":
                self.reported = json.loads(parameters["payload"])
            case "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                self._note(session, details.get("exception", {}).get("description") or details["text"])
            # Failed requests are entries too; tests make many of them fail.
            case "Log.entryAdded" if _is_complaint(parameters["entry"]):
                self._note(session, f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")

    def _begin(self, context: Context, session: str) -> None:
        if context.kind == "tab":
            self._attach_to("page", "background_page", session=session)
            context.send("Runtime.runIfWaitingForDebugger")
            return
        self._contexts[session] = context
        context.send("Runtime.enable")
        context.send("Log.enable")
        if context.kind == "background_page":
            context.send("Runtime.addBinding", name="report")
        for script in self.first_lines[context.kind]:
            if context.kind == "service_worker":
                context.send("Runtime.evaluate", expression=script)
            else:
                context.send("Page.enable")
                context.send("Page.addScriptToEvaluateOnNewDocument", source=script, runImmediately=True)
        context.send("Runtime.runIfWaitingForDebugger")

    def _remove(self, target_id: str) -> None:
        for session, context in list(self._contexts.items()):
            if context.target_id == target_id:
                context.is_closed = True
                del self._contexts[session]

    def _note(self, session: str, text: str) -> None:
        context = self._contexts.get(session)
        if context and context.url.startswith("devtools:"):
            return  # Chromium inspects a popup that the protocol opened: its own page is no context of the extension
        self.errors.append(f"{context.url if context else 'a closed context'}: {text}")


def _is_complaint(entry: Event) -> bool:
    return entry["level"] in ("error", "warning") and entry["source"] != "network"


@contextmanager
def browser_with(extension: Path, profile: Path, *flags: str) -> Iterator[Devtools]:
    """Chromium with an unpacked extension. `profile`: a new directory, or that of an earlier one to reopen it."""
    program = chromium()
    assert program, "Chromium is not installed (Debian: apt-get install chromium)"
    with launch(program, profile, [*FLAGS, f"--load-extension={extension}", *flags]) as connection:
        yield Devtools(connection)
