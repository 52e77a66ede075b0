"""The same audio is recognised once, by all sandboxes that share a directory."""

from pathlib import Path

import numpy as np
import pytest

from sandbox.recognition import transcript_cache
from sandbox.recognition.transcript import Transcript, Word
from sandbox.recognition.transcript_cache import TranscriptCache

HELLO = Transcript("Hello.", [Word("Hello.", 0, 480, 0.9)])
TONE = np.ones(8, dtype=np.float32)


def recognise(cache: TranscriptCache, samples=TONE, options: str = "whole", transcript: Transcript = HELLO):
    """What the cache answers, and whether it was recognised for this."""
    calls = []

    def work() -> Transcript:
        calls.append(samples)
        return transcript

    return cache.get_or_recognise(samples, options, work), bool(calls)


def test_another_sandbox_knows_what_was_recognised(tmp_path: Path) -> None:
    assert recognise(TranscriptCache(tmp_path / "made")) == (HELLO, True)
    assert recognise(TranscriptCache(tmp_path / "made"), transcript=Transcript("", [])) == (HELLO, False)


def test_other_audio_and_other_options_are_recognised_themselves(tmp_path: Path) -> None:
    cache = TranscriptCache(tmp_path)
    recognise(cache)

    assert recognise(cache, samples=TONE[:7])[1]
    assert recognise(cache, samples=-TONE)[1]
    assert recognise(cache, options="short")[1]


def test_another_recogniser_recognises_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recognise(TranscriptCache(tmp_path))
    monkeypatch.setattr(transcript_cache, "_recogniser_version", lambda: "another")

    assert recognise(TranscriptCache(tmp_path))[1]


def test_without_a_directory_nothing_is_remembered() -> None:
    cache = TranscriptCache(None)

    assert recognise(cache)[1]
    assert recognise(cache)[1]


def test_a_recognition_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no memory"):
        TranscriptCache(tmp_path).get_or_recognise(
            TONE, "whole", lambda: (_ for _ in ()).throw(RuntimeError("no memory"))
        )

    assert not list(tmp_path.iterdir())
