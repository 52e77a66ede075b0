"""Live delay: the time from the end of a spoken phrase to its final turn, through the socket of a direct lease."""

import json
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlencode

import requests
from websockets.sync.client import ClientConnection, connect

from sandbox.speech import samples
from sandbox.stand_in import default_key
from scripts.live import FRAME_SECONDS, frames
from scripts.local.processes import Child

ROUNDS = 3
OPTIONS = {
    "speech_model": "universal-streaming-english",
    "sample_rate": 16_000,
    "encoding": "pcm_s16le",
    "format_turns": "true",
    "inactivity_timeout": 60,
}


@dataclass(frozen=True)
class Turn:
    """A final turn: when its last word ended on the clock of the stream, and when it was received."""

    speech_end_seconds: float
    received_after_seconds: float

    @property
    def delay_seconds(self) -> float:
        return self.received_after_seconds - self.speech_end_seconds


def main() -> None:
    """Print the median and the slowest tenth, of the stand-in's speech recognition on this machine."""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "sandbox", "--port", "0"]
        log = Path(directory) / "sandbox.log"
        with Child("The providers' stand-ins", command, log=log, env=dict(os.environ)) as sandbox:
            url, _ = sandbox.wait_for_address(timeout_seconds=120)
            turns = speak_recordings(url)
    delays = [turn.delay_seconds for turn in turns]
    print(
        f"  {len(delays)} phrases: median {median(delays):.2f} s, "
        f"9 of 10 within {quantiles(delays, n=10, method='inclusive')[-1]:.2f} s, longest {max(delays):.2f} s"
    )
    print(
        "  measured with the stand-in and its speech recognition on this machine; the backend is not part of this path"
    )


def speak_recordings(sandbox_url: str) -> list[Turn]:
    """Send all recordings ROUNDS times as a microphone would, each frame when it is complete. The final turns."""
    query = {"expires_in_seconds": 60, "max_session_duration_seconds": 600}
    headers = {"Authorization": default_key("assemblyai")}
    token = requests.get(f"{sandbox_url}/v3/token", query, headers=headers, timeout=10).json()["token"]
    socket_url = f"{sandbox_url.replace('http', 'ws', 1)}/v3/ws?{urlencode(OPTIONS)}&token={token}"
    turns: list[Turn] = []
    with connect(socket_url) as socket:
        started_at = time.monotonic()
        speaker = threading.Thread(target=send_frames, args=(socket, started_at), daemon=True)
        speaker.start()
        for text in socket:
            message = json.loads(text)
            if message["type"] == "Turn" and message["turn_is_formatted"]:
                turns.append(Turn(message["words"][-1]["end"] / 1000, time.monotonic() - started_at))
        speaker.join()
    return turns


def send_frames(socket: ClientConnection, started_at: float) -> None:
    """Send each frame when it would be complete, then end the session."""
    pause = threading.Event()
    audio = chain.from_iterable(frames(path) for path, _ in samples() * ROUNDS)
    for number, frame in enumerate(audio, start=1):
        pause.wait(max(0.0, started_at + number * FRAME_SECONDS - time.monotonic()))
        socket.send(frame)
    socket.send(json.dumps({"type": "Terminate"}))


if __name__ == "__main__":
    main()
