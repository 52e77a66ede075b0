"""Helpers for the tests of live sessions: audio, sockets, and the messages received."""

import json
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

MODEL = "universal-streaming-english"
RATE_HZ = 16_000
FRAME_MS = 100
PAUSE_MS = 700
TIMES = 30
"""How many times as fast time passes in the fast sandbox."""


def pcm(milliseconds: float) -> bytes:
    """Silence."""
    return bytes(int(RATE_HZ * milliseconds / 1000) * 2)


def frames(*recordings: Path) -> list[bytes]:
    """The recordings, each followed by a pause, in pieces of FRAME_MS."""
    data = b""
    for recording in recordings:
        with wave.open(str(recording)) as reader:
            data += reader.readframes(reader.getnframes()) + pcm(PAUSE_MS)
    size = len(pcm(FRAME_MS))
    return [data[start : start + size].ljust(size, b"\0") for start in range(0, len(data), size)]


def send_at_pace(pieces: list[bytes], times: float = 1) -> Iterator[bytes]:
    """The pieces at the pace of speech, or `times` as fast."""
    started = time.monotonic()
    for number, piece in enumerate(pieces):
        time.sleep(max(0.0, started + number * FRAME_MS / 1000 / times - time.monotonic()))
        yield piece


def query(**options: object) -> str:
    """A valid query with these parameters; None omits one."""
    parameters = {"speech_model": MODEL, "sample_rate": RATE_HZ, **options}
    return urlencode({name: value for name, value in parameters.items() if value is not None})


@dataclass
class SocketTranscript:
    """All messages until the socket was closed."""

    messages: list[dict]
    code: int
    reason: str

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]

    @property
    def error(self) -> str:
        """The text of the final Error, whose code is that of the close."""
        last = self.messages[-1]
        assert (last["type"], last["error_code"]) == ("Error", self.code)
        return last["error"]


def until_closed(socket: ClientConnection) -> SocketTranscript:
    messages = []
    try:
        while True:
            messages.append(json.loads(socket.recv(timeout=60)))
    except ConnectionClosed as closed:
        code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
        return SocketTranscript(messages, code, reason)
