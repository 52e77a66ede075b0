"""Audio files on their way into recognition: uploads, and what lies behind a URL."""

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
    """More bytes than are taken."""


class FetchError(Exception):
    """Nothing came from the URL."""


@dataclass
class StoredAudio:
    """A file without a name: it is gone with the process, however that ends. One reader at a time: take `lock`."""

    file: IO[bytes]
    sha256: str
    size_bytes: int
    stored_at: float
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        weakref.finalize(self, self.file.close)


class Uploads:
    """Files sent to `POST /v2/upload`, each for two days."""

    def __init__(self, clock: Clock, max_bytes: int = MAX_UPLOAD_BYTES):
        self._clock = clock
        self._max_bytes = max_bytes
        self._files: dict[str, StoredAudio] = {}

    async def store(self, body: AsyncIterator[bytes]) -> str:
        """Keep the file; gives its name. The body is read to its end even when too large. Raises TooLargeError."""
        keeper = _Keeper(self._max_bytes)
        try:
            async for chunk in body:
                keeper.write(chunk)
            stored = keeper.finished(self._clock.now())
        except BaseException:
            keeper.file.close()
            raise
        name = str(uuid.uuid4())
        self._files[name] = stored
        return name

    def find(self, name: str) -> StoredAudio | None:
        """The file, unless its two days are over."""
        for old in [key for key, kept in self._files.items() if self._clock.now() > kept.stored_at + KEPT_SECONDS]:
            del self._files[old]
        return self._files.get(name)

    def forget(self) -> None:
        self._files.clear()


def fetch(url: str, now: float, max_bytes: int = MAX_FETCHED_BYTES) -> StoredAudio:
    """The file behind `url`, on this machine only; redirects are not followed. Blocks. Raises FetchError."""
    keeper = _Keeper(max_bytes)
    deadline = time.monotonic() + FETCH_SECONDS
    try:
        address, headers = loopback.target(url)
        with requests.Session() as session:
            # A proxy from the environment would lead beyond this machine.
            session.trust_env = False
            timeout = (CONNECT_SECONDS, READ_SECONDS)
            with session.get(address, headers=headers, timeout=timeout, stream=True, allow_redirects=False) as answer:
                if answer.status_code != 200:
                    raise FetchError(f"status {answer.status_code}")
                for chunk in answer.iter_content(CHUNK_BYTES):
                    keeper.write(chunk)
                    if keeper.size_bytes > max_bytes or time.monotonic() > deadline:
                        raise FetchError("too large or too slow")
        return keeper.finished(now)
    except (requests.RequestException, loopback.ElsewhereError, TooLargeError, FetchError, UnicodeError) as error:
        keeper.file.close()
        raise FetchError(str(error)) from error
    except BaseException:
        keeper.file.close()
        raise


class _Keeper:
    """Writes what comes into a file, up to the limit, and takes its hash."""

    def __init__(self, max_bytes: int):
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it outlives this call
        self.size_bytes = 0
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        if self.size_bytes <= self._max_bytes:
            self.file.write(chunk)
            self._hash.update(chunk)

    def finished(self, now: float) -> StoredAudio:
        if self.size_bytes > self._max_bytes:
            raise TooLargeError(f"{self.size_bytes} bytes, at most {self._max_bytes} are taken")
        return StoredAudio(self.file, self._hash.hexdigest(), self.size_bytes, now)
