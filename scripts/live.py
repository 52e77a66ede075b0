"""A direct session in a terminal: opens the socket of the lease, sends audio, shows captions as they arrive."""

import json
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

from scripts.captions import Captions

FRAME_SECONDS = 0.1
SILENCE_SECONDS = 1.0  # after each recording, which ends its last turn


def frames(path: Path) -> Iterator[bytes]:
    """The recording in frames of a tenth of a second, followed by a second of silence."""
    with wave.open(str(path)) as recording:
        size = int(recording.getframerate() * FRAME_SECONDS)
        while frame := recording.readframes(size):
            yield frame.ljust(size * 2, b"\0")
        for _ in range(round(SILENCE_SECONDS / FRAME_SECONDS)):
            yield bytes(size * 2)


class LiveSocket:
    """A socket at the provider. Words are shown as they arrive and kept when their turn ends."""

    def __init__(self, websocket_url: str, token: str, captions: Captions):
        self.turns: dict[int, str] = {}
        self.ending: dict[str, int] = {}
        self._captions = captions
        self._socket: ClientConnection = connect(f"{websocket_url}&token={token}")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._pace = threading.Event()

    def send_recording(self, path: Path) -> None:
        """Send a recording in real time."""
        for frame in frames(path):
            self._socket.send(frame)
            self._pace.wait(FRAME_SECONDS)

    def finish(self) -> str:
        """End the session, wait for the last words; returns the whole text."""
        self._socket.send(json.dumps({"type": "Terminate"}))
        self._reader.join(timeout=30)
        self._socket.close()
        return " ".join(self.turns[number] for number in sorted(self.turns))

    def _read(self) -> None:
        for text in self._socket:
            message = json.loads(text)
            if message["type"] == "Turn":
                self._turn(message)
            elif message["type"] == "Termination":
                self.ending = message
            elif message["type"] == "Error":
                self._captions.show_error(f"The provider reports an error: {message['error']}")

    def _turn(self, turn: dict) -> None:
        words = turn["transcript"] or " ".join(word["text"] for word in turn["words"])
        if not turn["end_of_turn"]:
            self._captions.show_partial(words)
        elif turn["turn_is_formatted"]:
            self.turns[turn["turn_order"]] = words
            self._captions.show_turn(words)
