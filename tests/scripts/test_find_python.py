"""The choice of the Python for `.venv`, among interpreters that pretend to be of other versions."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Runs the code that it is given, as another Python would; makes virtual environments that are links to itself.
FAKE = """#!/bin/sh
if [ "$1" = -m ]; then mkdir -p "$3/bin" && ln -s "$0" "$3/bin/python"; exit; fi
shift
exec "{real}" -S "{path}.py" "$@"
"""
PRETENCE = """
import sys, types
code = sys.argv.pop(1)
sys.version_info, sys.executable = {version}, {path!r}
sys.implementation = types.SimpleNamespace(name={implementation!r})
sys.modules["sysconfig"] = types.SimpleNamespace(get_config_var={{"Py_GIL_DISABLED": {free_threaded}}}.get)
for name in ("ssl", "venv", "ensurepip"):
    sys.modules[name] = types.ModuleType(name)
for name in {missing}:
    sys.modules[name] = None
exec(code)
"""


@dataclass(frozen=True)
class Machine:
    """A machine without any Python at first."""

    directory: Path

    def add(
        self,
        name: str,
        minor: int,
        missing: tuple[str, ...] = (),
        implementation: str = "cpython",
        level: str = "final",
        free_threaded: int = 0,
    ) -> str:
        """Add a Python 3.`minor`.2; returns its path."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pretence = PRETENCE.format(
            path=str(path),
            version=(3, minor, 2, level, 0),
            missing=missing,
            implementation=implementation,
            free_threaded=free_threaded,
        )
        path.with_name(f"{path.name}.py").write_text(pretence, encoding="utf-8")
        path.write_text(FAKE.format(real=sys.executable, path=path), encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def add_script(self, name: str, text: str) -> str:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    @property
    def variables(self) -> dict[str, str]:
        return {"PATH": str(self.directory / "bin"), "HOME": str(self.directory)}

    def find(self, *args: str, **variables: str) -> tuple[str, str]:
        """What is written to stdout and stderr: the path, and what was skipped."""
        command = ["/bin/sh", str(ROOT / "scripts" / "find_python.sh"), *args]
        result = subprocess.run(command, env=self.variables | variables, capture_output=True, text=True)
        assert (result.returncode == 0) == bool(result.stdout)
        return result.stdout.strip(), result.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "bin").mkdir()
    return Machine(tmp_path)


def test_the_newest_of_path_and_pyenv_is_found(machine: Machine) -> None:
    machine.add("bin/python3", 11)
    machine.add("bin/python3.12", 12)
    newest = machine.add(".pyenv/versions/3.13.2/bin/python", 13)

    assert machine.find() == (newest, "")


def test_pyenv_is_found_where_its_root_is_set(machine: Machine) -> None:
    elsewhere = machine.add("other root/versions/3.14.2/bin/python", 14)
    machine.add("bin/python3", 13)

    assert machine.find(PYENV_ROOT=str(machine.directory / "other root"))[0] == elsewhere


def test_a_python_of_uv_is_found(machine: Machine) -> None:
    managed = machine.add("uv/cpython-3.14/bin/python3.14", 14)
    machine.add("bin/python3", 12)
    machine.add_script("bin/uv", f'case "$*" in "python find "*" 3.14") echo "{managed}" ;; *) exit 2 ;; esac')

    assert machine.find() == (managed, "")


def test_of_equally_new_ones_path_comes_first(machine: Machine) -> None:
    on_path = machine.add("bin/python3.13", 13)
    machine.add(".pyenv/versions/3.13.2/bin/python", 13)

    assert machine.find()[0] == on_path


