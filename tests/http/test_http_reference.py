"""The reference page in a browser, and the contract: no inline scripts, no requests to other hosts."""

import json
from collections.abc import Iterator

import pytest

from chalicelib.http.static_files import ASSETS
from chalicelib.transcripts.history import MAX_ANSWER_BYTES
from scripts.browser import Page
from scripts.contract.files import current_contract
from scripts.local.stack import LocalStack
from tests.browsing import open_browser
from tests.http.dashboard_page import UNTIL, serve_below_stage
from tests.http.http_client import Api, Person

SHOWN = "document.querySelectorAll('.opblock').length"
OPEN = "async (id) => document.querySelector(`#${id} .opblock-summary-control`).click()"
TYPE = """async (selector, text) => {
  const field = document.querySelector(selector);
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}"""
PRESS = "async (selector) => document.querySelector(selector).click()"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_browser(tmp_path_factory, ("Runtime", "Log", "Network")) as page:
        yield page


@pytest.fixture
def reference(browser: Page, stack: LocalStack) -> Iterator[Page]:
    """The page violates no policy, logs no errors and sends requests to its own API only, in every test."""
    errors = [browser.watch(event) for event in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled")]
    logged, sent = browser.watch("Log.entryAdded"), browser.watch("Network.requestWillBeSent")
    for events in (*errors, logged, sent):
        events.clear()
    yield browser
    browser.run("async () => null")  # Waits for pending events.
    assert (errors, logged) == ([[], []], [])
    urls = [event["request"]["url"] for event in sent]
    assert urls
    assert [url for url in urls if not url.startswith(("http://127.0.0.1:", "data:"))] == []


def test_the_reference_shows_every_operation(reference: Page, stack: LocalStack) -> None:
    reference.go(f"{stack.api_url}/docs")
    paths = current_contract()["paths"]
    reference.run(UNTIL % f"{SHOWN} === {sum(map(len, paths.values()))}")

    text = str(reference.run("async () => document.body.innerText"))
    for path in paths:
        assert path in text.replace("\u200b", "")
    reference.run(OPEN, "operations-Streaming-stream")
    reference.run(UNTIL % "document.body.innerText.includes('insufficient_credits')")


def test_the_reference_works_below_the_name_of_a_stage(reference: Page, stack: LocalStack) -> None:
    with serve_below_stage(stack.api_url, "/api") as base:
        reference.go(f"{base}/docs")
        reference.run(UNTIL % f"{SHOWN} > 30")
        reference.run(OPEN, "operations-Service-health")
        reference.run(UNTIL % "document.querySelector('.try-out__btn')")
        reference.run(PRESS, ".try-out__btn")
        reference.run(UNTIL % "document.querySelector('.execute')")
        reference.run(PRESS, ".execute")
        reference.run(UNTIL % "document.querySelector('.live-responses-table')")

        assert f"{base}/health" in str(reference.run("async () => document.querySelector('.request-url').innerText"))


def test_an_operation_can_be_tried_with_a_token(reference: Page, stack: LocalStack, person: Person) -> None:
    reference.go(f"{stack.api_url}/docs")
    reference.run(UNTIL % f"{SHOWN} > 30")
    reference.run(PRESS, ".btn.authorize")
    reference.run(UNTIL % "document.querySelector('#auth-bearer-value')")
    reference.run(TYPE, "#auth-bearer-value", person.token)
    reference.run(PRESS, ".auth-btn-wrapper .authorize")
    reference.run(PRESS, ".btn-done")
    reference.run(OPEN, "operations-Credits-balance")
    reference.run(UNTIL % "document.querySelector('.try-out__btn')")
    reference.run(PRESS, ".try-out__btn")
    reference.run(UNTIL % "document.querySelector('.execute')")
    reference.run(PRESS, ".execute")
    reference.run(UNTIL % "document.querySelector('.live-responses-table .response-col_status')")

    assert '"available": 200' in str(
        reference.run("async () => document.querySelector('.live-responses-table').innerText")
    )
    stored = reference.run("async () => JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert person.token not in str(stored)


# Without a browser


def test_the_contract_is_served_and_not_sent_again_when_cached(api: Api) -> None:
    response = api.get("/openapi.json")

    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == current_contract()
    again = api.get("/openapi.json", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_every_file_is_served_with_the_strict_policy_and_fits_into_a_response(api: Api) -> None:
    assert api.get("/docs").text == (ASSETS / "docs" / "index.html").read_text()
    for path in sorted((ASSETS / "docs").iterdir()):
        response = api.get(f"/docs/assets/{path.name}")
        assert (response.status_code, response.content) == (200, path.read_bytes())
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert len(json.dumps(response.text)) < MAX_ANSWER_BYTES / 2


def test_all_addresses_on_the_page_are_relative() -> None:
    for name in ("index.html", "reference.js", "style.css"):
        text = (ASSETS / "docs" / name).read_text()
        assert [
            prefix for prefix in ('href="/', 'src="/', '"/openapi', "://", "style=", "onclick") if prefix in text
        ] == []


def test_the_license_names_the_maker_of_the_renderer() -> None:
    text = (ASSETS / "docs" / "swagger-ui-license.txt").read_text()

    assert "Apache License" in text
    assert "SmartBear" in text
