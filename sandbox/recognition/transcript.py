"""What was recognised: words with their times."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A word and its times in ms from the start. `confidence`: 0 to 1."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True)
class Transcript:
    text: str
    words: list[Word]

    @property
    def confidence(self) -> float:
        """The mean confidence of the words, 0 to 1; 0 without words."""
        return sum(word.confidence for word in self.words) / len(self.words) if self.words else 0.0
