"""The installation of requirements, with a pip and a uv that pretend to install."""

import os
import pty
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINE = "installing dev.txt into {venv} (a minute or two)"
# Writes down how it was called. `-m pip config list` prints the settings that the test gives.
TOOL = """#!/bin/sh
case "$*" in *"config list") echo "$PIP_SETTINGS"; exit ;; esac
echo "{name} $*" >> "$CALLS"
echo "noise of {name}"
case " $FAILING " in *" {name} "*) echo "no matching distribution" >&2; exit 1 ;; esac
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment whose tools install nothing."""

    venv: Path
    calls: Path

    def command(self) -> list[str]:
        return ["/bin/sh", str(ROOT / "scripts" / "install.sh"), str(self.venv), "a.lock b.lock", "dev.txt"]

    def variables(self, **variables: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "UV": "uv==1", "CALLS": str(self.calls), **variables}

    def install(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(), env=self.variables(**variables), capture_output=True, text=True)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    tools = tmp_path / "venv" / "bin"
    tools.mkdir(parents=True)
    for name in ("python", "uv"):
        (tools / name).write_text(TOOL.format(name=name))
        (tools / name).chmod(0o755)
    return Environment(tmp_path / "venv", tmp_path / "calls")


def test_an_installation_prints_one_line(environment: Environment) -> None:
    result = environment.install()

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(LINE.format(venv=environment.venv) + ": done in ")
    assert result.stdout.count("\n") == 1
    python = environment.venv / "bin" / "python"
    assert environment.calls.read_text().splitlines() == [
        "python -m pip install --quiet --only-binary :all: uv==1",
        f"uv pip install --quiet --python {python} --require-hashes -r a.lock -r b.lock",
        f"uv pip install --quiet --python {python} -r dev.txt",
    ]


@pytest.mark.parametrize(
    "variables", [{"FAILING": "uv"}, {"PIP_SETTINGS": "global.index-url='https://pypi.example.com'"}], ids=str
)
def test_pip_installs_where_uv_cannot(environment: Environment, variables: dict[str, str]) -> None:
    result = environment.install(**variables)

    assert result.returncode == 0
    assert environment.calls.read_text().splitlines()[-2:] == [
        "python -m pip install --require-hashes -r a.lock -r b.lock",
        "python -m pip install -r dev.txt",
    ]


def test_a_failed_installation_shows_what_pip_said_and_what_to_do(environment: Environment) -> None:
    result = environment.install(FAILING="uv python")

    assert result.returncode == 1
    assert "no matching distribution\n" in result.stderr
    assert "use Python 3.13" in result.stderr
    assert "a.lock" in environment.calls.read_text()
    assert "dev.txt" not in environment.calls.read_text()


def test_a_terminal_counts_the_seconds_in_the_same_line(environment: Environment) -> None:
    controller, terminal = pty.openpty()
    result = subprocess.run(environment.command(), env=environment.variables(), stdout=terminal)
    os.close(terminal)
    output = b""
    try:
        while piece := os.read(controller, 4096):
            output += piece
    except OSError:
        pass  # Linux reports the end of a terminal as an error.
    os.close(controller)

    assert result.returncode == 0
    last_line = output.decode().removesuffix("\r\n").rpartition("\r")[2]
    assert last_line.startswith(LINE.format(venv=environment.venv) + ": done in ")
    assert output.count(b"\n") == 1
    assert b"noise" not in output
