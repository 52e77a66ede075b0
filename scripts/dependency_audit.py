"""Look up known vulnerabilities of the dependencies: `make audit`. pip-audit for Python, npm audit for the client.

Exits with 0: none are known; 1: some are known, and printed; 3: the lookup failed. Each tool first looks up a version
with a known vulnerability, because an index without such data reports no vulnerabilities at all.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CLIENT = ROOT / "clients" / "browser"
NONE_FOUND, SOME_FOUND, UNAVAILABLE = 0, 1, 3
WAIT_SECONDS = 300
VULNERABLE_PYTHON = "requests==2.19.0"  # CVE-2018-18074
VULNERABLE_NODE = ("lodash", "4.17.15")  # CVE-2020-8203
Run = Callable[[list[str], Path], str]


class AuditUnavailableError(Exception):
    """No source of vulnerabilities could be reached, or it has no data."""


def run(command: list[str], directory: Path) -> str:
    """The JSON output of the tool, which exits with 1 for findings and failures. Raises AuditUnavailableError."""
    try:
        result = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=WAIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AuditUnavailableError(f"{command[0]}: {type(error).__name__}") from error
    return result.stdout


def find_python_vulnerabilities(run: Run) -> list[str]:
    """Known vulnerabilities of all installed packages. Raises AuditUnavailableError."""
    with tempfile.TemporaryDirectory() as empty:
        requirements = Path(empty) / "vulnerable.txt"
        requirements.write_text(f"{VULNERABLE_PYTHON}\n")
        if not _pip_audit(run, ["--no-deps", "--disable-pip", "-r", str(requirements)]):
            raise AuditUnavailableError(f"pip-audit: no vulnerability of {VULNERABLE_PYTHON} is known there")
    return _pip_audit(run, ["--local"])


def find_node_vulnerabilities(run: Run) -> list[str]:
    """Known vulnerabilities of the packages in the lock file of the client. Raises AuditUnavailableError."""
    name, version = VULNERABLE_NODE
    with tempfile.TemporaryDirectory() as empty:
        dependencies = {"dependencies": {name: version}}
        packages = {"": dependencies, f"node_modules/{name}": {"version": version}}
        lock = {"name": "vulnerable", "lockfileVersion": 3, "requires": True, "packages": packages}
        (Path(empty) / "package.json").write_text(json.dumps({"name": "vulnerable"} | dependencies))
        (Path(empty) / "package-lock.json").write_text(json.dumps(lock))
        if not _npm_audit(run, Path(empty)):
            raise AuditUnavailableError(f"npm audit: no vulnerability of {name} {version} is known there")
    return _npm_audit(run, CLIENT)


def _pip_audit(run: Run, options: list[str]) -> list[str]:
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", *options]
    report = _parse("pip-audit", run(command, ROOT))
    skipped = [package["name"] for package in report.get("dependencies", []) if "skip_reason" in package]
    if "dependencies" not in report or skipped:
        raise AuditUnavailableError(f"pip-audit: no data about {', '.join(skipped) or 'any package'}")
    return [
        f"{package['name']} {package['version']}: {vulnerability['id']}"
        for package in report["dependencies"]
        for vulnerability in package["vulns"]
    ]


def _npm_audit(run: Run, directory: Path) -> list[str]:
    report = _parse("npm audit", run(["npm", "audit", "--json", "--package-lock-only"], directory))
    if "vulnerabilities" not in report:
        raise AuditUnavailableError(f"npm audit: {report.get('message') or report.get('error') or 'no report'}")
    return [f"{name}: {finding.get('severity', '')}" for name, finding in report["vulnerabilities"].items()]


def _parse(tool: str, text: str) -> dict[str, Any]:
    try:
        report = json.loads(text)
    except ValueError as error:
        raise AuditUnavailableError(f"{tool}: no report") from error
    return report if isinstance(report, dict) else {}


def main(run: Run = run) -> int:
    found: list[str] = []
    unavailable: list[str] = []
    for find in (find_python_vulnerabilities, find_node_vulnerabilities):
        try:
            found += find(run)
        except AuditUnavailableError as error:
            unavailable.append(str(error))
    for line in found:
        print(f"vulnerable: {line}")
    for line in unavailable:
        print(f"could not be checked: {line}")
    if found:
        return SOME_FOUND
    if unavailable:
        return UNAVAILABLE
    print("No vulnerability of the installed packages is known.")
    return NONE_FOUND


if __name__ == "__main__":
    sys.exit(main())
