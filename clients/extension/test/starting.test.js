/** A start that failed leaves no session in the view, also where only the events of the recorder tell the worker. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { foldEvents } from "../background/session.js";
import { EMPTY_VIEW, startingView } from "../common/live_view.js";

const ERROR = { code: "insufficient_credits", message: "For people." };
const BEFORE = Object.freeze({ ...startingView({ tabId: 7, tabTitle: "Talk", nowMs: 5 }), recordingId: "r", overlay: "shown" });

test("a start that failed leaves its error and no tab", () => {
  const events = ["starting", "idle"].map((state, index) => ({ number: index + 1, event: "state", data: { state } }));
  const view = foldEvents(BEFORE, [...events, { number: 3, event: "start_failed", data: ERROR }]);
  assert.deepEqual(view, { state: "idle", captions: [], gaps: [], error: ERROR });
});

test("an interrupted session is still offered after a start that failed", () => {
  const interrupted = { sessionId: "s", transcriptId: "t" };
  const view = foldEvents({ ...BEFORE, interrupted }, [{ number: 1, event: "start_failed", data: ERROR }]);
  assert.deepEqual(view.interrupted, interrupted);
  assert.deepEqual(startingView({ tabId: 7, nowMs: 5 }, { ...EMPTY_VIEW, interrupted }).interrupted, interrupted);
});

test("an event that comes twice is folded once", () => {
  const gap = (startMs) => ({ startMs, endMs: startMs + 900, reason: "buffer_full" });
  const events = [1, 2].map((number) => ({ number, event: "uncovered", data: gap(number * 5_000) }));
  const once = foldEvents(BEFORE, events);
  assert.equal(once.gaps.length, 2);
  assert.deepEqual(foldEvents(once, events), once);
});
