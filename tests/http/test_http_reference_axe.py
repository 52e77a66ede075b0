"""The reference page for people who do not see well: axe, light and dark, narrow and wide."""

from collections.abc import Iterator

import pytest

from scripts.browser import Page
from scripts.local.stack import LocalStack
from tests.browsing import open_browser
from tests.http.dashboard_page import AXE, UNTIL, VIOLATIONS

SHOWN = "document.querySelectorAll('.opblock').length > 30"
OPEN = "async (id) => document.querySelector(`#${id} .opblock-summary-control`).click()"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_browser(tmp_path_factory) as page:
        yield page


@pytest.mark.parametrize("width", [360, 1_280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_reference_has_no_fault_for_axe(browser: Page, stack: LocalStack, width: int, scheme: str) -> None:
    browser.devtools("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.go("about:blank")
    browser.go(f"{stack.api_url}/docs")
    browser.run(UNTIL % SHOWN)
    browser.run(OPEN, "operations-Credits-balance")
    browser.run(UNTIL % "document.querySelector('.try-out__btn')")
    browser.devtools("Runtime.evaluate", expression=AXE.read_text(encoding="utf-8"))

    assert browser.run(VIOLATIONS) == []
    assert browser.run("async () => document.querySelectorAll('main').length") == 1
    light = browser.run("async () => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light == (scheme == "light")
