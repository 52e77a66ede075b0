/** A live session at OpenAI: 24 kHz, commits at pauses, turns by their item. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "./support/bench.js";
import type { FakeOpenAI } from "./support/fake_sockets.js";

const AT_OPENAI = { sampleRate: 24_000 } as const;

function openAIBench(options = {}): Bench {
  const bench = new Bench({ ...AT_OPENAI, ...options });
  bench.backend.providers = ["openai"];
  return bench;
}

const fakes = (bench: Bench): FakeOpenAI[] => bench.backend.sockets as FakeOpenAI[];

test("turns are committed at pauses, and saved in their order", async () => {
  const bench = await openAIBench().start();
  await bench.speak(21);
  await bench.stop();

  bench.assertWords();
  bench.assertSamplesOnce();
  bench.assertPlaces(1_500);
  const [socket] = fakes(bench);
  assert.deepEqual(socket?.errors, []);
  assert.ok((socket?.commits.length ?? 0) >= 1);
});

test("speech without a pause is committed after 14 to 15 seconds", async () => {
  const bench = await openAIBench().start();
  await bench.speak(40, { isBreathless: true });
  await bench.stop();

  bench.assertWords();
  const commits = fakes(bench)[0]?.commits ?? [];
  assert.equal(commits.reduce((sum, samples) => sum + samples, 0), 40 * 24_000);
  assert.equal(commits.length, 3);
  assert.ok(commits.slice(0, -1).every((samples) => samples > 14 * 24_000 && samples <= 15 * 24_000));
});

test("a stop sends what waits for the place of a cut", async () => {
  const bench = await openAIBench().start();
  await bench.speak(14.6, { isBreathless: true });
  await bench.stop();

  assert.deepEqual(fakes(bench)[0]?.commits, [14.6 * 24_000]);
});

/** Feeds frames of 100 ms, each as loud as `loudness` says. */
async function feedFrames(bench: Bench, count: number, loudness: (frame: number) => number): Promise<void> {
  for (let frame = 0; frame < count; frame++) {
    await bench.clock.advance(100);
    bench.session.feed(new Int16Array(2_400).fill(loudness(frame)));
  }
}

test("speech without a pause is cut where it is quietest in the last second, and not in a word", async () => {
  const bench = await openAIBench().start();
  await feedFrames(bench, 300, (frame) => ({ 100: 1_500, 143: 2_000, 144: 3_000, 288: 2_000 })[frame] ?? 9_000);
  await bench.stop();

  assert.deepEqual(fakes(bench)[0]?.commits, [144, 145, 11].map((frames) => frames * 2_400));
  assert.deepEqual(fakes(bench)[0]?.errors, []);
});

test("a short pause in the last second ends a turn at once, and one that began before it ends it once", async () => {
  for (const [from, frames] of [[145, 146], [136, 141]] as const) {
    const bench = await openAIBench().start();
    await feedFrames(bench, 200, (frame) => (frame >= from && frame < 146 ? 0 : 9_000));
    await bench.stop();

    assert.deepEqual(fakes(bench)[0]?.commits, [frames, 200 - frames].map((count) => count * 2_400));
  }
});

test("a pause of half a second ends a turn", async () => {
  const bench = await openAIBench().start();
  for (let turn = 0; turn < 5; turn++) {
    await bench.speak(3, { isBreathless: true });
    for (let frame = 0; frame < 10; frame++) {
      await bench.clock.advance(100);
      bench.session.feed(new Int16Array(2_400));
    }
  }
  await bench.stop();

  assert.equal(fakes(bench)[0]?.commits.length, 6);
  assert.deepEqual(bench.captions, bench.expected(0, 15));
  assert.ok(bench.of("partial").some(({ text }) => text.split(" ").length > 2));
});

test("24 hand-overs lose and double no word at OpenAI, and from one provider to the other", async () => {
  for (const providers of [["openai"], Array.from({ length: 40 }, (_, place) => (place % 2 ? "openai" : "assemblyai"))]) {
    const bench = openAIBench({ renewLeadSeconds: 52 });
    bench.backend.providers = providers;
    await bench.start();
    await bench.speak(25 * 12);
    await bench.stop();

    assert.ok(bench.backend.session.renewals.length >= 20);
    bench.assertWords();
    bench.assertSamplesOnce();
    assert.ok(fakes(bench).every(({ errors = [] }) => errors.length === 0));
  }
});

test("16 kHz are resampled, and each sample is sent", async () => {
  const bench = new Bench();
  bench.backend.providers = ["openai"];
  await bench.start();
  await bench.speak(20);
  await bench.stop();

  assert.equal(bench.backend.sockets[0]?.ruler.received, 20 * 24_000);
});

test("a turn that fails is reported as uncovered, and the others are kept", async () => {
  const bench = openAIBench();
  bench.backend.socketFaults.push("failed");
  await bench.start();
  await bench.speak(40, { isBreathless: true });
  await bench.stop();

  assert.deepEqual(bench.captions, bench.expected(15));
  const [gap] = bench.of("uncovered");
  assert.equal(gap?.reason, "not_recognised");
  assert.ok(Math.abs((gap?.startMs ?? 0) - 0) < 1_500 && Math.abs((gap?.endMs ?? 0) - 15_000) < 1_500);
});

test("turns that are never completed keep the text that they had", async () => {
  const bench = openAIBench();
  bench.backend.socketFaults.push("no_termination");
  await bench.start();
  await bench.speak(20, { isBreathless: true });
  await bench.stop();

  bench.assertWords();
});

test("a socket that outlives its lease is closed at its end", async () => {
  const bench = await openAIBench().start();
  await bench.speak(40);
  bench.backend.fail("renew", ...Array.from({ length: 30 }, () => "503" as const));
  await bench.speak(80);
  await bench.stop();

  const [first] = bench.backend.sockets;
  assert.ok(((first?.closedAtMs ?? 0) - (first?.openedAtMs ?? 0)) / 1000 < 76);
  assert.equal(new Set(bench.captions).size, bench.captions.length);
  assert.ok(bench.states.includes("reconnecting"));
});

test("a refused secret is followed by another", async () => {
  const bench = openAIBench();
  bench.backend.socketFaults.push("refuse");
  await bench.start();
  await bench.speak(20);
  await bench.stop();

  bench.assertWords();
  assert.equal(bench.backend.sockets.length, 2);
});

test("a recording shorter than a commit may be is filled with silence", async () => {
  const bench = await openAIBench().start();
  await bench.clock.advance(1_000);
  bench.session.feed(new Int16Array(1_000).fill(9_000));
  await bench.clock.advance(1_000);
  await bench.stop();

  assert.deepEqual(fakes(bench)[0]?.errors, []);
  assert.deepEqual(fakes(bench)[0]?.commits, [2_400]);
});

test("a turn that is completed after the next one still comes first", async () => {
  const bench = openAIBench();
  bench.backend.socketFaults.push("slow_turns");
  await bench.start();
  for (let turn = 0; turn < 4; turn++) {
    await bench.speak(2, { isBreathless: true });
    for (let frame = 0; frame < 6; frame++) {
      await bench.clock.advance(100);
      bench.session.feed(new Int16Array(2_400));
    }
  }
  await bench.clock.advance(8_000);
  await bench.stop();

  assert.deepEqual(bench.captions, bench.expected(0, 8));
});
