/** What is under way for one sign-in touches no other, and a storage that takes no write keeps nobody signed in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Auth, SIGN_IN_KEY } from "../src/auth.js";
import type { KeyValueStorage } from "../src/storage.js";
import { contexts, refusal, signedIn, tokens, USER } from "./support/contexts.js";
import type { VirtualClock } from "./support/virtual_clock.js";

const OTHER = { ...USER, user_id: "u2" };
const BODY = { email: "a", password: "p" };

/** A storage whose write of some values takes 5 seconds. */
function delayWrite(storage: KeyValueStorage, clock: VirtualClock, isSlow: (value: { token?: string; reason?: string }) => boolean): void {
  const { set } = storage;
  storage.set = async (key, value) => {
    if (isSlow(value as object)) await new Promise<void>((resolve) => void clock.setTimer(resolve, 5_000));
    return set(key, value);
  };
}

test("a sign-out acts only on the sign-in that it was called for", async () => {
  const { auths, clock, sent } = contexts({ "/auth/login": [signedIn("one"), signedIn("three", OTHER)] }, 2);
  const [auth, second] = auths as [Auth, Auth];
  const reasons: string[] = [];
  auth.onSignedOut((reason) => reasons.push(reason));
  await clock.until(auth.login(BODY));
  auth.beforeLogout = async () => {
    await second.logout();
    await second.login(BODY);
  };

  assert.equal(await clock.until(auth.logout()), true);
  assert.deepEqual([await auth.token(), (await second.user())?.userId, reasons], ["three", "u2", ["logout"]]);
  assert.deepEqual(sent.filter(([path, token]) => path === "/auth/logout" && token === "Bearer three"), []);
});

test("a sign-out ends the sign-in also if its token was refreshed meanwhile", async () => {
  const { auths, clock, sent } = contexts({ "/auth/login": [signedIn("one")], "/auth/refresh": [[200, tokens("two")]] });
  const [auth] = auths as [Auth];
  await clock.until(auth.login(BODY));
  const before = await auth.signInId();
  auth.beforeLogout = async () => {
    await auth.replace("one");
    assert.equal(await auth.signInId(), before);
  };

  await clock.until(auth.logout());
  assert.deepEqual([sent.at(-1), await auth.token()], [["/auth/logout", "Bearer two"], undefined]);
});

test("what a sign-out waits for is aborted when its time is up", async () => {
  const { auths, clock } = contexts({ "/auth/login": [signedIn("one")] });
  const [auth] = auths as [Auth];
  await clock.until(auth.login(BODY));
  let signal: AbortSignal | undefined;
  auth.beforeLogout = (given) => ((signal = given.signal), new Promise<void>(() => undefined));
  const signedOut = auth.logout();
  await clock.advance(29_900);
  assert.equal(signal?.aborted, false);
  await clock.advance(200);
  assert.equal(signal?.aborted, true);
  await clock.until(signedOut);
});

test("a refreshed token that is being stored does not outlive a sign-out, nor replace the next sign-in", async () => {
  for (const isAnother of [false, true]) {
    const answers = { "/auth/login": [signedIn("one"), signedIn("three", OTHER)], "/auth/refresh": [[200, tokens("two")] as [number, object]] };
    const { auths, clock, storage } = contexts(answers, 2);
    const [auth, second] = auths as [Auth, Auth];
    await clock.until(auth.login(BODY));
    delayWrite(storage, clock, ({ token }) => token === "two");
    const refresh = auth.replace("one");
    await clock.advance(1_000); // its answer is being written
    const ends = isAnother ? second.login(BODY) : second.logout();
    await clock.until(Promise.all([refresh, ends]));

    assert.equal(await auth.token(), isAnother ? "three" : undefined);
    assert.equal((await second.user())?.userId, isAnother ? "u2" : undefined);
  }
});

test("a sign-out that is being stored does not undo the next sign-in", async () => {
  const { auths, clock, storage } = contexts({ "/auth/login": [signedIn("one"), signedIn("three", OTHER)] }, 2);
  const [auth, second] = auths as [Auth, Auth];
  await clock.until(auth.login(BODY));
  delayWrite(storage, clock, ({ reason }) => reason === "logout");
  const signingOut = auth.logout();
  await clock.advance(1_000);
  await clock.until(Promise.all([second.login(BODY), signingOut]));

  assert.deepEqual([await auth.token(), await second.token()], ["three", "three"]);
});

const full = (): Promise<never> => Promise.reject(new Error("QUOTA_BYTES quota exceeded"));

