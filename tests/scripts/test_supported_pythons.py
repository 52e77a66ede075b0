"""The supported versions of Python are the same wherever they are named."""

import re
import sys
import tomllib
from pathlib import Path

import yaml

from scripts.shipping.target import LAMBDA_PYTHON

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OLDEST, NEWEST = 11, 14


def test_the_project_and_make_support_the_same_versions() -> None:
    script = (ROOT / "scripts" / "find_python.sh").read_text(encoding="utf-8")

    assert PROJECT["project"]["requires-python"] == f">=3.{OLDEST},<3.{NEWEST + 1}"
    assert re.findall(r"^oldest=(\d+) newest=(\d+)$", script, re.MULTILINE) == [(str(OLDEST), str(NEWEST))]
    assert OLDEST <= sys.version_info.minor <= NEWEST


def test_lint_and_types_are_checked_for_the_oldest_version() -> None:
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py3{OLDEST}"
    assert PROJECT["tool"]["mypy"]["python_version"] == f"3.{OLDEST}"


def test_the_workflow_checks_and_tests_each_version() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["test"]

    assert job["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in range(OLDEST, NEWEST + 1)]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make check", "make test"]
    chosen = {step["env"]["PYTHON"] for step in job["steps"] if "run" in step}
    assert chosen == {"${{ steps.python.outputs.python-path }}"}
    assert workflow["permissions"] == {"contents": "read"}


def test_lambda_runs_a_supported_version() -> None:
    assert (3, OLDEST) <= LAMBDA_PYTHON <= (3, NEWEST)


def test_the_readme_names_the_supported_versions() -> None:
    assert f"Python 3.{OLDEST} to 3.{NEWEST}" in (ROOT / "README.md").read_text(encoding="utf-8")