def test_what_is_newer_and_skipped_is_named_with_its_reason(machine: Machine) -> None:
    machine.add("bin/python3", 10)
    new = machine.add("bin/python", 15)
    bare = machine.add("bin/python3.14", 14, missing=("ensurepip",))
    shim = machine.add_script("bin/python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    other = machine.add(".pyenv/versions/pypy/bin/python", 12, implementation="pypy")
    early = machine.add(".pyenv/versions/3.14-dev/bin/python", 14, level="beta")
    threaded = machine.add(".pyenv/versions/3.14.2t/bin/python", 14, free_threaded=1)
    good = machine.add("bin/python3.11", 11)

    found, skipped = machine.find()

    assert found == good
    assert sorted(skipped.splitlines()) == sorted(
        [
            f"  skipped {new}: Python 3.15.2 is too new (3.11 to 3.14)",
            f"  skipped {bare}: Python 3.14.2 has no ensurepip module (Debian: apt-get install python3.14-venv)",
            f"  skipped {shim}: it does not run (pyenv: python3.13: command not found)",
            f"  skipped {other}: it is pypy, not CPython",
            f"  skipped {early}: Python 3.14.2 beta is a pre-release",
            f"  skipped {threaded}: Python 3.14.2 is a free-threaded build, which few packages have wheels for",
        ]
    )


def test_older_pythons_that_are_skipped_are_not_named(machine: Machine) -> None:
    machine.add("bin/python3", 6)
    machine.add(".pyenv/versions/3.10.2/bin/python", 10)
    machine.add("bin/python3.12", 12, missing=("venv",))
    machine.add_script("bin/python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    machine.add_script("bin/python", "exit 127")
    good = machine.add(".pyenv/versions/3.13.2/bin/python", 13)

    assert machine.find() == (good, "")


def test_where_none_is_found_all_that_was_skipped_is_named(machine: Machine) -> None:
    old = machine.add("bin/python3", 9)
    broken = machine.add_script("bin/python", "exit 127")

    found, messages = machine.find()

    assert found == ""
    assert f"  skipped {old}: Python 3.9.2 is too old (3.11 to 3.14)\n" in messages
    assert f"  skipped {broken}: it does not run ()\n" in messages


def test_a_chosen_python_is_taken_although_a_newer_one_is_there(machine: Machine) -> None:
    machine.add("bin/python3.14", 14)
    chosen = machine.add("elsewhere/python", 12)
    named = machine.add("bin/python3.11", 11)

    assert machine.find(PYTHON=chosen) == (chosen, "")
    assert machine.find(PYTHON="python3.11") == (named, "")


def test_a_chosen_python_that_does_not_work_is_refused_not_replaced(machine: Machine) -> None:
    machine.add("bin/python3.14", 14)
    old = machine.add("elsewhere/python", 9)

    found, messages = machine.find(PYTHON=old)
    missing = machine.find(PYTHON="python3.12")

    assert found == missing[0] == ""
    assert "Python 3.9.2 is too old (3.11 to 3.14)" in messages
    assert f"PYTHON={old} cannot be used" in messages
    assert "skipped python3.12: there is no such command" in missing[1]


def test_where_there_is_none_it_is_said_how_to_install_one(machine: Machine) -> None:
    found, messages = machine.find()

    assert found == ""
    assert "No Python 3.11 to 3.14 was found" in messages
    assert "uv python install 3.13" in messages


def test_one_version_can_be_asked_for_whatever_is_chosen(machine: Machine) -> None:
    chosen = machine.add("bin/python3.14", 14)
    of_lambda = machine.add(".pyenv/versions/3.13.2/bin/python", 13)

    assert machine.find("3.13", PYTHON=chosen)[0] == of_lambda
    assert machine.find("3.12", PYTHON=chosen)[0] == ""


def run_make(machine: Machine, *targets: str, **variables: str) -> subprocess.CompletedProcess[str]:
    project = machine.directory / "project"
    if not project.exists():
        (project / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "Makefile", project)
        shutil.copy(ROOT / "scripts" / "find_python.sh", project / "scripts")
    make, path = shutil.which("make"), f"{machine.directory / 'bin'}:{machine.directory / 'tools'}"
    assert make
    (machine.directory / "tools").mkdir(exist_ok=True)
    for tool in ("sh", "rm", "mkdir", "ln"):
        if not (link := machine.directory / "tools" / tool).exists():
            link.symlink_to(str(shutil.which(tool)))
    return subprocess.run(
        [make, "--no-print-directory", *targets],
        cwd=project,
        env=machine.variables | {"PATH": path} | variables,
        capture_output=True,
        text=True,
    )


def test_make_creates_the_environment_with_the_newest(machine: Machine) -> None:
    machine.add("bin/python3", 9)
    newer = machine.add("bin/python", 15)
    newest = machine.add(".pyenv/versions/3.13.2/bin/python", 13)

    result = run_make(machine, ".venv/bin/python")

    assert result.returncode == 0, result.stderr
    assert f"creating .venv with {newest}" in result.stdout
    assert result.stderr == f"  skipped {newer}: Python 3.15.2 is too new (3.11 to 3.14)\n"
    assert os.readlink(machine.directory / "project" / ".venv" / "bin" / "python") == newest


def test_make_creates_nothing_with_a_python_that_does_not_work(machine: Machine) -> None:
    machine.add("bin/python3", 13)

    result = run_make(machine, ".venv/bin/python", PYTHON=machine.add("old/python", 9))

    assert result.returncode != 0
    assert "is too old" in result.stderr
    assert not (machine.directory / "project" / ".venv").exists()


def test_make_refuses_a_chosen_python_of_another_version_than_the_environment(machine: Machine) -> None:
    newest = machine.add("bin/python3", 13)
    other = machine.add("elsewhere/python", 12)
    assert run_make(machine, "chosen-python").returncode == 0

    result = run_make(machine, "chosen-python", PYTHON=other)

    assert result.returncode != 0
    assert ".venv has Python 3.13, and PYTHON is 3.12." in result.stderr
    assert run_make(machine, "chosen-python", PYTHON=newest).returncode == 0
    assert run_make(machine, "chosen-python").returncode == 0


def test_make_installs_everything_again_when_the_python_of_the_environment_is_gone(machine: Machine) -> None:
    path = machine.add("bin/python3", 13)
    assert run_make(machine, ".venv/bin/python").returncode == 0
    project = machine.directory / "project"
    locks = ("requirements.lock", "requirements-deploy.lock")
    for name in ("requirements.txt", "requirements-local.txt", *locks, ".venv/.local-ready"):
        (project / name).touch()
    assert "install.sh" not in run_make(machine, "-n", ".venv/.local-ready").stdout

    Path(path).rename(machine.directory / "moved")
    machine.add("bin/python3.12", 12)
    result = run_make(machine, "-n", ".venv/.local-ready")

    assert result.returncode == 0, result.stderr
    assert "install.sh" in result.stdout
