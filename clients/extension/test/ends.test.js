/** A stop that the API has not accepted is no success until it was accepted later. */
import assert from "node:assert/strict";
import { test } from "node:test";
import "../overlay/status.js";
import { acceptStop, endNameOf } from "../common/ends.js";
import { fold, overlayView, startingView } from "../common/live_view.js";
import { explainEnd } from "../panel/errors.js";

const START = fold(startingView({ tabId: 7, tabTitle: "Talk", nowMs: 5 }), "opened", { sessionId: "s", transcriptId: "t" });
const STOPPED = { billed_seconds: 61, credits_used: 11 };
const ended = (data, before = START) => Object.freeze(fold(before, "ended", data));
const withoutNetwork = (before) => ended({ reason: "stopped", error: { code: "network", message: "no answer" } }, before);
const statusOf = (view) => globalThis.captionStatus.statusOf(overlayView(view));

test("neither the panel nor the overlay calls a stop without a network saved", () => {
  for (const before of [START, fold(START, "source_ended", { source: "tab" })]) {
    const view = withoutNetwork(before);
    assert.equal(endNameOf(view), "not_saved");
    assert.equal(explainEnd(view).text, "overlay_ended_not_saved");
    assert.equal(explainEnd(view).action, "retry");
    assert.deepEqual(statusOf(view), { name: "overlay_ended_not_saved", values: [], isAlert: true });
  }
});

test("a stop that the API accepted is saved", () => {
  const view = ended({ reason: "stopped", stopped: STOPPED });
  assert.equal(explainEnd(view).text, "overlay_ended_stopped");
  assert.equal(statusOf(view).isAlert, false);
  assert.equal(explainEnd(ended({ reason: "stopped", stopped: STOPPED }, fold(START, "source_ended", { source: "tab" }))).text, "ended_tab_closed");
});

test("a stop that the API refused for good says why", () => {
  const refused = { not_found: "deleted", account_blocked: "account_blocked", unauthenticated: "signed_out" };
  for (const [code, name] of Object.entries(refused)) assert.equal(endNameOf(ended({ reason: "stopped", error: { code } })), name);
});

test("a later stop of the same session makes the end a success, with its bill", () => {
  const view = acceptStop(withoutNetwork(), "s", STOPPED);
  assert.equal(explainEnd(view).text, "overlay_ended_stopped");
  assert.deepEqual(view.ended, { reason: "stopped", billedSeconds: 61, creditsUsed: 11 });
  assert.deepEqual(acceptStop(withoutNetwork(), "s").ended, { reason: "stopped" });
  assert.equal(endNameOf(acceptStop(withoutNetwork(), "another", STOPPED)), "not_saved");
  const failed = ended({ reason: "failed", error: { code: "network" } });
  assert.equal(acceptStop(failed, "s", STOPPED), failed);
});

test("a lost recorder and a failure say what happened", () => {
  assert.equal(explainEnd({ ended: { reason: "failed", cause: "recorder_lost" } }).text, "ended_recorder_lost");
  assert.equal(explainEnd(ended({ reason: "failed", error: { code: "internal_error" } })).text, "error_internal");
  assert.equal(explainEnd({ ended: { reason: "something new" } }).text, "overlay_ended_failed");
});