for (const [name, end] of [
  ["a sign-out", (auth: Auth) => auth.logout()],
  ["a refused token", (auth: Auth) => auth.reject("one", "logout")],
  ["a refused refresh", (auth: Auth) => auth.replace("one")],
] as const) {
  test(`${name} is the end of a sign-in also where the storage takes no write`, async () => {
    for (const canRemove of [true, false]) {
      const { auths, clock, storage } = contexts({ "/auth/login": [signedIn("one")], "/auth/refresh": [refusal(401, "invalid_credentials")] }, 2);
      const [auth, second] = auths as [Auth, Auth];
      await clock.until(auth.login(BODY));
      assert.equal(await second.token(), "one");
      const reasons: string[] = [];
      auth.onSignedOut((reason) => reasons.push(`here: ${reason}`));
      second.onSignedOut((reason) => reasons.push(`there: ${reason}`));
      Object.assign(storage, { set: full, ...(!canRemove && { remove: full }) });
      await clock.until(end(auth) as Promise<unknown>);

      const reason = name === "a refused refresh" ? "expired" : "logout";
      assert.deepEqual([await auth.token(), await auth.user()], [undefined, undefined]);
      assert.deepEqual(reasons.sort(), [`here: ${reason}`, ...(canRemove ? ["there: logout"] : [])]);
      assert.equal(await second.token(), canRemove ? undefined : "one"); // this context cannot reach it
      storage.get = full;
      assert.equal(await auth.token(), undefined);
    }
  });
}

test("a sign-in that cannot be stored is that of its context, and of nobody else", async () => {
  const { auths, clock, storage } = contexts({ "/auth/login": [signedIn("one"), signedIn("three", OTHER), signedIn("four", OTHER)] }, 2);
  const [auth, second] = auths as [Auth, Auth];
  const reasons: string[] = [];
  auth.onSignedOut((reason) => reasons.push(reason));
  await clock.until(auth.login(BODY));
  const { set } = storage;
  storage.set = full;
  await clock.until(auth.login(BODY));
  assert.deepEqual([await auth.token(), await second.token(), reasons], ["three", undefined, []]);

  storage.set = set;
  await clock.until(second.login(BODY));
  assert.deepEqual([await auth.token(), await second.token()], ["four", "four"]);
  assert.equal(((await storage.get(SIGN_IN_KEY)) as { token: string }).token, "four");
});

test("a sign-out is stored also where the storage cannot be read", async () => {
  const { auths, clock, storage } = contexts({ "/auth/login": [signedIn("one")] }, 2);
  const [auth, second] = auths as [Auth, Auth];
  await clock.until(second.login(BODY));
  const { get } = storage;
  storage.get = full;
  assert.equal(await clock.until(auth.logout()), false);
  storage.get = get;
  assert.deepEqual([await auth.token(), await second.token()], [undefined, undefined]);
});

test("a sign-in of an earlier version, without an id, is refreshed and signed out", async () => {
  const { auths, clock, storage } = contexts({ "/auth/refresh": [[200, tokens("two")]] }, 2);
  const [auth, second] = auths as [Auth, Auth];
  await storage.set(SIGN_IN_KEY, { token: "one", refreshToken: "r-one", receivedAtMs: 0, expiresInSeconds: 3_600, user: { userId: "u1", email: "a" } });
  const { set } = storage;
  storage.set = full;
  assert.equal(await clock.until(auth.replace("one")), "two");
  assert.equal(await second.token(), "one"); // it serves the others for a while
  storage.set = set;
  await clock.until(auth.logout());
  assert.deepEqual([await auth.token(), await second.token()], [undefined, undefined]);
});

test("a request does not wait for long while another context refreshes a token that is still valid", async () => {
  const { auths, clock } = contexts({ "/auth/login": [signedIn("one")], "/auth/refresh": [new Promise(() => undefined), [200, tokens("two")]] }, 2);
  const [auth, second] = auths as [Auth, Auth];
  await clock.until(auth.login(BODY));
  await clock.advance(3_500_000);
  void second.replace("one"); // its network answers nothing
  const startMs = clock.nowMs;
  assert.equal(await clock.until(auth.token()), "one");
  assert.ok(clock.nowMs - startMs < 6_000);
  assert.equal(await clock.until(auth.token()), "one"); // not tried again at once
});

test("a listener that throws keeps neither the others nor the sign-out from going on", async () => {
  const { auths, clock } = contexts({ "/auth/login": [signedIn("one")] });
  const [auth] = auths as [Auth];
  await clock.until(auth.login(BODY));
  const errors: unknown[] = [];
  const original = console.error;
  console.error = (error: unknown) => errors.push(error);
  const reasons: string[] = [];
  auth.onSignedOut(() => {
    throw new Error("in the page");
  });
  auth.onSignedOut((reason) => reasons.push(reason));
  const isComplete = await clock.until(auth.logout());
  console.error = original;
  assert.deepEqual([isComplete, reasons, errors.length, await auth.token()], [true, ["logout"], 1, undefined]);
});
