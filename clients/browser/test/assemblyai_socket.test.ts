/** AssemblyAI's messages in every shape that it sends, and messages that it does not send. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Environment, SocketLike } from "../src/environment.js";
import { openAssemblyAISocket } from "../src/live/assemblyai_socket.js";
import { Emitter, type LiveEvents } from "../src/live/live_events.js";
import { type LiveSocket, type SocketOptions, SocketRefusedError, type Turn } from "../src/live/live_socket.js";
import { Timeline } from "../src/live/timeline.js";
import { settle, VirtualClock } from "./support/virtual_clock.js";

interface Opened {
  line: SocketLike;
  clock: VirtualClock;
  opening: Promise<LiveSocket>;
  partials: Turn[];
  finals: Turn[];
  closes: string[];
  sent: unknown[];
  receive(message: unknown): void;
}

function openSocket(): Opened {
  const clock = new VirtualClock();
  const sent: unknown[] = [];
  const line: SocketLike = {
    binaryType: "",
    readyState: 1,
    bufferedAmount: 0,
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
    send: (data) => void sent.push(data),
    close: () => undefined,
  };
  const partials: Turn[] = [];
  const finals: Turn[] = [];
  const closes: string[] = [];
  const environment = { openWebSocket: () => line, monotonicMs: () => clock.nowMs, setTimer: clock.setTimer, clearTimer: clock.clearTimer };
  const opening = openAssemblyAISocket(
    {
      environment: environment as unknown as Environment,
      lease: { websocket_url: "ws://assemblyai/v3/ws?sample_rate=16000" } as SocketOptions["lease"],
      sampleRate: 16_000,
      listener: {
        onPartial: (turn) => void partials.push(turn),
        onFinal: (turn) => void finals.push(turn),
        onLost: () => undefined,
        onSent: () => undefined,
        onClose: (reason) => void closes.push(reason),
      },
    },
    new AbortController().signal,
  );
  const receive = (message: unknown): void => line.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  return { line, clock, opening, partials, finals, closes, sent, receive };
}

const turn = (order: number, transcript: string, rest = {}): object => {
  return { type: "Turn", turn_order: order, end_of_turn: false, turn_is_formatted: false, transcript, words: [], ...rest };
};
const ENDED = { end_of_turn: true, turn_is_formatted: true };

test("a turn names its speaker, and has its text with or without words", async () => {
  const { opening, receive, partials, finals } = openSocket();
  receive({ type: "Begin" });
  await opening;
  receive(turn(0, "", { words: [{ text: "so", start: 100, end: 300 }], speaker_label: "A" }));
  receive(turn(0, "so far", { words: undefined }));
  receive(turn(0, "So far.", { ...ENDED, words: [{ text: "so", start: 100, end: 300 }, { text: "far", start: 300, end: 700 }], speaker_label: "A" }));
  receive(turn(1, "", { ...ENDED, words: [{ text: "good", start: 900, end: 1_100 }] }));
  receive(turn(2, "and", ENDED));

  assert.deepEqual(partials, [
    { text: "so", startMs: 100, endMs: 300, speaker: "A" },
    { text: "so far", startMs: 0, endMs: 0 },
  ]);
  assert.deepEqual(finals, [
    { text: "So far.", startMs: 100, endMs: 700, speaker: "A" },
    { text: "good", startMs: 900, endMs: 1_100 },
    { text: "and", startMs: 1_100, endMs: 1_100 }, // without words, where the one before it ended
  ]);
});

test("a message of a turn that is final already changes nothing", async () => {
  const { opening, receive, partials, finals } = openSocket();
  receive({ type: "Begin" });
  await opening;
  receive(turn(0, "one", ENDED));
  receive(turn(0, "other", ENDED));
  receive(turn(0, "other"));
  assert.deepEqual([finals.map(({ text }) => text), partials], [["one"], []]);
});

test("what is no message of the provider is ignored", async () => {
  const { opening, line, receive, finals, partials, closes } = openSocket();
  receive("{");
  receive("null");
  receive("5");
  receive({ type: "SpeechStarted" });
  line.onmessage?.({ data: new ArrayBuffer(2) });
  line.onerror?.({});
  receive({ type: "Begin" });
  const socket = await opening;
  assert.deepEqual([finals, partials, closes, socket.isClosed], [[], [], [], false]);
});

test("an error before the beginning refuses the socket, a later one is followed by its close", async () => {
  const refused = openSocket();
  refused.receive({ type: "Error", error: "Invalid token" });
  await assert.rejects(refused.opening, (error) => error instanceof SocketRefusedError && error.message === "Invalid token");

  const later = openSocket();
  later.receive({ type: "Begin" });
  await later.opening;
  later.receive({ type: "Error", error: "Session Expired" });
  assert.deepEqual(later.closes, []);
  later.line.onclose?.({ code: 3008, reason: "Session Expired" });
  assert.deepEqual(later.closes, ["3008 Session Expired"]);
});

test("a socket that is closing sends nothing, and finishes at once when it is closed", async () => {
  const { opening, line, receive, sent, closes, clock } = openSocket();
  receive({ type: "Begin" });
  const socket = await opening;
  Object.assign(line, { readyState: 2 });
  socket.send({ start: 0, samples: new Int16Array(1_600), isQuiet: true });
  const finished = socket.finish();
  receive({ type: "Termination" }); // without its seconds
  await finished;
  await socket.finish();
  await settle();
  assert.deepEqual([sent, closes, socket.openSeconds], [[], ["finished"], clock.nowMs / 1000]);
});

test("the seconds of the provider are reported, else those of this device", async () => {
  for (const [seconds, expected] of [[7, 7], ["7", 3], [undefined, 3]] as const) {
    const { opening, receive, clock } = openSocket();
    receive({ type: "Begin" });
    const socket = await opening;
    await clock.advance(2_400);
    assert.equal(socket.openSeconds, 3);
    void socket.finish();
    receive({ type: "Termination", session_duration_seconds: seconds });
    assert.equal(socket.openSeconds, expected);
  }
});

test("a place before anything was heard is the beginning, and an event without listeners is nothing", () => {
  assert.equal(new Timeline(16_000).at(8_000), 500);
  class Bare extends Emitter<LiveEvents> {
    fire(): void {
      this.emit("state", { state: "live" });
    }
  }
  assert.doesNotThrow(() => new Bare().fire());
});
