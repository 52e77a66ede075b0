/** The service worker in a browser of its own, which is as after its start before each test. */
import assert from "node:assert/strict";
import { after, beforeEach } from "node:test";
import { FakeBrowser } from "./fake_browser.js";

// The minute of an offer is a timer, which must not keep this process alive; a test that only waits for promises must.
const { setTimeout: setTimer } = globalThis;
globalThis.setTimeout = (...timer) => setTimer(...timer).unref();
const alive = setInterval(() => undefined, 60_000);
after(() => clearInterval(alive));

export const browser = new FakeBrowser();
await import("../../background/worker.js");
await browser.settled();
beforeEach(() => browser.reset());

/** Longer than any test of these takes; it is a fault that nothing else would end. */
export const PATIENT = { timeout: 60_000 };
const PATIENCE_MS = 20_000;

/** Waits until a condition holds, while everything else goes on. */
export async function until(isTrue) {
  const deadline = performance.now() + PATIENCE_MS;
  while (!isTrue()) {
    assert.ok(performance.now() < deadline, `not so in ${PATIENCE_MS} ms: ${isTrue}`);
    await new Promise(setImmediate);
  }
}

/** A promise, `opened`, with what resolves it. */
export function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { open, opened };
}
