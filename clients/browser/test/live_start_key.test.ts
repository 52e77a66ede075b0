/** A start whose answer never came is repeated by whichever context tries it again: one session is opened, and billed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { localLocks } from "../src/environment.js";
import { AbortedError, NetworkError, SessionInUseError, UnauthenticatedError } from "../src/errors.js";
import { SessionLock } from "../src/live/session_lock.js";
import { Bench } from "./support/bench.js";

const LOST = Array.from({ length: 5 }, () => "lose" as const);
const START_KEY = "live-transcription/start";

/** A session that the API has opened, though its answer never came, and whose context was closed then. */
async function startedUnheard(): Promise<Bench> {
  const bench = new Bench({ title: "Stand-up" });
  await bench.signIn();
  bench.backend.fail("start", ...LOST);
  await assert.rejects(bench.clock.until(bench.session.start()), NetworkError);
  assert.equal(bench.backend.sessions.length, 1);
  bench.client = bench.createClient();
  bench.session = bench.createSession();
  return bench;
}

const keysOf = (bench: Bench): Set<string | undefined> => new Set(bench.backend.requests.filter(({ body }) => body["action"] === "start").map(({ key }) => key));

test("a start that was not answered is repeated by a new session, in another context too", async () => {
  const bench = await startedUnheard();
  await bench.clock.until(bench.session.start());
  await bench.speak(5);
  await bench.stop();

  assert.equal(bench.backend.sessions.length, 1);
  bench.assertWords();
  assert.deepEqual(await bench.storage.keys(START_KEY), []);
});

test("a start whose context was closed before its answer came is repeated", async () => {
  const bench = new Bench();
  await bench.signIn();
  bench.backend.fail("start", "lose");
  const { start } = bench.session;
  void start.call(bench.session).catch(() => undefined);
  await bench.clock.advance(100);
  Object.assign(bench.locks, localLocks()); // it was closed: its locks are free
  bench.client = bench.createClient();
  bench.session = bench.createSession();
  const [before] = keysOf(bench);
  await bench.clock.until(bench.session.start());

  assert.deepEqual([...keysOf(bench)], [before]);
  assert.equal(bench.backend.sessions.length, 1);
});

for (const [name, change] of [
  ["has other options", async (bench: Bench) => void (bench.session = bench.client.live.create({ title: "Retro" }))],
  ["follows after two minutes", async (bench: Bench) => bench.clock.advance(121_000)],
  ["follows after the clock was set back", async (bench: Bench) => void (bench.wallAheadMs = -3_600_000)],
  ["is another user's", async (bench: Bench) => ((bench.backend.userId = "u2"), bench.signIn())],
  ["follows a stop of the session", async (bench: Bench) => void (await bench.clock.until(bench.client.live.stop("s1")))],
  ["finds the session in use", async (bench: Bench) => void (await bench.locks.tryLock("live-transcription/session/s1"))],
] as const) {
  test(`a start that ${name} opens a session of its own`, async () => {
    const bench = await startedUnheard();
    await change(bench);
    await bench.clock.until(bench.session.start());
    await bench.clock.advance(1_000);

    assert.equal(bench.session.sessionId, "s2");
    assert.equal(bench.backend.sessions[1]?.state, "active");
    assert.equal(bench.backend.sessions[0]?.state === "stopped", name.includes("stop"));
    assert.deepEqual(await bench.storage.keys(START_KEY), []);
  });
}

test("a start of the same object finds that its session was stopped meanwhile, and opens another one", async () => {
  const bench = new Bench();
  await bench.signIn();
  bench.backend.fail("start", ...LOST);
  await assert.rejects(bench.clock.until(bench.session.start()), NetworkError);
  await bench.clock.until(bench.createClient().live.stop("s1"));
  await bench.clock.until(bench.session.start());
  await bench.speak(5);
  await bench.stop();

  assert.equal(bench.session.sessionId, "s2");
  bench.assertWords();
});

test("two windows that start at the same time have a session each, and neither ends the other's", async () => {
  const bench = new Bench();
  await bench.signIn();
  const other = bench.createClient().live.create();
  const starting = bench.session.start();
  await bench.clock.advance(10); // its request is under way
  await bench.clock.until(Promise.all([starting, other.start()]));

  assert.deepEqual([bench.session.sessionId, other.sessionId], ["s1", "s2"]);
  assert.deepEqual(bench.backend.sessions.map(({ state }) => state), ["active", "active"]);
});

