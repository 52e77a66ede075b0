/** A socket that is open but dead is noticed by the audio that is sent, at both providers, before words are lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "./support/bench.js";

const RATE = 24_000; // the ruler can read it at both providers
const PROVIDERS = ["assemblyai", "openai"];

async function startedAt(provider: string, options = {}): Promise<Bench> {
  const bench = new Bench({ sampleRate: RATE, ...options });
  bench.backend.leaseSeconds = 300;
  bench.backend.providers = [provider];
  return bench.start();
}

/** Sound in which nobody speaks, such as music. */
async function play(bench: Bench, seconds: number): Promise<void> {
  for (let tenth = 0; tenth < seconds * 10; tenth++) {
    await bench.clock.advance(100);
    bench.session.feed(new Int16Array(RATE / 10).map((_, place) => (place % 40 < 20 ? 9_000 : -9_000)));
  }
}

async function feedSilence(bench: Bench, seconds: number): Promise<void> {
  for (let tenth = 0; tenth < seconds * 10; tenth++) {
    await bench.clock.advance(100);
    bench.session.feed(new Int16Array(RATE / 10));
  }
}

const interruptions = (bench: Bench): number => bench.backend.session.renewals.filter(({ interrupted }) => interrupted).length;

for (const provider of PROVIDERS) {
  for (const isBreathless of [false, true]) {
    test(`${provider} answers nothing any more: its audio goes to another socket, ${isBreathless ? "without" : "with"} pauses`, async () => {
      const bench = await startedAt(provider);
      await bench.speak(13.3, { isBreathless });
      for (const socket of bench.backend.sockets) socket.isStalled = true;
      await bench.speak(30, { isBreathless });
      await bench.stop(); // which waits for the audio that is sent again

      bench.assertWords();
      bench.assertPlaces(1_500);
      assert.deepEqual(bench.of("uncovered"), []);
      assert.deepEqual(bench.states, ["starting", "live", "reconnecting", "live", "stopping", "ended"]);
      assert.equal(interruptions(bench), 1);
    });
  }

  test(`the network to ${provider} accepts nothing any more: the audio goes to another socket, also where nobody speaks`, async () => {
    const bench = await startedAt(provider);
    await bench.speak(10);
    await feedSilence(bench, 2);
    for (const socket of bench.backend.sockets) socket.isBlocked = true;
    await feedSilence(bench, 10);
    assert.equal(bench.backend.sockets.length, 2);
    assert.equal(interruptions(bench), 1);
  });

  test(`the network to ${provider} falls silent for 25 seconds and no connection breaks off: no word is lost`, async () => {
    const bench = await startedAt(provider);
    await bench.speak(20);
    bench.backend.silenceNetwork();
    await bench.speak(25);
    bench.backend.isSilent = false;
    await bench.speak(60);
    await bench.stop();

    bench.assertWords();
    assert.deepEqual(bench.of("uncovered"), []);
  });

  test(`a slow network to ${provider} is no dead one`, async () => {
    const bench = await startedAt(provider);
    const [socket] = bench.backend.sockets;
    assert.ok(socket);
    await bench.speak(60, { onChunk: () => (socket.bufferedAmount += 1_000) }); // less gets through than is sent
    assert.equal(bench.backend.sockets.length, 1);
    await bench.stop();

    bench.assertWords();
  });

  test(`${provider} is not suspected by a device that sleeps, by silence, or where nothing is fed`, async () => {
    const bench = await startedAt(provider);
    await bench.speak(10);
    bench.clock.sleep(30_000, true);
    await bench.speak(1);
    await bench.clock.advance(40_000);
    await feedSilence(bench, 60);
    await bench.speak(10);
    await bench.stop();

    assert.equal(bench.backend.sockets.length, 1);
    assert.equal(interruptions(bench), 0);
  });
}

for (const [provider, times] of [
  ["assemblyai", 4], // after 15, 30, 60 and 120 seconds
  ["openai", 0], // which answers each commit
] as const) {
  test(`a long piece of music makes a session reconnect ${times} times at ${provider}`, async () => {
    const bench = await startedAt(provider);
    await bench.speak(10);
    await play(bench, 270);
    await bench.stop();

    assert.equal(interruptions(bench), times);
    assert.deepEqual(bench.captions, bench.expected(0, 10));
    assert.deepEqual(bench.of("uncovered").filter(({ reason }) => reason !== "buffer_full"), []);
  });
}

test("words after music do not bring the patience back", async () => {
  const bench = await startedAt("assemblyai");
  for (let piece = 0; piece < 3; piece++) {
    await bench.speak(10);
    await play(bench, 25);
  }
  assert.equal(interruptions(bench), 1);
});

test("a provider whose turns end late, but whose words come, is not suspected", async () => {
  const bench = new Bench({ sampleRate: RATE });
  bench.backend.leaseSeconds = 300;
  bench.backend.providers = ["openai"];
  bench.backend.socketFaults.push("no_termination");
  await bench.start();
  await bench.speak(60, { isBreathless: true });
  await bench.stop();

  assert.equal(bench.backend.sockets.length, 1);
  bench.assertWords();
});

test("words in audio that is sent again bring the patience back", async () => {
  const bench = await startedAt("assemblyai");
  for (let stall = 0; stall < 2; stall++) {
    await bench.speak(20);
    for (const socket of bench.backend.sockets) socket.isStalled = true;
    await bench.speak(130); // until all of its audio has been sent again
  }
  await bench.stop();

  bench.assertWords();
  assert.equal(interruptions(bench), 2);
});

test("a stalled socket at the stop ends the session in time, and what it owes is reported", async () => {
  const bench = await startedAt("assemblyai");
  await bench.speak(10);
  for (const socket of bench.backend.sockets) socket.isStalled = true;
  await bench.speak(5);
  await bench.stop();

  const [gap] = bench.of("uncovered");
  assert.equal(gap?.reason, "not_recognised");
  assert.ok(gap.startMs < 11_000 && gap.endMs > 14_000, `${gap.startMs} to ${gap.endMs}`);
  assert.equal(bench.of("ended")[0]?.reason, "stopped");
});

test("a save that hangs does not keep a session from reconnecting", async () => {
  const bench = await startedAt("assemblyai");
  bench.backend.fail("save", "hang", "hang");
  await bench.speak(16);
  bench.backend.cutSockets();
  await bench.speak(10);

  assert.equal(bench.session.state, "live");
  await bench.stop();
  bench.assertWords();
});

test("an early refresh of the token that hangs does not keep a session from reconnecting", async () => {
  const bench = await startedAt("assemblyai");
  await bench.speak(16);
  bench.wallAheadMs = 3_590_000; // the token is near its end by the listener's clock, and still valid
  bench.backend.fail("/auth/refresh", ...Array.from({ length: 20 }, () => "hang" as const));
  bench.backend.cutSockets();
  await bench.speak(12);

  assert.equal(bench.session.state, "live");
  await bench.stop();
  bench.assertWords();
});

test("a renewal that hangs is repeated with its key before the buffer is full", async () => {
  const bench = await startedAt("assemblyai");
  await bench.speak(12);
  bench.backend.fail("renew", "hang", "409+1", "409+1");
  bench.backend.cutSockets();
  await bench.speak(40);
  await bench.stop();

  bench.assertWords();
  const renewals = bench.backend.requests.filter(({ body }) => body["action"] === "renew");
  assert.ok(renewals.length > 1);
  assert.equal(new Set(renewals.map(({ key }) => key)).size, 1);
});
