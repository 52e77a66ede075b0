/** A live session is paused, resumed, found again and stopped, in whichever context. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AccountBlockedError, ConflictError, InsufficientCreditsError, NetworkError, SessionInUseError } from "../src/errors.js";
import { Bench } from "./support/bench.js";

test("a pause saves the last words and sends nothing until the session goes on", async () => {
  const bench = await new Bench().start();
  await bench.speak(10);
  await bench.clock.until(bench.session.pause());
  assert.equal(bench.session.state, "paused");
  bench.assertWords();
  const requests = bench.backend.requests.length;
  assert.equal(bench.session.feed(new Int16Array(1_600)), false);
  await bench.clock.advance(120_000);
  assert.equal(bench.backend.requests.length, requests);

  await bench.session.resume();
  await bench.speak(10);
  await bench.stop();
  bench.assertWords();
  assert.deepEqual(bench.states, ["starting", "live", "paused", "reconnecting", "live", "stopping", "ended"]);
  assert.ok((bench.of("final").at(-1)?.startMs ?? 0) > 130_000);
  assert.deepEqual(bench.of("uncovered").map(({ reason }) => reason), ["no_audio"]);
});

test("a pause that is taken back at once loses no word", async () => {
  const bench = await new Bench().start();
  await bench.speak(5);
  const paused = bench.session.pause();
  bench.clock.setTimer(() => void bench.session.resume().catch(() => undefined), 3_000);
  await bench.clock.until(paused);
  await bench.clock.advance(3_000);
  await bench.speak(5);
  await bench.stop();

  bench.assertWords();
});

test("a session can be paused and stopped while it is being started", async () => {
  const paused = new Bench();
  await paused.signIn();
  const starting = paused.session.start();
  await paused.clock.until(paused.session.pause());
  await starting;
  assert.equal(paused.session.state, "paused");

  const stopped = new Bench();
  await stopped.signIn();
  const opening = stopped.session.start();
  const result = await stopped.stop();
  await opening;
  assert.equal(result?.billed_seconds, stopped.backend.session.billedSeconds);
  assert.equal(stopped.backend.session.state, "stopped");
});

test("a session that was never started stops with nothing", async () => {
  const bench = new Bench();
  assert.equal(await bench.session.stop(), undefined);
  await bench.session.pause();
  assert.equal(bench.session.state, "idle");
  await assert.rejects(bench.session.resume(), /Name the session/);
});

test("audio that is fed while the session is being started is kept for its first socket", async () => {
  const bench = new Bench();
  await bench.signIn();
  const starting = bench.session.start();
  await bench.speak(1);
  await starting;
  await bench.speak(9);
  await bench.stop();

  bench.assertWords();
  bench.assertSamplesOnce();
});

test("samples from -1 to 1 are taken too", async () => {
  const bench = await new Bench().start();
  for (let chunk = 0; chunk < 20; chunk++) {
    await bench.clock.advance(100);
    assert.ok(bench.session.feed(new Float32Array(1_600).fill(0.5)));
  }
  await bench.stop();

  assert.equal(bench.backend.sockets[0]?.ruler.received, 32_000);
});

test("a start that fails is repeated with the same key, and charges nothing twice", async () => {
  const bench = new Bench();
  await bench.signIn();
  bench.backend.fail("start", "lose", "lose", "lose", "lose", "lose");
  await assert.rejects(bench.clock.until(bench.session.start()), (error) => error instanceof NetworkError);
  assert.equal(bench.session.state, "idle");
  await bench.clock.until(bench.session.start());
  await bench.speak(4);
  await bench.stop();

  assert.equal(bench.backend.sessions.length, 1);
  bench.assertWords();
  await assert.rejects(bench.session.start(), /already/);
});

test("a start whose first lease ended before its answer was ready starts again, with another key", async () => {
  const bench = new Bench();
  await bench.signIn();
  bench.backend.fail("start", "409");
  await bench.clock.until(bench.session.start());
  await bench.speak(4);
  await bench.stop();
  bench.assertWords();

  const refused = new Bench();
  await refused.signIn();
  refused.backend.fail("start", "409", "409");
  await assert.rejects(refused.clock.until(refused.session.start()), ConflictError);
  await refused.clock.until(refused.session.start());
  const keys = refused.backend.requests.filter(({ body }) => body["action"] === "start").map(({ key }) => key);
  assert.equal(new Set(keys).size, 3);
});

test("a resume whose answer was lost gets a lease also where another renewal followed it", async () => {
  const bench = await new Bench().start();
  await bench.speak(5);
  await bench.stop();
  bench.backend.session.state = "lapsed";
  const session = bench.client.live.create();
  bench.backend.fail("renew", ...Array.from({ length: 5 }, () => "lose" as const));
  await assert.rejects(bench.clock.until(session.resume("s1")), NetworkError);
  bench.backend.fail("renew", "409"); // renewed_since
  await bench.clock.until(session.resume("s1"));
  assert.equal(session.state, "starting");
  const keys = bench.backend.requests.filter(({ body }) => body["action"] === "renew").map(({ key }) => key);
  assert.equal(new Set(keys.slice(0, 6)).size, 1);
  assert.equal(new Set(keys.slice(5)).size, 2);

  const refused = await new Bench().start();
  await refused.stop();
  const other = refused.client.live.create();
  await assert.rejects(refused.clock.until(other.resume("s1")), ConflictError); // it was stopped: once
  assert.equal(refused.backend.requests.filter(({ body }) => body["action"] === "renew").length, 1);
});

test("a start without credits is refused and leaves the session as it was", async () => {
  const bench = new Bench();
  bench.backend.credits = 3;
  await bench.signIn();
  await assert.rejects(bench.clock.until(bench.session.start()), (error) => {
    return error instanceof InsufficientCreditsError && error.required === 10 && error.available === 3;
  });
  assert.deepEqual(bench.states, ["starting", "idle"]);
});

test("after a restart of the browser the session is found, resumed, and its unsaved words are saved", async () => {
  const bench = await new Bench().start();
  await bench.speak(9.5);
  bench.backend.cutSockets(); // the browser is closed: its locks are gone, and nothing runs any more
  bench.backend.fail("save", ...Array.from({ length: 50 }, () => "drop" as const));
  const restarted = await restart(bench);
  const [open] = await restarted.clock.until(restarted.client.live.findOpen());
  assert.deepEqual([open?.sessionId, open?.state, open?.isRunning], ["s1", "active", false]);
  await restarted.clock.until(restarted.session.resume("s1"));
  await restarted.speak(10);
  await restarted.stop();

  assert.equal(restarted.of("lease")[0]?.startMs, 9_000); // leases begin at whole seconds
  assert.deepEqual(restarted.backend.words.slice(0, 16), restarted.expected(0, 8)); // four turns were final
  assert.deepEqual(restarted.backend.words.slice(16), restarted.captions);
  const seqs = [...restarted.backend.session.segments.keys()];
  assert.equal(new Set(seqs).size, seqs.length);
});

test("unsent words get other numbers where another device used theirs", async () => {
  const bench = await new Bench().start();
  await bench.speak(9.5);
  const restarted = await restart(bench);
  const other = { seq: 0, start_ms: 0, end_ms: 1, text: "other" };
  restarted.backend.session.segments.set(0, other);
  restarted.backend.session.segments.set(1, { ...other, seq: 1 });
  restarted.backend.session.nextSeq = 2;
  await restarted.clock.until(restarted.session.resume("s1"));
  await restarted.stop();

  assert.deepEqual(restarted.backend.words, ["other", "other", ...restarted.expected(0, 8)]);
});

test("a second window neither resumes nor stops a session that another one runs", async () => {
  const bench = await new Bench().start();
  await bench.speak(5);
  const second = bench.createClient();
  assert.equal((await bench.clock.until(second.live.findOpen()))[0]?.isRunning, true);
  await assert.rejects(bench.clock.until(second.live.stop("s1")), (error) => error instanceof SessionInUseError);
  await assert.rejects(bench.clock.until(second.live.create().resume("s1")), (error) => error instanceof SessionInUseError);
  await bench.clock.until(second.live.saveUnsaved());
  await bench.speak(5);
  await bench.stop();

  bench.assertWords();
});

test("words of a deleted transcript are dropped, those of another user stay", async () => {
  const bench = await new Bench().start();
  await bench.speak(9.5);
  const key = "live-transcription/outbox/s9";
  await bench.storage.set(key, { userId: "u1", segments: [{ seq: 0, start_ms: 0, end_ms: 1, text: "a" }], sentSeqs: [] });
  await bench.storage.set(`${key}0`, { userId: "u2", segments: [{ seq: 0, start_ms: 0, end_ms: 1, text: "a" }], sentSeqs: [] });
  await bench.clock.until(bench.client.live.saveUnsaved());
  await bench.stop();

  assert.deepEqual(await bench.storage.keys(key), [`${key}0`]);
});

test("a session to which nothing is fed for a while gets a new lease with the next audio", async () => {
  const bench = await new Bench().start();
  await bench.speak(6);
  await bench.clock.advance(400_000);
  const renewals = bench.backend.session.renewals.length;
  await bench.clock.advance(400_000);
  assert.equal(bench.backend.session.renewals.length, renewals);
  await bench.speak(10);
  await bench.stop();

  bench.assertWords();
  assert.equal(bench.of("uncovered").some(({ reason }) => reason === "no_audio"), true);
});

test("a stop while the session reconnects ends the wait, and what was not recognised is reported", async () => {
  const bench = await new Bench().start();
  await bench.speak(9);
  bench.backend.fail("renew", ...Array.from({ length: 50 }, () => "503" as const));
  bench.backend.cutSockets();
  await bench.speak(6);
  await bench.stop();

  assert.equal(bench.of("ended")[0]?.reason, "stopped");
  bench.assertWords(0, 8);
  const gap = bench.of("uncovered").at(-1);
  assert.equal(gap?.reason, "not_recognised");
  assert.ok(Math.abs((gap?.endMs ?? 0) - 15_000) < 1_500);
});

test("a stop in the middle of a hand-over uses neither a word nor a socket twice", async () => {
  for (const seconds of [48.2, 48.4, 49, 50.5]) {
    const bench = await new Bench().start();
    await bench.speak(seconds, { isBreathless: true });
    await bench.stop();

    bench.assertWords();
    bench.assertSamplesOnce();
    assert.ok(bench.backend.sockets.every(({ readyState }) => readyState === 3));
  }
});

test("the newer socket that breaks off before it is used is replaced", async () => {
  const bench = new Bench();
  await bench.start();
  const cut = (): void => {
    const next = bench.backend.sockets[1];
    if (next?.readyState === 1 && !next.ruler.received) next.closeWith(1006);
  };
  await bench.speak(70, { isBreathless: true, onChunk: cut });
  await bench.stop();

  bench.assertWords();
  assert.ok(bench.backend.sockets.length >= 3);
});

test("the older socket that breaks off during a hand-over leaves its words to the newer one", async () => {
  const bench = await new Bench().start();
  const cut = (): void => {
    if (bench.backend.sockets[1]?.readyState === 1 && !bench.backend.sockets[1].ruler.received) bench.backend.sockets[0]?.closeWith(1006);
  };
  await bench.speak(70, { isBreathless: true, onChunk: cut });
  await bench.stop();

  bench.assertWords();
});

test("a listener that throws does not keep the others from the event", async () => {
  const bench = new Bench();
  const errors: unknown[] = [];
  const original = console.error;
  console.error = (error: unknown) => errors.push(error);
  bench.session.on("final", () => {
    throw new Error("in the page");
  });
  const seen: string[] = [];
  const stop = bench.session.on("final", ({ text }) => seen.push(text));
  await bench.start();
  await bench.speak(5);
  stop();
  await bench.speak(5);
  await bench.stop();
  console.error = original;

  bench.assertWords();
  assert.equal(seen.length, 2);
  assert.ok(errors.length > 2);
});

test("an account that is blocked while nothing is open ends with its words kept", async () => {
  const bench = await new Bench().start();
  await bench.speak(9);
  bench.backend.isBlocked = true;
  bench.backend.cutSockets();
  await bench.speak(5);

  assert.equal(bench.of("ended")[0]?.reason, "account_blocked");
  assert.ok(bench.of("ended")[0]?.error instanceof AccountBlockedError);
  await assert.doesNotReject(bench.clock.until(bench.session.pause()));
});

/** The same device after a restart: same storage and API, new contexts, no locks. */
async function restart(bench: Bench): Promise<Bench> {
  const restarted = new Bench(bench.options, 2);
  Object.assign(restarted, { clock: bench.clock, backend: bench.backend, storage: bench.storage, position: bench.position });
  restarted.client = restarted.createClient();
  restarted.session = restarted.createSession();
  return restarted;
}
