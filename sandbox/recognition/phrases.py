"""Finds speech in a stream of audio: phrases separated by silence, detected by loudness alone."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from sandbox.recognition.audio import SAMPLE_BYTES, PcmAudio

WINDOW_MS = 20
MAX_PHRASE_MS = 15_000
"""A phrase of this length ends even without a pause."""
LEAD_IN_MS = 240
"""Kept from before the first loud window: words begin softly."""
MIN_SPEECH_MS = 160
"""Anything shorter is a click or a knock."""

# Loudness is the root mean square of samples between -1 and 1. Speech is a few times as loud as the background noise;
# the limits are for a background too quiet to measure and for one where someone always speaks.
SPEECH_TO_NOISE = 3.0
MIN_LOUDNESS, MAX_LOUDNESS = 0.008, 0.02
NOISE_WINDOWS = 150
NOISE_PERCENTILE = 10


@dataclass(frozen=True)
class Phrase:
    """Speech with a little silence around it. Times are ms from the start of the stream."""

    audio: PcmAudio
    start_ms: int
    speech_end_ms: int
    """The end of its last loud window."""

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.audio.duration_ms


class Phrases:
    """Splits mono 16-bit audio into phrases as it arrives. `silence_ms` ends a phrase; it may change at any time."""

    def __init__(self, rate_hz: int, silence_ms: int):
        self.silence_ms = silence_ms
        self._rate_hz = rate_hz
        self._window_bytes = rate_hz * WINDOW_MS // 1000 * SAMPLE_BYTES
        self._remainder = b""
        self._window_count = 0
        self._noise_levels: deque[float] = deque(maxlen=NOISE_WINDOWS)
        self._before: deque[bytes] = deque(maxlen=LEAD_IN_MS // WINDOW_MS)
        self._windows: list[bytes] = []
        """The windows of the current phrase; empty during silence."""
        self._speech_windows = 0
        self._silent_windows = 0

    def add(self, frames: bytes) -> list[Phrase]:
        """Add more of the stream, in whole samples, and return the phrases that ended in it."""
        data = self._remainder + frames
        count = len(data) // self._window_bytes
        self._remainder = data[count * self._window_bytes :]
        windows = [data[index * self._window_bytes : (index + 1) * self._window_bytes] for index in range(count)]
        loudness = [_loudness(window) for window in windows]
        self._noise_levels.extend(loudness)
        if not windows:
            return []
        threshold = self._speech_threshold()
        phrases = [
            self._process_window(window, loud >= threshold) for window, loud in zip(windows, loudness, strict=True)
        ]
        return [phrase for phrase in phrases if phrase is not None]

    def current(self) -> Phrase | None:
        """The current phrase so far; None during silence."""
        if self._speech_windows * WINDOW_MS < MIN_SPEECH_MS:
            return None
        return Phrase(
            audio=PcmAudio(b"".join(self._windows), self._rate_hz, channels=1),
            start_ms=self._ms(self._window_count - len(self._windows)),
            speech_end_ms=self._ms(self._window_count - self._silent_windows),
        )

    def end(self) -> Phrase | None:
        """End the current phrase here and return it; None during silence."""
        phrase = self.current()
        # The silence so far may contain the soft beginning of the next word; anything louder is in the phrase.
        self._before.extend(self._windows[len(self._windows) - self._silent_windows :])
        self._windows = []
        self._speech_windows = self._silent_windows = 0
        return phrase

    def _process_window(self, window: bytes, speech: bool) -> Phrase | None:
        self._window_count += 1
        if not speech and not self._windows:
            self._before.append(window)
            return None
        if not self._windows:
            self._windows = list(self._before)
            self._before.clear()
        self._windows.append(window)
        self._speech_windows += speech
        self._silent_windows = 0 if speech else self._silent_windows + 1
        silent = self._silent_windows * WINDOW_MS >= max(self.silence_ms, WINDOW_MS)
        return self.end() if silent or len(self._windows) * WINDOW_MS >= MAX_PHRASE_MS else None

    def _speech_threshold(self) -> float:
        noise = float(np.percentile(self._noise_levels, NOISE_PERCENTILE))
        return min(max(SPEECH_TO_NOISE * noise, MIN_LOUDNESS), MAX_LOUDNESS)

    def _ms(self, windows: int) -> int:
        return windows * (self._window_bytes // SAMPLE_BYTES) * 1000 // self._rate_hz


def _loudness(window: bytes) -> float:
    samples = np.frombuffer(window, dtype="<i2").astype(np.float32) / 32768
    return float(np.sqrt(np.mean(samples * samples)))
