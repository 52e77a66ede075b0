/** The Idempotency-Key of a request, over its tries and over those of a person. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as errors from "../src/errors.js";
import { error, keysOf, network, STREAM } from "./support/network.js";
import { settle } from "./support/virtual_clock.js";

test("a request that follows one whose answer never came has its key, once and for two minutes", async () => {
  const ask = { method: "POST", path: "/transcription/ask", body: { question: "Who?" }, tries: 1 } as const;
  const { requests, clock, sent } = network(["fail", "fail", { status: 200, body: {} }, { status: 200, body: {} }, { status: 503, body: error("unavailable") }]);
  await assert.rejects(clock.until(requests.json(ask)), errors.NetworkError);
  await assert.rejects(clock.until(requests.json({ ...ask, body: { question: "When?" } })), errors.NetworkError);
  await clock.until(requests.json(ask));
  await clock.until(requests.json(ask)); // answered before: another question
  assert.deepEqual(keysOf(sent), ["key 1", "key 2", "key 1", "key 3"]);

  await assert.rejects(clock.until(requests.json({ ...ask, idempotencyKey: "mine" })), errors.UnavailableError);
  await clock.advance(121_000);
  await clock.until(requests.json({ ...ask, body: { question: "When?" } }));
  assert.deepEqual(keysOf(sent).slice(4), ["mine", "key 4"]);
});

test("a request that was decided, or is a long save, gets a key of its own", async () => {
  const ask = { method: "POST", path: "/transcription/ask", body: { question: "Who?" }, tries: 1 } as const;
  const decided = network([{ status: 402, body: error("insufficient_credits") }]);
  await assert.rejects(decided.clock.until(decided.requests.json(ask)), errors.InsufficientCreditsError);
  await decided.clock.until(decided.requests.json(ask));
  assert.deepEqual(keysOf(decided.sent), ["key 1", "key 2"]);

  const save = { ...STREAM, body: { action: "save", text: "a".repeat(10_001) }, tries: 1 };
  const saving = network(["fail"]);
  await assert.rejects(saving.clock.until(saving.requests.json(save)), errors.NetworkError);
  await saving.clock.until(saving.requests.json(save));
  assert.deepEqual(keysOf(saving.sent), ["key 1", "key 2"]);

  const many = network(Array.from({ length: 21 }, () => "fail" as const));
  for (let number = 0; number < 21; number++) {
    await assert.rejects(many.clock.until(many.requests.json({ ...ask, body: { question: `${number}` } })), errors.NetworkError);
  }
  for (const question of ["0", "20"]) await many.clock.until(many.requests.json({ ...ask, body: { question } }));
  assert.deepEqual(keysOf(many.sent).slice(21), ["key 22", "key 21"]);
});

test("an abort of a catch-up whose answer is awaited, and another try, start one job", async () => {
  const controller = new AbortController();
  const call = { method: "POST", path: "/transcription/catchup", body: { session_id: "s1" } } as const;
  const { requests, clock, sent } = network(["hang"]);
  const pending = requests.json({ ...call, signal: controller.signal });
  pending.catch(() => undefined);
  await settle();
  controller.abort();
  await assert.rejects(pending, errors.AbortedError);
  await clock.until(requests.json(call));
  assert.deepEqual(keysOf(sent), ["key 1", "key 1"]);
});

test("a refused account after a try whose answer was lost decides nothing about the request", async () => {
  const ask = { method: "POST", path: "/transcription/ask", body: { question: "Who?" } } as const;
  for (const refusal of [
    { status: 401, body: error("unauthenticated", { reason: "signed_out" }) },
    { status: 403, body: error("account_blocked") },
  ]) {
    const { requests, clock, sent } = network(["fail", refusal, { status: 200, body: {} }]);
    await assert.rejects(clock.until(requests.json(ask)), errors.ApiError);
    await clock.until(requests.json(ask));
    assert.deepEqual(keysOf(sent), ["key 1", "key 1", "key 1"]);
  }
});
