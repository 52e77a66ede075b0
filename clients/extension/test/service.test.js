/** An address is saved only where this service answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkService } from "../common/client.js";

const answer = (status, body, type = "application/json") => {
  globalThis.fetch = async () => new Response(body, { status, headers: { "Content-Type": type } });
};

test("the stage of the service is what it says of its health", async () => {
  answer(200, JSON.stringify({ status: "ok", stage: "dev" }));

  assert.equal(await checkService("https://api.example.com"), "dev");
});

test("a page, or the answer of another service, is not taken for this one", async () => {
  for (const body of ["<!doctype html><title>Hello</title>", "{}", "null", '"ok"', '{"stage": 1}', ""]) {
    answer(200, body);
    await assert.rejects(checkService("https://api.example.com"), { code: "not_the_service" }, body);
  }
});

test("an error of the service is passed on", async () => {
  answer(503, JSON.stringify({ code: "unavailable", message: "Later.", request_id: "r" }));

  await assert.rejects(checkService("https://api.example.com"), { code: "unavailable" });
});
