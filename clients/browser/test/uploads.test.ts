/** Uploads: their form, progress, refusals and aborts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../src/client.js";
import { AbortedError, NetworkError, TooLargeFileError } from "../src/errors.js";
import { upload } from "../src/uploads.js";
import { clientOf } from "./support/feature_client.js";
import { network } from "./support/network.js";

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

test("without progress, as in a worker, an upload is given as much time as its file needs", async () => {
  const { clock, environment } = network([{ status: 200, body: { ...FORM, max_bytes: 1e9 } }, "hang"]);
  const client = createClient({ baseUrl: "https://api.example", environment });
  const file = new Blob(["a".repeat(3_200_000)]); // 100 seconds at 256 kbit/s
  await assert.rejects(clock.until(client.upload(file)), (error) => error instanceof NetworkError && /no progress/.test(error.message));
  assert.ok(clock.nowMs >= 160_000 && clock.nowMs < 161_000, `${clock.nowMs}`);
});

test("an upload that cannot be opened fails at once and leaves no timer", async () => {
  const scope = globalThis as { XMLHttpRequest?: unknown };
  scope.XMLHttpRequest = class {
    open(): void {
      throw new DOMException("Invalid URL", "SyntaxError");
    }
  };
  try {
    const { client, clock } = clientOf(() => FORM);
    await assert.rejects(clock.until(upload(client.requests, new Blob(["a"]))), NetworkError);
    const before = clock.nowMs;
    assert.equal(clock.timerCount, 0);
    assert.ok(before < 1_000);
  } finally {
    delete scope.XMLHttpRequest;
  }
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
