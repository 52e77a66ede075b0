"""Screenshots of the dashboard for the docs, light and dark, of the stack of `make run`.

They show the data of that stack: seed it or use it for some days first.
"""

import sys
import tempfile
from pathlib import Path

from scripts.browser import BrowserError, NotStartedError, Page, chromium, page
from scripts.local.aws import REPOSITORY
from scripts.local.stack import read_json

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
    dev, program = read_json(REPOSITORY / ".local" / "dev.json"), chromium()
    if not dev or program is None:
        print("Start `make run` in another terminal and install Chromium, then try again.", file=sys.stderr)
        return 1
    try:
        with (
            tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile,
            page(program, Path(profile)) as browser,
        ):
            for scheme in ("light", "dark"):
                picture = take_screenshot(browser, dev, scheme)
                path = REPOSITORY / "docs" / f"dashboard-{scheme}.png"
                if len(picture) > MOST_BYTES:
                    print(f"{path.name} would have {len(picture):,} bytes, more than {MOST_BYTES:,}.", file=sys.stderr)
                    return 1
                path.write_bytes(picture)
                print(f"{path.relative_to(REPOSITORY)}: {len(picture) // 1024} KB")
    except (BrowserError, NotStartedError) as error:
        print(f"No screenshot was taken: {error}", file=sys.stderr)
        return 1
    return 0


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
