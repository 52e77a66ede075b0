"""A page of the extension as a person uses it: by the names of its buttons and fields, in light and dark."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from scripts.browser import BrowserError
from scripts.local.extension import EXTENSION, EXTENSION_ORIGIN
from tests.extension.accessibility import SCHEMES, find_violations
from tests.extension.addresses import PANEL
from tests.extension.context import Context
from tests.extension.devtools import Devtools
from tests.http.http_client import PASSWORD

HAS_TEXT = "async (text) => document.body.innerText.replace(/[\u2068\u2069]/g, '').includes(text)"
READY_AT = "async (place) => document.body.dataset.ready?.startsWith(place)"
HAS_STATE = "async (name) => document.querySelector('.state[role=status]')?.innerText.trim() === name"
HAS_ELEMENT = "async (selector) => document.querySelector(selector) !== null"
# The last element of this name that is shown and enabled: a dialog comes after the page below it.
CLICK = """async (name) => {
  const found = [...document.querySelectorAll("button, a, label, summary")].filter((element) => {
    const label = element.getAttribute("aria-label") ?? element.innerText;
    return label.trim() === name && element.checkVisibility() && !element.disabled;
  });
  if (!found.length) return false;
  found.at(-1).click();
  return true;
}"""
MIDDLE = """async (name) => {
  const found = [...document.querySelectorAll("button, a")].filter(({ innerText }) => innerText.trim() === name);
  if (!found.length) return undefined;
  found.at(-1).scrollIntoView({ block: "center", behavior: "instant" });
  const { left, top, width, height } = found.at(-1).getBoundingClientRect();
  return [left + width / 2, top + height / 2];
}"""
CLICK_ROW = """async (words) => {
  const row = [...document.querySelectorAll("main li a")].find((link) => link.innerText.includes(words));
  row?.click();
  return row !== undefined;
}"""
FILL = """async (name, value) => {
  const label = [...document.querySelectorAll("label")].find((element) => element.innerText.trim() === name);
  const input = label && document.getElementById(label.htmlFor);
  if (!input) return false;
  input.focus();
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}"""
GO = """async (place) => {
  delete document.body.dataset.ready;
  if (location.hash === place) dispatchEvent(new Event("hashchange"));
  else location.hash = place;
}"""
# As after the installation, except for the address of the API.
RESET = """async (apiUrl) => {
  await chrome.storage.session.clear();
  await chrome.storage.local.clear();
  await chrome.storage.local.set({ settings: { apiUrl } });
}"""
RELOAD = """async () => {
  window.isLeft = true; // it may draw once more before it is gone
  setTimeout(() => location.reload());
}"""
IS_RELOADED = "async () => !window.isLeft && document.body?.dataset.ready !== undefined"
FOCUSED = """async () => {
  const element = document.activeElement;
  const label = (element.getAttribute("aria-label") ?? element.innerText ?? "").trim();
  return `${element.tagName} ${label || element.name || ""}`;
}"""
WORKER_IS_DONE = """async () => {
  const { send } = await import("/common/messages.js");
  await send("WAKE");
  await navigator.locks.request("live-transcription/wake", () => undefined); // after all that were asked for before
}"""
TOO_WIDE = "async () => document.documentElement.scrollWidth > document.documentElement.clientWidth"
NARROWEST = 320  # pixels: WCAG 2.2, 1.4.10 "Reflow"
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27}


@cache
def texts(language: str) -> dict[str, str]:
    """The texts of the extension by their names."""
    messages = json.loads((EXTENSION / "_locales" / language / "messages.json").read_text(encoding="utf-8"))
    return {name: message["message"] for name, message in messages.items()}


def text(name: str, language: str = "en", **values: str) -> str:
    """A text of the extension, with `$1` and so on replaced by `v1=…`."""
    found = texts(language)[name]
    for number, value in values.items():
        found = found.replace(f"${number[1:]}", value)
    return found


@dataclass
class PanelPage:
    devtools: Devtools
    page: Context

    @classmethod
    def open(cls, devtools: Devtools, hash_path: str = "#/settings", url: str = PANEL) -> "PanelPage":
        """Opens at a place that stays: another one would lead on while the page is awaited."""
        opened = cls(devtools, devtools.open_page(url + hash_path))
        opened.set_size(NARROWEST)
        opened.wait_for_view()
        return opened

    def reset(self, api_url: str) -> None:
        """As after the installation, except for the address of the API."""
        self.page.run(RESET, api_url)
        self.page.run(RELOAD)  # it remembers the price of what ran before
        self.poll(IS_RELOADED)
        self.go("#/sign-in")

    def poll(self, function: str, *arguments: Any) -> None:
        """Wait until the function is true in the page. Raises BrowserError with what the page shows instead."""
        try:
            self.page.poll(function, *arguments)
        except BrowserError as error:
            raise BrowserError(f"{arguments}: {error}\n{self.text_of('body')}") from error

    def go(self, hash_path: str) -> None:
        self.page.run(GO, hash_path)
        self.wait_for_view()

    def wait_for_view(self) -> None:
        self.poll("async () => document.body?.dataset.ready !== undefined")

    def wait_for_place(self, hash_path: str) -> None:
        self.poll(READY_AT, hash_path)

    def wait_for_text(self, words: str) -> None:
        """Wait until the page shows these words."""
        self.poll(HAS_TEXT, words)

    def wait_for_state(self, state: str) -> None:
        """Wait until the session that runs is shown in this state."""
        self.poll(HAS_STATE, text(f"state_{state}"))

    def wait_for_element(self, selector: str) -> None:
        self.poll(HAS_ELEMENT, selector)

    def click(self, name: str) -> None:
        self.poll(CLICK, name)

    def click_with_mouse(self, name: str) -> None:
        """As a person does it: the browser lets some things begin only then."""
        self.poll(MIDDLE, name)
        x, y = self.page.run(MIDDLE, name)
        for kind in ("mousePressed", "mouseReleased"):
            self.page.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def click_row(self, words: str) -> None:
        """The link of a list whose text has these words."""
        self.poll(CLICK_ROW, words)

    def follow(self, name: str, hash_path: str) -> None:
        """Click what leads to another place."""
        self.click(name)
        self.wait_for_place(hash_path)

    def visit(self, hash_path: str, words: str) -> None:
        """Go to a place, and check it when it shows these words."""
        self.go(hash_path)
        self.wait_for_text(words)
        self.check(hash_path)

    def fill(self, name: str, value: str) -> None:
        self.poll(FILL, name, value)

    def sign_up(self, email: str) -> None:
        self.go("#/sign-up")
        self.fill(text("field_email"), email)
        self.fill(text("field_password"), PASSWORD)
        self.click(text("action_sign_up"))

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.fill(text("field_email"), email)
        self.fill(text("field_password"), password)
        self.follow(text("action_sign_in"), "#/live")

    def confirm(self, name: str) -> None:
        """Agree in the dialog."""
        self.wait_for_element("dialog[open]")
        self.click(name)

    def agree_to_recording(self) -> None:
        """Answer the page that the first start leads to."""
        self.wait_for_place("#/consent")
        self.check("consent")
        self.click(text("consent_promise"))
        self.click(text("consent_agree_start"))

    def summarise(self) -> None:
        """From the price of a catch-up over its summary to its transcript."""
        self.wait_for_element(".price")
        self.check("price of a catch-up")
        self.click(text("action_summarise"))
        self.wait_for_text(text("catch_up_summary"))
        self.check("summary")
        self.follow(text("ended_transcript"), "#/history/")

    def choose_file(self, path: Path) -> None:
        """Choose a file in the only field for one."""
        root = self.page.command("DOM.getDocument")["root"]["nodeId"]
        field = self.page.command("DOM.querySelector", nodeId=root, selector="input[type=file]")["nodeId"]
        self.page.command("DOM.setFileInputFiles", nodeId=field, files=[str(path)])

    def text_of(self, selector: str) -> str:
        return str(self.page.run("async (selector) => document.querySelector(selector)?.innerText ?? ''", selector))

    def wait_for_worker(self) -> None:
        """Wait until the worker has looked after sessions: it would put aside a view of one that nobody records."""
        self.page.run(WORKER_IS_DONE)

    def put_view(self, **view: Any) -> None:
        """Show a live session in a state that takes long to reach; the worker's own view is put aside."""
        self.page.run("async (live) => chrome.storage.session.set({ live })", view)

    def focused_element(self) -> str:
        return str(self.page.run(FOCUSED))

    def press(self, name: str) -> str:
        """Press a key; returns what is focused then."""
        typed = {"text": "\r"} if name == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            key = {"key": name, "code": name, "windowsVirtualKeyCode": KEYS[name]}
            self.page.command("Input.dispatchKeyEvent", type=kind, **key, **(typed if kind == "keyDown" else {}))
        return self.focused_element()

    def tab_to(self, element: str) -> None:
        """Press Tab until the element is focused."""
        visited = []
        for _ in range(60):
            visited.append(self.press("Tab"))
            if visited[-1] == element:
                return
        raise AssertionError(f"{element} is not reached, only {visited}")

    def set_size(self, width: int, height: int = 780) -> None:
        self.page.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def check(self, name: str, *schemes: str) -> None:
        """No fault for axe, by default in light and dark, and nothing beyond the edge at the narrowest width."""
        for scheme in schemes or SCHEMES:
            assert find_violations(self.page, scheme) == [], f"{name}, {scheme}"
        assert not self.page.run(TOO_WIDE), name

    def console_errors(self) -> list[str]:
        """What pages of the extension logged, without the browser's own lines about refused requests."""
        own = [line for line in self.devtools.errors if line.startswith(EXTENSION_ORIGIN)]
        return [line for line in own if "Failed to load resource" not in line]

    def close(self) -> None:
        self.page.close()
