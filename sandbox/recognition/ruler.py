"""A ruler in place of a recogniser, for live sessions: it reads audio that says where in a recording it is.

Each group of four samples holds its own number in the recording, as four digits, lowest first: loud ones to the base of
8,000 (sent as 4,000 to 11,999), or ones as soft as a pause to the base of 64. A numbered word is recognised each half
second, at its middle. So a test knows which samples a socket received, and which words a transcript must have.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from sandbox.recognition.audio import SAMPLE_BYTES
from sandbox.recognition.transcript import Word

GROUP = 4
SOFT_BASE, LOUD_BASE, LOUD_OFFSET = 64, 8_000, 4_000
WORDS_A_SECOND = 2
HALF_WORD_MS = 200
MAX_SOCKETS = 10_000

_EXPONENTS = np.arange(GROUP)
Positions = npt.NDArray[np.int64]


def encode_samples(position: int, length: int, is_soft: bool) -> bytes:
    """The samples of the recording from `position` on, 16-bit. `position` and `length`: samples, multiples of four."""
    base, offset = (SOFT_BASE, 0) if is_soft else (LOUD_BASE, LOUD_OFFSET)
    numbers = np.arange(position // GROUP, (position + length) // GROUP, dtype=np.int64)
    digits = numbers[:, None] // base**_EXPONENTS % base + offset
    return digits.astype("<i2").tobytes()


@dataclass
class Ruler:
    """What one socket received. `rate_hz` is a multiple of 16, so that the middle of each word begins a group."""

    service: str
    rate_hz: int
    ranges: list[list[int]] = field(default_factory=list)
    """Positions in the recording, as [first, end), in the order in which they came."""
    received_samples: int = 0
    added_samples: int = 0
    """Silence that the client added, such as to fill its last frame."""
    unreadable_samples: int = 0
    """Those of audio that is not coded."""
    _remainder: bytes = b""

    @property
    def received_ms(self) -> int:
        return self.received_samples * 1000 // self.rate_hz

    def add(self, frames: bytes) -> list[Word]:
        """The words whose middle is in these 16-bit samples, timed in ms from the first sample of the socket."""
        data = self._remainder + frames
        groups = len(data) // (GROUP * SAMPLE_BYTES)
        self._remainder = data[groups * GROUP * SAMPLE_BYTES :]
        values = np.frombuffer(data, dtype="<i2", count=groups * GROUP).reshape(-1, GROUP).astype(np.int64)
        places = self.received_samples + np.arange(groups) * GROUP
        self.received_samples += groups * GROUP
        is_soft = ((values >= 0) & (values < SOFT_BASE)).all(axis=1)
        digits = values - LOUD_OFFSET
        is_loud = ((digits >= 0) & (digits < LOUD_BASE)).all(axis=1)
        soft, loud = values @ SOFT_BASE**_EXPONENTS, digits @ LOUD_BASE**_EXPONENTS
        positions = np.where(is_soft, soft, loud) * GROUP
        is_added = is_soft & (positions == 0) & (places > 0)
        is_read = (is_soft | is_loud) & ~is_added
        self.added_samples += int(is_added.sum()) * GROUP
        self.unreadable_samples += int((~is_soft & ~is_loud).sum()) * GROUP
        self._note(positions[is_read])
        return self._words(positions[is_read], places[is_read])

    def report(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "rate_hz": self.rate_hz,
            "ranges": self.ranges,
            "added_samples": self.added_samples,
            "unreadable_samples": self.unreadable_samples,
        }

    def _note(self, positions: Positions) -> None:
        for run in np.split(positions, np.flatnonzero(np.diff(positions) != GROUP) + 1):
            if not run.size:
                continue
            first, end = int(run[0]), int(run[-1]) + GROUP
            if self.ranges and self.ranges[-1][1] == first:
                self.ranges[-1][1] = end
            else:
                self.ranges.append([first, end])

    def _words(self, positions: Positions, places: Positions) -> list[Word]:
        word_samples = self.rate_hz // WORDS_A_SECOND
        is_middle = positions % word_samples == word_samples // 2
        words = []
        for position, place in zip(positions[is_middle].tolist(), places[is_middle].tolist(), strict=True):
            middle_ms = place * 1000 // self.rate_hz
            start_ms, end_ms = max(0, middle_ms - HALF_WORD_MS), min(self.received_ms, middle_ms + HALF_WORD_MS)
            words.append(Word(f"w{position // word_samples}", start_ms, end_ms, 1.0))
        return words


class Rulers:
    """The rulers of the most recent sockets, oldest first."""

    def __init__(self) -> None:
        self._rulers: deque[Ruler] = deque(maxlen=MAX_SOCKETS)

    def open(self, service: str, rate_hz: int) -> Ruler:
        ruler = Ruler(service, rate_hz)
        self._rulers.append(ruler)
        return ruler

    def reset(self) -> None:
        self._rulers.clear()

    def report(self) -> dict[str, Any]:
        return {"sockets": [ruler.report() for ruler in self._rulers]}
