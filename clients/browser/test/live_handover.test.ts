/** A live session hands over from lease to lease without a lost or doubled word. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "./support/bench.js";

test("a session is captioned, saved, stopped and billed", async () => {
  const bench = await new Bench({ language: "en", title: "A meeting" }).start();
  await bench.speak(20);
  const stopped = await bench.stop();

  bench.assertWords();
  bench.assertSamplesOnce();
  bench.assertPlaces(1_500);
  assert.deepEqual(bench.states, ["starting", "live", "stopping", "ended"]);
  assert.deepEqual(bench.of("ended").map(({ reason }) => reason), ["stopped"]);
  assert.equal(stopped?.billed_seconds, bench.backend.session.billedSeconds);
  assert.ok(Math.abs((bench.backend.session.stopReport ?? 0) - 21) <= 1);
  assert.deepEqual(await bench.storage.keys("live-transcription/outbox"), []);
  const body = bench.backend.requests.find(({ body }) => body["action"] === "start")?.body;
  assert.deepEqual([body?.["providers"], body?.["sample_rate"], body?.["title"]], [["assemblyai", "openai"], 16_000, "A meeting"]);
});

for (const isBreathless of [false, true]) {
  test(`24 hand-overs lose and double no word, ${isBreathless ? "without" : "in"} pauses`, async () => {
    const bench = await new Bench({ renewLeadSeconds: 52 }).start();
    await bench.speak(25 * 12, { isBreathless });
    await bench.stop();

    assert.ok(bench.backend.session.renewals.length >= 20, `${bench.backend.session.renewals.length} renewals`);
    assert.ok(bench.backend.session.renewals.every(({ interrupted }) => !interrupted));
    bench.assertWords();
    bench.assertSamplesOnce();
    bench.assertPlaces(2_000);
    assert.deepEqual(bench.of("uncovered"), []);
    assert.deepEqual(bench.states, ["starting", "live", "stopping", "ended"]);
    assert.ok(bench.backend.sockets.every((socket) => socket.isTerminated));
    if (!isBreathless) assertCutsInPauses(bench);
  });
}

function assertCutsInPauses(bench: Bench): void {
  for (const socket of bench.backend.sockets.slice(1)) {
    const startMs = ((socket.ruler.ranges[0]?.[0] ?? 0) / 16_000) * 1000;
    assert.ok(startMs % 2_000 >= 1_600 || startMs % 2_000 === 0, `cut at ${startMs} ms`);
  }
}
