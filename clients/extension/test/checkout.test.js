/** The page of the payment service opens only at an address that nobody else can read or change. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openCheckout } from "../panel/checkout.js";

let opened;

beforeEach(() => {
  opened = [];
  globalThis.chrome = { tabs: { create: async ({ url }) => void opened.push(url) } };
});

test("a payment page is opened by https, and by http on this machine only", async () => {
  const addresses = ["https://checkout.example.com/c/1", "http://127.0.0.1:8000/c/1", "http://localhost:8000/c/1"];

  for (const address of addresses) await openCheckout(address);

  assert.deepEqual(opened, addresses);
});

test("an address of another scheme, or one that is none, is not opened", async () => {
  const addresses = ["http://checkout.example.com/", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "chrome://settings", "/c/1", "", undefined];

  for (const address of addresses) await assert.rejects(openCheckout(address), { code: "unsafe_address" }, String(address));

  assert.deepEqual(opened, []);
});
