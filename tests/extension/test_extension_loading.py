"""The extension as Chromium loads it: without a warning, with six permissions, within its size."""

import io
import json
import zipfile
from typing import Any

from scripts.local.extension import EXTENSION, EXTENSION_ID
from tests.extension.addresses import WORKER
from tests.extension.devtools import Devtools

MOST_ZIPPED_BYTES = 140_000
"""What a person downloads from a store; the SDK, which is in it, has a budget of its own in tests/sdk."""
NOT_SHIPPED = ("test", "package.json", "README.md")
COMPLAINTS = ("manifestErrors", "runtimeErrors", "runtimeWarnings", "installWarnings")
LIST = """async () => new Promise((resolve) => chrome.developerPrivate.getExtensionsInfo({}, resolve))"""


def test_chromium_loads_it_without_a_warning(browser: Devtools) -> None:
    browser.wait_for_context(WORKER)
    page = browser.open_page("chrome://extensions/")

    found: list[dict[str, Any]] = page.run(LIST)

    page.close()
    (extension,) = [loaded for loaded in found if loaded["id"] == EXTENSION_ID]
    assert {name: extension.get(name, []) for name in COMPLAINTS} == {name: [] for name in COMPLAINTS}
    assert extension["state"] == "ENABLED"
    assert {command["name"] for command in extension["commands"] if command["keybinding"]} == {
        "_execute_action",
        "toggle-captions",
    }


def test_it_asks_for_no_host_and_no_permission_beyond_six() -> None:
    manifest = json.loads((EXTENSION / "manifest.json").read_text())

    expected = {"storage", "tabCapture", "offscreen", "sidePanel", "activeTab", "scripting"}
    assert set(manifest["permissions"]) == expected
    assert not manifest.keys() & {"host_permissions", "optional_permissions", "optional_host_permissions"}
    assert not manifest.keys() & {"content_scripts", "externally_connectable", "web_accessible_resources"}


def test_it_is_within_its_size() -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(EXTENSION.rglob("*")):
            name = path.relative_to(EXTENSION)
            if path.is_file() and name.parts[0] not in NOT_SHIPPED:
                archive.write(path, name)

    assert zipped.tell() < MOST_ZIPPED_BYTES
