"""The processes of a browser: they are killed, closed, or stand still as while the computer sleeps."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.extension.context import ClosedError
from tests.extension.devtools import Devtools


def kill_browser(browser: Devtools) -> None:
    """End it at once, as a power failure would."""
    os.kill(_process_ids(browser)[0], signal.SIGKILL)
    browser.wait_until_ended()


def close_browser(browser: Devtools) -> None:
    """Close it as a person does."""
    with suppress(ClosedError):  # it may end before it answers
        browser.command("Browser.close")
    browser.wait_until_ended()


@contextmanager
def suspend_browser(browser: Devtools) -> Iterator[None]:
    """All of its processes stand still for this time."""
    process_ids = _process_ids(browser)
    try:
        for process_id in process_ids:
            os.kill(process_id, signal.SIGSTOP)
        yield
    finally:
        for process_id in process_ids:
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGCONT)


def _process_ids(browser: Devtools) -> list[int]:
    """The main one first."""
    processes = browser.command("SystemInfo.getProcessInfo")["processInfo"]
    return [process["id"] for process in sorted(processes, key=lambda process: process["type"] != "browser")]
