"""A sample of the simulation: thousands of operations over all profiles, and the same seed the same twice."""

from collections import Counter
from pathlib import Path

import pytest

from tests.simulation import __main__ as many_seeds
from tests.simulation.faults import PROFILES
from tests.simulation.planted.planting import ROOT, simulate
from tests.simulation.report import Report, describe_violation
from tests.simulation.run import run_seed

OPERATIONS, SEEDS = 1_250, 2  # of each profile: enough for a minute
TRACED_OPERATIONS = 250


def test_the_sample_has_ten_thousand_operations() -> None:
    assert OPERATIONS * SEEDS * len(PROFILES) >= 10_000


@pytest.mark.parametrize("profile", PROFILES)
def test_the_backend_keeps_its_invariants_under_faults(profile: str, soak_counts: Counter[str]) -> None:
    """The same seeds in every run; `make simulate` and `make soak` try others."""
    for seed in range(1, SEEDS + 1):
        result = run_seed(seed, profile, OPERATIONS)

        assert not result.violation, describe_violation(result)
        assert result.operations.total() >= OPERATIONS
        soak_counts["operations of the simulation"] += result.operations.total()


def test_a_hostile_run_has_crashes_conflicts_and_lost_messages() -> None:
    counts = run_seed(3, "apocalypse", OPERATIONS // 2).counts

    assert counts["crashes"] > 20
    assert counts["faults: a conflict with another transaction"] > 0
    assert counts["faults: a response lost after the call"] > 0
    for kind in ("message to the worker", "webhook"):
        assert counts[f"faults: {kind} lost"] > 0
        assert counts[f"faults: {kind} doubled"] > 0
    assert counts["faults: record of the stream lost"] > 0


def test_the_same_seed_has_the_same_trace_twice() -> None:
    first, second = (run_seed(7, "apocalypse", TRACED_OPERATIONS, keeps_trace=True) for _ in range(2))

    assert len(first.trace) > TRACED_OPERATIONS
    assert first.trace == second.trace
    assert first.operations == second.operations


def test_two_processes_with_other_hash_seeds_have_the_same_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces = []
    for hash_seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", hash_seed)
        trace = tmp_path / hash_seed
        options = ("--seed", "8", "--ops", str(TRACED_OPERATIONS), "--profile", "hostile", "--trace", str(trace))
        result = simulate(ROOT, *options)
        assert result.returncode == 0, result.stdout[-4_000:]
        traces.append(trace.read_bytes())

    assert traces[0] == traces[1]
    assert traces[0].count(b"\n") > TRACED_OPERATIONS


def test_another_seed_has_another_trace() -> None:
    first, second = (run_seed(seed, "calm", 50) for seed in (1, 2))

    assert first.checksum != second.checksum


def test_many_seeds_end_though_their_processes_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_seeds, "SEEDS_PER_PROCESS", 1)
    monkeypatch.setattr(many_seeds, "OPERATIONS_PER_SEED", 20)
    report = Report(60)

    many_seeds._run_many(report, None, first_seed=1, processes=1, max_violations=1)

    assert report.violations == []
    assert report.results == 3
