/** How requests are sent, retried and refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../src/client.js";
import * as errors from "../src/errors.js";
import type { TokenSource } from "../src/requests.js";
import { ANONYMOUS, error, keysOf, network, STREAM, type Reply } from "./support/network.js";
import { settle } from "./support/virtual_clock.js";

test("a request keeps its body and its key over all tries, with a growing wait", async () => {
  const { requests, clock, sent } = network(["fail", { status: 503 }, { status: 502, body: error("provider_error") }, { status: 201, body: { ok: 1 } }]);
  assert.deepEqual(await clock.until(requests.json(STREAM)), { ok: 1 });

  assert.equal(sent.length, 4);
  assert.equal(new Set(sent.map(({ init }) => init.body)).size, 1);
  assert.equal(new Set(sent.map(({ init }) => new Headers(init.headers).get("Idempotency-Key"))).size, 1);
  assert.equal(sent[0]?.url, "https://api.example/dev/transcription/stream");
  assert.deepEqual(sent.map(({ atMs }) => atMs), [0, 500, 1_500, 3_500]);
});

for (const status of [409, 429, 502, 503, 504]) {
  test(`${status} is retried after its Retry-After`, async () => {
    const body = error(status === 409 ? "conflict" : "unavailable", { reason: "still_running" });
    const { requests, clock, sent } = network([{ status, body, headers: { "Retry-After": "7" } }]);
    await clock.until(requests.json(STREAM));

    assert.deepEqual(sent.map(({ atMs }) => atMs), [0, 7_250]);
  });
}

test("a Retry-After may be a date, by the clock of the API", async () => {
  const date = "Sun, 29 Nov 2026 12:00:07 GMT";
  for (const [headers, waitMs] of [
    [{ "Retry-After": date, Date: "Sun, 29 Nov 2026 12:00:00 GMT" }, 7_250],
    [{ "Retry-After": date, Date: "Sun, 29 Nov 2026 13:00:00 GMT" }, 250], // it has passed
    [{ "Retry-After": "-5" }, 250],
    [{ "Retry-After": "soon" }, 500], // the usual wait
    [{ "Retry-After": "" }, 500],
  ] as [Record<string, string>, number][]) {
    const { requests, clock, sent } = network([{ status: 503, body: error("unavailable"), headers }]);
    await clock.until(requests.json(STREAM));
    assert.deepEqual(sent.map(({ atMs }) => atMs), [0, waitMs], JSON.stringify(headers));
  }
  const { requests, clock, sent } = network([{ status: 503, body: error("unavailable"), headers: { "Retry-After": new Date(Date.now() + 30_000).toUTCString() } }]);
  await clock.until(requests.json(STREAM)); // without a Date, by the clock of the device
  assert.ok((sent[1]?.atMs ?? 0) > 20_000 && (sent[1]?.atMs ?? 0) < 31_000);
});

test("an abort ends the wait for a token that another context refreshes", async () => {
  const never = new Promise<string>(() => undefined);
  const expired: Reply = { status: 401, body: error("unauthenticated", { reason: "expired" }) };
  for (const tokens of [{ ...ANONYMOUS, token: () => never }, { ...ANONYMOUS, token: async () => "old", replace: () => never }]) {
    const controller = new AbortController();
    const pending = network([expired], tokens).requests.json({ ...STREAM, signal: controller.signal });
    pending.catch(() => undefined);
    await settle();
    controller.abort();
    await assert.rejects(pending, errors.AbortedError);
  }
});

test("a page of a network's sign-in is no answer, and the request is sent again", async () => {
  const { requests, clock, sent } = network([{ status: 200, body: "<html>", headers: { "Content-Type": "text/html" } }]);
  await clock.until(requests.json(STREAM));
  assert.equal(sent.length, 2);
});

test("a conflict without Retry-After, a long Retry-After and a refusal are the caller's", async () => {
  for (const reply of [
    { status: 409, body: error("conflict", { reason: "lease_open" }) },
    { status: 429, body: error("rate_limited"), headers: { "Retry-After": "3600" } },
    { status: 400, body: error("invalid_request", { field: "title" }) },
    { status: 500, body: error("internal_error") },
  ]) {
    const { requests, clock, sent } = network([reply]);
    await assert.rejects(clock.until(requests.json(STREAM)), (failure: errors.ApiError) => failure.status === reply.status);
    assert.equal(sent.length, 1);
  }
});

test("the tries are bounded, and the last error is thrown", async () => {
  const { requests, clock, sent } = network(Array.from({ length: 9 }, () => ({ status: 503, body: error("unavailable") })));
  await assert.rejects(clock.until(requests.json(STREAM)), (failure) => failure instanceof errors.UnavailableError);
  assert.equal(sent.length, 5);
  await assert.rejects(clock.until(requests.json({ ...STREAM, tries: 1 })), errors.UnavailableError);
  assert.equal(sent.length, 6);
});

test("a request that would mislead when repeated is sent once, unless it was refused with 429", async () => {
  const call = { method: "POST", path: "/auth/register", body: {} } as const;
  for (const reply of ["fail", { status: 503, body: error("unavailable") }] as const) {
    const { requests, clock, sent } = network([reply]);
    await assert.rejects(clock.until(requests.json(call)));
    assert.equal(sent.length, 1);
  }
  const { requests, clock, sent } = network([{ status: 429, body: error("rate_limited"), headers: { "Retry-After": "1" } }]);
  await clock.until(requests.json(call));
  assert.equal(sent.length, 2);
});

test("a try that takes too long is given up, and so is a request that is aborted", async () => {
  const slow = network(["hang"]);
  await slow.clock.until(slow.requests.json({ ...STREAM, timeoutMs: 2_000 }));
  assert.deepEqual(slow.sent.map(({ atMs }) => atMs), [0, 2_500]);

  const { requests, clock } = network(["hang", "fail"]);
  const controller = new AbortController();
  const pending = requests.json({ ...STREAM, signal: controller.signal });
  pending.catch(() => undefined);
  await settle();
  controller.abort();
  await assert.rejects(pending, { name: "AbortError" });
  await assert.rejects(requests.json({ ...STREAM, signal: controller.signal }), { name: "AbortError" });

  const waiting = new AbortController();
  const retried = network(["fail"]);
  const between = retried.requests.json({ ...STREAM, signal: waiting.signal });
  between.catch(() => undefined);
  await retried.clock.advance(100);
  waiting.abort();
  await assert.rejects(between, { name: "AbortError" });
  assert.equal(clock.nowMs, 0);
});

test("an expired token is replaced once; another expired one is an error", async () => {
  const expired: Reply = { status: 401, body: error("unauthenticated", { reason: "expired" }) };
  const used: string[] = [];
  const tokens: TokenSource = {
    signInId: async () => "sign-in",
    token: async () => `token ${used.length}`,
    replace: async (token) => {
      used.push(token);
      return "new";
    },
    reject: async (token, reason) => void used.push(`rejected ${token}: ${reason}`),
  };
  const { requests, clock, sent } = network([expired, { status: 200, body: {} }, expired, expired], tokens);
  await clock.until(requests.json(STREAM));
  assert.deepEqual(sent.map(({ init }) => new Headers(init.headers).get("Authorization")), ["Bearer token 0", "Bearer token 1"]);
  await assert.rejects(clock.until(requests.json(STREAM)), errors.UnauthenticatedError);
  assert.deepEqual(used, ["token 0", "token 1"]);

  used.length = 0;
  // The device slept while the service was unavailable: its token has expired a second time.
  const slept = network([expired, { status: 503, body: error("unavailable") }, expired, { status: 200, body: {} }], tokens);
  await slept.clock.until(slept.requests.json(STREAM));
  assert.deepEqual(used, ["token 0", "token 1"]);

  const refused = network([{ status: 401, body: error("unauthenticated", { reason: "signed_out" }) }], tokens);
  await assert.rejects(refused.clock.until(refused.requests.json(STREAM)), errors.UnauthenticatedError);
  assert.equal(used.at(-1), "rejected token 2: signed_out");
});

test("each code has its class, with reason, details and the time to wait", async () => {
  const classes: [number, string, new (...values: never[]) => Error][] = [
    [400, "invalid_request", errors.InvalidRequestError],
    [400, "provider_not_offered", errors.ProviderNotOfferedError],
    [401, "unauthenticated", errors.UnauthenticatedError],
    [401, "invalid_credentials", errors.InvalidCredentialsError],
    [402, "insufficient_credits", errors.InsufficientCreditsError],
    [403, "forbidden", errors.ForbiddenError],
    [403, "email_unverified", errors.EmailUnverifiedError],
    [403, "account_blocked", errors.AccountBlockedError],
    [403, "origin_not_allowed", errors.OriginNotAllowedError],
    [404, "not_found", errors.NotFoundError],
    [409, "conflict", errors.ConflictError],
    [409, "email_taken", errors.EmailTakenError],
    [409, "idempotency_mismatch", errors.IdempotencyMismatchError],
    [413, "too_large", errors.TooLargeError],
    [429, "rate_limited", errors.RateLimitedError],
    [502, "provider_error", errors.ProviderFailedError],
    [503, "unavailable", errors.UnavailableError],
    [504, "provider_timeout", errors.ProviderFailedError],
    [415, "unsupported_media_type", errors.UnsupportedMediaTypeError],
    [400, "invalid_signature", errors.InvalidSignatureError],
    [500, "internal_error", errors.InternalError],
    [418, "of_a_newer_api", errors.ApiError],
  ];
  for (const [status, code, ErrorClass] of classes) {
    const response = new Response(JSON.stringify(error(code, { reason: "x", required: 5, available: 2 })), { status, headers: { "Retry-After": "9" } });
    const failure = (await errors.errorOf(response)) as errors.ApiError;
    assert.ok(failure instanceof ErrorClass, code);
    assert.deepEqual([failure.code, failure.reason, failure.requestId, failure.retryAfterSeconds], [code, "x", "r1", 9]);
    if (failure instanceof errors.InsufficientCreditsError) assert.deepEqual([failure.required, failure.available], [5, 2]);
  }
  assert.ok(errors.isAccountEnded(await errors.errorOf(new Response(JSON.stringify(error("account_blocked")), { status: 403 }))));
});

test("an answer that is not the API's decides nothing, and the request is sent again with its key", async () => {
  for (const [status, body] of [[403, "<html>"], [404, { message: "Not Found" }], [400, { code: 7, message: "m", request_id: "" }], [401, null], [500, { code: "x", message: "m" }]] as const) {
    const failure = await errors.errorOf(new Response(JSON.stringify(body), { status, headers: { "Retry-After": "9" } }));
    assert.ok(failure instanceof errors.NetworkError && failure.retryAfterSeconds === 9, `${status}`);
    const { requests, clock, sent } = network([{ status, body }]);
    await clock.until(requests.json(STREAM));
    assert.deepEqual(keysOf(sent), ["key 1", "key 1"]);
  }
  const slow = network([{ status: 503, body: "<html>", headers: { "Retry-After": "7" } }]);
  await slow.clock.until(slow.requests.json(STREAM));
  assert.deepEqual(slow.sent.map(({ atMs }) => atMs), [0, 7_250]);
});

test("a successful answer that is no JSON is that of a proxy, and the request is sent again", async () => {
  const sent: string[] = [];
  const { requests, clock, environment } = network([]);
  environment.fetch = async (url) => new Response(sent.push(url) === 1 ? "Sign in to this network" : '{"ok":1}');
  assert.deepEqual(await clock.until(requests.json(STREAM)), { ok: 1 });
  assert.equal(sent.length, 2);
  const empty = network([{ status: 200 }, { status: 204 }]);
  assert.equal(await empty.clock.until(empty.requests.json(STREAM)), undefined);
  assert.equal(empty.sent.length, 2);
});

test("path, query and body are put where they belong", async () => {
  const { clock, sent, environment } = network([{ status: 200, body: { items: [] } }]);
  const client = createClient({ baseUrl: "https://api.example", environment });
  const query = { limit: 5, kind: "live" as const };
  await clock.until(client.request("GET", "/transcription/history", { query }));
  await clock.until(client.request("GET", "/transcription/history/{transcript_id}", { path: { transcript_id: "a/b" } }));
  const audio = new Uint8Array(10);
  await clock.until(
    client.request("POST", "/transcription/stream/{session_id}/audio", {
      path: { session_id: "s" },
      query: { seq: 3 },
      body: audio,
      contentType: "audio/wav",
    }),
  );
  await clock.until(client.request("POST", "/auth/logout", { body: {}, idempotencyKey: "mine" }));

  assert.deepEqual(sent.map(({ url }) => url.slice("https://api.example".length)), [
    "/transcription/history?limit=5&kind=live",
    "/transcription/history/a%2Fb",
    "/transcription/stream/s/audio?seq=3",
    "/auth/logout",
  ]);
  assert.equal(sent[2]?.init.body, audio);
  assert.equal(new Headers(sent[2]?.init.headers).get("Content-Type"), "audio/wav");
  assert.equal(new Headers(sent[3]?.init.headers).get("Idempotency-Key"), "mine");
});

test("a request is not repeated as another user, who signs in between two tries", async () => {
  for (const next of ["ben", undefined]) {
    let user: string | undefined = "ada";
    const tokens: TokenSource = { ...ANONYMOUS, signInId: async () => user, token: async () => user && `token of ${user}` };
    const { requests, clock, sent } = network(["fail"], tokens);
    const asked = requests.json(STREAM);
    asked.catch(() => undefined);
    await settle();
    user = next;
    await assert.rejects(clock.until(asked), errors.UnauthenticatedError);
    assert.deepEqual(sent.map(({ init }) => new Headers(init.headers).get("Authorization")), ["Bearer token of ada"]);
    await assert.rejects(requests.json({ ...STREAM, signInId: "ada" }), errors.UnauthenticatedError);
    assert.equal(sent.length, 1);
  }
});

test("a request never uses the token of a user who signs in while it begins", async () => {
  let user = "ada";
  const tokens: TokenSource = { ...ANONYMOUS, signInId: async () => user, token: async () => `token of ${(user = "ben")}` };
  const { requests, sent } = network([], tokens);
  await assert.rejects(requests.json(STREAM), errors.UnauthenticatedError);
  assert.equal(sent.length, 0);
});
