/** Errors: each code and reason of the contract, and each way a session ends, has a sentence and an action. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ConflictError, errorOf, NetworkError, SessionInUseError } from "../../browser/dist/live-transcription.mjs";
import { CODES, END_REASONS, explain, explainEnd, isAborted, isBlocked, OTHERS, REASONS } from "../panel/errors.js";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const ERROR = JSON.parse(read("../../../docs/openapi.json")).components.schemas.Error.properties;
const ACTIONS = ["retry", "sign_in", "confirm", "buy", "settings", "start", "history", "microphone", "contact", "none"];

function codesThrownBy(folder) {
  const files = readdirSync(new URL(`../${folder}/`, import.meta.url)).filter((name) => name.endsWith(".js"));
  const code = files.map((name) => read(`../${folder}/${name}`)).join("\n");
  return [...code.matchAll(/code: "(\w+)"/g)].map(([, found]) => found);
}

test("every code of the contract has a sentence, and none is made up", () => {
  assert.deepEqual(Object.keys(CODES).sort(), [...ERROR.code.enum].sort());
});

test("every reason of the contract has a sentence, and none is made up", () => {
  assert.deepEqual(Object.keys(REASONS).sort(), [...ERROR.details.properties.reason.enum].sort());
});

test("every way in which a session ends has a sentence, and none is made up", () => {
  const union = /type EndReason =([^;]+);/.exec(read("../../browser/dist/live-transcription.d.ts"))[1];
  const reasons = [...union.matchAll(/"(\w+)"/g)].map(([, reason]) => reason);
  assert.ok(reasons.length > 5);
  assert.deepEqual(Object.keys(END_REASONS).sort(), reasons.sort());
});

test("every code that the extension's own contexts throw has a sentence", () => {
  const thrown = ["background", "offscreen", "common"].flatMap(codesThrownBy);
  assert.ok(thrown.includes("session_running"));
  const known = { ...CODES, ...REASONS, ...OTHERS };
  assert.deepEqual(thrown.filter((code) => !(code in known)), []);
});

test("every action is one that the pages know", () => {
  for (const table of [CODES, REASONS, END_REASONS, OTHERS]) {
    for (const [name, { action }] of Object.entries(table)) assert.ok(ACTIONS.includes(action), name);
  }
});

async function apiError(status, code, details, headers = {}) {
  const body = JSON.stringify({ code, message: "For people.", request_id: "r1", details });
  return errorOf(new Response(body, { status, headers }));
}

test("the reason of a conflict says more than its code", async () => {
  const error = await apiError(409, "conflict", { reason: "nothing_saved" });
  assert.ok(error instanceof ConflictError);
  assert.equal(explain(error).text, "error_nothing_saved");
});

test("the sentence of missing credits has what is needed and what is there", async () => {
  const { values, action } = explain(await apiError(402, "insufficient_credits", { required: 50, available: 7 }));
  assert.deepEqual(values, [{ credits: 50 }, { credits: 7 }]);
  assert.equal(action, "buy");
});

test("the sentence of a limit has its waiting time", async () => {
  const explained = explain(await apiError(429, "rate_limited", {}, { "Retry-After": "17" }));
  assert.deepEqual(explained.values, [{ seconds: 17 }]);
  assert.equal(explained.retryAfterSeconds, 17);
});

test("a field and, where the owner has to look, the request are named", async () => {
  assert.equal(explain(await apiError(400, "invalid_request", { field: "password" })).field, "password");
  assert.equal(explain(await apiError(500, "internal_error", {})).requestId, "r1");
  assert.equal(explain(await apiError(404, "not_found", {})).requestId, undefined);
});

test("an API that cannot be reached leads to the settings too: its address may be wrong, or it may not let the extension in", () => {
  assert.equal(explain(new NetworkError("x")).otherAction, "settings");
  assert.equal(explain(new NetworkError("x"), { isOnline: false }).otherAction, undefined);
  assert.ok(Object.values(OTHERS).every(({ otherAction }) => otherAction === undefined || ACTIONS.includes(otherAction)));
});

test("a lost network has a sentence of its own only where the browser has none", () => {
  assert.equal(explain(new NetworkError("x"), { isOnline: true }).text, "error_unreachable");
  assert.equal(explain(new NetworkError("x"), { isOnline: false }).text, "error_offline");
  assert.equal(explain({ code: "network" }, { isOnline: false }).text, "error_offline");
});

test("errors of the SDK and unknown ones have a sentence too", async () => {
  assert.equal(explain(new SessionInUseError()).text, "error_session_in_use");
  assert.equal(explain(new TypeError("x")).text, "error_unknown");
  assert.equal(explain(undefined).text, "error_unknown");
  assert.equal(explainEnd({ ended: { reason: "something new" } }).text, END_REASONS.failed.text);
  assert.ok(isBlocked(await apiError(403, "account_blocked", {})));
  assert.ok(isAborted({ name: "AbortError" }) && !isAborted(undefined));
});
