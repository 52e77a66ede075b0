"""The page of a shared transcript in a browser: nothing is loaded or run, and it is readable wherever it is opened."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.browser import Page
from scripts.local.stack import LocalStack
from tests.browsing import open_browser
from tests.http.http_client import Api, Person

AXE = Path(__file__).parents[2] / "clients" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> javascript:alert(3) https://example.com/a "
SEGMENTS = [
    {"seq": 0, "start_ms": 500, "end_ms": 1_500, "text": HOSTILE + "word" * 200, "speaker": "Ada <b>"},
    {"seq": 1, "start_ms": 3_700_000, "end_ms": 3_701_000, "text": "صباح الخير", "speaker": "بو"},
]
VIOLATIONS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  const summary = (id) => ({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`;
  return violations.flatMap(({ id, nodes }) => nodes.map(summary(id)));
}"""
PAGE_FACTS = """async () => {
  const style = (selector) => getComputedStyle(document.querySelector(selector));
  return {
    title: document.title,
    elements: [...new Set([...document.querySelectorAll("*")].map(({ localName }) => localName))].sort(),
    links: document.links.length,
    isTooWide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    page: style("body").backgroundColor,
    text: style("body").color,
    said: style(".said").display,
  };
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_browser(tmp_path_factory, ["Network", "Log", "Runtime", "Page"]) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(api: Api, stack: LocalStack) -> str:
    """Of a shared transcript whose words are hostile."""
    person = Person.register(api)
    lease = person.stream(action="start", transport="relay", lease_seconds=60, title=HOSTILE).json()
    person.stream(action="save", session_id=lease["session_id"], segments=SEGMENTS)
    person.stream(action="stop", session_id=lease["session_id"])
    url = person.post(f"/transcription/history/{lease['transcript_id']}/share").json()["url"]
    return f"{stack.api_url}/shared/{url.rpartition('/')[2]}"


@pytest.mark.parametrize("is_shared", [True, False])
@pytest.mark.parametrize("width", [360, 1_280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_fault_for_axe_and_fits(
    page: Page, address: str, width: int, scheme: str, is_shared: bool
) -> None:
    page.devtools(
        "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
    )
    page.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.go(address if is_shared else address[:-1])
    page.devtools("Runtime.evaluate", expression=AXE.read_text(encoding="utf-8"))

    assert page.run(VIOLATIONS) == []
    if is_shared:
        facts = page.run(PAGE_FACTS)
        assert facts["isTooWide"] is False
        assert facts["page"] == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(22, 22, 26)")
        assert facts["said"] == "grid"  # The style is applied, although nothing else may be.


def test_the_page_loads_and_runs_nothing_and_shows_words_as_words(page: Page, address: str) -> None:
    requests, entries = page.watch("Network.requestWillBeSent"), page.watch("Log.entryAdded")
    exceptions, dialogs = page.watch("Runtime.exceptionThrown"), page.watch("Page.javascriptDialogOpening")

    page.go(address)
    facts = page.run(PAGE_FACTS)

    assert [request["request"]["url"] for request in requests] == [address]
    assert [entry["entry"]["text"] for entry in entries] == []
    assert (exceptions, dialogs) == ([], [])
    assert not {"script", "img", "link", "iframe", "form", "a"} & set(facts["elements"])
    assert facts["links"] == 0
    assert facts["title"].startswith("<img src=x onerror=alert(1)><script>")


def test_a_script_that_got_into_the_page_would_not_run(page: Page, address: str) -> None:
    """The policy of the page holds beside its escaping."""
    page.go(address)
    violations = page.run(
        """async () => {
          const found = [];
          document.addEventListener("securitypolicyviolation", (event) => found.push(event.effectiveDirective));
          const add = (name, change) => document.body.append(Object.assign(document.createElement(name), change));
          add("script", { textContent: "window.hasRun = true" });
          add("style", { textContent: "body { color: red }" });
          add("img", { src: "/health" });
          while (found.length < 3) await new Promise((resolve) => setTimeout(resolve, 50));
          return [found.sort(), window.hasRun === true, getComputedStyle(document.body).color];
        }"""
    )

    assert violations[0] == ["img-src", "script-src-elem", "style-src-elem"]
    assert violations[1] is False
    assert violations[2] != "rgb(255, 0, 0)"


def test_on_paper_the_page_is_black_on_white_also_where_the_screen_is_dark(page: Page, address: str) -> None:
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    page.devtools("Emulation.setEmulatedMedia", media="print", features=dark)
    page.go(address)
    facts = page.run(PAGE_FACTS)
    page.devtools("Emulation.setEmulatedMedia", media="", features=[])

    assert (facts["page"], facts["text"]) == ("rgb(255, 255, 255)", "rgb(0, 0, 0)")
