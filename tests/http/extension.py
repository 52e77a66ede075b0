"""Extensions as Chromium loads them from a directory, and pages of anybody else's."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scripts.browser import Page

# What a page learns of an answer; `bytes` stands for so many of silence as the body.
CALL = """async (url, { bytes, ...how }) => {
  try {
    const answer = await fetch(url, bytes ? { ...how, body: new Uint8Array(bytes) } : how);
    const { status, type } = answer;
    return { status, type, headers: Object.fromEntries(answer.headers), text: await answer.text() };
  } catch (error) {
    return { failed: String(error) };
  }
}"""
WORKER = f"""const call = {CALL};
chrome.runtime.onMessage.addListener(([url, how], sender, answer) => {{ call(url, how).then(answer); return true; }});
"""
ASK_WORKER = "async (url, how) => chrome.runtime.sendMessage([url, how])"
# The same in a frame whose origin is `null`; the page keeps it from call to call.
CALL_FRAMED = f"""async (url, how) => {{
  const next = (from) => new Promise((resolve) => from.addEventListener("message", resolve, {{ once: true }}));
  if (!document.querySelector("iframe")) {{
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.srcdoc = `<script>onmessage = ({{ data }}) => (${{String({CALL})}})(...data).then(
      (answer) => parent.postMessage(answer, "*"));</` + "script>";
    document.body.append(frame);
    await new Promise((loaded) => {{ frame.onload = loaded; }});
  }}
  const answered = next(window);
  frames[0].postMessage([url, how], "*");
  return (await answered).data;
}}"""
FORM = '<form method=post enctype=text/plain action="{}"><input name="{}"><button>Send</button></form>'


@dataclass(frozen=True)
class Extension:
    """An unpacked extension. Its id is made of its key, as Chromium makes it."""

    directory: Path
    id: str

    @classmethod
    def create(cls, directory: Path, **manifest: Any) -> "Extension":
        key = rsa.generate_private_key(65537, 2048).public_key()
        public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        letters = (chr(ord("a") + int(digit, 16)) for digit in hashlib.sha256(public).hexdigest()[:32])
        directory.mkdir()
        settings = {
            "manifest_version": 3,
            "name": directory.name,
            "version": "1",
            "key": base64.b64encode(public).decode(),
        }
        settings |= {"background": {"service_worker": "worker.js"}}
        (directory / "manifest.json").write_text(json.dumps(settings | manifest))
        (directory / "page.html").write_text("<!doctype html><title>A page of the extension's</title>")
        (directory / "worker.js").write_text(WORKER)
        return cls(directory, "".join(letters))

    @property
    def origin(self) -> str:
        return f"chrome-extension://{self.id}"

    @property
    def page(self) -> str:
        return f"{self.origin}/page.html"


def flags(extensions: Sequence[Extension]) -> list[str]:
    """What Chromium has to be told to load them, and to let any page call this machine: so the API alone refuses."""
    directories = ",".join(str(extension.directory) for extension in extensions)
    off = ("DisableLoadExtensionCommandLineSwitch", "LocalNetworkAccessChecks")
    return [f"--load-extension={directories}", f"--disable-features={','.join(off)}"]


@dataclass(frozen=True)
class Caller:
    """A page that calls an API; `how` is the script that does."""

    page: Page
    address: str
    api_url: str
    how: str = CALL

    def call(self, method: str, path: str, token: str | None = None, **request: Any) -> dict[str, Any]:
        """What the page learns of one call: its status, headers and text, or that it failed."""
        headers = request.pop("headers", {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        if "json" in request:
            request["body"] = json.dumps(request.pop("json"))
            headers = {"Content-Type": "application/json"} | headers
        return dict(self.page.run(self.how, self.api_url + path, {"method": method, "headers": headers} | request))


@contextmanager
def site(page: str) -> Iterator[int]:
    """A site of somebody's on this machine, which shows this page; gives its port."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page.encode())))
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            """Nothing is written about requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def form(action: str, body: dict[str, Any]) -> str:
    """A page whose button sends JSON without being asked: a form of plain text, whose one field is named like it."""
    # `{"a": "b", "x": "` is the field's name, `="}` is what is sent after it.
    written = json.dumps(body)[:-1] + ', "x": "'
    return f"<!doctype html><title>A page</title>{FORM.format(action, written.replace(chr(34), '&quot;'))}"


def data_page(html: str) -> str:
    """The page as its own address; its origin is `null`."""
    return f"data:text/html,{quote(html)}"
