"""Runs the simulation: `make simulate`, with SEED, OPS and PROFILE or without. docs/simulation.md explains it."""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from itertools import count
from pathlib import Path

from tests.simulation.faults import PROFILES
from tests.simulation.report import Report, describe_violation
from tests.simulation.run import Result, run_seed

OPERATIONS_PER_SEED = 5_000
DEFAULT_OPERATIONS = 50_000
# Then the processes are replaced, for their memory. `max_tasks_per_child` would hang in Python 3.11 and 3.12.
# Source: https://github.com/python/cpython/issues/115634
SEEDS_PER_PROCESS = 20


def main() -> int:
    """Run one seed or many; 1 if something did not hold."""
    options = _options()
    report = Report(options.ops or (OPERATIONS_PER_SEED if options.seed is not None else DEFAULT_OPERATIONS))
    if options.seed is not None:
        result = run_seed(
            options.seed, options.profile or "hostile", report.wanted_operations, keeps_trace=bool(options.trace)
        )
        if options.trace:
            Path(options.trace).write_text("\n".join(result.trace) + "\n")
        report.add(result)
        if result.violation:
            print(describe_violation(result))
        print(f"checksum of all steps: {result.checksum:08x}")
    else:
        _run_many(report, options.profile, options.first_seed, options.processes, options.max_violations)
    print(report.summary())
    return 1 if report.violations else 0


def _run_many(report: Report, profile: str | None, first_seed: int, processes: int, max_violations: int) -> None:
    """Seeds over all profiles until the operations are done or several have failed; one process per core."""
    print(f"seeds from {first_seed}, {processes} processes", flush=True)
    runs = list(_runs(report.wanted_operations, profile, first_seed))
    batch = SEEDS_PER_PROCESS * processes
    for first in range(0, len(runs), batch):
        if not _run_batch(report, runs[first : first + batch], processes, max_violations):
            return


def _run_batch(report: Report, runs: list[tuple[int, str, int]], processes: int, max_violations: int) -> bool:
    """Some of the runs, in new processes; whether to go on."""
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(run_seed, *run) for run in runs]):
            result: Result = done.result()
            report.add(result)
            print(report.progress(), flush=True)
            if result.violation:
                print(describe_violation(result), flush=True)
            if len(report.violations) >= max_violations:
                pool.shutdown(cancel_futures=True)
                return False
    return True


def _runs(operations: int, profile: str | None, first_seed: int) -> Iterator[tuple[int, str, int]]:
    """Seed, profile and operations of each run."""
    profiles = [profile] if profile else list(PROFILES)
    for number in count():
        if operations <= 0:
            return
        yield first_seed + number, profiles[number % len(profiles)], min(operations, OPERATIONS_PER_SEED)
        operations -= OPERATIONS_PER_SEED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this seed alone")
    parser.add_argument("--ops", type=int, help="how many operations")
    parser.add_argument("--profile", choices=PROFILES, help="all of them if not given; of one seed: hostile")
    first_seed = int(date.today().strftime("%Y%m%d")) * 10_000
    parser.add_argument("--first-seed", type=int, default=first_seed, help="of many seeds; by default from the date")
    parser.add_argument("--max-violations", type=int, default=3, help="stop after so many")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trace", help="write all steps of one seed to this file")
    options = parser.parse_args()
    if options.seed is not None and (options.ops or 0) > OPERATIONS_PER_SEED:
        parser.error(f"One seed has at most {OPERATIONS_PER_SEED:,} operations. Lower OPS, or leave out SEED.")
    return options


if __name__ == "__main__":
    sys.exit(main())
