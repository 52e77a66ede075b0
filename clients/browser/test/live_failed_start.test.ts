/** A start that fails leaves nothing behind: no audio, and no lease that is billed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NetworkError, SessionInUseError } from "../src/errors.js";
import { Bench } from "./support/bench.js";

test("a session that starts after a failed start does not begin with the audio of that one", async () => {
  const bench = new Bench();
  await bench.signIn();
  bench.backend.fail("start", ...Array.from({ length: 5 }, () => "503" as const));
  const failed = assert.rejects(bench.session.start());
  await bench.speak(20);
  await bench.clock.until(failed);
  const from = bench.position / 16_000;
  await bench.clock.advance(60_000);
  await bench.clock.until(bench.session.start());
  await bench.speak(9);
  await bench.stop();

  bench.assertWords(from);
  assert.ok((bench.of("final")[0]?.startMs ?? Infinity) < 2_000);
});

test("a start whose session is locked leaves nothing billed, and can be repeated", async () => {
  const bench = new Bench();
  await bench.signIn();
  const release = await bench.locks.tryLock("live-transcription/session/s1");
  await assert.rejects(bench.clock.until(bench.session.start()), SessionInUseError);
  assert.deepEqual([bench.session.state, bench.backend.session.state], ["idle", "stopped"]);
  release?.();
  await bench.clock.until(bench.session.start());
  assert.equal(bench.backend.sessions.length, 2);
  await bench.speak(5);
  await bench.stop();
  bench.assertWords();
});

const lostStart = async (): Promise<Bench> => {
  const bench = new Bench();
  await bench.signIn();
  bench.backend.fail("start", ...Array.from({ length: 5 }, () => "lose" as const));
  return bench;
};

test("a stop of a start whose answers are lost does not say that it was stopped", async () => {
  const bench = await lostStart();
  const failed = assert.rejects(bench.session.start(), NetworkError);
  const stopped = assert.rejects(bench.session.stop(), NetworkError);
  await bench.clock.until(Promise.all([failed, stopped]));

  assert.equal(bench.backend.sessions.length, 1);
  await bench.clock.until(bench.createClient().live.stopUnansweredStart());
  assert.deepEqual(bench.backend.sessions.map(({ state }) => state), ["stopped"]);
});

test("a stop of a start that is refused has nothing to report", async () => {
  const bench = new Bench();
  await bench.signIn();
  const release = await bench.locks.tryLock("live-transcription/session/s1");
  const failed = assert.rejects(bench.session.start(), SessionInUseError);
  assert.equal(await bench.stop(), undefined);
  await failed;
  release?.();
});

test("what an interrupted start opened is found by its key and stopped once, and never again", async () => {
  const bench = await lostStart();
  await bench.clock.until(assert.rejects(bench.session.start(), NetworkError)); // the browser is closed here
  const { live } = bench.createClient();

  bench.backend.fail("start", "500");
  await assert.rejects(bench.clock.until(live.stopUnansweredStart()));
  assert.notEqual(bench.backend.session.state, "stopped");
  await bench.clock.until(live.stopUnansweredStart());
  await bench.clock.until(live.stopUnansweredStart());

  assert.deepEqual(bench.backend.sessions.map(({ state }) => state), ["stopped"]);
});

test("an interrupted start that opened nothing opens nothing later", async () => {
  const bench = new Bench();
  await bench.signIn();
  bench.backend.fail("start", ...Array.from({ length: 5 }, () => "drop" as const));
  await bench.clock.until(assert.rejects(bench.session.start(), NetworkError));

  await bench.clock.until(bench.createClient().live.stopUnansweredStart());
  await bench.clock.until(bench.createClient().live.stopUnansweredStart());

  assert.equal(bench.backend.sessions.length, 0);
});

test("a start that is so old that no lease of it is billed is not sent again", async () => {
  const bench = await lostStart();
  await bench.clock.until(assert.rejects(bench.session.start(), NetworkError));
  bench.wallAheadMs = 10_800_000;
  const { live } = bench.createClient();

  await bench.clock.until(live.stopUnansweredStart());
  bench.wallAheadMs = 0;
  await bench.clock.until(live.stopUnansweredStart());

  assert.notEqual(bench.backend.session.state, "stopped");
});

test("a start under way, a session that runs and the start of another user are left alone", async () => {
  const bench = new Bench();
  await bench.signIn();
  const { live } = bench.createClient();
  const started = bench.session.start();
  await bench.clock.until(live.stopUnansweredStart());
  await bench.clock.until(started);
  await bench.clock.until(live.stopUnansweredStart());
  const kept = { key: "k", userId: "somebody else", body: "{}", keptAtMs: 0 };
  await bench.storage.set("live-transcription/start", kept);
  await bench.clock.until(live.stopUnansweredStart());

  assert.deepEqual(await bench.storage.get("live-transcription/start"), kept);
  assert.notEqual(bench.backend.session.state, "stopped");
  await bench.stop();
});

test("a start that never arrived opens nothing beside a session with words, and is deleted after a while", async () => {
  const bench = new Bench();
  await bench.signIn();
  await bench.clock.until(bench.session.start());
  bench.backend.session.nextSeq = 3; // another device runs it
  const kept = { key: "never arrived", userId: (await bench.clock.until(bench.createClient().auth.user()))?.userId, body: "{}", keptAtMs: 0 };
  const { live } = bench.createClient();

  for (const [ageMs, isDeleted] of [[60_000, false], [120_000, true]] as const) {
    await bench.storage.set("live-transcription/start", { ...kept, keptAtMs: bench.clock.nowMs - ageMs });
    await bench.clock.until(live.stopUnansweredStart());
    assert.equal((await bench.storage.get("live-transcription/start")) === undefined, isDeleted);
  }

  assert.equal(bench.backend.sessions.length, 1);
  assert.notEqual(bench.backend.session.state, "stopped");
});
