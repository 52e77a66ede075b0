"""Pictures of the owner's dashboard for the docs, light and dark, taken of a running `make run`.

They show what its tables hold: pictures for the docs are taken after some days' use.
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
    if (notice || Date.now() > until) throw new Error(notice || "the figures did not come");
    await new Promise((next) => setTimeout(next, 50));
  }
  document.activeElement.blur();
  await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
}"""


def main() -> int:
    dev, program = read_json(REPOSITORY / ".local" / "dev.json"), chromium()
    if not dev or program is None:
        print("`make run` has to run in another terminal, and Chromium to be installed.", file=sys.stderr)
        return 1
    try:
        with (
            tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile,
            page(program, Path(profile)) as browser,
        ):
            for scheme in ("light", "dark"):
                picture = taken(browser, dev, scheme)
                path = REPOSITORY / "docs" / f"dashboard-{scheme}.png"
                if len(picture) > MOST_BYTES:
                    print(f"{path.name} would have {len(picture)} bytes; {MOST_BYTES} are allowed.", file=sys.stderr)
                    return 1
                path.write_bytes(picture)
                print(f"{path.relative_to(REPOSITORY)}: {len(picture) // 1024} KB")
    except (BrowserError, NotStartedError) as error:
        print(f"No picture: {error}", file=sys.stderr)
        return 1
    return 0


def taken(browser: Page, dev: dict[str, str], scheme: str) -> bytes:
    """The dashboard signed in, in a window of one size, as PNG. Raises BrowserError."""
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
