"""Alternating rounds of two things, so that whatever else the machine does hits both."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

ROUNDS = 15


@dataclass(frozen=True)
class Ratio:
    """How much longer `ours` took than `floor`."""

    floor_seconds: list[float]
    our_seconds: list[float]

    @property
    def of_minima(self) -> float:
        return min(self.our_seconds) / min(self.floor_seconds)

    @property
    def of_medians(self) -> float:
        return median(self.our_seconds) / median(self.floor_seconds)

    def report(self, name: str, budget: float) -> None:
        verdict = "within" if self.of_minima <= budget else "OVER"
        print(
            f"  {name}: {self.of_minima:.2f} × (minima), {self.of_medians:.2f} × (medians), budget {budget} ×: "
            f"{verdict}\n"
            f"    floor {min(self.floor_seconds) * 1000:.0f} ms, ours {min(self.our_seconds) * 1000:.0f} ms, "
            f"{len(self.our_seconds)} rounds"
        )


def alternate(floor: Callable[[], float], ours: Callable[[], float], rounds: int = ROUNDS) -> Ratio:
    """Both, in turn; each returns the seconds it took."""
    pairs = [(floor(), ours()) for _ in range(rounds)]
    return Ratio([pair[0] for pair in pairs], [pair[1] for pair in pairs])
