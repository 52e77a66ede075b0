"""Where somebody speaks in a stream of audio: phrases with silence between them, found by loudness alone."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from sandbox.recognition.audio import SAMPLE_BYTES, Sound

WINDOW_MS = 20
LIMIT_MS = 15_000
"""A phrase as long as this ends although nobody paused."""
BEFORE_MS = 240
"""Kept from before the first loud window: words begin softly."""
MIN_SPEECH_MS = 160
"""Less of it is a click or a knock."""

# Loudness is the root mean square of samples between -1 and 1. Speech is a few times as loud as the room; the limits
# are for a room too quiet to measure and for one where somebody always speaks.
TIMES_THE_ROOM = 3.0
MIN_LOUDNESS, MAX_LOUDNESS = 0.008, 0.02
ROOM_WINDOWS = 150
ROOM_PERCENTILE = 10


@dataclass(frozen=True)
class Phrase:
    """Speech with a little silence around it. Times are ms from the start of the stream."""

    sound: Sound
    start_ms: int
    speech_end_ms: int
    """The end of its last loud window."""

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.sound.duration_ms


class Phrases:
    """Cuts mono 16-bit audio into phrases as it arrives. `silence_ms` of silence end one; it may change any time."""

    def __init__(self, rate_hz: int, silence_ms: int):
        self.silence_ms = silence_ms
        self._rate_hz = rate_hz
        self._window_bytes = rate_hz * WINDOW_MS // 1000 * SAMPLE_BYTES
        self._rest = b""
        self._windows_heard = 0
        self._room: deque[float] = deque(maxlen=ROOM_WINDOWS)
        self._before: deque[bytes] = deque(maxlen=BEFORE_MS // WINDOW_MS)
        self._windows: list[bytes] = []
        """Those of the running phrase; empty while nobody speaks."""
        self._speech_windows = 0
        self._silent_windows = 0

    def add(self, frames: bytes) -> list[Phrase]:
        """Hear more of the stream, whole samples of any number. Returns the phrases that ended in it."""
        data = self._rest + frames
        count = len(data) // self._window_bytes
        self._rest = data[count * self._window_bytes :]
        windows = [data[place * self._window_bytes : (place + 1) * self._window_bytes] for place in range(count)]
        loudness = [_loudness(window) for window in windows]
        self._room.extend(loudness)
        if not windows:
            return []
        threshold = self._speech_loudness()
        ended = [self._hear(window, loud >= threshold) for window, loud in zip(windows, loudness, strict=True)]
        return [phrase for phrase in ended if phrase is not None]

    def running(self) -> Phrase | None:
        """The phrase as far as it has been heard; None while nobody speaks."""
        if self._speech_windows * WINDOW_MS < MIN_SPEECH_MS:
            return None
        return Phrase(
            sound=Sound(b"".join(self._windows), self._rate_hz, channels=1),
            start_ms=self._ms(self._windows_heard - len(self._windows)),
            speech_end_ms=self._ms(self._windows_heard - self._silent_windows),
        )

    def end(self) -> Phrase | None:
        """End the running phrase here; None while nobody speaks."""
        phrase = self.running()
        # The silence so far may hold the soft beginning of the next word; anything louder has been told.
        self._before.extend(self._windows[len(self._windows) - self._silent_windows :])
        self._windows = []
        self._speech_windows = self._silent_windows = 0
        return phrase

    def _hear(self, window: bytes, speech: bool) -> Phrase | None:
        self._windows_heard += 1
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
        return self.end() if silent or len(self._windows) * WINDOW_MS >= LIMIT_MS else None

    def _speech_loudness(self) -> float:
        room = float(np.percentile(self._room, ROOM_PERCENTILE))
        return min(max(TIMES_THE_ROOM * room, MIN_LOUDNESS), MAX_LOUDNESS)

    def _ms(self, windows: int) -> int:
        return windows * (self._window_bytes // SAMPLE_BYTES) * 1000 // self._rate_hz


def _loudness(window: bytes) -> float:
    samples = np.frombuffer(window, dtype="<i2").astype(np.float32) / 32768
    return float(np.sqrt(np.mean(samples * samples)))
