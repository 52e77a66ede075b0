"""Plants every fault, or those that are named, finds them, and writes the table of docs/simulation.md.

`.venv/bin/python -m tests.simulation.planted ["name of a fault" …]`
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import count

from tests.simulation.planted.faults import FAULTS
from tests.simulation.planted.planting import MAX_OPERATIONS, SEEDS, Finding, find_fault
from tests.simulation.planted.table import read_findings, write_findings


def main(names: list[str]) -> int:
    """1 if a fault was not found."""
    if unknown := [name for name in names if name not in FAULTS]:
        sys.exit(f"There is no such fault: {unknown}. Choose from:\n" + "\n".join(FAULTS))
    names, numbers, began = names or list(FAULTS), count(1), time.monotonic()
    findings = {name: finding for name, finding in read_findings().items() if name in FAULTS}

    def note(name: str, line: str) -> None:
        print(f"{time.monotonic() - began:>6,.0f} s  {name}: {line}", flush=True)

    def find(name: str) -> Finding | None:
        return find_fault(FAULTS[name], SEEDS, lambda line: note(name, line))

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # Each simulates in a process of its own.
        running = {pool.submit(find, name): name for name in names}
        for done in as_completed(running):
            name, finding = running[done], done.result()
            findings[name] = finding
            write_findings(findings)
            outcome = (
                f"found with seed {finding.seed} after {finding.operations:,} operations: {finding.violation}"
                if finding
                else f"NOT FOUND within {MAX_OPERATIONS:,} operations"
            )
            note(name, f"{outcome} ({next(numbers)} of {len(names)})")
    lost = [name for name in names if findings[name] is None]
    print(f"{len(names) - len(lost)} of {len(names)} faults found")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
