"""The example of docs/streaming.md runs, and loses no final turn."""

import json
import re
import shutil
import subprocess

import pytest

from scripts.local.aws import REPOSITORY

PAGE = (REPOSITORY / "docs" / "streaming.md").read_text(encoding="utf-8")
# A browser of a few lines: one socket, a microphone, and a clock that stands at one second after the response.
BROWSER = """
const posted = [], sent = [], timers = [], made = {};
const post = async (body) => {
  posted.push(structuredClone(body));
  const socket = { websocket_url: "wss://a/?b=1", token: "t" };
  return { session_id: "s", offset_ms: 5_000, next_seq: 7, save_interval_seconds: 15, ...socket };
};
globalThis.performance = { now: () => (made.socket ? 1_000.4 : 0) };
globalThis.setInterval = (run) => timers.push(run);
globalThis.WebSocket = class { static OPEN = 1; readyState = 1; constructor(url) { made.socket = this; this.url = url; }
  send(pcm) { sent.push(pcm); } };
globalThis.AudioContext = class { audioWorklet = { addModule: async () => {} };
  createMediaStreamSource() { return { connect() {} }; } };
globalThis.AudioWorkletNode = class { port = {}; constructor() { made.recorder = this; } };
Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getUserMedia: async () => ({}) } } });
globalThis.AudioWorkletProcessor = class {
  port = { postMessage: (buffer) => made.recorder.port.onmessage({ data: buffer }) };
};
globalThis.registerProcessor = (name, processor) => { made.Processor = processor; };
"""
TURNS = """
const processor = new made.Processor();
for (let quantum = 0; quantum < 25; quantum++) processor.process([[new Float32Array(128).fill(2)]]);
processor.process([[]]);
for (const turn of TURNS) made.socket.onmessage({ data: JSON.stringify(turn) });
await timers[0]();
await timers[0]();
console.log(JSON.stringify({ url: made.socket.url, posted, frames: sent.map((pcm) => [...new Int16Array(pcm)]) }));
"""
FINAL = {"type": "Turn", "end_of_turn": True, "turn_is_formatted": True}


@pytest.fixture(scope="module")
def ran() -> dict:
    """What the example sends for a second of sound and these turns."""
    example, worklet = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)[:2]
    turns = [
        {"type": "Begin", "id": "x"},
        FINAL | {"transcript": "One two.", "words": [{"start": 100, "end": 200}, {"start": 300, "end": 480}]},
        FINAL | {"transcript": "One two", "words": [], "end_of_turn": False},
        FINAL | {"transcript": "Without words.", "words": []},
        FINAL | {"transcript": "With none.", "words": None},
        FINAL | {"transcript": "Of an older server."},
        FINAL | {"transcript": "", "words": []},
        {"type": "Termination"},
    ]
    program = shutil.which("node")
    assert program, "node is needed (Debian: apt-get install nodejs)"
    script = "\n".join((BROWSER, example, worklet, f"const TURNS = {json.dumps(turns)};", TURNS))
    done = subprocess.run(
        [program, "--input-type=module"], input=script, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_the_example_saves_each_final_turn_once_also_those_without_words(ran: dict) -> None:
    start, first_save, second_save = ran["posted"]

    assert start == {"action": "start", "language": "auto"}
    assert [(s["seq"], s["start_ms"], s["end_ms"], s["text"]) for s in first_save["segments"]] == [
        (7, 6_100, 6_480, "One two."),
        (8, 6_480, 6_480, "Without words."),
        (9, 6_480, 6_480, "With none."),
        (10, 6_480, 6_480, "Of an older server."),
    ]
    assert second_save["segments"] == []


def test_the_example_sends_frames_of_100_ms(ran: dict) -> None:
    assert ran["url"] == "wss://a/?b=1&token=t"
    assert [len(frame) for frame in ran["frames"]] == [1_600, 1_600]
    assert {sample for frame in ran["frames"] for sample in frame} == {32_767}
