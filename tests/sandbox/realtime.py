"""Helpers for the tests of OpenAI's realtime stand-in: speech at its rate, and sockets as a browser opens them."""

import base64
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

RATE_HZ = 24_000
COMMIT = {"type": "input_audio_buffer.commit"}


def speech(recording: Path) -> bytes:
    """A 16 kHz recording as 24 kHz, 16-bit mono."""
    with wave.open(str(recording)) as reader:
        samples = np.frombuffer(reader.readframes(reader.getnframes()), dtype="<i2")
        seconds = len(samples) / reader.getframerate()
    places = np.linspace(0, len(samples) - 1, int(seconds * RATE_HZ))
    return np.interp(places, np.arange(len(samples)), samples).astype("<i2").tobytes()


def silence(milliseconds: int) -> bytes:
    return bytes(2 * RATE_HZ * milliseconds // 1000)


def append(audio: bytes) -> dict[str, str]:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(audio).decode()}


def as_browser(address: str, secret: str, *more_subprotocols: str) -> ClientConnection:
    """A socket with nothing but what a browser's `WebSocket` can send: an address and subprotocols."""
    subprotocols = ["realtime", f"openai-insecure-api-key.{secret}", *more_subprotocols]
    return connect(address, subprotocols=subprotocols, proxy=None, open_timeout=30)


def send(socket: ClientConnection, *events: dict[str, Any]) -> None:
    for event in events:
        socket.send(json.dumps(event))


def wait_until(socket: ClientConnection, kind: str) -> list[dict[str, Any]]:
    """All events up to the first whose type ends with `kind`."""
    events: list[dict[str, Any]] = []
    while not events or not events[-1]["type"].endswith(kind):
        events.append(json.loads(socket.recv(timeout=60)))
    return events
