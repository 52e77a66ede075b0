"""Screenshots of the dashboard for the docs, light and dark, of the stack of `make run`.

They show the data of that stack: seed it or use it for some days first.
"""

import sys
from pathlib import Path

from scripts.browser import Page, page
from scripts.pictures import of_running_stack, write

WIDTH, HEIGHT, SCALE = 1280, 1000, 1
MOST_BYTES = 300 * 1024
SIGN_IN = """async (email, password) => {
  const form = document.getElementById("sign-in");
  form.elements.email.value = email;
  form.elements.password.value = password;
  form.requestSubmit();
  const until = Date.now() + 30_000;
  while (!document.querySelector("#audit table, #audit .empty")) {
    const notice = document.getElementById("notice").textContent;
    if (notice || Date.now() > until) throw new Error(notice || "the figures were not loaded in time");
    await new Promise((next) => setTimeout(next, 50));
  }
  document.activeElement.blur();
  await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
}"""


def main() -> int:
    pictures = of_running_stack(take_pictures)
    if pictures is None:
        return 1
    for name, picture in pictures.items():
        if len(picture) > MOST_BYTES:
            print(f"{name} would have {len(picture):,} bytes, more than {MOST_BYTES:,}.", file=sys.stderr)
            return 1
    write(pictures)
    return 0


def take_pictures(program: str, profile: Path, dev: dict[str, str]) -> dict[str, bytes]:
    with page(program, profile) as browser:
        return {f"dashboard-{scheme}": take_screenshot(browser, dev, scheme) for scheme in ("light", "dark")}


def take_screenshot(browser: Page, dev: dict[str, str], scheme: str) -> bytes:
    """The dashboard after sign-in, in a window of fixed size, as PNG. Raises BrowserError."""
    browser.devtools(
        "Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=SCALE, mobile=False
    )
    browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.devtools("Emulation.setScrollbarsHidden", hidden=True)
    browser.go(f"{dev['api_url']}/admin")
    browser.run(SIGN_IN, dev["admin_email"], dev["admin_password"])
    return browser.shot()


if __name__ == "__main__":
    sys.exit(main())
