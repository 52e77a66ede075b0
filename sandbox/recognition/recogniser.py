"""Speech recognition: Whisper's tiny English model, the same words for the same audio every time."""

import threading
from dataclasses import dataclass, replace
from typing import Any

from sandbox.recognition.audio import MODEL_RATE_HZ, Samples

TOKENS_PER_SECOND = 8


@dataclass(frozen=True)
class Word:
    """A word and where it was said, in ms from the start. `confidence`: 0 to 1."""

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
        """The mean of the words' confidence, 0 to 1; 0 where nothing was said."""
        return sum(word.confidence for word in self.words) / len(self.words) if self.words else 0.0


class Recogniser:
    """One model for all callers, loaded on first use; callers take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None

    def load(self) -> None:
        """Load the model ahead of its first use (about a second)."""
        with self._lock:
            self._loaded()

    def recognise(self, samples: Samples) -> Transcript:
        """What was said. Blocks for a tenth of the speech and a second at least, so call it in a thread."""
        with self._lock:
            return _transcribed(self._loaded(), samples)

    def recognise_quickly(self, samples: Samples) -> Transcript:
        """What was said in at most 20 s, a little less exactly, in half the time."""
        seconds = len(samples) / MODEL_RATE_HZ
        with self._lock:
            model = self._loaded()
            with model.window_for(seconds):
                # Nobody speaks faster than that; a model that repeats itself does.
                return _transcribed(model, samples, max_new_tokens=20 + int(seconds * TOKENS_PER_SECOND))

    def _loaded(self) -> Any:
        if self._model is None:
            # Importing takes as long as loading; the sandbox should be listening by then.
            from sandbox.recognition.whisper import Whisper

            self._model = Whisper()
        return self._model


def _transcribed(model: Any, samples: Samples, **options: Any) -> Transcript:
    segments, _ = model.transcribe(
        samples,
        language="en",
        beam_size=1,
        temperature=0,
        condition_on_previous_text=False,
        word_timestamps=True,
        **options,
    )
    segments = list(segments)  # The work happens here: the model hands out a generator.
    words: list[Word] = []
    for part in (part for segment in segments for part in segment.words or []):
        word = Word(part.word, round(part.start * 1000), round(part.end * 1000), round(part.probability, 4))
        if words and not word.text.startswith(" "):
            words[-1] = _joined(words[-1], word)
        else:
            words.append(replace(word, text=word.text.strip()))
    return Transcript("".join(segment.text for segment in segments).strip(), words)


def _joined(first: Word, rest: Word) -> Word:
    """One word out of two: the model takes "cold" and "-hearted" apart."""
    return Word(first.text + rest.text.strip(), first.start_ms, rest.end_ms, min(first.confidence, rest.confidence))
