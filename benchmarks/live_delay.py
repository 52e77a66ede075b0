"""Live delay: from the end of a spoken phrase to its final turn, through the socket that a direct lease opens."""

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

from sandbox.app import Keys
from sandbox.speech import samples
from scripts.live import FRAME_SECONDS, frames
from scripts.local.processes import LOOPBACK, Child, free_port

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
    """A final turn: when its last word ended on the stream's clock, and when it came."""

    speech_end_seconds: float
    came_after_seconds: float

    @property
    def delay_seconds(self) -> float:
        return self.came_after_seconds - self.speech_end_seconds


def main() -> None:
    """Print the median and the slowest tenth. It is the stand-in's recogniser on this machine, not the provider's."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "sandbox", "--port", str(port)]
        log = Path(directory) / "sandbox.log"
        with Child("the providers' stand-ins", command, log=log, env=dict(os.environ)) as sandbox:
            sandbox.wait_for_url(f"http://{LOOPBACK}:{port}/sandbox/health", timeout_seconds=120)
            turns = heard(port)
    delays = [turn.delay_seconds for turn in turns]
    print(
        f"  {len(delays)} phrases: median {median(delays):.2f} s, "
        f"9 of 10 within {quantiles(delays, n=10, method='inclusive')[-1]:.2f} s, longest {max(delays):.2f} s"
    )
    print("  measured through the stand-in and its recogniser on this machine; our servers are not on this path")


def heard(port: int) -> list[Turn]:
    """Speak all recordings, ROUNDS times, as a microphone would: a frame is sent at the moment it is full."""
    query = {"expires_in_seconds": 60, "max_session_duration_seconds": 600}
    headers = {"Authorization": Keys.assemblyai}
    answer = requests.get(f"http://{LOOPBACK}:{port}/v3/token", query, headers=headers, timeout=10)
    token = answer.json()["token"]
    turns: list[Turn] = []
    with connect(f"ws://{LOOPBACK}:{port}/v3/ws?{urlencode(OPTIONS)}&token={token}") as socket:
        began = time.monotonic()
        speaker = threading.Thread(target=speak, args=(socket, began), daemon=True)
        speaker.start()
        for text in socket:
            message = json.loads(text)
            if message["type"] == "Turn" and message["turn_is_formatted"]:
                turns.append(Turn(message["words"][-1]["end"] / 1000, time.monotonic() - began))
        speaker.join()
    return turns


def speak(socket: ClientConnection, began: float) -> None:
    pause = threading.Event()
    spoken = chain.from_iterable(frames(path) for path, _ in samples() * ROUNDS)
    for number, frame in enumerate(spoken, start=1):
        pause.wait(max(0.0, began + number * FRAME_SECONDS - time.monotonic()))
        socket.send(frame)
    socket.send(json.dumps({"type": "Terminate"}))


if __name__ == "__main__":
    main()
