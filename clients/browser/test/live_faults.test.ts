/** What a live session does when sockets, requests, clocks and the account fail: each ends in the documented state. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "./support/bench.js";

test("a socket that breaks off is followed by another, which receives the words that were not final", async () => {
  const bench = await new Bench().start();
  await bench.speak(11.3);
  bench.backend.cutSockets();
  await bench.speak(20);
  await bench.stop();

  bench.assertWords();
  bench.assertPlaces(1_500);
  assert.deepEqual(bench.backend.session.renewals.map(({ interrupted }) => interrupted), [true]);
  const actions = bench.backend.requests.map(({ body }) => body["action"]);
  assert.deepEqual(actions.slice(0, 4), [undefined, "start", "save", "renew"]); // what is saved counts as covered
  assert.deepEqual(bench.states, ["starting", "live", "reconnecting", "live", "stopping", "ended"]);
  assert.deepEqual(bench.of("uncovered"), []);
});

test("sockets that break off all the time lose and double no word", async () => {
  const bench = new Bench({ renewLeadSeconds: 40 });
  bench.backend.socketFaults.push("cut", "cut", undefined, "cut", undefined, "cut", "cut");
  await bench.start();
  await bench.speak(90);
  await bench.stop();

  bench.assertWords();
  assert.ok(bench.backend.sockets.length > 8);
});

test("a socket that breaks off while its last words are awaited gives the words that it had", async () => {
  const bench = new Bench({ renewLeadSeconds: 50 });
  bench.backend.socketFaults.push("no_termination");
  await bench.start();
  const cut = (): void => {
    if (bench.backend.sockets[1]?.ruler.received) bench.backend.sockets[0]?.closeWith(1006);
  };
  await bench.speak(34, { isBreathless: true, onChunk: cut });
  await bench.stop();

  const words = new Set(bench.captions);
  const [gap] = bench.of("uncovered");
  assert.equal(words.size, bench.captions.length);
  assert.equal(gap?.reason, "not_recognised");
  for (const word of bench.expected(0)) {
    const ms = Number(word.slice(1)) * 500 + 250;
    assert.ok(words.has(word) || (ms > (gap?.startMs ?? 0) - 2_000 && ms < (gap?.endMs ?? 0) + 2_000), word);
  }
});

test("last words that never come are given up after a time, and the words so far are kept", async () => {
  const bench = new Bench();
  bench.backend.socketFaults.push("no_termination");
  await bench.start();
  await bench.speak(9);
  await bench.stop();

  bench.assertWords();
});

test("a turn without its formatted text is final when the next one begins", async () => {
  const bench = new Bench();
  bench.backend.socketFaults.push("unformatted");
  await bench.start();
  await bench.speak(9);
  await bench.stop();

  bench.assertWords();
});

test("storms of 429 and 503 delay renewals and saves, but lose nothing", async () => {
  const bench = await new Bench().start();
  bench.backend.fail("renew", "429+1", "503+2", "503", "502", "503", "429+1", "500");
  bench.backend.fail("save", "503", "503+2", "503", "503", "503", "503", "429+1");
  await bench.speak(100);
  bench.backend.fail("stop", "503", "429+1", "503+2");
  await bench.stop();

  bench.assertWords();
  assert.ok(bench.of("warning").some(({ code }) => code === "save_failing"));
});

test("a service that asks to be left alone for a time is asked for a renewal after it", async () => {
  const bench = await new Bench({ renewLeadSeconds: 40 }).start();
  await bench.speak(19);
  bench.backend.fail("renew", "429+90");
  const requests = (): number => bench.backend.requests.filter(({ body }) => body["action"] === "renew").length;
  while (requests() === 0) await bench.speak(1);
  const firstMs = bench.clock.nowMs;
  while (requests() === 1) await bench.speak(1);
  assert.ok(bench.clock.nowMs - firstMs >= 59_000, `${bench.clock.nowMs - firstMs}`);
  await bench.stop();
  assert.equal(bench.of("ended")[0]?.reason, "stopped");
});

test("lost answers are repeated with the same key and body, and nothing is started or billed twice", async () => {
  const bench = new Bench();
  bench.backend.fail("start", "lose", "drop");
  bench.backend.fail("renew", "lose", "hang");
  bench.backend.fail("save", "lose");
  await bench.start();
  await bench.speak(130);
  bench.backend.fail("stop", "lose");
  const stopped = await bench.stop();

  bench.assertWords();
  assert.equal(bench.backend.sessions.length, 1);
  assert.equal(bench.of("ended")[0]?.stopped?.billed_seconds, stopped?.billed_seconds);
  const keys = (action: string): Set<string | undefined> =>
    new Set(bench.backend.requests.filter(({ body }) => body["action"] === action).map(({ key }) => key));
  assert.equal(keys("start").size, 1);
  assert.equal(keys("renew").size, bench.backend.session.renewals.length);
  assert.equal(bench.of("lease").length, bench.backend.session.renewals.length + 1);
});

for (const countsOn of [true, false]) {
  test(`a device that sleeps continues the same transcript, its clock ${countsOn ? "running" : "standing still"}`, async () => {
    const bench = await new Bench().start();
    await bench.speak(20);
    bench.clock.sleep(600_000, countsOn);
    await bench.speak(60);
    await bench.stop();

    bench.assertWords();
    assert.deepEqual(bench.backend.session.renewals.map(({ interrupted }) => interrupted).slice(0, 1), [true]);
    const gap = bench.of("uncovered").find(({ reason }) => reason === "no_audio");
    assert.ok(gap && Math.abs(gap.endMs - gap.startMs - 600_000) < 15_000);
    const last = bench.of("final").at(-1);
    assert.ok(last && Math.abs(last.endMs - 680_000) < 3_000, `ends at ${last?.endMs}`);
  });
}

test("an expired token is refreshed once in the middle of the stream", async () => {
  const bench = await new Bench().start();
  await bench.speak(10);
  bench.backend.validTokens.clear();
  await bench.speak(70);
  await bench.stop();

  bench.assertWords();
  assert.equal(bench.backend.tokenCount, 2);
});

test("a wrong clock of the listener changes nothing", async () => {
  for (const wallAheadMs of [-3_600_000, 3_600_000]) {
    const bench = new Bench();
    bench.wallAheadMs = wallAheadMs;
    await bench.start();
    await bench.speak(130);
    await bench.stop();

    bench.assertWords();
    bench.assertPlaces(2_000);
    assert.equal(bench.backend.session.renewals.length, 2);
    assert.ok(bench.backend.session.renewals.every(({ interrupted }) => !interrupted));
  }
});

test("a clock of the listener that is set by an hour in mid-stream changes nothing", async () => {
  for (const wallAheadMs of [-3_600_000, 3_600_000]) {
    const bench = await new Bench({ renewLeadSeconds: 30 }).start();
    for (let change = 0; change < 4; change++) {
      await bench.speak(25);
      bench.wallAheadMs = change % 2 ? 0 : wallAheadMs;
    }
    await bench.stop();

    bench.assertWords();
    bench.assertPlaces(2_000);
    assert.ok(bench.backend.session.renewals.every(({ interrupted }) => !interrupted));
  }
});

test("without a Date in the answers a lease is timed from its request", async () => {
  const bench = new Bench();
  bench.backend.hasDates = false;
  await bench.start();
  await bench.speak(70);
  await bench.stop();

  bench.assertWords();
});

test("a network that is gone for a while costs what the buffer cannot keep, which is reported", async () => {
  const bench = await new Bench({ bufferSeconds: 20 }).start();
  await bench.speak(16);
  bench.backend.loseNetwork();
  await bench.speak(60, { isBreathless: true });
  bench.backend.hasNoNetwork = false;
  await bench.speak(200);
  await bench.stop();

  const gaps = bench.of("uncovered");
  const words = new Set(bench.captions);
  assert.equal(words.size, bench.captions.length);
  assert.ok(gaps.every(({ reason }) => reason === "buffer_full"));
  const lostMs = gaps.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  assert.ok(lostMs > 25_000 && lostMs < 60_000, `${lostMs} ms`);
  for (const word of bench.expected(0)) {
    const ms = Number(word.slice(1)) * 500 + 250;
    const isCovered = !gaps.some(({ startMs, endMs }) => ms > startMs - 1_500 && ms < endMs + 1_500);
    if (isCovered) assert.ok(words.has(word), word);
  }
  assert.deepEqual(bench.backend.words, bench.captions);
});

test("a refused token at a hand-over is followed by another lease while the old socket still listens", async () => {
  const bench = new Bench();
  bench.backend.socketFaults.push(undefined, "refuse", "never_open");
  await bench.start();
  await bench.speak(90);
  await bench.stop();

  bench.assertWords();
  assert.deepEqual(bench.backend.session.renewals.map(({ interrupted }) => interrupted).slice(0, 3), [false, true, true]);
});

test("a provider that refuses every socket is given up, with nothing billed for long", async () => {
  const bench = new Bench();
  bench.backend.socketFaults.push(..."abcdefgh".split("").map(() => "refuse" as const));
  await bench.start();
  await bench.speak(60);

  assert.deepEqual(bench.of("ended").map(({ reason }) => reason), ["provider_failed"]);
  assert.equal(bench.backend.sockets.length, 5);
  assert.equal(bench.backend.session.state, "stopped");
  assert.ok(bench.backend.session.billedSeconds < 30);
});

test("a provider that the SDK does not know is refused like a socket", async () => {
  const bench = new Bench();
  bench.backend.providers = ["other"];
  await bench.start();
  await bench.speak(30);

  assert.deepEqual(bench.of("ended").map(({ reason }) => reason), ["provider_failed"]);
});

test("a lease that is not near its end by the API's clock is renewed later", async () => {
  const bench = new Bench();
  bench.backend.leaseSeconds = 120;
  await bench.start();
  await bench.speak(107);
  bench.backend.session.leaseExpiresAt += 70; // the API's clock is behind what this device counts
  await bench.speak(60);
  await bench.stop();

  bench.assertWords();
  const refused = bench.backend.requests.filter(({ body }) => body["action"] === "renew");
  assert.ok(refused.length > bench.backend.session.renewals.length);
});

test("what was sent and not recognised, and is too old to be sent again, is reported", async () => {
  const bench = new Bench({ bufferSeconds: 5 });
  bench.backend.socketFaults.push("stall");
  await bench.start();
  await bench.speak(40, { isBreathless: true });
  await bench.stop();

  const [gap] = bench.of("uncovered");
  assert.equal(gap?.reason, "buffer_full");
  assert.ok(Math.abs(gap.startMs) < 1_500 && Math.abs(gap.endMs - 10_000) < 1_500, `${gap.startMs} to ${gap.endMs}`);
  const first = Number(bench.captions[0]?.slice(1)) / 2;
  assert.ok(first * 1_000 <= gap.endMs + 1_500);
  assert.deepEqual(bench.captions, bench.expected(first));
});

test("a lease that was answered late is renewed by its own age", async () => {
  const bench = new Bench();
  bench.backend.fail("start", "lose", "429+20");
  await bench.start();
  await bench.speak(60);
  await bench.stop();

  const [renewal] = bench.backend.session.renewals;
  assert.ok((bench.of("lease")[0]?.endsInSeconds ?? 60) <= 41);
  assert.equal(renewal?.interrupted, false);
  assert.ok((renewal?.at ?? 0) - bench.backend.session.startedAt < 60);
  bench.assertWords();
});

test("a device that wakes with audio before its timers shows the gap", async () => {
  const bench = new Bench({ sampleRate: 24_000 });
  bench.backend.providers = ["openai"]; // its socket outlives the lease
  await bench.start();
  await bench.speak(20);
  bench.clock.sleep(100_000, true);
  bench.session.feed(new Int16Array(2_400));
  await bench.speak(10);
  await bench.stop();

  assert.deepEqual(bench.backend.session.renewals.map(({ interrupted }) => interrupted), [true]);
});

test("a renewal that conflicts with another one is followed by one of its own", async () => {
  const bench = await new Bench().start();
  bench.backend.fail("renew", "409");
  await bench.speak(60);
  await bench.stop();

  bench.assertWords();
  const renewals = bench.backend.requests.filter(({ body }) => body["action"] === "renew");
  assert.deepEqual(renewals.map(({ body }) => body["interrupted"]), [false, true]);
  assert.notEqual(renewals[0]?.key, renewals[1]?.key);
});
