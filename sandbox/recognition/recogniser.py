"""Speech recognition by Whisper's tiny English model: the same audio always gives the same words."""

import threading
from dataclasses import replace
from typing import Any

from sandbox.recognition.audio import MODEL_RATE_HZ, Samples
from sandbox.recognition.transcript import Transcript, Word
from sandbox.recognition.transcript_cache import TranscriptCache

TOKENS_PER_SECOND = 8


class Recogniser:
    """One model for all callers, loaded on first use and used by one caller at a time."""

    def __init__(self, cache: TranscriptCache) -> None:
        self._lock = threading.Lock()
        self._model: Any = None
        self._cache = cache

    def load(self) -> None:
        """Load the model before its first use (about a second); with a cache it may never be used."""
        if not self._cache.is_kept:
            with self._lock:
                self._get_model()

    def recognise(self, samples: Samples) -> Transcript:
        """The speech in `samples`. Blocks for at least a second, or a tenth of the duration: call it in a thread."""
        with self._lock:
            return self._cache.get_or_recognise(samples, "whole", lambda: _transcribe(self._get_model(), samples))

    def recognise_short(self, samples: Samples) -> Transcript:
        """The speech in at most 20 s of audio: half the time, slightly less accurate."""
        with self._lock:
            return self._cache.get_or_recognise(samples, "short", lambda: self._transcribe_short(samples))

    def _transcribe_short(self, samples: Samples) -> Transcript:
        seconds, model = len(samples) / MODEL_RATE_HZ, self._get_model()
        with model.window_for(seconds):
            # A limit above any human pace stops the model when it begins to repeat itself.
            return _transcribe(model, samples, max_new_tokens=20 + int(seconds * TOKENS_PER_SECOND))

    def _get_model(self) -> Any:
        if self._model is None:
            # The import is as slow as loading the model; it must not delay the start of the sandbox.
            from sandbox.recognition.whisper import Whisper

            self._model = Whisper()
        return self._model


def _transcribe(model: Any, samples: Samples, **options: Any) -> Transcript:
    segments, _ = model.transcribe(
        samples,
        language="en",
        beam_size=1,
        temperature=0,
        condition_on_previous_text=False,
        word_timestamps=True,
        **options,
    )
    segments = list(segments)  # The model returns a generator; the work happens here.
    words: list[Word] = []
    for part in (part for segment in segments for part in segment.words or []):
        start, end, probability = float(part.start), float(part.end), float(part.probability)  # They are NumPy's.
        word = Word(part.word, round(start * 1000), round(end * 1000), round(probability, 4))
        if words and not word.text.startswith(" "):
            words[-1] = _join_words(words[-1], word)
        else:
            words.append(replace(word, text=word.text.strip()))
    return Transcript("".join(segment.text for segment in segments).strip(), words)


def _join_words(first: Word, rest: Word) -> Word:
    """Two tokens joined to one word: the model splits words such as "cold-hearted"."""
    return Word(first.text + rest.text.strip(), first.start_ms, rest.end_ms, min(first.confidence, rest.confidence))
