"""The tokens that the text model was asked for, beside the books: every answer that the backend got is booked once.

An answer may be missing only where nobody could book it: its process died after it (`died`), or so many of its calls
to the tables failed after it that all tries of a booking may have (`was cut off`). One that was lost on its way to the
backend was never received.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from tests.fault_injection import Crash
from tests.simulation.books import number, text
from tests.simulation.scheduler import Process, ViolationError

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

TRIES_OF_A_BOOKING = 3


@dataclass(frozen=True)
class ReceivedAnswer:
    """An answer of the text model. `failures`: how many calls of the process to the tables had failed before it."""

    process: Process
    failures: int
    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> tuple[int, int]:
        return self.input_tokens, self.output_tokens

    @property
    def excuse(self) -> str:
        """Why it may not be booked; empty where it has to be."""
        if isinstance(self.process.failure, Crash):
            return "died"
        was_cut_off = self.process.table_failures - self.failures >= TRIES_OF_A_BOOKING
        return "was cut off" if was_cut_off else ""


def check_tokens(simulation: "Simulation") -> None:
    """At rest, of each question and each catch-up: its entries have the tokens of its answers. Counts the excused."""
    booked: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for account in simulation.observer.books.accounts.values():
        for entry in account.entries.values():
            for use in entry.get("uses", {"L": []})["L"]:
                tokens = booked[text(entry, "reference")]
                tokens[0] += number(use["M"], "input_tokens")
                tokens[1] += number(use["M"], "output_tokens")
    received: defaultdict[str, list[ReceivedAnswer]] = defaultdict(list)
    for answer in simulation.providers.text.received:
        received[answer.process.subject].append(answer)
    for reference in sorted(booked.keys() | received.keys()):
        _check_reference(simulation.counts, reference, tuple(booked[reference]), received[reference])


def _check_reference(
    counts: Counter[str], reference: str, booked: tuple[int, ...], answers: list[ReceivedAnswer]
) -> None:
    certain = [answer for answer in answers if not answer.excuse]
    excused = [answer for answer in answers if answer.excuse]
    for many in range(len(excused), -1, -1):
        for booked_too in combinations(excused, many):
            if booked == _sum([*certain, *booked_too]):
                counts.update(f"unbooked answers: its process {a.excuse}" for a in excused if a not in booked_too)
                return
    shown = [(answer.tokens, answer.excuse) for answer in answers]
    raise ViolationError(f"tokens of {reference} are booked otherwise than they were used: {booked}, not {shown}")


def _sum(answers: list[ReceivedAnswer]) -> tuple[int, int]:
    return sum(answer.input_tokens for answer in answers), sum(answer.output_tokens for answer in answers)
