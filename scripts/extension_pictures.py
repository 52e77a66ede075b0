"""Screenshots of the extension for README.md, of the stack of `make run`.

Somebody new signs up, captions the page that speaks, and asks what was missed. Nothing in the pictures is made up.
"""

import base64
import sys
import time
from pathlib import Path
from typing import Any

from scripts.browser import BrowserError, call_function
from scripts.extension import open_browser
from scripts.local.extension import EXTENSION_ID, EXTENSION_ORIGIN
from scripts.pictures import of_running_stack, write
from scripts.piped_browser import PipedBrowser

HEIGHT = 600
WIDTHS = {"sign-up": 330, "captions": 500, "missed": 380}
MOST_BYTES = 300 * 1024
"""Of all pictures together."""
WAIT_SECONDS = 240
FLAGS = ("--headless", "--autoplay-policy=no-user-gesture-required", "--hide-scrollbars")
CAPTION_POSITION = {"left": 0.02, "top": 0.5, "width": 0.96, "height": 0.4}
SIGN_UP = """async (email, password) => {
  const { elements } = document.querySelector("form");
  elements.email.value = email;
  elements.password.value = password;
  elements.email.form.requestSubmit();
}"""
START = """async (url, captionPosition) => {
  const { giveConsent, saveSettings } = await import("/common/settings.js");
  const { send } = await import("/common/messages.js");
  await giveConsent();
  await saveSettings({ language: "en", captionPosition });
  const tab = (await chrome.tabs.query({})).find((each) => each.url === url);
  await send("START", { tabId: tab.id, microphone: false });
}"""
VIEW = "async () => (await import('/common/live_view.js')).loadView()"
SEND = "async (type) => (await import('/common/messages.js')).send(type)"


class Tab:
    """A page of the browser. All methods raise BrowserError."""

    def __init__(self, browser: PipedBrowser, target_id: str):
        self._browser, self._target = browser, target_id
        self._session = browser.command("Target.attachToTarget", targetId=target_id, flatten=True)["sessionId"]

    @classmethod
    def open(cls, browser: PipedBrowser, path: str) -> "Tab":
        """A page of the extension."""
        target = browser.command("Target.createTarget", url=f"{EXTENSION_ORIGIN}/{path}")["targetId"]
        tab = cls(browser, target)
        tab.wait_for("async () => document.body?.dataset.ready !== undefined")
        return tab

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.command(method, self._session, **parameters)

    def run(self, function: str, *arguments: Any) -> Any:
        """What an asynchronous JavaScript function resolves to."""
        return call_function(self.command, function, *arguments)

    def wait_for(self, function: str, *arguments: Any) -> Any:
        """What the function resolves to once that is true."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            if found := self.run(function, *arguments):
                return found
            time.sleep(0.1)
        raise BrowserError(f"in {WAIT_SECONDS} s this did not become true: {function}")

    def show(self, width: int) -> None:
        """Put the tab in front, in a light window of this width."""
        self._browser.command("Target.activateTarget", targetId=self._target)
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=HEIGHT, deviceScaleFactor=1, mobile=False
        )
        light = {"name": "prefers-color-scheme", "value": "light"}
        self.command(
            "Emulation.setEmulatedMedia", features=[light, {"name": "prefers-reduced-motion", "value": "reduce"}]
        )

    def shot(self) -> bytes:
        """A screenshot as PNG, without the cursor of a field."""
        self.run("async () => { document.activeElement.blur(); await new Promise((next) => setTimeout(next, 300)); }")
        return base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"])


def take_pictures(browser: PipedBrowser, page_url: str) -> dict[str, bytes]:
    """The pictures by their names. Raises BrowserError."""
    pictures = {}
    email = f"ada-{time.time_ns()}@example.com"
    popup = Tab.open(browser, "popup/popup.html#/sign-up")
    popup.show(WIDTHS["sign-up"])
    pictures["sign-up"] = popup.shot()
    popup.run(SIGN_UP, email, "correct horse battery")
    popup.wait_for("async () => document.body.dataset.ready === '#/home'")

    (speaking,) = [target for target in browser.targets("page") if target["url"] == page_url]
    page = Tab(browser, speaking["targetId"])
    page.show(WIDTHS["captions"])
    page.run("async () => document.querySelector('#speak').click()")
    click_action(browser, page_url)
    popup.run(START, page_url, CAPTION_POSITION)
    popup.wait_for(f"async () => (await ({VIEW})()).captions.length > 1 && (await ({VIEW})()).partial")
    pictures["captions"] = page.shot()

    popup.wait_for(f"async () => (await ({VIEW})()).captions.length > 3")
    session = popup.run(VIEW)["sessionId"]
    panel = Tab.open(browser, f"panel/panel.html#/catch-up?session={session}")
    panel.show(WIDTHS["missed"])
    panel.wait_for("async () => document.querySelector('.price') !== null")
    panel.run("async () => document.querySelector('.offer .primary').click()")
    panel.wait_for("async () => document.querySelector('.result') !== null")
    pictures["missed"] = panel.shot()
    popup.run(SEND, "STOP")
    return pictures


def click_action(browser: PipedBrowser, page_url: str) -> None:
    """Click the extension's button in the toolbar, which allows to record this tab, and close the popup."""
    (tab,) = [target for target in browser.targets("tab") if target["url"] == page_url]
    browser.command("Extensions.triggerAction", id=EXTENSION_ID, targetId=tab["targetId"])
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        for target in browser.targets("page"):
            # The page of the popup that was opened as a tab is attached.
            if target["url"].startswith(f"{EXTENSION_ORIGIN}/popup/") and not target["attached"]:
                browser.command("Target.closeTarget", targetId=target["targetId"])
                return
        time.sleep(0.1)
    raise BrowserError("no popup opened")


def main() -> int:
    def take(program: str, profile: Path, dev: dict[str, str]) -> dict[str, bytes]:
        with open_browser(program, profile, dev["api_url"], FLAGS) as (browser, page_url):
            return take_pictures(browser, page_url)

    pictures = of_running_stack(take)
    if pictures is None:
        return 1
    if (total := sum(map(len, pictures.values()))) > MOST_BYTES:
        print(f"The pictures would have {total:,} bytes, more than {MOST_BYTES:,}.", file=sys.stderr)
        return 1
    write({f"extension-{name}": picture for name, picture in pictures.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
