"""The reference extension in a Chromium of its own, while `make run` runs: `make extension`.

It opens a page that speaks and says what to do. Accounts and settings of the extension are kept in `.local/`.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.speech import samples
from scripts.browser import BrowserError, chromium
from scripts.local.aws import REPOSITORY
from scripts.local.extension import EXTENSION, EXTENSION_ORIGIN
from scripts.local.processes import LOOPBACK, url_answers
from scripts.local.stack import read_json
from scripts.piped_browser import PipedBrowser, piped_browser

LOCAL = REPOSITORY / ".local"
PAGE = REPOSITORY / "demo" / "page.html"
WORKER_SECONDS = 60
NO_STACK = "No local stack is running. Start it with `make run` in another terminal, then try again."
NO_CHROMIUM = (
    "Chromium is not installed. Install it (Debian and Ubuntu: apt-get install chromium; macOS: brew install --cask "
    "chromium), then try again."
)
NO_DISPLAY = (
    "There is no display for the browser's window. Run this in a desktop session. Or use a browser on another machine: "
    "copy the folder {folder} there, load it in chrome://extensions (developer mode, Load unpacked), and forward the "
    "port of {api_url} to that machine, such as with ssh -L."
)
NOT_ADMITTED = (
    "`make run` does not let the reference extension in, because EXTENSION_ORIGIN names others only. Start it without "
    "EXTENSION_ORIGIN, or with: PORT={port} EXTENSION_ORIGIN={origins} make run"
)
OPENED = """
  extension     {folder}
  page          {page_url}  (it speaks, and says what to do)
  API           {api_url}

Close the browser or press Ctrl-C to end.
"""
SAVE_API_URL = """(async (apiUrl) => {
  if (!globalThis.chrome?.storage) return false;
  const { settings } = await chrome.storage.local.get("settings");
  await chrome.storage.local.set({ settings: { ...settings, apiUrl } });
  return true;
})(%s)"""


def reason_not_to_open(dev: dict[str, str]) -> str | None:
    """What is missing, and what to do; None if nothing is. `dev` is the content of dev.json."""
    if not dev.get("api_url") or not url_answers(f"{dev['api_url']}/health"):
        return NO_STACK
    if chromium() is None:
        return NO_CHROMIUM
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return NO_DISPLAY.format(folder=EXTENSION.relative_to(REPOSITORY), api_url=dev["api_url"])
    if EXTENSION_ORIGIN not in (origins := dev["extension_origins"].split(",")):
        port = urlsplit(dev["api_url"]).port
        return NOT_ADMITTED.format(origins=",".join([*origins, EXTENSION_ORIGIN]), port=port)
    return None


@contextmanager
def open_browser(
    program: str, profile: Path, api_url: str, flags: Sequence[str] = ()
) -> Iterator[tuple[PipedBrowser, str]]:
    """The browser with the extension, and the address of the page that speaks. Raises BrowserError."""
    with ThreadingHTTPServer((LOOPBACK, 0), _PageHandler) as server, piped_browser(program, profile, flags) as browser:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            page_url = f"http://{LOOPBACK}:{server.server_port}/"
            browser.command("Extensions.loadUnpacked", path=str(EXTENSION))
            _save_api_url(browser, api_url)
            (blank, *_) = browser.targets("page")
            session = browser.command("Target.attachToTarget", targetId=blank["targetId"], flatten=True)["sessionId"]
            browser.command("Page.navigate", session, url=page_url)
            browser.command("Target.detachFromTarget", sessionId=session)
            yield browser, page_url
        finally:
            server.shutdown()
            thread.join()


def _save_api_url(browser: PipedBrowser, api_url: str) -> None:
    """Tell the extension where the API is, as soon as its service worker has started."""
    deadline = time.monotonic() + WORKER_SECONDS
    while time.monotonic() < deadline:
        for target in browser.targets("service_worker"):
            is_ours = target["url"].startswith(f"{EXTENSION_ORIGIN}/")
            if is_ours and browser.run(target["targetId"], SAVE_API_URL % json.dumps(api_url)):
                return
        time.sleep(0.1)
    raise BrowserError("the extension did not start")


class _PageHandler(BaseHTTPRequestHandler):
    """Serves the page and its recordings; nothing else."""

    def do_GET(self) -> None:
        recordings = {path.name: path for path, _ in samples()}
        name = self.path.partition("?")[0].lstrip("/")
        if name == "":
            self._answer("text/html; charset=utf-8", PAGE.read_bytes())
        elif name == "recordings.json":
            self._answer("application/json", json.dumps(list(recordings)).encode())
        elif name in recordings:
            self._answer("audio/wav", recordings[name].read_bytes())
        else:
            self.send_error(404)

    def _answer(self, content_type: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing is written about requests."""


def main() -> int:
    dev = read_json(LOCAL / "dev.json")
    if reason := reason_not_to_open(dev):
        print(reason, file=sys.stderr)
        return 1
    program = chromium()
    assert program
    try:
        with open_browser(program, LOCAL / "extension-profile", dev["api_url"]) as (browser, page_url):
            print(OPENED.format(folder=EXTENSION, page_url=page_url, api_url=dev["api_url"]), flush=True)
            browser.process.wait()
    except BrowserError as error:
        print(f"The browser could not be used: {error}. Close other windows of `make extension`.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
