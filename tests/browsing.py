"""The browser that tests drive: one for each file of tests, with a profile of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from scripts.browser import Page, chromium, page


@contextmanager
def opened(folders: pytest.TempPathFactory, domains: Sequence[str] = (), flags: Sequence[str] = ()) -> Iterator[Page]:
    """An empty page whose events of these DevTools domains can be watched. Skips the test where no Chromium is."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    with page(program, folders.mktemp("chromium"), flags) as empty:
        for domain in domains:
            empty.devtools(f"{domain}.enable")
        yield empty
