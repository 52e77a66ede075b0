"""Plants a fault in a copy of the backend, and simulates the copy, seed after seed, until the fault is found."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
LINKED = ("app.py", "tests", "scripts", "sandbox", ".chalice")
MAX_OPERATIONS = 20_000
OPERATIONS_PER_SEED = 2_000  # before the world comes to rest, which takes some hundred more
SEEDS = range(1, 1 + MAX_OPERATIONS // OPERATIONS_PER_SEED)
BROKEN = r"failed with (?:Type|Name|Attribute|UnboundLocal|Import)Error"  # what is planted does not fit the code
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


@dataclass(frozen=True)
class Finding:
    """How a fault was found. `operations`: those of all seeds up to then; `violation`: what did not hold."""

    seed: int
    operations: int
    violation: str


def find_fault(
    fault: PlantedFault, seeds: range = SEEDS, note: Callable[[str], None] = lambda line: None
) -> Finding | None:
    """Simulate the fault with these seeds until something does not hold; None if it is not found.

    It has to be found within `MAX_OPERATIONS`. `note` gets the progress.
    """
    operations = 0
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "copy"
        fault.plant(copy)
        for seed in seeds:
            options = ("--seed", str(seed), "--ops", str(OPERATIONS_PER_SEED), "--profile", fault.profile)
            result = simulate(copy, *options)
            done, violation = _read(result)
            operations += done
            if violation:
                return Finding(seed, operations, shorten(violation)) if operations <= MAX_OPERATIONS else None
            if operations >= MAX_OPERATIONS:
                break
            note(f"not with seed {seed}, {operations:,} operations so far")
    return None


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


def _read(result: "subprocess.CompletedProcess[str]") -> tuple[int, str]:
    """The operations of a run, and what did not hold in it; empty if everything held."""
    done = re.search(r"^([\d,]+) operations of 1 seeds", result.stdout, re.MULTILINE)
    found = re.search(r"^VIOLATION with seed \d+, profile \w+: (.*)", result.stdout, re.MULTILINE)
    if done is None or (result.returncode == FOUND) != bool(found) or result.returncode not in (0, FOUND):
        raise RuntimeError(f"the simulation itself failed:\n{result.stdout[-4_000:]}")
    if found and re.search(BROKEN, found[1]):
        raise RuntimeError(f"what is planted does not fit the code any more: {found[1]}")
    return int(done[1].replace(",", "")), found[1] if found else ""


IDS = r"\b(?:[0-9a-f]{8}-[0-9a-f-]{27}|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{32,64})\b"
LONGEST_PHRASE = 110


def shorten(violation: str) -> str:
    """What did not hold as a phrase: without ids, and without the values that follow it."""
    phrase = re.split(r"[A-Za-z]*[\[{(<]", re.sub(IDS, "…", violation))[0].strip(" :,'\"")
    phrase = re.sub(r"[,:] [^,:]*\b(?:is|are|has|says|in|got|should be|should be one of)$", "", phrase)
    return phrase if len(phrase) <= LONGEST_PHRASE else phrase[: LONGEST_PHRASE - 1].rstrip() + "…"
