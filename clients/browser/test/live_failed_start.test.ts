/** A start that fails leaves nothing behind: no audio, and no lease that is billed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SessionInUseError } from "../src/errors.js";
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
