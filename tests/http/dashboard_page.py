"""The owner's dashboard, driven in a real browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from scripts.browser import Page
from scripts.local.stack import LocalStack
from tests.http.http_client import PASSWORD, origin_of

UNTIL = """async () => {
  const deadline = Date.now() + 60000;
  while (!(%s)) {
    if (Date.now() > deadline) throw new Error("timed out; the page shows: " + document.body.innerText.slice(0, 600));
    await new Promise((next) => setTimeout(next, 30));
  }
}"""
SIGN_IN = """async (email, password) => {
  const form = document.getElementById("sign-in");
  form.elements.email.value = email;
  form.elements.password.value = password;
  form.requestSubmit();
}"""
ANSWER_ONCE = """async (path, status, body, retryAfter) => {
  const real = window.fetch;
  window.fetch = (url, options) => {
    if (!url.startsWith(path)) return real(url, options);
    window.fetch = real;
    return Promise.resolve(new Response(JSON.stringify(body), { status, headers: { "Retry-After": retryAfter } }));
  };
}"""
READY = """document.querySelector('#audit table, #audit .empty') && document.querySelector('#health .card')
  && !document.body.hasAttribute('aria-busy')"""
FOCUSED = """async () => { const focused = document.activeElement; return focused === document.body ? "" :
  `${focused.tagName} ${focused.id || focused.name || focused.innerText.trim().slice(0, 20)}`; }"""
CODES = {"Tab": 9, "Enter": 13, "Escape": 27}
TEXT = "async (selector) => document.querySelector(selector)?.innerText ?? ''"
# The labels and values of the first chart's legend, where a value is announced by a colon that can be seen.
LEGEND = """async () => [...document.querySelectorAll(".uplot")[0].querySelectorAll(".u-legend tr")]
  .filter((row) => getComputedStyle(row.querySelector("th"), "::after").visibility === "visible")
  .map((row) => [row.querySelector("th").innerText, row.querySelector("td").innerText])"""
MIDDLE = """async (selector) => {
  const element = document.querySelector(selector);
  element.scrollIntoView({ block: "center" });
  const { x, y, width, height } = element.getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}"""
SHOW = "async (view) => { location.hash = `#/${view}`; }"
AXE = Path(__file__).parents[2] / "clients" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
VIOLATIONS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  const summary = (id) => ({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`;
  return violations.flatMap(({ id, nodes }) => nodes.map(summary(id)));
}"""
FIND = """async (text) => {
  location.hash = "#/users";
  const form = document.querySelector("#users form");
  form.elements.search.value = text;
  form.requestSubmit();
}"""
CONFIRM = """async (label, reason, credits, how) => {
  [...document.querySelectorAll("#users button")].find((button) => button.textContent === label).click();
  while (!document.getElementById("confirm").open) await new Promise((next) => setTimeout(next, 10));
  const form = document.querySelector("#confirm form");
  form.elements.reason.value = reason;
  form.elements.credits.value = credits;
  form.querySelector(`button[value=${how}]`).click();
}"""
# Elements whose text has a contrast below 4.5 with its background. Source: WCAG 2.2, 1.4.3 and "relative luminance".
LOW_CONTRAST = """async () => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const background = (element) => {
    for (let parent = element; parent; parent = parent.parentElement) {
      const color = rgb(getComputedStyle(parent).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("p, dt, dd, th, td, label, button, a, h1, h2, caption, summary")) {
    if (!element.offsetParent || !element.innerText.trim() || element.disabled) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(background(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(`${element.tagName} ${element.innerText.slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return found;
}"""


