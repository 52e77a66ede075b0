"""Who recognises the speech of a live session: the model, or the ruler in its place."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from sandbox.recognition.phrases import Phrase, Phrases
from sandbox.recognition.recogniser import Recogniser
from sandbox.recognition.ruler import Ruler
from sandbox.recognition.transcript import Transcript, Word

RULER_PHRASE_WORDS = 4


@dataclass(frozen=True)
class Span:
    """A stretch of speech. Times are ms from the start of the stream."""

    start_ms: int
    speech_end_ms: int
    """The end of its last sound."""
    end_ms: int
    recognise: Callable[[], Transcript]
    """Its words, timed from its start. Blocks: call it in a thread."""


class LiveSpeech(Protocol):
    """The speech of one stream of mono 16-bit audio. `silence_ms` ends a span; it may change at any time."""

    silence_ms: int

    def add(self, frames: bytes) -> list[Span]:
        """Add more of the stream, in whole samples, and return the spans that ended in it."""

    def current(self) -> Span | None:
        """The current span so far; None during silence."""

    def end(self) -> Span | None:
        """End the current span here and return it; None during silence."""


class ModelSpeech:
    """Phrases found by loudness, and recognised by the model."""

    def __init__(self, recogniser: Recogniser, rate_hz: int, silence_ms: int):
        self._recogniser = recogniser
        self._phrases = Phrases(rate_hz, silence_ms)

    @property
    def silence_ms(self) -> int:
        return self._phrases.silence_ms

    @silence_ms.setter
    def silence_ms(self, silence_ms: int) -> None:
        self._phrases.silence_ms = silence_ms

    def add(self, frames: bytes) -> list[Span]:
        return [self._span(phrase) for phrase in self._phrases.add(frames)]

    def current(self) -> Span | None:
        phrase = self._phrases.current()
        return self._span(phrase) if phrase else None

    def end(self) -> Span | None:
        phrase = self._phrases.end()
        return self._span(phrase) if phrase else None

    def _span(self, phrase: Phrase) -> Span:
        def recognise() -> Transcript:
            return self._recogniser.recognise_short(phrase.audio.samples())

        return Span(phrase.start_ms, phrase.speech_end_ms, phrase.end_ms, recognise)


class RulerSpeech:
    """The numbered words that the ruler reads, four to a span; no pause ends one."""

    def __init__(self, ruler: Ruler, silence_ms: int):
        self.silence_ms = silence_ms
        self._ruler = ruler
        self._words: list[Word] = []

    def add(self, frames: bytes) -> list[Span]:
        self._words += self._ruler.add(frames)
        spans: list[Span] = []
        while len(self._words) >= RULER_PHRASE_WORDS:
            spans.append(self._take(RULER_PHRASE_WORDS))
        return spans

    def current(self) -> Span | None:
        return self._span(self._words) if self._words else None

    def end(self) -> Span | None:
        return self._take(len(self._words)) if self._words else None

    def _take(self, count: int) -> Span:
        words, self._words = self._words[:count], self._words[count:]
        return self._span(words)

    def _span(self, words: list[Word]) -> Span:
        """Words of the ruler are timed in the stream."""
        start_ms = words[0].start_ms
        timed = [replace(word, start_ms=word.start_ms - start_ms, end_ms=word.end_ms - start_ms) for word in words]
        transcript = Transcript(" ".join(word.text for word in words), timed)
        return Span(start_ms, words[-1].end_ms, self._ruler.received_ms, lambda: transcript)
