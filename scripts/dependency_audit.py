"""Are weaknesses known of what we depend on? `make audit`: pip-audit over the environment, npm audit over the client.

0: none are known. 1: some are, named here. 3: it could not be found out, which is no "none": each is first asked about
a version that is known to be weak, because an index that has no such data answers that all is well.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CLIENT = ROOT / "clients" / "typescript"
NONE_KNOWN, SOME_KNOWN, NOT_REACHED = 0, 1, 3
WAIT_SECONDS = 300
WEAK_PYTHON = "requests==2.19.0"  # CVE-2018-18074
WEAK_NODE = ("lodash", "4.17.15")  # CVE-2020-8203
Run = Callable[[list[str], Path], str]


class NotReachedError(Exception):
    """Nobody could be asked who knows."""


def run(command: list[str], directory: Path) -> str:
    """What the tool says as JSON; it ends with 1 for findings and for failures alike. Raises NotReachedError."""
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=WAIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotReachedError(f"{command[0]}: {type(error).__name__}") from error
    return done.stdout


def python_weaknesses(run: Run) -> list[str]:
    """Of all that is installed. Raises NotReachedError."""
    with tempfile.TemporaryDirectory() as empty:
        weak = Path(empty) / "weak.txt"
        weak.write_text(f"{WEAK_PYTHON}\n")
        if not _pip_audit(run, ["--no-deps", "--disable-pip", "-r", str(weak)]):
            raise NotReachedError(f"pip-audit: nothing is said against {WEAK_PYTHON}")
    return _pip_audit(run, ["--local"])


def node_weaknesses(run: Run) -> list[str]:
    """Of all in the client's lock file. Raises NotReachedError."""
    name, version = WEAK_NODE
    with tempfile.TemporaryDirectory() as empty:
        needs = {"dependencies": {name: version}}
        packages = {"": needs, f"node_modules/{name}": {"version": version}}
        lock = {"name": "weak", "lockfileVersion": 3, "requires": True, "packages": packages}
        (Path(empty) / "package.json").write_text(json.dumps({"name": "weak"} | needs))
        (Path(empty) / "package-lock.json").write_text(json.dumps(lock))
        if not _npm_audit(run, Path(empty)):
            raise NotReachedError(f"npm audit: nothing is said against {name} {version}")
    return _npm_audit(run, CLIENT)


def _pip_audit(run: Run, options: list[str]) -> list[str]:
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", *options]
    said = _parsed("pip-audit", run(command, ROOT))
    passed_over = [one["name"] for one in said.get("dependencies", []) if "skip_reason" in one]
    if "dependencies" not in said or passed_over:
        raise NotReachedError(f"pip-audit: nothing is known of {', '.join(passed_over) or 'anything'}")
    return [f"{one['name']} {one['version']}: {weak['id']}" for one in said["dependencies"] for weak in one["vulns"]]


def _npm_audit(run: Run, directory: Path) -> list[str]:
    said = _parsed("npm audit", run(["npm", "audit", "--json", "--package-lock-only"], directory))
    if "vulnerabilities" not in said:
        raise NotReachedError(f"npm audit: {said.get('message') or said.get('error') or 'no report'}")
    return [f"{name}: {weak.get('severity', '')}" for name, weak in said["vulnerabilities"].items()]


def _parsed(tool: str, text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError as error:
        raise NotReachedError(f"{tool}: no report") from error
    return said if isinstance(said, dict) else {}


def main(run: Run = run) -> int:
    found: list[str] = []
    missed: list[str] = []
    for ask in (python_weaknesses, node_weaknesses):
        try:
            found += ask(run)
        except NotReachedError as error:
            missed.append(str(error))
    for line in found:
        print(f"weak: {line}")
    for line in missed:
        print(f"could not be reached: {line}")
    if found:
        return SOME_KNOWN
    if missed:
        return NOT_REACHED
    print("no weakness is known of what is installed")
    return NONE_KNOWN


if __name__ == "__main__":
    sys.exit(main())
