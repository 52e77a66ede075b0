"""The captions in a page, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.extension.devtools import Context

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
ARROWS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


class Overlay:
    """The captions in a page, as a screen reader sees them and a person uses them. The page cannot look inside."""

    def __init__(self, page: Context):
        self.page = page

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

    @property
    def hidden_below(self) -> float:
        """How many pixels of the newest words are below the edge; the shadow root is closed to all but the debugger."""
        (words,) = [node for node in self.nodes("group") if node["name"]["value"] == "Live captions"]
        found = self.page.command("DOM.resolveNode", backendNodeId=words["backendDOMNodeId"])["object"]["objectId"]
        function = "function () { return this.scrollHeight - this.scrollTop - this.clientHeight; }"
        answer = self.page.command(
            "Runtime.callFunctionOn", objectId=found, functionDeclaration=function, returnByValue=True
        )
        return float(answer["result"]["value"])

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
