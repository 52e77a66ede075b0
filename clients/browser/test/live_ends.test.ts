/** How a session ends: by its credits, its account, its transcript and its stop; no word is lost with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InsufficientCreditsError } from "../src/errors.js";
import { Bench } from "./support/bench.js";

test("when the credits run out, the session ends with its last words before the lease does", async () => {
  const bench = new Bench();
  bench.backend.credits = 12;
  await bench.start();
  await bench.speak(70);

  assert.deepEqual(bench.of("ended").map(({ reason }) => reason), ["insufficient_credits"]);
  assert.ok(bench.of("ended")[0]?.error instanceof InsufficientCreditsError);
  const warned = bench.of("credits").find(({ endsInSeconds }) => endsInSeconds !== undefined);
  assert.ok((warned?.endsInSeconds ?? 0) >= 10);
  assert.equal(bench.session.state, "ended");
  assert.equal(bench.session.feed(new Int16Array(10)), false);
  bench.assertWords(0, bench.captions.length / 2);
  assert.ok(bench.captions.length >= 54 * 2);
  assert.equal(bench.backend.session.state, "stopped");
  assert.equal((await bench.stop())?.billed_seconds, bench.backend.session.billedSeconds);
});

test("credits that are bought before the lease ends let the session go on", async () => {
  const bench = new Bench();
  bench.backend.credits = 12;
  await bench.start();
  await bench.speak(50);
  bench.backend.credits += 500;
  await bench.speak(50);
  await bench.stop();

  bench.assertWords();
  assert.deepEqual(bench.of("ended").map(({ reason }) => reason), ["stopped"]);
});

test("credits that run out while no socket is open end the session at once", async () => {
  const bench = new Bench();
  bench.backend.credits = 12;
  await bench.start();
  await bench.speak(20);
  bench.backend.cutSockets();
  bench.backend.credits = 2;
  await bench.speak(10);

  assert.deepEqual(bench.of("ended").map(({ reason }) => reason), ["insufficient_credits"]);
});

test("a blocked account ends the session and keeps the unsaved words in the storage", async () => {
  const bench = await new Bench().start();
  await bench.speak(18);
  bench.backend.isBlocked = true;
  await bench.speak(20);

  assert.deepEqual(bench.of("ended").map(({ reason }) => reason), ["account_blocked"]);
  assert.equal((await bench.storage.keys("live-transcription/outbox")).length, 1);
  bench.backend.isBlocked = false;
  await bench.clock.until(bench.client.live.saveUnsaved());
  bench.assertWords(0, bench.captions.length / 2);
  assert.deepEqual(await bench.storage.keys("live-transcription/outbox"), []);
});

test("a sign-out elsewhere ends the session, and listeners are notified", async () => {
  const bench = await new Bench().start();
  const reasons: string[] = [];
  bench.client.auth.onSignedOut((reason) => reasons.push(reason));
  await bench.speak(10);
  bench.backend.isSignedOut = true;
  await bench.speak(10);

  assert.deepEqual(bench.of("ended").map(({ reason }) => reason), ["signed_out"]);
  assert.deepEqual(reasons, ["signed_out"]);
});

for (const [name, change, reason] of [
  ["deleted", (bench: Bench) => (bench.backend.session.isDeleted = true), "deleted"],
  ["stopped on another device", (bench: Bench) => (bench.backend.session.state = "stopped"), "stopped_elsewhere"],
] as const) {
  test(`a session that is ${name} ends`, async () => {
    const bench = await new Bench().start();
    await bench.speak(50);
    change(bench);
    bench.backend.session.stoppedAt = bench.backend.now;
    await bench.speak(15);

    assert.deepEqual(bench.of("ended").map((ended) => ended.reason), [reason]);
    assert.deepEqual(await bench.storage.keys("live-transcription/outbox"), []);
    if (reason === "stopped_elsewhere") bench.assertWords(0, bench.captions.length / 2);
  });
}

test("a session that was interrupted for more than a day ends", async () => {
  const bench = await new Bench().start();
  await bench.speak(10);
  bench.clock.sleep(100_000_000, false);
  await bench.speak(30);

  assert.equal(bench.of("ended")[0]?.reason, "resume_expired");
});

test("words beyond what the API keeps are reported, and do not keep the session from stopping", async () => {
  const bench = new Bench();
  bench.backend.wordsLimit = 3;
  await bench.start();
  await bench.speak(40);
  await bench.stop();

  const codes = bench.of("warning").map(({ code }) => code);
  assert.ok(codes.includes("words_limit"));
  assert.deepEqual(bench.of("warning").at(-1), { name: "warning", code: "words_rejected", count: bench.of("final").length - 3 });
  assert.equal(bench.of("ended")[0]?.reason, "stopped");
});

test("a session whose saves failed for long saves all words in pieces", async () => {
  const bench = await new Bench().start();
  bench.backend.fail("save", ...Array.from({ length: 75 }, () => "503" as const));
  await bench.speak(230);
  assert.ok(bench.of("final").length > 100);
  await bench.stop();

  bench.assertWords();
});

test("a stop that the API never answers is an error; the words stay, and the next start of the browser stops it", async () => {
  const bench = await new Bench().start();
  await bench.speak(12);
  bench.backend.hasNoNetwork = true;
  await assert.rejects(bench.stop(), { name: "NetworkError" });
  assert.deepEqual(bench.states.at(-1), "ended");
  bench.backend.hasNoNetwork = false;

  const restarted = bench.createClient();
  const [open] = await bench.clock.until(restarted.live.findOpen());
  assert.deepEqual([open?.sessionId, open?.isRunning], ["s1", false]);
  await bench.clock.until(restarted.live.stop("s1"));
  bench.assertWords();
  assert.deepEqual(await bench.clock.until(restarted.live.findOpen()), []);
});

test("words for which a stop has no room follow it, and wait in the storage where that fails", async () => {
  const bench = await new Bench().start();
  bench.backend.stopRoom = 2;
  await bench.speak(9);
  bench.backend.fail("save", "drop", "drop", "drop", "drop", "drop");
  await bench.stop();
  assert.equal(bench.of("ended")[0]?.reason, "stopped");
  assert.equal(bench.backend.words.length, 8);
  await bench.clock.until(bench.client.live.saveUnsaved());

  bench.assertWords();
  assert.deepEqual(await bench.storage.keys("live-transcription/outbox"), []);
});
