"""An audit of dependencies says "none known" only where somebody who knows was asked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import dependency_audit
from scripts.dependency_audit import NONE_KNOWN, NOT_REACHED, SOME_KNOWN, NotReachedError

GOOD: dict[str, Any] = {"name": "requests", "version": "2.34.2", "vulns": []}
WEAK: dict[str, Any] = {"name": "requests", "version": "2.19.0", "vulns": [{"id": "PYSEC-2018-28"}]}
SKIPPED = {"name": "requests", "skip_reason": "Dependency not found on PyPI and could not be audited"}
NPM_GOOD: dict[str, Any] = {"vulnerabilities": {}}
NPM_WEAK = {"vulnerabilities": {"lodash": {"severity": "high"}}}


def answering(
    python_canary: Any = WEAK, python: Any = GOOD, node_canary: Any = NPM_WEAK, node: Any = NPM_GOOD
) -> Callable[[list[str], Path], str]:
    """The two tools, saying this of the version that is known to be weak, and of ours."""

    def run(command: list[str], directory: Path) -> str:
        if command[0] == "npm":
            said = node if directory == dependency_audit.CLIENT else node_canary
        else:
            said = python if "--local" in command else python_canary
            said = {"dependencies": [said]} if isinstance(said, dict) else said
        return said if isinstance(said, str) else json.dumps(said)

    return run


def test_nothing_known_is_said_when_both_know_of_weak_ones_and_none_of_ours() -> None:
    assert dependency_audit.main(answering()) == NONE_KNOWN


@pytest.mark.parametrize("weak", [{"python": WEAK}, {"node": NPM_WEAK}, {"python": WEAK, "node": ""}])
def test_a_known_weakness_is_named(weak: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert dependency_audit.main(answering(**weak)) == SOME_KNOWN
    assert "weak: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "silence",
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
def test_who_cannot_be_asked_has_not_said_that_all_is_well(
    silence: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert dependency_audit.main(answering(**silence)) == NOT_REACHED
    assert "could not be reached: " in (told := capsys.readouterr().out)
    assert "no weakness" not in told


def test_a_tool_that_is_not_there_was_not_asked(tmp_path: Path) -> None:
    with pytest.raises(NotReachedError):
        dependency_audit.run(["no-such-tool-here"], tmp_path)
