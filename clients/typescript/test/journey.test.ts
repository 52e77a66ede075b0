/** The whole journey against a running backend, at API_URL. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { ApiError, audio, connect, file, idempotencyKey, value, type Schema } from "../src/index.js";

const baseUrl = process.env["API_URL"] ?? "";
const credentials = { email: `ada.${randomUUID()}@example.com`, password: `pass ${randomUUID()}` };
const RATE = 16_000;

test("a listener's journey", async (t) => {
  let token: string | undefined;
  const backend = connect({ baseUrl, token: () => token });

  await t.test("without a token only public routes can be called", async () => {
    await assert.rejects(value(backend.GET("/credits/balance")), (error: ApiError) => {
      assert.deepEqual([error.status, error.code], [401, "unauthenticated"]);
      assert.notEqual(error.requestId, "");
      return true;
    });
    const { packages } = await value(backend.GET("/credits/packages"));
    assert.deepEqual(packages.map((offer) => offer.id), ["starter", "popular", "power"]);
  });

  await t.test("an account has free credits", async () => {
    const registered = await value(backend.POST("/auth/register", { body: credentials }));
    assert.equal(registered.free_credits, 200);
    const signedIn = await value(backend.POST("/auth/login", { body: credentials }));
    token = signedIn.token;
    assert.equal((await value(backend.GET("/auth/user"))).email, credentials.email);
  });

  let lease: Schema<"Lease">;
  await t.test("a session is started once, however often the request is repeated", async () => {
    const request = {
      params: { header: idempotencyKey() },
      body: { action: "start", transport: "relay", title: "A test", lease_seconds: 60 },
    } as const;
    lease = leaseOf(await value(backend.POST("/transcription/stream", request)));
    const again = leaseOf(await value(backend.POST("/transcription/stream", request)));
    assert.equal(again.session_id, lease.session_id);
    const balance = await value(backend.GET("/credits/balance"));
    assert.deepEqual([balance.available, balance.held], [200 - lease.credits_held, lease.credits_held]);
  });

  await t.test("a chunk of audio is transcribed", async () => {
    const silence = new Uint8Array(2 * RATE);
    const path = { session_id: lease.session_id };
    const query = { seq: 0, sample_rate: RATE, channels: 1 } as const;
    const chunk = await value(
      backend.POST("/transcription/stream/{session_id}/audio", {
        params: { path, query },
        ...audio(silence, "audio/pcm"),
      }),
    );
    assert.equal(chunk.duration_ms, 1_000);
  });

  await t.test("segments are saved and the session is stopped", async () => {
    const segments = [{ seq: 0, start_ms: 0, end_ms: 1_000, text: "They agreed on the price." }];
    const { session_id } = lease;
    await value(backend.POST("/transcription/stream", { body: { action: "save", session_id, segments } }));
    const stopped = await value(backend.POST("/transcription/stream", { body: { action: "stop", session_id } }));
    assert.ok("billed_seconds" in stopped);
    assert.equal(stopped.billed_seconds, 1);
  });

  await t.test("the transcript is in the history and can be downloaded", async () => {
    const { items } = await value(backend.GET("/transcription/history", { params: { query: { kind: "live" } } }));
    assert.deepEqual(items.map((item) => [item.id, item.state]), [[lease.transcript_id, "stopped"]]);
    const path = { transcript_id: lease.transcript_id };
    const detail = await value(backend.GET("/transcription/history/{transcript_id}", { params: { path } }));
    assert.ok(detail.segments.some((segment) => segment.text === "They agreed on the price."));
    const subtitles = await file(
      backend.GET("/transcription/history/{transcript_id}/export", {
        params: { path, query: { format: "srt" } },
        parseAs: "text",
      }),
    );
    assert.match(subtitles, /00:00:00,000 --> 00:00:01,000\r?\nThey agreed on the price\./);
  });

  await t.test("a question is answered, and a catch-up has a price", async () => {
    const question = { question: "What did they agree on?", transcript_id: lease.transcript_id };
    const answer = await value(backend.POST("/transcription/ask", { params: { header: idempotencyKey() }, body: question }));
    assert.equal(answer.credits_used, 5);
    const body = { session_id: lease.session_id, from_ms: 0, to_ms: 1_000, quote: true };
    const quote = await value(backend.POST("/transcription/catchup", { body }));
    assert.ok("price_version" in quote);
    assert.equal(quote.credits, 1);
  });

  await t.test("a checkout is created", async () => {
    const request = { params: { header: idempotencyKey() }, body: { package_id: "starter" } };
    const checkout = await value(backend.POST("/credits/purchase", request));
    assert.deepEqual([checkout.credits, checkout.cents, checkout.currency], [500, 299, "usd"]);
  });

  await t.test("the statement explains every credit", async () => {
    const { transactions } = await value(backend.GET("/credits/transactions"));
    const balance = await value(backend.GET("/credits/balance"));
    const sum = transactions.reduce((total, transaction) => total + transaction.credits, 0);
    assert.equal(sum, balance.available + balance.held);
    assert.ok(transactions.every((transaction) => transaction.explanation !== ""));
    assert.deepEqual(new Set(transactions.map((transaction) => transaction.kind)), new Set(["free_credits", "usage"]));
    const asCsv = { params: { query: { format: "csv" } }, parseAs: "text" } as const;
    assert.match(await file(backend.GET("/credits/transactions", asCsv)), /^at,kind,credits,explanation/);
    assert.equal((await value(backend.GET("/analytics/usage"))).totals.credits, 6);
  });

  await t.test("an invalid request is an error with its code and field", async () => {
    const body = { question: "", transcript_id: lease.transcript_id };
    await assert.rejects(value(backend.POST("/transcription/ask", { body })), (error: ApiError) => {
      assert.deepEqual([error.status, error.code, error.details["field"]], [400, "invalid_request", "question"]);
      return true;
    });
    const missing = backend.GET("/transcription/catchup/{job_id}", { params: { path: { job_id: "5a1de7d4" } } });
    await assert.rejects(value(missing), (error: ApiError) => error.code === "not_found");
  });

  await t.test("signing out ends the token", async () => {
    assert.equal((await value(backend.POST("/auth/logout", {}))).signed_out, true);
    await assert.rejects(value(backend.GET("/auth/user")), (error: ApiError) => error.status === 401);
  });
});

function leaseOf(answer: object): Schema<"Lease"> {
  assert.ok("lease_expires_at" in answer);
  return answer as Schema<"Lease">;
}
