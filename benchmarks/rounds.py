"""Alternating rounds of two measurements, so that other load of the machine affects both."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

ROUNDS = 15


@dataclass(frozen=True)
class Ratio:
    """The times of the app and of the floor, and their ratio."""

    floor_seconds: list[float]
    app_seconds: list[float]

    @property
    def of_minima(self) -> float:
        return min(self.app_seconds) / min(self.floor_seconds)

    @property
    def of_medians(self) -> float:
        return median(self.app_seconds) / median(self.floor_seconds)

    def report(self, name: str, budget: float) -> None:
        verdict = "within" if self.of_minima <= budget else "OVER"
        print(
            f"  {name}: {self.of_minima:.2f} × (minima), {self.of_medians:.2f} × (medians), budget {budget} ×: "
            f"{verdict}\n"
            f"    floor {min(self.floor_seconds) * 1000:.0f} ms, app {min(self.app_seconds) * 1000:.0f} ms, "
            f"{len(self.app_seconds)} rounds"
        )


def alternate(floor: Callable[[], float], app: Callable[[], float], rounds: int = ROUNDS) -> Ratio:
    """Run both alternately. Each returns the seconds it took."""
    pairs = [(floor(), app()) for _ in range(rounds)]
    return Ratio([pair[0] for pair in pairs], [pair[1] for pair in pairs])
