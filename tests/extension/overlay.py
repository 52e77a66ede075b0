"""The captions in a page, for tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.extension.accessibility import load_axe, set_scheme
from tests.extension.context import Context
from tests.extension.listener import Listener
from tests.extension.panel_page import text

HOST = "live-transcription-captions"
RECTANGLE = f"""async () => {{
  const host = document.querySelector("{HOST}");
  const {{ left, top, width, height }} = host.getBoundingClientRect();
  return [left, top, width, height];
}}"""
IS_IN_FRONT = f"""async () => {{
  const host = document.querySelector("{HOST}");
  if (!host) return false;
  const {{ left, top, width, height }} = host.getBoundingClientRect();
  return document.elementFromPoint(left + width / 2, top + height / 2) === host;
}}"""
OPEN_DIALOG = """async (color) => {
  const dialog = document.body.appendChild(document.createElement("dialog"));
  dialog.style.cssText = `width: 100vw; height: 100vh; max-width: none; max-height: none; background: ${color}`;
  dialog.showModal();
}"""
# A closed shadow root, given to axe as if it were open.
JUDGE = """async function (host) {
  Object.defineProperty(host, "shadowRoot", { value: this, configurable: true });
  try {
    const { violations, passes } = await axe.run(host);
    const summary = (id) => ({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`;
    const found = violations.flatMap(({ id, nodes }) => nodes.map(summary(id)));
    return [found, passes.find(({ id }) => id === "color-contrast")?.nodes.length ?? 0];
  } finally {
    delete host.shadowRoot;
  }
}"""
HIDDEN_PIXELS = """function () {
  return [this.scrollTop, this.scrollHeight - this.scrollTop - this.clientHeight];
}"""
DRAW = """async (tabId, view) => {
  const { overlayView } = await import("/common/live_view.js");
  await chrome.tabs.sendMessage(tabId, { type: "OVERLAY_VIEW", view: overlayView(view) }, { frameId: 0 });
}"""
KEEP_CAPTIONS = """async (tabId) => {
  const func = () => void (globalThis.setTimeout = () => undefined); // of the content scripts alone
  await chrome.scripting.executeScript({ target: { tabId }, func });
}"""
ARROWS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


class Overlay:
    """The captions in a page, as a screen reader sees them and a person uses them. The page cannot look inside."""

    def __init__(self, page: Context):
        self.page = page

    @classmethod
    def of_new_session(cls, listener: Listener) -> "Overlay":
        """The captions of a session that runs and has spoken."""
        listener.start()
        listener.wait_for_view("(view) => view.captions.length > 0")
        assert listener.tab
        return cls(listener.tab).wait()

    @property
    def rectangle(self) -> list[float]:
        """Left, top, width and height."""
        return list(self.page.run(RECTANGLE))

    def wait(self) -> "Overlay":
        self.page.poll(IS_IN_FRONT)
        return self

    def nodes(self, role: str) -> list[dict[str, Any]]:
        """What the accessibility tree has of a role."""
        nodes = self.page.command("Accessibility.getFullAXTree")["nodes"]
        return [node for node in nodes if not node["ignored"] and node["role"]["value"] == role]

    def text(self, role: str) -> str:
        """All text below the only node of a role."""
        nodes = {node["nodeId"]: node for node in self.page.command("Accessibility.getFullAXTree")["nodes"]}
        (top,) = [node for node in nodes.values() if not node["ignored"] and node["role"]["value"] == role]

        def gather(node: dict[str, Any]) -> Iterator[str]:
            if node["role"]["value"] == "StaticText":
                yield node["name"]["value"]
            for child in node["childIds"]:
                yield from gather(nodes[child])

        return " ".join(gather(top))

    def wait_for_text(self, role: str, words: str) -> None:
        """Wait until the only node of a role has these words."""
        self.page.devtools.poll(lambda: words in self.text(role), f"{words!r} in the {role} of the captions")

    def open_dialog(self, color: str) -> None:
        """Open a dialog of the page, which the captions then are in: axe judges colours only below the body."""
        self.page.run(OPEN_DIALOG, color)
        self.page.poll(f"async () => document.querySelector('dialog > {HOST}') !== null")  # with the next words

    @contextmanager
    def over_dialog(self, color: str) -> Iterator[None]:
        """The captions are in a dialog of the page for this time."""
        self.open_dialog(color)
        try:
            yield
        finally:
            self.page.run("async () => document.querySelector('dialog').close()")
            self.page.poll(f"async () => document.querySelector('html > {HOST}') !== null")
            self.page.run("async () => document.querySelector('dialog').remove()")

    def judge(self, scheme: str) -> tuple[list[str], int]:
        """What axe finds wrong with the captions, and how many colours of text it judged."""
        set_scheme(self.page, scheme)
        load_axe(self.page)
        nodes = self._all_nodes(self.page.command("DOM.getDocument", depth=-1, pierce=True)["root"])
        (host,) = [node for node in nodes if node["localName"] == HOST]
        (root,) = host["shadowRoots"]
        host_object, root_object = (
            self.page.command("DOM.resolveNode", nodeId=node["nodeId"])["object"]["objectId"] for node in (host, root)
        )
        found, count = self.page.command(
            "Runtime.callFunctionOn",
            functionDeclaration=JUDGE,
            objectId=root_object,
            arguments=[{"objectId": host_object}],
            awaitPromise=True,
            returnByValue=True,
        )["result"]["value"]
        return list(found), int(count)

    def _all_nodes(self, node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for child in node.get("children", []):
            yield from self._all_nodes(child)

    @property
    def hidden_words(self) -> tuple[float, float]:
        """How many pixels of the words are above the box and below it, where the newest ones are.

        The shadow root is closed to all but the debugger.
        """
        (words,) = [node for node in self.nodes("group") if node["name"]["value"] == "Live captions"]
        found = self.page.command("DOM.resolveNode", backendNodeId=words["backendDOMNodeId"])["object"]["objectId"]
        answer = self.page.command(
            "Runtime.callFunctionOn", objectId=found, functionDeclaration=HIDDEN_PIXELS, returnByValue=True
        )
        above, below = answer["result"]["value"]
        return float(above), float(below)

    def check_newest_words(self) -> float:
        """There are more words than the box shows, and the newest ones are in it; returns the pixels above it."""
        above, below = self.hidden_words
        assert above > 0
        assert below < 2
        return above

    def focus(self, name: str) -> None:
        (button,) = [node for node in self.nodes("button") if node["name"]["value"].startswith(name)]
        self.page.command("DOM.focus", backendNodeId=button["backendDOMNodeId"])

    def press(self, name: str, key: str, times: int = 1) -> None:
        """Press a key while the button of this name has the focus."""
        self.focus(name)
        code = ARROWS.get(key, 13)
        for _ in range(times):
            text = {"text": "\r"} if key == "Enter" else {}
            for kind in ("keyDown", "keyUp"):
                self.page.command("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    @contextmanager
    def dragging(self, name: str, right: float, down: float) -> Iterator[None]:
        """Drag the button of this name with the mouse, which is held until the end."""
        (button,) = [node for node in self.nodes("button") if node["name"]["value"].startswith(name)]
        quad = self.page.command("DOM.getBoxModel", backendNodeId=button["backendDOMNodeId"])["model"]["content"]
        x, y = (quad[0] + quad[4]) / 2, (quad[1] + quad[5]) / 2
        self._use_mouse("mousePressed", x, y)
        self._use_mouse("mouseMoved", x + right / 2, y + down / 2)
        self._use_mouse("mouseMoved", x + right, y + down)
        yield
        self._use_mouse("mouseReleased", x + right, y + down)

    def _use_mouse(self, kind: str, x: float, y: float) -> None:
        self.page.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def stop_and_keep(listener: Listener, overlay: Overlay) -> Callable[[dict[str, Any]], None]:
    """Stop the session, so that nothing else is drawn; the result draws a view in its captions, which stay."""
    tab_id = listener.view["tabId"]
    listener.panel.run(KEEP_CAPTIONS, tab_id)  # which go some time after a stop
    listener.stop()
    overlay.wait_for_text("status", text("overlay_ended_stopped"))
    return lambda view: listener.panel.run(DRAW, tab_id, view)
