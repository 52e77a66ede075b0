"""What a run prints: its progress, what happened in it, and how to repeat what failed."""

import time
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.run import Result


def replay_command(result: Result) -> str:
    """The one command that repeats a run."""
    return f"make simulate SEED={result.seed} OPS={result.max_operations} PROFILE={result.profile}"


def describe_violation(result: Result) -> str:
    """What did not hold, the last steps of the account, and how to repeat it."""
    return "\n".join(
        [
            f"VIOLATION with seed {result.seed}, profile {result.profile}: {result.violation}",
            "The last steps, each with its virtual milliseconds and its account:",
            *(f"  {step}" for step in result.steps),
            f"To repeat it: {replay_command(result)}",
        ]
    )


@dataclass
class Report:
    """Adds up the results of many seeds."""

    wanted_operations: int
    results: int = 0
    violations: list[Result] = field(default_factory=list)
    operations: Counter[str] = field(default_factory=Counter)
    operations_of_schedules: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    by_profile: Counter[str] = field(default_factory=Counter)
    virtual_hours: float = 0.0
    cpu_seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)

    def add(self, result: Result) -> None:
        self.results += 1
        self.operations.update(result.operations)
        self.operations_of_schedules += result.operations_of_schedules
        self.counts.update(result.counts)
        self.by_profile[result.profile] += result.operations.total()
        self.virtual_hours += result.virtual_hours
        self.cpu_seconds += result.cpu_seconds
        if result.violation:
            self.violations.append(result)

    @property
    def total(self) -> int:
        return self.operations.total()

    def progress(self) -> str:
        """One line while it runs."""
        seconds = max(time.monotonic() - self.began, 0.001)
        return (
            f"{self.total:>11,} of {self.wanted_operations:,} operations, {self.total / seconds:,.0f} per second, "
            f"{self.results:,} seeds, {len(self.violations)} violations"
        )

    def summary(self) -> str:
        """All figures at the end."""
        seconds = max(time.monotonic() - self.began, 0.001)
        lines = ["Operations by kind:"]
        lines += [f"  {number:>11,} {kind}" for kind, number in self.operations.most_common()]
        lines += ["Operations by profile:"]
        lines += [f"  {number:>11,} {profile}" for profile, number in self.by_profile.most_common()]
        lines += ["Faults, crashes, refused conditions and errors:"]
        lines += [f"  {number:>11,} {kind}" for kind, number in sorted(self.counts.items())]
        lines += [
            f"{self.total:,} operations of {self.results:,} seeds in {seconds:,.0f} s: "
            f"{self.total / seconds:,.0f} per second, {1000 * self.cpu_seconds / max(self.total, 1):.1f} ms CPU each",
            f"Of these, {self.total - self.operations_of_schedules:,} by people and providers, "
            f"{self.operations_of_schedules:,} by schedules and the worker",
            f"Virtual time: {self.virtual_hours / 24:,.0f} days",
            f"Violations: {len(self.violations)}",
        ]
        return "\n".join(lines)
