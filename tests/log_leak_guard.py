"""Fails a test whose printed or logged output in this process contains a secret.

Passwords, keys and addresses of tests contain the word "canary", and tokens begin with "eyJ". The mark of redaction.py
means that a line contained something it must not. tests/http/leak_search.py searches the output of other processes.
"""

import re
from typing import Any

import pytest

from chalicelib.logs.redaction import MARK

SECRET = re.compile(rf"canary|\beyJ[\w-]{{8,}}|{re.escape(MARK)}")
EXEMPT = ("test_redaction.py", "test_log_leak_guard.py")  # they print secrets on purpose
CONTEXT_CHARACTERS = 300


class LogLeakGuard:
    """A pytest plugin. It also checks output that a test reads itself, which is in no report."""

    def __init__(self) -> None:
        self._captured: list[str] = []

    def pytest_configure(self) -> None:
        original, captured = pytest.CaptureFixture.readouterr, self._captured

        def readouterr(fixture: Any) -> Any:
            output = original(fixture)
            captured.extend(str(part) for part in output)
            return output

        self._restore = lambda: setattr(pytest.CaptureFixture, "readouterr", original)
        pytest.CaptureFixture.readouterr = readouterr  # type: ignore[method-assign]

    def pytest_unconfigure(self) -> None:
        self._restore()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        report: pytest.TestReport = yield
        output = [*self._captured, *(text for name, text in report.sections if name.endswith(f" {report.when}"))]
        self._captured.clear()
        if report.outcome == "passed" and item.path.name not in EXEMPT and (found := find_secret(output)):
            report.outcome, report.longrepr = "failed", f"{item.nodeid} leaked a secret: {found}"
        return report


def find_secret(output: list[str]) -> str:
    """The first secret in the output, with the text around it; empty if there is none."""
    for text in output:
        if found := SECRET.search(text):
            return text[max(0, found.start() - CONTEXT_CHARACTERS) : found.end() + CONTEXT_CHARACTERS]
    return ""
