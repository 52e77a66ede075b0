"""A headless Chromium with an extension in it: all of its contexts, through the DevTools protocol.

Source: chromedevtools.github.io/devtools-protocol (Target, Extensions, Runtime, Page).
"""

import itertools
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from scripts.browser import BrowserError, chromium, launch
from tests.extension.context import ClosedError, Context, Event

FLAGS = (
    "--disable-features=DisableLoadExtensionCommandLineSwitch,LocalNetworkAccessChecks",
    "--enable-unsafe-extension-debugging",  # Extensions.triggerAction: the click on the toolbar
    "--autoplay-policy=no-user-gesture-required",  # the page speaks by itself
    "--use-fake-device-for-media-stream",  # a microphone that beeps; whether it may be used is still asked
)
ANSWER_SECONDS = 120
POLL_SECONDS = 0.05
KINDS = ("page", "background_page", "service_worker")
"""Of targets with a debugger. `background_page`: an offscreen document."""
OF_BROWSER = "devtools:"
"""Chromium opens a window of its DevTools for a popup that the protocol opened; that is no context of the extension."""


IS_LOADED = "async () => Boolean(globalThis.chrome?.runtime?.id)"  # its first line may not have run yet


Found = TypeVar("Found")


class Devtools:
    """The connection to a browser. Each context of an extension gets a debugger before its first line runs."""

    def __init__(self, connection: ClientConnection):
        self._connection = connection
        self._condition = threading.Condition()
        self._has_ended = False
        self._end_reason: Exception | None = None
        self._numbers = itertools.count(1)
        self._answers: dict[int, Event] = {}
        self._contexts: dict[str, Context] = {}
        self._ended: dict[str, str] = {}
        """The addresses of contexts that have ended, by their sessions: what they wrote may be read later."""
        self._tabs: dict[str, str] = {}
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
        self.wait_for(lambda: number in self._answers or session in self._ended, f"answer to {method}")
        answer = self._answers.pop(number, None)
        if answer is None:  # a context that ends answers nothing any more
            raise ClosedError(f"{method}: {self._ended[session or '']} has ended")
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def send(self, method: str, session: str | None = None, **parameters: Any) -> int:
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        try:
            self._connection.send(json.dumps(command | ({"sessionId": session} if session else {})))
        except WebSocketException as error:
            raise ClosedError("the browser has ended") from error
        return number

    def _attach_to(self, *kinds: str, session: str | None = None) -> None:
        """Attach to what begins from now on, before its first line. A page or offscreen document is within a tab."""
        only = [{"type": kind} for kind in kinds]
        self.send(
            "Target.setAutoAttach", session, autoAttach=True, waitForDebuggerOnStart=True, flatten=True, filter=only
        )

    def contexts(self, url: str = "") -> list[Context]:
        """The contexts whose address begins like this, oldest first."""
        return [
            context
            for context in list(self._contexts.values())
            if context.url.startswith(url) and not context.url.startswith(OF_BROWSER)
        ]

    def wait_for_context(self, url: str) -> Context:
        """The newest context of this address, when it can be used."""

        def find() -> Context | None:
            for context in self.contexts(url)[-1:]:
                with suppress(ClosedError):  # the next one may be there already
                    return context if context.run(IS_LOADED) else None
            return None

        self.wait_for(lambda: bool(self.contexts(url)), f"context of {url}")
        return self.poll(find, f"context of {url}")

    def open_page(self, url: str) -> Context:
        """A page in a new tab, when its scripts have run."""
        target = self.command("Target.createTarget", url=url)["targetId"]
        self.wait_for(lambda: self._context_of(target) is not None, f"page of {url}")
        page = self._context_of(target)
        assert page
        page.poll("async (url) => location.href.startsWith(url) && document.readyState === 'complete'", url)
        return page

    def click_action(self, extension_id: str, page: Context) -> Context:
        """Click the extension's button in the toolbar while this page is in front; returns the popup."""
        root = f"chrome-extension://{extension_id}/"
        before = self._pages(root)
        self.command("Extensions.triggerAction", id=extension_id, targetId=page.tab_target_id)
        (target,) = self.poll(lambda: self._pages(root) - before, "popup")
        if self._context_of(target) is None:  # it is in no tab that was attached to, and no event reports it
            self.command("Target.attachToTarget", targetId=target, flatten=True)
        popup = self._context_of(target)
        assert popup
        popup.poll("async () => document.readyState === 'complete'")
        return popup

    def _pages(self, url: str) -> set[str]:
        """The targets of pages whose address begins like this, also those that another client is attached to."""
        pages = self.command("Target.getTargets", filter=[{"type": "page"}])["targetInfos"]
        return {page["targetId"] for page in pages if page["url"].startswith(url)}

    def _context_of(self, target_id: str) -> Context | None:
        return next((context for context in self.contexts() if context.target_id == target_id), None)

    def wait_until_ended(self) -> None:
        self.wait_for(lambda: self._has_ended, "end of the browser")

    def wait_until_gone(self, target_id: str) -> None:
        """Wait until a target has ended; no event reports some of them."""
        only = [{"type": kind} for kind in KINDS]

        def is_gone() -> bool:
            targets = self.command("Target.getTargets", filter=only)["targetInfos"]
            return all(target["targetId"] != target_id for target in targets)

        self.poll(is_gone, f"end of {target_id}")
        with self._condition:
            self._remove(target_id)

    def poll(self, find: Callable[[], Found | None], expected: str) -> Found:
        """What `find` returns once that is true. A BrowserError of it counts as nothing, but a ClosedError ends it."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            try:
                if found := find():
                    return found
            except ClosedError:
                raise
            except BrowserError:
                pass  # its execution context was replaced
            time.sleep(POLL_SECONDS)
        raise BrowserError(f"{ANSWER_SECONDS} s passed: no {expected}")

    def wait_for(self, is_true: Callable[[], bool], expected: str, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until the browser sent what makes `is_true` true. Raises BrowserError after `seconds`."""
        with self._condition:
            is_in_time = self._condition.wait_for(lambda: is_true() or self._has_ended, seconds)
        if is_true():
            return
        if is_in_time:
            raise ClosedError(f"the browser has ended: no {expected}") from self._end_reason
        raise BrowserError(f"{seconds} s passed: no {expected}")

    def _read(self) -> None:
        """Handle messages until the browser ends: a new context waits for its debugger, whatever the test does."""
        try:
            for data in self._connection:
                message: Event = json.loads(data)
                with self._condition:
                    if "id" in message:
                        self._answers[message["id"]] = message
                    else:
                        self._handle(message["method"], message["params"], message.get("sessionId", ""))
                    self._condition.notify_all()
        except (WebSocketException, BrowserError, ValueError, KeyError) as error:
            self._end_reason = error
        finally:  # nothing is read any more, so nothing more can be waited for
            with self._condition:
                self._has_ended = True
                self._condition.notify_all()

    def _handle(self, method: str, parameters: Event, session: str) -> None:
        match method:
            case "Target.attachedToTarget":
                tab = self._tabs.get(session)
                context = Context(self, parameters["sessionId"], parameters["targetInfo"], tab)
                self._begin(context, parameters["sessionId"])
            case "Target.targetCreated" if parameters["targetInfo"]["type"] == "service_worker":
                self.send("Target.attachToTarget", targetId=parameters["targetInfo"]["targetId"], flatten=True)
            case "Target.detachedFromTarget":
                self._end(parameters["sessionId"])
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
            self._tabs[session] = context.target_id
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
                self._end(session)

    def _end(self, session: str) -> None:
        if context := self._contexts.pop(session, None):
            context.is_closed = True
            self._ended[session] = context.url

    def _note(self, session: str, text: str) -> None:
        context = self._contexts.get(session)
        url = context.url if context else self._ended.get(session, "a closed context")
        if not url.startswith(OF_BROWSER):
            self.errors.append(f"{url}: {text}")


def _is_complaint(entry: Event) -> bool:
    return entry["level"] in ("error", "warning") and entry["source"] != "network"


@contextmanager
def browser_with(extension: Path, profile: Path, *flags: str) -> Iterator[Devtools]:
    """Chromium with an unpacked extension. `profile`: a new directory, or that of an earlier one to reopen it."""
    program = chromium()
    assert program, "Chromium is not installed (Debian: apt-get install chromium)"
    with launch(program, profile, [*FLAGS, f"--load-extension={extension}", *flags]) as connection:
        yield Devtools(connection)
