"""Audio files before recognition: uploads, and files fetched from a URL."""

import hashlib
import tempfile
import threading
import time
import uuid
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import IO

import requests

from sandbox import loopback
from sandbox.clock import Clock

MAX_UPLOAD_BYTES = 2_200_000_000
MAX_FETCHED_BYTES = 5_000_000_000
KEPT_SECONDS = 2 * 86_400
CHUNK_BYTES = 1024 * 1024
CONNECT_SECONDS, READ_SECONDS, FETCH_SECONDS = 5, 30, 300


class TooLargeError(Exception):
    """The file is larger than the limit."""


class FetchError(Exception):
    """The file could not be fetched."""


@dataclass
class StoredAudio:
    """An unnamed temporary file, which the system deletes when the process ends. Hold `lock` while reading."""

    file: IO[bytes]
    sha256: str
    size_bytes: int
    stored_at: float
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        weakref.finalize(self, self.file.close)


class Uploads:
    """Files sent to `POST /v2/upload`, each kept for two days."""

    def __init__(self, clock: Clock, max_bytes: int = MAX_UPLOAD_BYTES):
        self._clock = clock
        self._max_bytes = max_bytes
        self._files: dict[str, StoredAudio] = {}

    async def store(self, body: AsyncIterator[bytes]) -> str:
        """Store a file and return its name. Raises TooLargeError, after reading the body to its end."""
        writer = _FileWriter(self._max_bytes)
        try:
            async for chunk in body:
                writer.write(chunk)
            stored = writer.finish(self._clock.now())
        except BaseException:
            writer.file.close()
            raise
        name = str(uuid.uuid4())
        self._files[name] = stored
        return name

    def find(self, name: str) -> StoredAudio | None:
        """The file of this name; None if it is unknown or older than two days."""
        for expired in [
            key for key, stored in self._files.items() if self._clock.now() > stored.stored_at + KEPT_SECONDS
        ]:
            del self._files[expired]
        return self._files.get(name)

    def reset(self) -> None:
        self._files.clear()


def fetch(url: str, now: float, max_bytes: int = MAX_FETCHED_BYTES) -> StoredAudio:
    """Fetch the file at `url`, on this machine only and without following redirects. Blocks. Raises FetchError."""
    writer = _FileWriter(max_bytes)
    deadline = time.monotonic() + FETCH_SECONDS
    try:
        address, headers = loopback.resolve(url)
        with requests.Session() as session:
            # A proxy from the environment would lead to another machine.
            session.trust_env = False
            timeout = (CONNECT_SECONDS, READ_SECONDS)
            with session.get(address, headers=headers, timeout=timeout, stream=True, allow_redirects=False) as answer:
                if answer.status_code != 200:
                    raise FetchError(f"status {answer.status_code}")
                for chunk in answer.iter_content(CHUNK_BYTES):
                    writer.write(chunk)
                    if writer.size_bytes > max_bytes or time.monotonic() > deadline:
                        raise FetchError("too large or too slow")
        return writer.finish(now)
    except (requests.RequestException, loopback.NotLoopbackError, TooLargeError, FetchError, UnicodeError) as error:
        writer.file.close()
        raise FetchError(str(error)) from error
    except BaseException:
        writer.file.close()
        raise


class _FileWriter:
    """Writes bytes to a file up to the limit and computes their hash."""

    def __init__(self, max_bytes: int):
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by StoredAudio
        self.size_bytes = 0
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        if self.size_bytes <= self._max_bytes:
            self.file.write(chunk)
            self._hash.update(chunk)

    def finish(self, now: float) -> StoredAudio:
        if self.size_bytes > self._max_bytes:
            raise TooLargeError(f"{self.size_bytes} bytes exceed the limit of {self._max_bytes} bytes")
        return StoredAudio(self.file, self._hash.hexdigest(), self.size_bytes, now)
