/** The balance, purchases, and how what is waited for outlives a lost network. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AbortedError, NetworkError, NotFoundError } from "../src/errors.js";
import { clientOf } from "./support/feature_client.js";

test("a wait outlives a lost network and refusals that pass, and ends with what decides", async () => {
  const outage: (number | "fail")[] = ["fail", "fail", "fail", 503, 429, "fail", "fail", "fail", "fail"];
  const away = [...outage];
  const catchup = clientOf((path) => {
    if (path === "/transcription/catchup") return { job_id: "j1", status: "queued" };
    return away.shift() ?? { job_id: "j1", status: "done" };
  });
  assert.equal((await catchup.clock.until(catchup.client.catchUp({ session_id: "s1", minutes: 5 }))).status, "done");
  const purchases = [...outage];
  const buying = clientOf((path) => {
    if (path === "/credits/purchase") return { purchase_id: "p1", checkout_url: "https://pay.example/1" };
    return purchases.shift() ?? { purchase_id: "p1", state: "paid", credits_added: 500 };
  });
  const opened: string[][] = [];
  const open = (...names: string[]): void => void opened.push(names);
  assert.equal((await buying.clock.until(buying.client.credits.buy({ packageId: "starter", open }))).state, "paid");
  assert.deepEqual([opened, purchases], [[["https://pay.example/1", "p1"]], []]);

  const gone = clientOf(() => Response.json({ code: "not_found", message: "m", request_id: "r" }, { status: 404 }));
  await assert.rejects(gone.clock.until(gone.client.catchups.wait("j1")), NotFoundError);
  assert.equal(gone.calls.length, 1);
});

test("a wait is bounded, and an abort ends it also while there is no network", async () => {
  const dead = clientOf(() => "fail");
  await assert.rejects(dead.clock.until(dead.client.catchups.wait("j1"), 3_600_000), NetworkError);
  assert.ok(dead.clock.nowMs > 480_000 && dead.clock.nowMs < 900_000, `${dead.clock.nowMs}`);

  const aborted = clientOf(() => "fail");
  const controller = new AbortController();
  const waiting = aborted.client.credits.waitForPurchase("p1", { signal: controller.signal });
  waiting.catch(() => undefined);
  await aborted.clock.advance(60_000);
  controller.abort();
  await assert.rejects(waiting, AbortedError);
});

test("a service that wants to be left alone is asked after its time", async () => {
  let polls = 0;
  const headers = { "Retry-After": "90" };
  const { client, clock } = clientOf(() => {
    if (polls++ === 0) return Response.json({ code: "rate_limited", message: "m", request_id: "r" }, { status: 429, headers });
    return { job_id: "j1", status: "done" };
  });
  await clock.until(client.catchups.wait("j1", { pollSeconds: 1 }));
  assert.ok(clock.nowMs >= 90_000 && clock.nowMs < 91_000, `${clock.nowMs}`);

  polls = 0;
  const watched = clientOf(() => {
    if (polls++ === 0) return Response.json({ code: "rate_limited", message: "m", request_id: "r" }, { status: 429, headers });
    return { available: 1, held: 0 };
  });
  const stop = watched.client.credits.watch(() => undefined, { pollSeconds: 5 });
  await watched.clock.advance(89_900);
  assert.equal(polls, 1);
  await watched.clock.advance(6_000);
  assert.equal(polls, 2);
  stop();
});

test("the balance is watched for changes, over failures, until it is stopped", async () => {
  const balances: (number | "fail")[] = [10, 10, "fail", 8];
  let last = 8;
  const { client, clock, calls } = clientOf(() => {
    const next = balances.shift() ?? last;
    return next === "fail" ? new Response("{}", { status: 500 }) : { available: next, held: 0 };
  });
  const seen: number[] = [];
  const stop = client.credits.watch(({ available }) => seen.push(available), { pollSeconds: 5 });
  await clock.advance(40_000);
  assert.deepEqual(seen, [10, 8]);
  stop();
  last = 1;
  const count = calls.length;
  await clock.advance(40_000);
  assert.equal(calls.length, count);

  const blocked = clientOf(() => Response.json({ code: "account_blocked", message: "m", request_id: "r" }, { status: 403 }));
  blocked.client.credits.watch(() => undefined);
  await blocked.clock.advance(60_000);
  assert.equal(blocked.calls.length, 1);
});

test("a hidden page looks at the balance less often, and at once when it is shown", async () => {
  const scope = globalThis as { document?: unknown };
  const page = Object.assign(new EventTarget(), { visibilityState: "hidden" });
  scope.document = page;
  try {
    const { client, clock, calls } = clientOf(() => ({ available: 1, held: 0 }));
    const stop = client.credits.watch(() => undefined, { pollSeconds: 10 });
    await clock.advance(79_000);
    assert.equal(calls.length, 1);
    await clock.advance(2_000);
    assert.equal(calls.length, 2);
    page.visibilityState = "visible";
    page.dispatchEvent(new Event("visibilitychange"));
    await clock.advance(0);
    assert.equal(calls.length, 3);
    await clock.advance(30_000);
    assert.equal(calls.length, 6);
    stop();
    page.visibilityState = "hidden";
    await clock.advance(100_000);
    assert.equal(calls.length, 6);
  } finally {
    delete scope.document;
  }
});

test("a listener of the balance that throws is reported, and the watch goes on", async () => {
  let available = 0;
  const { client, clock } = clientOf(() => ({ available: ++available, held: 0 }));
  const errors: unknown[] = [];
  const original = console.error;
  console.error = (error: unknown) => errors.push(error);
  const seen: number[] = [];
  const stop = client.credits.watch((balance) => {
    seen.push(balance.available);
    throw new Error("in the page");
  });
  await clock.advance(31_000);
  stop();
  console.error = original;

  assert.deepEqual([seen, errors.length], [[1, 2, 3], 3]);
});

test("a purchase opens its checkout and is waited for until it is paid", async () => {
  const states = ["open", "pending", "paid"];
  const { client, clock, calls } = clientOf((path) => {
    if (path === "/credits/purchase") return { purchase_id: "p1", checkout_url: "https://pay.example/1" };
    const state = states.shift() ?? "expired";
    return { purchase_id: "p1", state, credits_added: state === "paid" ? 500 : 0 };
  });
  const opened: string[] = [];
  const paid: number[] = [];
  const options = { packageId: "starter", open: (url: string) => void opened.push(url), onPaid: (purchase: { credits_added: number }) => paid.push(purchase.credits_added) };
  assert.equal((await clock.until(client.credits.buy(options))).state, "paid");
  assert.deepEqual([opened, paid], [["https://pay.example/1"], [500]]);
  assert.equal((await clock.until(client.credits.buy(options))).state, "expired");
  assert.deepEqual(paid, [500]);
  await clock.until(client.credits.usage({ from: "2026-11-01" }));
  assert.equal(calls.at(-1)?.query, "?from=2026-11-01");
  const controller = new AbortController();
  states.push("open");
  const waiting = client.credits.buy({ ...options, open: () => controller.abort(), signal: controller.signal });
  await assert.rejects(clock.until(waiting), AbortedError);
});
