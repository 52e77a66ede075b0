"""How the HTTP tests live through a direct session: its leases, its socket, and time that passes at once."""

import json
import wave
from datetime import datetime
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from chalicelib.repositories.sessions import session_key
from chalicelib.repositories.table import Write
from sandbox.speech import samples
from tests.fakes import Backend
from tests.http.http_client import RATE, Person, silence

STREAM = "/transcription/stream"
RECORDING, SPOKEN_TEXT = samples()[-1]
FRAME_BYTES = len(silence(100))


def start_direct_session(person: Person, **words: Any) -> dict[str, Any]:
    """The first lease of a new direct session."""
    answer = person.stream(action="start", **words)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def request_renewal(person: Person, session_id: str) -> requests.Response:
    return person.stream(action="renew", session_id=session_id, interrupted=True)


def renew_session(person: Person, session_id: str) -> dict[str, Any]:
    answer = request_renewal(person, session_id)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def lease_started_at(lease: dict[str, Any]) -> int:
    """Epoch seconds."""
    return int(datetime.fromisoformat(lease["lease_expires_at"]).timestamp()) - int(lease["lease_seconds"])


def backdate_session(books: Backend, person: Person, session_id: str, seconds: int) -> None:
    """Let the session have begun so much earlier: a lease is billed by the clock, and no test waits for that."""
    times = ("started_at", "lease_started_at", "lease_expires_at")
    books.tables.write(Write(session_key(person.user_id, session_id), add=dict.fromkeys(times, -seconds)))


def open_socket(lease: dict[str, Any]) -> ClientConnection:
    """AssemblyAI's socket as an extension opens it."""
    return connect(f"{lease['websocket_url']}&token={lease['token']}", proxy=None, open_timeout=10)


def speech_frames() -> list[bytes]:
    """Three seconds of speech and the pause that ends the turn, a tenth of a second a frame."""
    with wave.open(str(RECORDING)) as reader:
        assert reader.getframerate() == RATE
        audio = reader.readframes(reader.getnframes()) + silence(700)
    return [audio[place : place + FRAME_BYTES].ljust(FRAME_BYTES, b"\0") for place in range(0, len(audio), FRAME_BYTES)]


def receive_final_turn(socket: ClientConnection) -> dict[str, Any]:
    """The next turn that will not change any more."""
    while True:
        message = json.loads(socket.recv(timeout=30))
        if message.get("turn_is_formatted"):
            return dict(message)
