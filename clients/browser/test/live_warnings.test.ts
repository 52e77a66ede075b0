/** The list of warnings always has those that apply, and each is reported once when it begins. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "./support/bench.js";

const current = (bench: Bench): string[] => bench.of("warnings").at(-1)?.codes ?? [];
const begun = (bench: Bench, code: string): number => bench.of("warning").filter((warning) => warning.code === code).length;

test("low credits are in the list through renewals and the end of a lease, until credits are bought", async () => {
  const bench = await new Bench().start();
  bench.backend.credits = 9;
  await bench.speak(46); // a lease of 60 seconds that ends soon
  assert.deepEqual([...current(bench)].sort(), ["credits_low", "lease_ending"]);
  bench.backend.credits = 19;
  await bench.speak(5); // the next lease has begun; it leaves less than another minute
  bench.backend.credits = 9;
  assert.equal(bench.of("lease").length, 2);
  assert.deepEqual(current(bench), ["credits_low"]);
  await bench.speak(15);
  assert.deepEqual([current(bench), begun(bench, "credits_low")], [["credits_low"], 1]);
  bench.backend.credits = 1_000;
  await bench.speak(16);
  assert.deepEqual(current(bench), []);
});

test("a save that succeeds again ends the warning of those that failed", async () => {
  const bench = new Bench();
  bench.backend.leaseSeconds = 600;
  await bench.start();
  bench.backend.fail("save", ...Array.from({ length: 10 }, () => "503" as const));
  await bench.speak(35);
  assert.deepEqual(current(bench), ["save_failing"]);
  bench.backend.faults.clear();
  await bench.speak(40);

  assert.deepEqual([current(bench), bench.of("lease").length], [[], 1]);
  assert.equal(begun(bench, "save_failing"), 1);
});

test("missing sound is in the list until the first word", async () => {
  const bench = await new Bench().start();
  for (let second = 0; second < 80; second++) {
    await bench.clock.advance(1_000);
    bench.session.feed(new Int16Array(16_000));
  }
  assert.ok(current(bench).includes("no_audio"));
  const saves = bench.backend.requests.filter(({ body }) => body["action"] === "save").length;
  while (bench.of("partial").length === 0 && bench.position < 16_000 * 9) await bench.speak(0.1);
  assert.equal(bench.of("partial").length, 1);
  assert.ok(!current(bench).includes("no_audio"));
  assert.equal(bench.backend.requests.filter(({ body }) => body["action"] === "save").length, saves);
});

test("words that are refused are counted, and in the list until a save loses none", async () => {
  const bench = await new Bench().start();
  bench.backend.rejectedReason = "unreadable";
  await bench.speak(17);
  assert.deepEqual(current(bench), ["words_rejected"]);
  bench.backend.rejectedReason = undefined;
  const refused = bench.of("warning").reduce((sum, { count = 0 }) => sum + count, 0);
  await bench.speak(15);
  assert.deepEqual(current(bench).filter((code) => code === "words_rejected"), []);
  assert.ok(refused > 0);

  bench.backend.wordsLimit = bench.backend.session.segments.size;
  await bench.speak(40);
  assert.ok(current(bench).includes("words_limit"));
  assert.equal(begun(bench, "words_limit"), 1);
  await bench.stop();
  assert.deepEqual(current(bench), ["words_rejected"]);
});
