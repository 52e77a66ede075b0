"""Plants a fault in a copy of the backend, and simulates the copy until the fault is found."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINKED = ("app.py", "tests", "scripts", "sandbox", ".chalice")
FOUND = 1  # the exit code of the simulation when something does not hold
LONGEST_SECONDS = 600


@dataclass(frozen=True)
class PlantedFault:
    """A text in a file of chalicelib, and what it is replaced with. `profile`: where it is looked for."""

    file: str
    correct: str
    faulty: str
    profile: str = "hostile"

    def can_be_planted(self) -> bool:
        """Whether the text stands in the file exactly once."""
        return (ROOT / "chalicelib" / self.file).read_text().count(self.correct) == 1

    def plant(self, copy: Path) -> None:
        """Make a copy of the backend at `copy`, with the fault."""
        copy.mkdir(parents=True)
        for name in LINKED:
            (copy / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "chalicelib", copy / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
        changed_file = copy / "chalicelib" / self.file
        changed_file.write_text(changed_file.read_text().replace(self.correct, self.faulty))


def simulate(directory: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the simulation on the backend in this directory, in a process of its own."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tests.simulation", *options]
    return subprocess.run(
        command,
        cwd=directory,
        env=environment,
        text=True,
        timeout=LONGEST_SECONDS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def find_fault(fault: PlantedFault, directory: Path, first_seed: int, operations: int) -> str:
    """The violation by which the simulation finds the fault; empty if it does not."""
    fault.plant(directory / "copy")
    options = ("--first-seed", str(first_seed), "--ops", str(operations), "--processes", "1", "--max-violations", "1")
    result = simulate(directory / "copy", *options, "--profile", fault.profile)
    found = [line for line in result.stdout.splitlines() if line.startswith("VIOLATION")]
    if result.returncode == FOUND and found:
        return found[0]
    if result.returncode:
        raise RuntimeError(f"the simulation itself failed:\n{result.stdout[-4_000:]}")
    return ""
