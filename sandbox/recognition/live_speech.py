"""Who recognises the speech of a live session: the model, or the ruler in its place."""

from dataclasses import dataclass, replace
from typing import Protocol

from sandbox.recognition.phrases import Phrase, Phrases
from sandbox.recognition.recogniser import Recogniser
from sandbox.recognition.ruler import Ruler
from sandbox.recognition.transcript import Transcript, Word

RULER_PHRASE_WORDS = 4


class Span(Protocol):
    """A stretch of speech. Times are ms from the start of the stream."""

    @property
    def start_ms(self) -> int: ...

    @property
    def speech_end_ms(self) -> int:
        """The end of its last sound."""

    @property
    def end_ms(self) -> int: ...

    def recognise(self) -> Transcript:
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


@dataclass(frozen=True)
class ModelSpan:
    """A phrase that the model recognises as a whole."""

    phrase: Phrase
    recogniser: Recogniser

    @property
    def start_ms(self) -> int:
        return self.phrase.start_ms

    @property
    def speech_end_ms(self) -> int:
        return self.phrase.speech_end_ms

    @property
    def end_ms(self) -> int:
        return self.phrase.end_ms

    def recognise(self) -> Transcript:
        return self.recogniser.recognise_short(self.phrase.audio.samples())


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
        return [ModelSpan(phrase, self._recogniser) for phrase in self._phrases.add(frames)]

    def current(self) -> Span | None:
        return self._span(self._phrases.current())

    def end(self) -> Span | None:
        return self._span(self._phrases.end())

    def _span(self, phrase: Phrase | None) -> Span | None:
        return ModelSpan(phrase, self._recogniser) if phrase else None


@dataclass(frozen=True)
class RulerSpan:
    """Words of the ruler, timed in the stream."""

    words: tuple[Word, ...]
    end_ms: int

    @property
    def start_ms(self) -> int:
        return self.words[0].start_ms

    @property
    def speech_end_ms(self) -> int:
        return self.words[-1].end_ms

    def recognise(self) -> Transcript:
        words = [
            replace(word, start_ms=word.start_ms - self.start_ms, end_ms=word.end_ms - self.start_ms)
            for word in self.words
        ]
        return Transcript(" ".join(word.text for word in words), words)


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
        return RulerSpan(tuple(self._words), self._ruler.received_ms) if self._words else None

    def end(self) -> Span | None:
        return self._take(len(self._words)) if self._words else None

    def _take(self, count: int) -> Span:
        words, self._words = tuple(self._words[:count]), self._words[count:]
        return RulerSpan(words, self._ruler.received_ms)
