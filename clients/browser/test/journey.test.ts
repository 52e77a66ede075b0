/** The whole journey against a running backend, at API_URL. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import {
  type ApiError,
  createClient,
  InvalidRequestError,
  memoryStorage,
  NotFoundError,
  type Schema,
  UnauthenticatedError,
} from "../src/index.js";

const baseUrl = process.env["API_URL"] ?? "";
const SPEECH = new URL("../../../../demo/speech/sense_and_sensibility_01_austen_64kb-0930.wav", import.meta.url);
const recording = process.env["RECORDING"] ?? SPEECH;
const credentials = { email: `ada.${randomUUID()}@example.com`, password: `pass ${randomUUID()}` };
const RATE = 16_000;
const WAV_HEADER = 44;

test("a listener's journey", { skip: baseUrl === "" && "set API_URL to that of `make run`" }, async (t) => {
  const storage = memoryStorage();
  const client = createClient({ baseUrl, storage });
  const signedOut: string[] = [];
  client.auth.onSignedOut((reason) => signedOut.push(reason));

  await t.test("without a sign-in only public routes can be called", async () => {
    await assert.rejects(client.credits.balance(), (error: ApiError) => {
      assert.ok(error instanceof UnauthenticatedError);
      assert.deepEqual([error.status, error.code, error.reason], [401, "unauthenticated", "missing"]);
      assert.notEqual(error.requestId, "");
      return true;
    });
    const packages = await client.credits.packages();
    assert.deepEqual(packages.map((offer) => offer.id), ["starter", "popular", "power"]);
  });

  await t.test("an account has free credits", async () => {
    const registered = await client.auth.register(credentials);
    assert.equal(registered.free_credits, 200);
    await client.auth.login(credentials);
    assert.equal((await client.auth.user())?.email, credentials.email);
    assert.equal((await client.request("GET", "/auth/user")).email, credentials.email);
  });

  await t.test("an expired token is refreshed once, also for many requests together", async () => {
    const before = await client.auth.token();
    const [first, second] = await Promise.all([client.auth.replace(before ?? ""), client.auth.replace(before ?? "")]);
    assert.equal(first, second);
    assert.notEqual(first, undefined);
    assert.equal((await client.credits.balance()).available, 200);
  });

  let lease: Schema<"Lease">;
  await t.test("a session is started once, however often the request is repeated", async () => {
    const body = { transport: "relay", title: "A test", lease_seconds: 60 } as const;
    const options = { idempotencyKey: randomUUID() };
    lease = await client.stream.start(body, options);
    assert.equal((await client.stream.start(body, options)).session_id, lease.session_id);
    const balance = await client.credits.balance();
    assert.deepEqual([balance.available, balance.held], [200 - lease.credits_held, lease.credits_held]);
    assert.deepEqual((await client.stream.openSessions()).map((open) => open.session_id), [lease.session_id]);
  });

  await t.test("a chunk of audio is transcribed", async () => {
    const chunk = await client.request("POST", "/transcription/stream/{session_id}/audio", {
      path: { session_id: lease.session_id },
      query: { seq: 0, sample_rate: RATE, channels: 1 },
      body: new Uint8Array(2 * RATE),
      contentType: "audio/pcm",
    });
    assert.equal(chunk.duration_ms, 1_000);
  });

  await t.test("segments are saved and the session is stopped", async () => {
    const segments = [{ seq: 0, start_ms: 0, end_ms: 1_000, text: "They agreed on the price." }];
    const { session_id } = lease;
    assert.deepEqual((await client.stream.save({ session_id, segments })).saved, [0]);
    assert.equal((await client.stream.stop({ session_id })).billed_seconds, 1);
  });

  await t.test("captions that an earlier run could not save are saved; those of a transcript that is gone are dropped", async () => {
    const userId = (await client.auth.user())?.userId;
    const segments = [1, 2].map((seq) => ({ seq, start_ms: 1_000, end_ms: 2_000, text: `Caption ${seq}.` }));
    for (const sessionId of [lease.session_id, "01J00000000000000000000000"]) {
      await storage.set(`live-transcription/outbox/${sessionId}`, { userId, segments, sentSeqs: [] });
    }
    assert.deepEqual(await client.live.saveUnsaved(), { saved: 2, lost: 2, waiting: 0 });
    assert.deepEqual(await storage.keys("live-transcription/outbox/"), []);
  });

  await t.test("the transcript is in the history and can be downloaded", async () => {
    const items = [];
    for await (const item of client.history.list({ kind: "live" })) items.push(item);
    assert.deepEqual(items.map((item) => [item.id, item.state]), [[lease.transcript_id, "stopped"]]);
    await client.history.rename(lease.transcript_id, "The price");
    const detail = await client.history.get(lease.transcript_id);
    assert.equal(detail.transcript.title, "The price");
    assert.ok(detail.segments.some((segment) => segment.text === "They agreed on the price."));
    const file = await client.history.exportFile(lease.transcript_id, "srt");
    assert.equal(file.name, "The price.srt");
    assert.match(await file.content.text(), /00:00:00,000 --> 00:00:01,000\r?\nThey agreed on the price\./);
  });

  await t.test("a live session captions a recording over a hand-over", async () => {
    const file = await readFile(recording);
    const samples = new Int16Array(file.buffer.slice(file.byteOffset + WAV_HEADER, file.byteOffset + file.length - (file.length % 2)));
    // A lease of a minute may be renewed at once: this one two seconds after its start.
    const session = client.live.create({ language: "en", title: "Live", lease_seconds: 60, renewLeadSeconds: 58 });
    const captions: string[] = [];
    session.on("final", ({ text }) => captions.push(text));
    await session.start();
    for (let place = 0; place < samples.length + RATE; place += RATE / 10) {
      const frame = new Int16Array(RATE / 10);
      frame.set(samples.subarray(place, place + frame.length));
      session.feed(frame);
      await wait(100);
    }
    const stopped = await session.stop();

    assert.ok(stopped && stopped.billed_seconds > 0);
    const saved = await client.history.get(session.transcriptId ?? "");
    assert.equal(saved.segments.map(({ text }) => text).join(" "), captions.join(" "));
    console.log(`captions: ${captions.join(" ")}`);
    for (let tries = 0; tries < 2; tries++) await client.history.delete(session.transcriptId ?? "");
  });

  await t.test("a question is answered, and a catch-up has a price", async () => {
    const question = { question: "What did they agree on?", transcript_id: lease.transcript_id };
    assert.equal((await client.ask(question)).credits_used, 5);
    const range = { session_id: lease.session_id, from_ms: 0, to_ms: 1_000 };
    assert.equal((await client.quote(range)).credits, 1);
    const seen: string[] = [];
    const job = await client.catchUp(range, { onProgress: ({ status }) => seen.push(status), pollSeconds: 0.2 });
    assert.equal(job.credits_used, 1);
    assert.equal(seen.at(-1), "done");
  });

  await t.test("a recording is uploaded", async () => {
    const progress: number[] = [];
    const wav = new Blob([new Uint8Array(44 + 2 * RATE)], { type: "audio/wav" });
    const uploadId = await client.upload(wav, { onProgress: (part) => progress.push(part) });
    assert.notEqual(uploadId, "");
    assert.equal(progress.at(-1), 1);
  });

  await t.test("a checkout is opened and waited for", async () => {
    const abort = new AbortController();
    const opened: string[] = [];
    const open = (url: string): void => {
      opened.push(url);
      abort.abort();
    };
    const purchase = client.credits.buy({ packageId: "starter", open, signal: abort.signal });
    await assert.rejects(purchase, { name: "AbortError" });
    assert.equal(opened.length, 1);
    const { purchases } = await client.request("GET", "/credits/purchases");
    assert.deepEqual(purchases.map(({ state, cents }) => [state, cents]), [["open", 299]]);
  });

  await t.test("the statement explains every credit", async () => {
    const { transactions } = await client.request("GET", "/credits/transactions");
    const balance = await client.credits.balance();
    const total = transactions.reduce((sum, transaction) => sum + transaction.credits, 0);
    assert.equal(total, balance.available + balance.held);
    assert.ok(transactions.every((transaction) => transaction.explanation !== ""));
    assert.deepEqual(new Set(transactions.map(({ kind }) => kind)), new Set(["free_credits", "usage"]));
    assert.equal((await client.credits.usage()).totals.credits, 200 - balance.available);
  });

  await t.test("an invalid request is an error with its code and field", async () => {
    const question = client.ask({ question: "", transcript_id: lease.transcript_id });
    await assert.rejects(question, (error: ApiError) => {
      assert.ok(error instanceof InvalidRequestError);
      assert.deepEqual([error.status, error.code, error.details.field], [400, "invalid_request", "question"]);
      return true;
    });
    const missing = client.request("GET", "/transcription/catchup/{job_id}", { path: { job_id: "5a1de7d4" } });
    await assert.rejects(missing, (error) => error instanceof NotFoundError);
  });

  await t.test("signing out stops the open sessions and ends the token", async () => {
    await client.stream.start({ transport: "relay" });
    const token = await client.auth.token();
    assert.equal(await client.auth.logout(), true);
    assert.deepEqual(signedOut, ["logout"]);
    assert.equal(await client.auth.user(), undefined);
    const response = await fetch(`${baseUrl}/auth/user`, { headers: { Authorization: `Bearer ${token}` } });
    assert.equal(response.status, 401);
    await client.auth.login(credentials);
    assert.deepEqual(await client.stream.openSessions(), []);
    const { held } = await client.credits.balance();
    assert.equal(held, 0);
  });
});