test("a session that runs is not disturbed by another start where the storage keeps its key", async () => {
  const bench = new Bench();
  await bench.signIn();
  bench.storage.remove = () => Promise.reject(new Error("the bridge is lost"));
  await bench.clock.until(bench.session.start());
  const other = bench.createClient().live.create();
  await bench.clock.until(other.start());

  assert.deepEqual([bench.session.state, other.sessionId], ["live", "s2"]);
  assert.deepEqual(bench.backend.sessions.map(({ state }) => state), ["active", "active"]);
});

test("a storage that keeps no key keeps no session from being started", async () => {
  const bench = new Bench();
  await bench.signIn();
  const { get } = bench.storage;
  bench.storage.get = (key) => (key === START_KEY ? Promise.reject(new Error("the bridge is lost")) : get(key));
  bench.storage.set = () => Promise.reject(new Error("QUOTA_BYTES quota exceeded"));
  await bench.clock.until(bench.session.start());
  await bench.speak(5);
  await bench.stop();
  bench.assertWords();
});

test("a start that is refused because the account was signed out keeps its key after a lost answer", async () => {
  const bench = new Bench();
  await bench.signIn();
  bench.backend.fail("start", "lose");
  const refused = assert.rejects(bench.clock.until(bench.session.start()), UnauthenticatedError);
  await bench.clock.advance(100);
  bench.backend.isSignedOut = true;
  await refused;
  bench.backend.isSignedOut = false;
  await bench.signIn();
  await bench.clock.until(bench.session.start());

  assert.equal(bench.backend.sessions.length, 1);
});

test("a list of sessions that fails ends a repeated start, which may be repeated again", async () => {
  const bench = await startedUnheard();
  bench.backend.fail("/transcription/sessions", "500");
  await assert.rejects(bench.clock.until(bench.session.start()));
  assert.equal(await bench.locks.isLocked("live-transcription/session/s1"), false);
  await bench.clock.until(bench.session.start());
  assert.equal(bench.session.sessionId, "s1");
});

test("the wait for a lock ends with an abort", async () => {
  const bench = new Bench();
  await bench.locks.tryLock("live-transcription/session/s1");
  const controller = new AbortController();
  const environment = { locks: bench.locks, monotonicMs: () => bench.clock.nowMs, setTimer: bench.clock.setTimer, clearTimer: bench.clock.clearTimer };
  const taking = new SessionLock(environment as never).take("s1", 5_000, controller.signal);
  taking.catch(() => undefined);
  await bench.clock.advance(1_000);
  controller.abort();
  await assert.rejects(taking, AbortedError);
  await assert.rejects(bench.clock.until(new SessionLock(environment as never).take("s1", 5_000)), SessionInUseError);
});

test("a repeated start keeps the words that an earlier context could not save", async () => {
  const bench = new Bench();
  await bench.signIn();
  const { remove } = bench.storage;
  bench.storage.remove = (key) => (key === START_KEY ? Promise.reject(new Error("the bridge is lost")) : remove(key));
  await bench.clock.until(bench.session.start());
  bench.backend.fail("save", ...Array.from({ length: 50 }, () => "drop" as const));
  await bench.speak(9.5);
  bench.backend.cutSockets();
  await bench.clock.advance(0);
  const words = bench.captions;
  assert.ok(words.length > 0 && bench.backend.session.segments.size === 0);
  bench.session.feed = () => false; // its context was closed: its locks are free, and nothing runs any more
  Object.assign(bench.locks, localLocks());
  bench.clock.clearTimers();
  bench.backend.faults.clear();
  bench.client = bench.createClient();
  bench.session = bench.createSession();
  await bench.clock.until(bench.session.start());
  assert.equal(bench.backend.session.segments.size, 0);
  await bench.speak(6);
  await bench.stop();

  assert.equal(bench.backend.sessions.length, 1);
  assert.deepEqual(bench.backend.words.slice(0, words.length), words);
  assert.deepEqual(bench.backend.words, bench.captions);
});
