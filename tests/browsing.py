"""The browser of the tests: one for each test file, with a profile of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from scripts.browser import Page, chromium, page


@contextmanager
def open_browser(
    folders: pytest.TempPathFactory, domains: Sequence[str] = (), flags: Sequence[str] = ()
) -> Iterator[Page]:
    """An empty page whose events of these DevTools domains can be watched. Skips the test if Chromium is missing."""
    program = chromium()
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with page(program, folders.mktemp("chromium"), flags) as empty:
        for domain in domains:
            empty.devtools(f"{domain}.enable")
        yield empty
