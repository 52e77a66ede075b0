"""The harness itself: what appears and vanishes in a browser without being asked for disturbs no test."""

from collections.abc import Iterator
from typing import cast

import pytest
from websockets.sync.client import ClientConnection

from scripts.local.extension import EXTENSION_ID
from tests.extension.addresses import PANEL, WORKER
from tests.extension.context import ClosedError
from tests.extension.devtools import Devtools

CLOSE = "async () => { close(); await new Promise(() => undefined); }"


def test_a_page_that_closes_while_it_is_asked_is_reported_at_once(browser: Devtools) -> None:
    page = browser.open_page(PANEL)

    with pytest.raises(ClosedError, match=r"Runtime\.evaluate"):
        page.run(CLOSE)

    with pytest.raises(ClosedError):
        page.poll("async () => true")
    page.close()  # once more does no harm
    assert browser.contexts(PANEL) == []


def test_a_worker_that_is_replaced_is_found_again(browser: Devtools) -> None:
    worker = browser.wait_for_context(WORKER)
    page = browser.open_page(PANEL)
    worker.close()

    page.run("async () => { await chrome.runtime.sendMessage({ type: 'WAKE' }); }")

    assert browser.wait_for_context(WORKER).target_id != worker.target_id
    page.close()


class BrokenConnection:
    """A connection whose first message is no message of the protocol."""

    def send(self, _: str) -> None:
        """Nothing answers."""

    def __iter__(self) -> Iterator[str]:
        yield "no message"


def test_a_message_that_cannot_be_read_ends_what_waits_for_another_one() -> None:
    with pytest.raises(ClosedError, match=r"no answer to Target\.setDiscoverTargets") as ended:
        Devtools(cast(ClientConnection, BrokenConnection()))

    assert isinstance(ended.value.__cause__, ValueError)


@pytest.mark.soak
def test_a_window_of_the_developer_tools_is_no_context_and_its_lines_are_no_errors(
    browser: Devtools, page_url: str
) -> None:
    """Chromium may open one for a popup before the popup is found, and is attached to it then."""
    speaking = browser.open_page(f"{page_url}?inspected")
    popup = browser.click_action(EXTENSION_ID, speaking)
    browser.errors.clear()
    inspector = browser.command("Target.openDevTools", targetId=popup.target_id)["targetId"]
    session = browser.command("Target.attachToTarget", targetId=inspector, flatten=True)["sessionId"]

    browser.command("Runtime.evaluate", session, expression="console.error('A line of its own.')")
    popup.close()
    browser.wait_until_gone(inspector)

    assert browser.contexts("devtools:") == []
    assert browser.errors == []
    browser.click_action(EXTENSION_ID, speaking).close()  # another popup is found beside what is left
    speaking.close()
