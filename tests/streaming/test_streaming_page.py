"""The example of docs/streaming.md runs, and loses no final turn."""

import json
import re
import shutil
import subprocess

import pytest

from scripts.local.aws import REPOSITORY

PAGE = (REPOSITORY / "docs" / "streaming.md").read_text(encoding="utf-8")
# A browser of a few lines: sockets that begin, a microphone, timers by hand, and a clock that stands one second after
# the first response. A socket answers Terminate with a last turn, and closes.
BROWSER = """
const posted = [], sockets = [], timers = [], timeouts = [], warnings = [], made = {};
const turn = (transcript, start, end) => ({ type: "Turn", end_of_turn: true, turn_is_formatted: true, transcript,
  words: [{ start, end }] });
const post = async (body) => {
  posted.push(structuredClone(body));
  if (body.action === "save") return { rejected: made.rejected ?? [] };
  if (body.action === "stop") return { rejected: [], billed_seconds: 9 };
  const lease = { session_id: "s", next_seq: 7, save_interval_seconds: 15, lease_seconds: 300, token: "t" };
  return { ...lease, offset_ms: 5_000 * (sockets.length + 1), websocket_url: `wss://a/?b=${sockets.length + 1}` };
};
console.warn = (text) => warnings.push(text);
globalThis.performance = { now: () => (sockets.length ? 1_000.4 : 0) };
globalThis.setInterval = (run) => timers.push(run);
globalThis.clearInterval = () => { made.isSaveOver = true; };
globalThis.setTimeout = (run, ms) => timeouts.push({ run, ms });
globalThis.clearTimeout = (number) => { if (number) timeouts[number - 1].isOver = true; };
globalThis.WebSocket = class {
  sent = [];
  constructor(url) { sockets.push(this); this.url = url; setImmediate(() => this.hear({ type: "Begin" })); }
  hear(message) { this.onmessage({ data: JSON.stringify(message) }); }
  breakOff() { this.isClosed = true; this.onclose(); }
  send(data) {
    if (this.isClosed) return;
    this.sent.push(typeof data === "string" ? JSON.parse(data) : [...new Int16Array(data)]);
    if (typeof data !== "string") return;
    setImmediate(() => { this.hear(turn(`The last of ${this.url}.`, 900, 950)); this.breakOff(); });
  }
};
globalThis.AudioContext = class { audioWorklet = { addModule: async () => {} };
  createMediaStreamSource() { return { connect() {} }; } async close() { made.isClosed = true; } };
globalThis.AudioWorkletNode = class { port = {}; constructor() { made.recorder = this; } };
Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getUserMedia: async () => ({}) } } });
globalThis.AudioWorkletProcessor = class {
  port = { postMessage: (buffer) => made.recorder.port.onmessage({ data: buffer }) };
};
globalThis.registerProcessor = (name, processor) => { made.Processor = processor; };
"""
TURNS = """
const processor = new made.Processor();
const speak = (quanta) => { while (quanta--) processor.process([[new Float32Array(128).fill(2)]]); };
speak(25);
processor.process([[]]);
for (const turn of TURNS) sockets[0].hear(turn);
await timers[0]();
await timers[0]();
await timeouts[0].run();
speak(13);
sockets[1].hear(turn("Of the second lease.", 0, 70));
sockets[1].hear(turn("Without room.", 70, 90));
made.rejected = [{ seq: 12, reason: "words_limit" }, { seq: 13, reason: "unreadable" }];
await timers[0]();
made.rejected = [];
sockets[1].breakOff();
await timeouts[2].run();
const stopped = await stop();
console.log(JSON.stringify({ posted, stopped, timeouts, warnings, made, sockets }));
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


def bodies_of(ran: dict, action: str) -> list[dict]:
    return [body for body in ran["posted"] if body["action"] == action]


def texts(body: dict) -> list[tuple[int, str]]:
    return [(segment["seq"], segment["text"]) for segment in body["segments"]]


def test_the_example_saves_each_final_turn_once_also_those_without_words(ran: dict) -> None:
    start, first_save, second_save = ran["posted"][:3]

    assert start == {"action": "start", "language": "auto", "providers": ["assemblyai"]}
    assert [(s["seq"], s["start_ms"], s["end_ms"], s["text"]) for s in first_save["segments"]] == [
        (7, 6_100, 6_480, "One two."),
        (8, 6_480, 6_480, "Without words."),
        (9, 6_480, 6_480, "With none."),
        (10, 6_480, 6_480, "Of an older server."),
    ]
    assert second_save["segments"] == []


def test_the_example_sends_frames_of_100_ms(ran: dict) -> None:
    socket = ran["sockets"][0]

    assert socket["url"] == "wss://a/?b=1&token=t"
    assert [len(frame) for frame in socket["sent"][:-1]] == [1_600, 1_600]
    assert {sample for frame in socket["sent"][:-1] for sample in frame} == {32_767}


def test_the_example_renews_before_the_end_and_hands_over(ran: dict) -> None:
    first, second, _ = ran["sockets"]

    assert ran["timeouts"][0]["ms"] == 290_000
    assert bodies_of(ran, "renew")[0] == {"action": "renew", "session_id": "s", "interrupted": False}
    assert first["sent"][-1] == {"type": "Terminate"}
    assert [len(frame) for frame in second["sent"] if isinstance(frame, list)] == [1_600]


def test_the_example_renews_as_interrupted_when_its_socket_breaks_off(ran: dict) -> None:
    assert [body["interrupted"] for body in bodies_of(ran, "renew")] == [False, True]


def test_the_example_sends_again_what_had_no_room_and_reports_what_is_rejected(ran: dict) -> None:
    saves = [texts(save) for save in bodies_of(ran, "save")]

    assert saves[3] == [(11, "The last of wss://a/?b=1&token=t."), (12, "Of the second lease."), (13, "Without room.")]
    assert saves[4] == [(12, "Of the second lease.")]
    assert ran["warnings"] == ["segment 12 is not stored: words_limit", "segment 13 is not stored: unreadable"]


def test_the_example_stops_after_the_last_words_with_them(ran: dict) -> None:
    stop = ran["posted"][-1]

    assert ran["sockets"][2]["sent"] == [{"type": "Terminate"}]
    assert (stop["action"], texts(stop)[-1]) == ("stop", (14, "The last of wss://a/?b=3&token=t."))
    assert ran["made"]["isClosed"]
    assert ran["made"]["isSaveOver"]
    assert all(timeout.get("isOver") for timeout in ran["timeouts"] if timeout["ms"] != 1_000)
    assert ran["stopped"]["billed_seconds"] == 9
