/** The sign-in is shared by all contexts: one refresh at a time, and all of them learn of its end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Auth, SIGN_IN_KEY } from "../src/auth.js";
import { defaultEnvironment, webLocks } from "../src/environment.js";
import { EmailUnverifiedError, InvalidCredentialsError, NetworkError } from "../src/errors.js";
import { type Answer, contexts, refusal, signedIn, tokens, USER } from "./support/contexts.js";

test("a sign-in is shared, and so is its end", async () => {
  const { auths, clock } = contexts({ "/auth/login": [signedIn("one")] }, 2);
  const [first, second] = auths as [Auth, Auth];
  const reasons: string[] = [];
  const stop = second.onSignedOut((reason) => reasons.push(reason));
  await clock.until(first.login({ email: "ada@example.com", password: "p" }));
  assert.deepEqual(await second.user(), { userId: "u1", email: "ada@example.com", name: "Ada" });
  assert.equal(await second.token(), "one");
  const order: string[] = [];
  first.beforeLogout = async () => void order.push("sessions stopped");
  await clock.until(first.logout());

  assert.deepEqual([order, reasons], [["sessions stopped"], ["logout"]]);
  assert.equal(await second.token(), undefined);
  stop();
  await clock.until(first.logout());
  assert.equal(reasons.length, 1);
});

test("the token of one API is neither given to another one, nor ended by it", async () => {
  const apiUrls = ["https://old.example/", "https://new.example"];
  const { auths, calls, clock, storage } = contexts({ "/auth/login": [signedIn("old"), signedIn("new")] }, 2, apiUrls);
  const [old, current] = auths as [Auth, Auth];
  const reasons: string[] = [];
  current.onSignedOut((reason) => reasons.push(reason));
  await clock.until(old.login({ email: "a", password: "p" }));
  assert.equal(await current.token(), undefined);
  await clock.until(current.login({ email: "a", password: "p" }));

  assert.deepEqual([await old.token(), await old.user(), await old.signInId()], [undefined, undefined, undefined]);
  assert.equal(await clock.until(old.replace("new")), undefined);
  await clock.until(old.reject("new", "wrong_token"));
  assert.equal(await clock.until(old.logout()), true);

  assert.equal(await current.token(), "new");
  assert.deepEqual([calls, reasons], [["/auth/login", "/auth/login"], []]);
  await storage.set(SIGN_IN_KEY, { token: "earlier", user: { userId: "u1", email: "a" } }); // of a version that named no API
  assert.deepEqual(await current.user(), { userId: "u1", email: "a" });
});

test("many contexts refresh an ending token once", async () => {
  const { auths, calls, clock } = contexts({ "/auth/login": [signedIn("one")], "/auth/refresh": [[200, tokens("two")]] }, 4);
  await clock.until((auths[0] as Auth).login({ email: "a", password: "p" }));
  await clock.advance(3_500_000);
  const found = await clock.until(Promise.all(auths.flatMap((auth) => [auth.token(), auth.replace("one")])));

  assert.deepEqual(new Set(found), new Set(["two"]));
  assert.equal(calls.filter((path) => path === "/auth/refresh").length, 1);
  assert.deepEqual(await auths[3]?.user(), { userId: "u1", email: "ada@example.com", name: "Ada" });
});

test("a refresh without a new refresh token keeps the old one", async () => {
  const { refresh_token: _, ...without } = tokens("two") as { refresh_token: string };
  const { auths, clock } = contexts({ "/auth/login": [signedIn("one")], "/auth/refresh": [[200, without], [200, tokens("three")]] });
  const [auth] = auths as [Auth];
  await clock.until(auth.login({ email: "a", password: "p" }));
  assert.equal(await clock.until(auth.replace("one")), "two");
  assert.equal(await clock.until(auth.replace("two")), "three");
});

test("a refused refresh signs out; one without a network does not", async () => {
  for (const refused of [refusal(401, "invalid_credentials"), refusal(401, "unauthenticated", "signed_out")]) {
    const { auths, clock } = contexts({ "/auth/login": [signedIn("one")], "/auth/refresh": [refused] });
    const [auth] = auths as [Auth];
    const reasons: string[] = [];
    auth.onSignedOut((reason) => reasons.push(reason));
    await clock.until(auth.login({ email: "a", password: "p" }));
    assert.equal(await clock.until(auth.replace("one")), undefined);
    assert.deepEqual(reasons, ["expired"]);
  }
  const { auths, clock } = contexts({ "/auth/login": [signedIn("one")], "/auth/refresh": Array.from({ length: 10 }, () => "fail" as const) });
  const [auth] = auths as [Auth];
  await clock.until(auth.login({ email: "a", password: "p" }));
  await assert.rejects(clock.until(auth.replace("one")), NetworkError);
  await clock.advance(3_500_000);
  assert.equal(await clock.until(auth.token()), "one"); // it may still be valid
});

for (const [name, answer] of [
  ["answered", [200, tokens("two")]],
  ["refused", refusal(401, "invalid_credentials")],
] as const) {
  test(`a refresh that is ${name} after a sign-out changes nothing, also where another user has signed in`, async () => {
    for (const isAnother of [false, true]) {
      let respond = (_: [number, object]): void => undefined;
      const late = new Promise<[number, object]>((resolve) => (respond = resolve));
      const other = { ...USER, user_id: "u2" };
      const { auths, clock } = contexts({ "/auth/login": [signedIn("one"), signedIn("three", other)], "/auth/refresh": [late] }, 2);
      const [auth, second] = auths as [Auth, Auth];
      const reasons: string[] = [];
      second.onSignedOut((reason) => reasons.push(reason));
      await clock.until(auth.login({ email: "a", password: "p" }));
      const refresh = auth.replace("one");
      await clock.advance(1_000);
      await clock.until(second.logout());
      if (isAnother) await clock.until(second.login({ email: "b", password: "p" }));
      respond([...answer] as [number, object]);

      const token = isAnother ? "three" : undefined;
      assert.equal(await clock.until(refresh), token);
      assert.deepEqual([await auth.token(), await second.token()], [token, token]);
      assert.deepEqual([(await auth.user())?.userId, reasons], [isAnother ? "u2" : undefined, ["logout"]]);
    }
  });
}

test("a clock that was set back makes the token be refreshed, not believed", async () => {
  const { auths, calls, clock, shift } = contexts({ "/auth/login": [signedIn("one")], "/auth/refresh": [[200, tokens("two")]] });
  const [auth] = auths as [Auth];
  await clock.until(auth.login({ email: "a", password: "p" }));
  shift(-7_200_000);
  assert.equal(await clock.until(auth.token()), "two");
  assert.ok(calls.includes("/auth/refresh"));
});

test("a sign-up signs in at once, or after its code", async () => {
  const { auths, clock } = contexts({
    "/auth/register": [
      [201, { ...tokens("new"), user: USER, confirmation_required: false, free_credits: 200 }],
      [201, { user: USER, confirmation_required: true, free_credits: 0 }],
    ],
    "/auth/confirm": [[200, { confirmed: true, free_credits: 200 }], [200, { confirmed: true, free_credits: 200 }]],
    "/auth/login": [refusal(403, "email_unverified"), signedIn("later")],
  });
  const [auth] = auths as [Auth];
  await clock.until(auth.register({ email: "a", password: "p" }));
  assert.equal(await auth.token(), "new");
  const waiting = await clock.until(auth.register({ email: "a", password: "p" }));
  assert.equal(waiting.confirmation_required, true);
  await assert.rejects(clock.until(auth.login({ email: "a", password: "p" })), EmailUnverifiedError);
  await clock.until(auth.confirm({ email: "a", code: "1" }));
  assert.equal(await auth.token(), "new");
  await clock.until(auth.confirm({ email: "a", code: "1", password: "p" }));
  assert.equal(await auth.token(), "later");
});

test("codes and passwords are requested and set", async () => {
  const { auths, calls, clock } = contexts({ "/auth/reset-password": [refusal(401, "invalid_credentials"), [200, {}]] });
  const [auth] = auths as [Auth];
  await clock.until(auth.resendCode("a"));
  await clock.until(auth.forgotPassword("a"));
  await assert.rejects(clock.until(auth.resetPassword({ email: "a", code: "1", password: "p" })), InvalidCredentialsError);
  await clock.until(auth.resetPassword({ email: "a", code: "1", password: "p" }));
  assert.deepEqual(calls, ["/auth/resend-code", "/auth/forgot-password", "/auth/reset-password", "/auth/reset-password"]);
});

for (const [name, answers, stop, isComplete] of [
  ["is signed out already", [refusal(401, "unauthenticated", "signed_out")], async () => undefined, true],
  ["is blocked", [refusal(403, "account_blocked")], async () => undefined, false],
  ["cannot be reached", Array.from({ length: 9 }, () => "fail" as const), async () => undefined, false],
  ["has a session that cannot be stopped", [], () => Promise.reject(new NetworkError("m")), false],
  ["has a session that does not end", [], () => new Promise<void>(() => undefined), false],
] as const) {
  test(`an account that ${name} is signed out here, once`, async () => {
    const { auths, calls, clock } = contexts({ "/auth/login": [signedIn("one")], "/auth/logout": [...answers] }, 2);
    const [auth, other] = auths as [Auth, Auth];
    const reasons: string[] = [];
    other.onSignedOut((reason) => reasons.push(reason));
    auth.beforeLogout = stop;
    await clock.until(auth.login({ email: "a", password: "p" }));

    assert.equal(await clock.until(auth.logout(), 60_000), isComplete);
    assert.ok(calls.includes("/auth/logout"));
    assert.deepEqual([await auth.token(), await other.user(), reasons], [undefined, undefined, ["logout"]]);
    await auth.reject("one", "signed_out"); // too late: nobody is signed in
    assert.equal(reasons.length, 1);
  });
}

test("a storage that fails neither signs out nor stops requests", async () => {
  const refreshes: Answer[] = [[200, tokens("two")], [200, tokens("three")]];
  const { auths, calls, clock, storage } = contexts({ "/auth/login": [signedIn("one")], "/auth/refresh": refreshes });
  const [auth] = auths as [Auth];
  await clock.until(auth.login({ email: "a", password: "p" }));
  const { get, set } = storage;
  storage.set = () => Promise.reject(new Error("QUOTA_BYTES quota exceeded"));
  await clock.advance(3_500_000);
  assert.equal(await clock.until(auth.token()), "two");
  assert.equal(await clock.until(auth.token()), "two"); // though the storage has the old one
  await clock.advance(3_500_000);
  assert.equal(await clock.until(auth.token()), "three");
  assert.equal(await auth.token(), "three");
  storage.get = () => Promise.reject(new Error("the bridge is lost"));
  assert.equal(await auth.token(), "three");
  assert.equal(calls.filter((path) => path === "/auth/refresh").length, 2);

  Object.assign(storage, { get, set });
  await clock.until(auth.logout());
  assert.equal(await auth.token(), undefined);
});

test("a storage that cannot be read before anything is known says so", async () => {
  const { auths, storage } = contexts({});
  storage.get = () => Promise.reject(new Error("the bridge is lost"));
  await assert.rejects((auths[0] as Auth).token(), /the bridge is lost/);
});

test("without locks of the browser, all clients of a context still refresh once", async () => {
  assert.equal(defaultEnvironment().locks, defaultEnvironment().locks);
});

test("a sign-in without a refresh token ends with its token", async () => {
  const { auths, clock } = contexts({});
  const [auth] = auths as [Auth];
  await (auth as unknown as { storage: { set(key: string, value: unknown): Promise<void> } }).storage.set(SIGN_IN_KEY, { token: "one" });
  assert.equal(await clock.until(auth.replace("one")), undefined);
});

test("the browser's locks are taken, waited for and released", async () => {
  const held = new Set<string>();
  const locks = webLocks({
    request: async (name: string, ...rest: unknown[]) => {
      const work = rest.at(-1) as (lock: unknown) => Promise<unknown>;
      if (held.has(name)) return work(null);
      held.add(name);
      try {
        return await work({ name });
      } finally {
        held.delete(name);
      }
    },
    query: async () => ({ held: [...held].map((name) => ({ name })) }),
  } as unknown as LockManager);
  assert.equal(await locks.withLock("a", async () => 5), 5);
  const release = await locks.tryLock("a");
  assert.equal(await locks.tryLock("a"), undefined);
  assert.deepEqual([await locks.isLocked("a"), await locks.isLocked("b")], [true, false]);
  release?.();
  await new Promise((resolve) => setImmediate(resolve));
  assert.notEqual(await locks.tryLock("a"), undefined);
});
