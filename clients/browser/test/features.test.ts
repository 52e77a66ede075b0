/** Uploads, catch-ups, history and credits: what they request, in which order, and how they end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../src/client.js";
import { AbortedError, CatchupFailedError, ConflictError, NetworkError, NotFoundError, TooLargeFileError } from "../src/errors.js";
import { upload } from "../src/uploads.js";
import { VirtualClock } from "./support/virtual_clock.js";

type Handler = (path: string, init: RequestInit, query: URLSearchParams) => object | number | Response | "fail";

function clientOf(handle: Handler): { client: Client; clock: VirtualClock; calls: { path: string; query: string; body: unknown }[] } {
  const clock = new VirtualClock();
  const calls: { path: string; query: string; body: unknown }[] = [];
  const client = new Client({
    baseUrl: "https://api.example",
    environment: {
      fetch: async (url, init) => {
        const { pathname, searchParams, search } = new URL(url);
        calls.push({ path: pathname, query: search, body: typeof init.body === "string" ? JSON.parse(init.body) : init.body });
        if (init.signal?.aborted) throw new DOMException("aborted", "AbortError");
        const answer = handle(pathname, init, searchParams);
        if (answer === "fail") throw new TypeError("fetch failed");
        if (answer instanceof Response) return answer;
        return typeof answer === "number" ? new Response(null, { status: answer }) : Response.json(answer);
      },
      monotonicMs: () => clock.nowMs,
      wallMs: () => clock.nowMs,
      setTimer: clock.setTimer,
      clearTimer: clock.clearTimer,
      random: () => 0,
    },
  });
  return { client, clock, calls };
}

const FORM = { upload_id: "up1", url: "https://files.example/bucket", fields: { key: "k", policy: "p" }, expires_at: "", max_bytes: 1_000 };

test("an upload sends the fields of its form first, then the file", async () => {
  const { client, clock, calls } = clientOf((path) => (path === "/bucket" ? 204 : FORM));
  const parts: number[] = [];
  const id = await clock.until(client.upload(new Blob(["sound"], { type: "audio/wav" }), { onProgress: (part) => parts.push(part) }));

  assert.equal(id, "up1");
  assert.deepEqual(calls[0]?.body, { content_type: "audio/wav" });
  assert.deepEqual([...(calls[1]?.body as FormData).keys()], ["key", "policy", "file"]);
  assert.deepEqual(parts, [1]);
});

test("an upload that fails, is refused, aborted or too large says so", async () => {
  const refused = clientOf((path) => (path === "/bucket" ? 403 : FORM));
  await assert.rejects(refused.clock.until(refused.client.upload(new Blob(["a"]))), /refused \(403\)/);
  const failing = clientOf((path) => (path === "/bucket" ? "fail" : FORM));
  await assert.rejects(failing.clock.until(failing.client.upload(new Blob(["a"]))), NetworkError);
  await assert.rejects(failing.clock.until(failing.client.upload(new Blob(["a".repeat(1_001)]))), (error) => {
    return error instanceof TooLargeFileError && error.maxBytes === 1_000;
  });
  const controller = new AbortController();
  const aborted = clientOf((path) => {
    if (path === "/bucket") controller.abort();
    return path === "/bucket" ? "fail" : FORM;
  });
  await assert.rejects(aborted.clock.until(aborted.client.upload(new Blob(["a"]), { signal: controller.signal })), AbortedError);
});

test("in a page an upload reports its progress and can be aborted", async () => {
  class FakeRequest {
    static next: (request: FakeRequest) => void = () => undefined;
    upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
    onload?: () => void;
    onerror?: () => void;
    onabort?: () => void;
    onloadend?: () => void;
    status = 204;
    open(): void {}
    abort(): void {
      this.onabort?.();
      this.onloadend?.();
    }
    send(): void {
      FakeRequest.next(this);
    }
  }
  const scope = globalThis as { XMLHttpRequest?: unknown };
  scope.XMLHttpRequest = FakeRequest;
  const { client, clock } = clientOf(() => FORM);
  const parts: number[] = [];
  FakeRequest.next = (request) => {
    request.upload.onprogress?.({ loaded: 1, total: 4 });
    request.upload.onprogress?.({ loaded: 1, total: 0 });
    request.onload?.();
    request.onloadend?.();
  };
  assert.equal(await clock.until(upload(client.requests, new Blob(["a"]), { onProgress: (part) => parts.push(part) })), "up1");
  assert.deepEqual(parts, [0.25, 0, 1]);
  FakeRequest.next = (request) => request.onerror?.();
  await assert.rejects(clock.until(upload(client.requests, new Blob(["a"]))), NetworkError);
  const controller = new AbortController();
  FakeRequest.next = () => controller.abort();
  await assert.rejects(clock.until(upload(client.requests, new Blob(["a"]), { signal: controller.signal })), AbortedError);

  let isAborted = false;
  FakeRequest.next = (request) => {
    for (const seconds of [50, 100]) clock.setTimer(() => request.upload.onprogress?.({ loaded: 1, total: 4 }), seconds * 1_000);
    request.abort = () => void (isAborted = true);
  };
  const startMs = clock.nowMs;
  await assert.rejects(clock.until(upload(client.requests, new Blob(["a"]))), /no progress/);
  assert.ok(isAborted && clock.nowMs - startMs >= 160_000 && clock.nowMs - startMs < 161_000);
  const silentMs = clock.nowMs;
  FakeRequest.next = (request) => void (request.abort = () => undefined);
  await assert.rejects(clock.until(upload(client.requests, new Blob(["a"]))), /no progress/);
  assert.ok(clock.nowMs - silentMs >= 60_000 && clock.nowMs - silentMs < 61_000);
  delete scope.XMLHttpRequest;
});

test("a catch-up is asked for until it is done, failed or aborted", async () => {
  const states = ["queued", "transcribing", "done", "queued", "failed", "queued"];
  const { client, clock, calls } = clientOf((path) => {
    const job = { job_id: "j1", error: { code: "provider_error", message: "The recording cannot be read." } };
    return path === "/transcription/catchup" ? { ...job, status: "queued" } : { ...job, status: states.shift() };
  });
  const seen: string[] = [];
  const range = { session_id: "s1", minutes: 5 };
  const job = await clock.until(client.catchUp(range, { onProgress: ({ status }) => seen.push(status) }));
  assert.equal(job.status, "done");
  assert.deepEqual(seen, ["queued", "transcribing", "done"]);
  assert.deepEqual(calls[0]?.body, range);
  await assert.rejects(clock.until(client.catchUp(range)), (error) => {
    return error instanceof CatchupFailedError && error.message === "The recording cannot be read." && error.job.job_id === "j1";
  });
  const controller = new AbortController();
  const waiting = client.catchUp(range, { signal: controller.signal, onProgress: () => controller.abort() });
  await assert.rejects(clock.until(waiting), AbortedError);
  await clock.until(client.quote(range));
  assert.deepEqual(calls.at(-1)?.body, { ...range, quote: true });
  await clock.until(client.ask({ question: "What?", session_id: "s1" }));
  assert.equal(calls.at(-1)?.path, "/transcription/ask");
});

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
  assert.ok(clock.nowMs >= 30_000 && clock.nowMs < 31_000, `${clock.nowMs}`);
});

test("the history goes on over its pages, and a transcript is read whole", async () => {
  const { client, clock, calls } = clientOf((path, _init, query) => {
    const cursor = query.get("cursor");
    const next: Record<string, string | null> = { start: "short", short: "second", second: null };
    // A filtered page may be short, and even empty, though others follow.
    if (path === "/transcription/history") return { items: cursor === "short" ? [] : [{ id: cursor ?? "first" }], next_cursor: next[cursor ?? "start"] };
    return { transcript: { id: "t" }, segments: [{ seq: cursor ? 1 : 0 }], next_cursor: cursor ? null : "more" };
  });
  const ids: string[] = [];
  const iterate = async (): Promise<void> => {
    for await (const { id } of client.history.list({ kind: "live" })) ids.push(id);
  };
  await clock.until(iterate());
  assert.deepEqual(ids, ["first", "second"]);
  assert.equal(calls[2]?.query, "?kind=live&cursor=second");
  const whole = await clock.until(client.history.get("t"));
  assert.deepEqual(whole.segments.map(({ seq }) => seq), [0, 1]);
  await clock.until(client.history.rename("t", "A title"));
  await clock.until(client.history.delete("t"));
  assert.deepEqual(calls.at(-2)?.body, { title: "A title" });
});

test("a transcript whose deletion was answered to nobody is deleted; one that is used is not", async () => {
  const codes = ["not_found", "conflict"];
  const { client, clock } = clientOf(() => {
    const code = codes.shift() as string;
    return Response.json({ code, message: "m", request_id: "r" }, { status: code === "conflict" ? 409 : 404 });
  });
  await clock.until(client.history.delete("t"));
  await assert.rejects(clock.until(client.history.delete("t")), ConflictError);
});

test("an exported file has the name that the API proposes", async () => {
  const names: [disposition: string | undefined, name: string][] = [
    [`attachment; filename="a.srt"; filename*=UTF-8''%C3%BCber.srt`, "über.srt"],
    [`attachment; filename="a.srt"`, "a.srt"],
    [`attachment; filename="a.srt"; filename*=UTF-8''%E0.srt`, "a.srt"], // cut off by a proxy
    [undefined, "transcript.srt"],
  ];
  for (const [disposition, name] of names) {
    const headers: HeadersInit = disposition === undefined ? {} : { "Content-Disposition": disposition };
    const { client, clock } = clientOf(() => new Response("1\n", { headers }));
    const file = await clock.until(client.history.exportFile("t", "srt"));
    assert.deepEqual([file.name, await file.content.text()], [name, "1\n"]);
  }
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

test("each action of a stream answers with its own shape", async () => {
  const { client, clock } = clientOf((path, init) => {
    if (path === "/transcription/sessions") return { sessions: [{ session_id: "s1" }] };
    const { action } = JSON.parse(String(init.body)) as { action: string };
    const lease = { session_id: "s1", lease_seconds: 60, lease_expires_at: "2026-11-29T12:01:00Z" };
    if (action === "save") return { saved: [0], rejected: [], seconds_left: 50, warnings: [] };
    return action === "stop" ? { billed_seconds: 3 } : lease;
  });
  assert.equal((await clock.until(client.stream.start({ title: "A" }))).session_id, "s1");
  assert.equal((await clock.until(client.stream.renew({ session_id: "s1" }))).lease_seconds, 60);
  const segments = [{ seq: 0, start_ms: 0, end_ms: 1, text: "a" }];
  assert.deepEqual((await clock.until(client.stream.save({ session_id: "s1", segments }))).saved, [0]);
  assert.equal((await clock.until(client.stream.stop({ session_id: "s1" }))).billed_seconds, 3);
  assert.equal((await clock.until(client.stream.openSessions()))[0]?.session_id, "s1");
});
