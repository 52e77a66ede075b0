"""What tests print and log in this process, searched for what must not be in it.

Passwords, keys and addresses of tests hold the word "canary"; a token of anybody's begins with "eyJ"; and where
redaction.py had to take something out, a line held what it should not. What the processes beside this one write is
searched by tests/http/leak_search.py.
"""

import re
from typing import Any

import pytest

from chalicelib.logs.redaction import MARK

SECRET = re.compile(rf"canary|\beyJ[\w-]{{8,}}|{re.escape(MARK)}")
SHOW_IT = ("test_redaction.py", "test_overheard.py")  # what they are about
SHOWN = 300


class LogLeakGuard:
    """A plugin: a test whose output holds a secret has failed, also where it read that output itself."""

    def __init__(self) -> None:
        self._read: list[str] = []

    def pytest_configure(self) -> None:
        """What `capsys` and its like hand to a test is in no report."""
        hand_out, heard = pytest.CaptureFixture.readouterr, self._read

        def readouterr(fixture: Any) -> Any:
            said = hand_out(fixture)
            heard.extend(str(part) for part in said)
            return said

        self._restore = lambda: setattr(pytest.CaptureFixture, "readouterr", hand_out)
        pytest.CaptureFixture.readouterr = readouterr  # type: ignore[method-assign]

    def pytest_unconfigure(self) -> None:
        self._restore()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        report: pytest.TestReport = yield
        said = [*self._read, *(text for name, text in report.sections if name.endswith(f" {report.when}"))]
        self._read.clear()
        if report.outcome == "passed" and item.path.name not in SHOW_IT and (found := secret(said)):
            report.outcome, report.longrepr = "failed", f"{item.nodeid} let a secret out: {found}"
        return report


def secret(said: list[str]) -> str:
    """What must not be in any of it, with what is around it; empty if there is nothing."""
    for text in said:
        if found := SECRET.search(text):
            return text[max(0, found.start() - SHOWN) : found.end() + SHOWN]
    return ""
