/** Contexts that run, resume and save a session do not get in the way of each other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NetworkError } from "../src/errors.js";
import { Bench } from "./support/bench.js";

test("a resume waits for a context that saves the words of an earlier run", async () => {
  const bench = await new Bench().start();
  await bench.speak(9);
  const restarted = bench.createClient();
  bench.backend.loseNetwork();
  await assert.rejects(bench.stop(), NetworkError);
  bench.backend.hasNoNetwork = false;
  const saving = restarted.live.saveUnsaved();
  await bench.clock.advance(20);
  assert.equal(await bench.locks.isLocked("live-transcription/session/s1"), true);
  const session = restarted.live.create();
  await bench.clock.until(session.resume("s1"));

  assert.ok((await saving).saved > 0);
  await bench.clock.until(session.stop());
});

test("looking for open sessions takes no lock from a context that resumes one", async () => {
  const bench = await new Bench().start();
  await bench.speak(5);
  const second = bench.createClient();
  const { tryLock } = bench.locks;
  let tried = 0;
  bench.locks.tryLock = (name) => (tried++, tryLock(name));
  assert.deepEqual((await bench.clock.until(second.live.findOpen())).map(({ isRunning }) => isRunning), [true]);
  await bench.stop();
  assert.equal(tried, 0);
});
