/** A sign-out stops the sessions of all windows first, and signs this device out whatever fails. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "./support/bench.js";

test("a sign-out stops the sessions of all windows first, with their last words", async () => {
  const bench = await new Bench().start();
  await bench.speak(7);
  const second = bench.createClient();
  await bench.clock.until(second.auth.logout());

  assert.equal(bench.session.state, "ended");
  assert.equal(bench.of("ended")[0]?.reason, "stopped");
  bench.assertWords();
  assert.equal(await second.auth.user(), undefined);
  await bench.clock.until(second.auth.logout()); // nobody is signed in
});

for (const [name, change] of [
  ["a blocked account", (bench: Bench) => (bench.backend.isBlocked = true)],
  ["a lost network", (bench: Bench) => bench.backend.loseNetwork()],
  ["a network that answers nothing", (bench: Bench) => bench.backend.silenceNetwork()],
] as const) {
  test(`a sign-out with ${name} ends within a minute, stops all windows, and keeps the words for the account`, async () => {
    const bench = await new Bench().start();
    await bench.speak(9);
    const second = bench.createClient();
    const reasons: string[] = [];
    bench.client.auth.onSignedOut((reason) => reasons.push(reason));
    change(bench);
    assert.equal(await bench.clock.until(second.auth.logout(), 60_000), false);
    assert.deepEqual([await bench.client.auth.user(), reasons], [undefined, ["logout"]]);
    await bench.clock.advance(600_000); // a stop is repeated for long
    assert.equal(bench.session.state, "ended");

    Object.assign(bench.backend, { isBlocked: false, hasNoNetwork: false, isSilent: false });
    await bench.signIn();
    const { saved } = await bench.clock.until(bench.client.live.saveUnsaved());
    assert.ok(saved > 0);
    bench.assertWords(0, bench.captions.length / 2);
  });
}

test("a sign-out of an account that was signed out elsewhere is reported once", async () => {
  const bench = await new Bench().start();
  await bench.speak(5);
  const reasons: string[] = [];
  bench.client.auth.onSignedOut((reason) => reasons.push(reason));
  bench.backend.isSignedOut = true;

  assert.equal(await bench.clock.until(bench.client.auth.logout()), true);
  assert.deepEqual(reasons, ["signed_out"]);
});

test("a storage that is full keeps no session from being stopped before a sign-out", async () => {
  const bench = await new Bench().start();
  await bench.speak(5);
  const { set } = bench.storage;
  bench.storage.set = (key, value) => (key.endsWith("stop-all") ? Promise.reject(new Error("QUOTA_BYTES")) : set(key, value));

  assert.equal(await bench.clock.until(bench.client.auth.logout()), true);
  assert.equal(bench.backend.session.state, "stopped");
  bench.assertWords();
});

test("a session that cannot be stopped keeps neither the others nor the sign-out from ending", async () => {
  const bench = await new Bench().start();
  await bench.speak(7);
  bench.backend.sessions.unshift({ ...bench.backend.session, id: "s0", segments: new Map() });
  const second = bench.createClient();
  const stop = second.live.stop.bind(second.live);
  second.live.stop = (id) => (id === "s0" ? Promise.reject(new Error("no")) : stop(id));

  assert.equal(await bench.clock.until(second.auth.logout()), false);
  assert.deepEqual(bench.backend.sessions.map(({ state }) => state), ["active", "stopped"]);
});

test("a sign-out also stops the session of a window that does not answer", async () => {
  const bench = await new Bench().start();
  await bench.speak(7);
  bench.session.stop = () => new Promise(() => undefined); // its window hangs, and keeps its lock
  const second = bench.createClient();

  assert.equal(await bench.clock.until(second.auth.logout(), 60_000), true);
  assert.equal(await bench.locks.isLocked("live-transcription/session/s1"), true);
  assert.equal(bench.backend.session.state, "stopped");
});

test("what a sign-out had no time for is not done later, as the next user", async () => {
  const bench = await new Bench().start();
  await bench.speak(5);
  const second = bench.createClient();
  bench.backend.fail("/transcription/sessions", "hang");
  assert.equal(await bench.clock.until(second.auth.logout(), 60_000), false);
  bench.backend.userId = "u2";
  await bench.clock.until(second.auth.login({ email: "bob@example.com", password: "p" }));
  const session = second.live.create();
  await bench.clock.until(session.start());
  await bench.clock.advance(120_000);

  assert.equal(bench.backend.session.state, "active");
  assert.notEqual(session.state, "ended");
});

test("a sign-out stops no session of a user who signs in before it knows the sessions", async () => {
  const bench = await new Bench().start();
  await bench.speak(5);
  const second = bench.createClient();
  bench.backend.fail("/transcription/sessions", "503+2");
  const signingOut = second.auth.logout();
  await bench.clock.advance(1_500);
  bench.backend.userId = "u2";
  const third = bench.createClient();
  await bench.clock.until(third.auth.login({ email: "bob@example.com", password: "p" }));
  const { session_id } = await bench.clock.until(third.stream.start());
  await bench.clock.until(signingOut);
  await bench.clock.advance(60_000);

  assert.equal((await third.auth.user())?.userId, "u2");
  assert.equal(bench.backend.sessions.find(({ id }) => id === session_id)?.state, "active");
});

test("a storage that hangs delays no stop of a sign-out", async () => {
  const bench = await new Bench().start();
  await bench.speak(5);
  const { set } = bench.storage;
  bench.storage.set = (key, value) => (key.endsWith("stop-all") ? new Promise(() => undefined) : set(key, value));

  assert.equal(await bench.clock.until(bench.client.auth.logout()), true);
  assert.equal(bench.backend.session.state, "stopped");
});

test("a notice of a sign-out that comes late stops no session of the next user", async () => {
  const bench = await new Bench().start();
  const second = bench.createClient();
  const { set } = bench.storage;
  let notify = (): void => undefined;
  bench.storage.set = (key, value) => (key.endsWith("stop-all") ? new Promise((resolve) => (notify = () => resolve(set(key, value)))) : set(key, value));
  await bench.clock.until(second.auth.logout());
  bench.backend.userId = "u2";
  await bench.signIn();
  bench.session = bench.createSession();
  await bench.clock.until(bench.session.start());
  notify();
  await bench.clock.advance(30_000);
  assert.equal(bench.backend.session.state, "active");

  await bench.clock.until(bench.client.auth.logout());
  notify();
  await bench.clock.advance(1_000);
  assert.equal(bench.backend.session.state, "stopped");
});

test("a storage that cannot be read keeps no session of this window from being stopped", async () => {
  const bench = await new Bench().start();
  await bench.speak(5);
  const { auth, live } = bench.client;
  const signInId = auth.signInId.bind(auth);
  auth.signInId = () => ((auth.signInId = signInId), Promise.reject(new Error("the bridge is lost")));
  await bench.clock.until(live.stopAll());
  assert.equal(bench.backend.session.state, "stopped");
  bench.assertWords();
});

test("a storage that is cleared is no notice of a sign-out", async () => {
  const bench = await new Bench().start();
  const second = bench.createClient();
  await bench.clock.until(second.live.stopAll());
  bench.session = bench.createSession();
  await bench.clock.until(bench.session.start());
  for (const key of await bench.storage.keys("live-transcription/stop-all")) await bench.storage.remove(key);
  await bench.clock.advance(1_000);
  assert.equal(bench.backend.session.state, "active");
});
