/** The view holds what pages draw, whatever events come, and does not change what it was made of. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_VIEW, fold, isActive, overlayView, startingView, viewFor } from "../common/live_view.js";

const START = Object.freeze(startingView({ tabId: 7, tabTitle: "Talk", nowMs: 5 }));
const after = (...events) => events.reduce((view, [event, data]) => Object.freeze(fold(view, event, data)), START);
const final = (seq, changes = {}) => ["final", { seq, text: `word ${seq}`, startMs: seq * 1000, endMs: seq * 1000 + 500, ...changes }];

test("final words replace the partial ones, in order, and the last fifty are kept", () => {
  const partial = { text: "wo", startMs: 0, endMs: 200 };
  assert.deepEqual(after(["partial", partial]).partial, partial);
  const view = after(["partial", partial], ...Array.from({ length: 60 }, (_, seq) => final(seq)));
  assert.equal("partial" in view, false);
  assert.deepEqual(view.captions.map(({ seq }) => seq), Array.from({ length: 50 }, (_, index) => index + 10));
});

test("a final caption that comes twice is shown once", () => {
  assert.equal(after(final(0), final(0)).captions.length, 1);
});

test("an ended view always has its reason, its bill and why", () => {
  const stopped = { billed_seconds: 61, credits_used: 3 };
  const ending = after(["state", { state: "live" }], ["state", { state: "stopping" }], ["state", { state: "ended" }]);
  assert.equal(ending.state, "stopping");
  const view = after(["source_ended", { source: "tab" }], ["ended", { reason: "stopped", stopped }]);
  assert.equal(view.state, "ended");
  assert.deepEqual(view.ended, { reason: "stopped", cause: "tab_closed", billedSeconds: 61, creditsUsed: 3 });
  const failed = after(["ended", { reason: "failed", error: { code: "network", message: "no answer" } }]);
  assert.deepEqual([failed.ended, failed.error], [{ reason: "failed" }, { code: "network", message: "no answer" }]);
});

test("a microphone that is unplugged does not end the session", () => {
  const view = after(["state", { state: "live" }], ["source_ended", { source: "microphone" }]);
  assert.equal(view.state, "live");
  assert.equal(view.isMicrophoneGone, true);
});

test("all warnings that apply are kept, and the most important one is drawn", () => {
  const lease = ["lease", { provider: "openai", leaseSeconds: 60, creditsPerMinute: 2 }];
  const credits = ["credits", { available: 5, held: 2, minutesLeft: 3 }];
  const warnings = (...codes) => ["warnings", { codes }];
  const order = ["credits_low", "words_limit", "words_rejected", "save_failing", "no_audio"];
  for (const [place, code] of order.entries()) {
    const view = after(warnings("lease_ending", ...order.slice(place).reverse()), lease, credits, final(1));
    assert.deepEqual([view.warning, view.warnings.length], [{ code }, 1 + order.length - place]);
    assert.equal(overlayView(view).warning, code);
  }
  const low = after(warnings("credits_low"), warnings("credits_low", "lease_ending"));
  assert.deepEqual([low.warning, low.warnings], [{ code: "credits_low" }, ["credits_low", "lease_ending"]]);
  for (const codes of [["lease_ending"], ["of_a_later_version"], []]) assert.equal("warning" in after(warnings("save_failing"), warnings(...codes)), false);
  const ended = after(warnings("credits_low"), ["ended", { reason: "stopped" }]);
  assert.equal("warning" in ended || "warnings" in ended, false);
});

test("gaps that touch become one, and others stay apart", () => {
  const gap = (startMs, endMs, reason = "buffer_full") => ["uncovered", { startMs, endMs, reason }];
  assert.deepEqual(after(gap(0, 1000), gap(1000, 2500)).gaps, [{ startMs: 0, endMs: 2500, reason: "buffer_full" }]);
  assert.equal(after(gap(0, 1000), gap(1001, 2500)).gaps.length, 2);
  assert.equal(after(gap(0, 1000), gap(1000, 2500, "no_audio")).gaps.length, 2);
});

test("an event that is not known changes nothing", () => {
  assert.equal(fold(START, "later", {}), START);
  assert.equal(fold(START, "constructor", {}), START);
});

test("the overlay gets the last lines with the gaps between them, and nothing else of the view", () => {
  const view = after(["opened", { sessionId: "s", transcriptId: "t" }], final(1), final(9), ["uncovered", { startMs: 3000, endMs: 7400, reason: "buffer_full" }], ["uncovered", { startMs: 8000, endMs: 8300, reason: "buffer_full" }]);
  const drawn = overlayView(view);
  assert.deepEqual(drawn.lines.map(({ key, seconds }) => [key, seconds]), [["caption-1", undefined], ["gap-3000", 4], ["caption-9", undefined]]);
  assert.equal(JSON.stringify(drawn).includes("Talk"), false);
  const many = after(...Array.from({ length: 30 }, (_, seq) => final(seq)));
  assert.equal(overlayView(many).lines.at(-1).key, "caption-29");
  assert.equal(overlayView(many).lines.length, 12);
});

test("of the session of another user a page shows only that it runs", () => {
  const view = { ...after(["state", { state: "live" }], final(1)), userId: "ada", interrupted: { sessionId: "s" } };
  assert.equal(viewFor("ada", view), view);
  assert.deepEqual(viewFor("ben", view), { ...EMPTY_VIEW, state: "live" });
  assert.deepEqual(viewFor("ben", fold(view, "ended", { reason: "stopped" })), EMPTY_VIEW);
  assert.equal(viewFor("ben", EMPTY_VIEW), EMPTY_VIEW);
});

test("an offer is gone once a session has begun", () => {
  const view = { ...START, interrupted: { sessionId: "s" } };
  assert.equal("interrupted" in fold(view, "opened", { sessionId: "s", transcriptId: "t" }), false);
});

test("a session is active from its start to its end", () => {
  assert.deepEqual(["starting", "live", "reconnecting", "paused", "stopping"].filter(isActive).length, 5);
  assert.deepEqual([EMPTY_VIEW.state, "ended", undefined].filter(isActive), []);
});
