"""The audit of dependencies reports "none known" only if its sources have data."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import dependency_audit
from scripts.dependency_audit import NONE_FOUND, SOME_FOUND, UNAVAILABLE, AuditUnavailableError

GOOD: dict[str, Any] = {"name": "requests", "version": "2.34.2", "vulns": []}
VULNERABLE: dict[str, Any] = {"name": "requests", "version": "2.19.0", "vulns": [{"id": "PYSEC-2018-28"}]}
SKIPPED = {"name": "requests", "skip_reason": "Dependency not found on PyPI and could not be audited"}
NPM_GOOD: dict[str, Any] = {"vulnerabilities": {}}
NPM_VULNERABLE = {"vulnerabilities": {"lodash": {"severity": "high"}}}


def make_runner(
    python_canary: Any = VULNERABLE, python: Any = GOOD, node_canary: Any = NPM_VULNERABLE, node: Any = NPM_GOOD
) -> Callable[[list[str], Path], str]:
    """Both tools, with these reports about the vulnerable versions (`…_canary`) and about the installed packages."""

    def run(command: list[str], directory: Path) -> str:
        if command[0] == "npm":
            report = node if directory == dependency_audit.CLIENT else node_canary
        else:
            report = python if "--local" in command else python_canary
            report = {"dependencies": [report]} if isinstance(report, dict) else report
        return report if isinstance(report, str) else json.dumps(report)

    return run


def test_none_is_reported_if_both_sources_have_data_and_no_finding() -> None:
    assert dependency_audit.main(make_runner()) == NONE_FOUND


@pytest.mark.parametrize(
    "reports", [{"python": VULNERABLE}, {"node": NPM_VULNERABLE}, {"python": VULNERABLE, "node": ""}]
)
def test_a_known_vulnerability_is_printed(reports: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert dependency_audit.main(make_runner(**reports)) == SOME_FOUND
    assert "vulnerable: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "reports",
    [
        {"python_canary": GOOD},
        {"python_canary": SKIPPED},
        {"python_canary": ""},
        {"python": SKIPPED},
        {"python": "[]"},
        {"node_canary": NPM_GOOD},
        {"node_canary": {"message": "405 Method Not Allowed"}},
        {"node": {"error": {"code": "ENOTFOUND"}}},
        {"node": "npm error"},
    ],
    ids=str,
)
def test_a_source_without_data_is_an_error(reports: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert dependency_audit.main(make_runner(**reports)) == UNAVAILABLE
    assert "could not be checked: " in (output := capsys.readouterr().out)
    assert "No vulnerability" not in output


def test_a_missing_tool_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AuditUnavailableError):
        dependency_audit.run(["no-such-tool-here"], tmp_path)