@dataclass
class Dashboard:
    """The page in a browser, and the requests it made."""

    page: Page
    stack: LocalStack
    requests: list[dict[str, Any]] = field(default_factory=list)

    def open(self, base: str | None = None) -> None:
        self.page.go(f"{base or self.stack.api_url}/admin")
        self.wait_until("document.readyState === 'complete' && document.getElementById('range').elements.to.value")

    def sign_in(self, email: str, password: str) -> None:
        self.page.run(SIGN_IN, email, password)

    def sign_in_as_owner(self) -> None:
        self.sign_in(self.stack.dev["admin_email"], self.stack.dev["admin_password"])
        self.wait_until(READY)

    def show(self, view: str) -> None:
        """Open a view by its address, such as `users`, and wait until it has what it shows."""
        self.page.run(SHOW, view)
        section = f"document.querySelector('section[data-view~={view.partition('?')[0]}]')"
        self.wait_until(f"!{section}.hidden && !document.body.hasAttribute('aria-busy')")

    def violations(self) -> list[str]:
        """What axe finds wrong with what is shown."""
        if not self.page.run("async () => 'axe' in window"):
            self.page.devtools("Runtime.evaluate", expression=AXE.read_text())
        return list(self.page.run(VIOLATIONS))

    def wait_until(self, condition: str) -> None:
        self.page.run(UNTIL % condition)

    def text(self, selector: str) -> str:
        return str(self.page.run(TEXT, selector))

    def key(self, name: str) -> str:
        """Press a key; returns what is focused then."""
        text = {"text": "\r"} if name == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            pressed = {"key": name, "code": name, "windowsVirtualKeyCode": CODES[name]}
            self.page.devtools("Input.dispatchKeyEvent", type=kind, **pressed, **(text if kind == "keyDown" else {}))
        return str(self.page.run(FOCUSED))

    def tab_to(self, element: str) -> None:
        """Press Tab until the element is focused."""
        visited = []
        for _ in range(120):
            visited.append(self.key("Tab"))
            if visited[-1] == element:
                return
        raise AssertionError(f"{element} is not reached; only {visited}")

    def point_at(self, selector: str) -> None:
        """Move the mouse over the middle of an element."""
        x, y = self.page.run(MIDDLE, selector)
        self.page.devtools("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def type_text(self, text: str) -> None:
        self.page.devtools("Input.insertText", text=text)

    def set_size(self, width: int, height: int = 900) -> None:
        self.page.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    def set_color_scheme(self, scheme: str) -> None:
        body = [{"name": "prefers-color-scheme", "value": scheme}]
        self.page.devtools("Emulation.setEmulatedMedia", features=body)


@contextmanager
def watched_dashboard(browser: Page, stack: LocalStack) -> Iterator[Dashboard]:
    """The page, light and wide; it sends requests to its own API only and logs no errors. Nobody stays signed in."""
    errors = [browser.watch(event) for event in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled")]
    logged, sent = browser.watch("Log.entryAdded"), browser.watch("Network.requestWillBeSent")
    for events in (*errors, logged, sent):
        events.clear()
    page = Dashboard(browser, stack, sent)
    page.set_size(1280)
    page.set_color_scheme("light")
    yield page
    browser.run("async () => sessionStorage.clear()")  # Waits for pending events, too.
    assert errors == [[], []]
    # The browser itself logs refused requests; anything else, such as a violation of the policy, is an error.
    assert [event["entry"]["text"] for event in logged if event["entry"]["source"] != "network"] == []
    urls = [event["request"]["url"] for event in sent]
    assert urls
    assert [url for url in urls if not url.startswith((stack.api_url, "data:", "blob:"))] == []
    assert [url for url in urls if "eyJ" in url or PASSWORD in url] == []


@contextmanager
def serve_below_stage(api_url: str, stage: str) -> Iterator[str]:
    """The address of the API below the name of a stage, as API Gateway serves it. Other paths are not found."""

    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(f"{stage}/"):
                return self.send_error(404)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: text for name, text in self.headers.items() if name.lower() not in ("host", "connection")}
            if headers.get("Origin") == f"http://{self.headers['Host']}":
                headers["Origin"] = origin_of(api_url)
            response = requests.request(
                self.command, api_url + self.path.removeprefix(stage), headers=headers, data=body, timeout=60
            )
            self.send_response(response.status_code)
            for name in ("Content-Type", "Content-Security-Policy", "ETag", "Cache-Control", "X-Content-Type-Options"):
                if name in response.headers:
                    self.send_header(name, response.headers[name])
            self.send_header("Content-Length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)
            return None

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Requests are not logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{stage}"
        finally:
            server.shutdown()
            thread.join()
