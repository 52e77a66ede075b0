/** What the pages reckon: times, places, rows of captions, waiting times, key terms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_VIEW, overlayView } from "../common/live_view.js";
import { mergeRows, transcriptRows } from "../panel/captions.js";
import { clockTime, dateTime, dayCount, duration, isoDuration, languageName, minutesOf, money, pluralName } from "../panel/format.js";
import { keyTermsOf } from "../panel/key_terms.js";
import { secondsToResend } from "../panel/pending.js";
import { findRoute, placeOf, redirect, tabOf } from "../panel/routes.js";

test("times in a transcript are minutes and seconds, with hours from one hour on", () => {
  assert.deepEqual([0, 59_999, 247_000, 3_847_000, -5].map(clockTime), ["0:00", "0:59", "4:07", "1:04:07", "0:00"]);
  assert.equal(isoDuration(3_847_000), "PT1H4M7S");
});

test("lengths are written in the unit that a person would choose", () => {
  assert.deepEqual([1, 60, 89, 90, 7_140, 7_200, 7_500].map((seconds) => duration(seconds, "en")), [
    "1 second",
    "1 minute",
    "89 seconds",
    "2 minutes",
    "119 minutes",
    "2 hours",
    "2 hours, 5 minutes",
  ]);
  assert.match(duration(300, "ar"), /دقائق/);
  assert.equal(dayCount(7, "en"), "7 days");
});

test("money, plurals and minutes left", () => {
  assert.equal(money(299, "usd", "en"), "$2.99");
  assert.deepEqual([0, 1, 2, 5].map((count) => pluralName("credits", count, "ar")), ["credits_zero", "credits_one", "credits_two", "credits_few"]);
  assert.deepEqual(["en", "ar", "x_"].map((code) => languageName(code, "en")), ["English", "Arabic", "x_"]);
  assert.equal(minutesOf(205, 10), 20);
  assert.equal(minutesOf(-5, 10), 0);
  assert.equal(minutesOf(200, undefined), undefined);
});

test("a date of today is a time, and one of another year has its year", () => {
  const now = new Date(2026, 10, 30, 15, 0);
  assert.doesNotMatch(dateTime(new Date(2026, 10, 30, 9, 5).toISOString(), "en", now), /Nov/);
  assert.match(dateTime(new Date(2026, 10, 29, 9, 5).toISOString(), "en", now), /Nov 29/);
  assert.match(dateTime(new Date(2025, 10, 29, 9, 5).toISOString(), "en", now), /2025/);
});

test("a place is found with its parameters, and built again", () => {
  const routes = [{ path: "/history" }, { path: "/history/:id" }, { path: "/ask" }];
  assert.deepEqual(findRoute(routes, "#/history/a%2Fb"), { route: routes[1], parameters: { id: "a/b" } });
  assert.deepEqual(findRoute(routes, "/ask?session=s1&back=%2Flive").parameters, { session: "s1", back: "/live" });
  assert.equal(findRoute(routes, "/nowhere"), undefined);
  assert.equal(findRoute(routes, "/history/%zz"), undefined);
  assert.equal(placeOf("/ask", { session: "s1", transcript: undefined }), "/ask?session=s1");
  assert.deepEqual(["/live", "/history/01J0", "/history?x=1"].map(tabOf), ["live", "history", "history"]);
});

test("who may not see a place is led to the right one", () => {
  const member = { access: "member", path: "/live" };
  const guest = { access: "guest", path: "/sign-in" };
  const blocked = { access: "member", path: "/blocked" };
  const state = { isSignedIn: true, isBlocked: false, hasPendingSignUp: false, home: "/live" };
  assert.equal(redirect(member, state), undefined);
  assert.equal(redirect(guest, state), "/live");
  assert.equal(redirect(member, { ...state, isSignedIn: false }), "/sign-in");
  assert.equal(redirect(member, { ...state, isSignedIn: false, hasPendingSignUp: true }), "/confirm");
  assert.equal(redirect(member, { ...state, isBlocked: true }), "/blocked");
  assert.equal(redirect(blocked, { ...state, isBlocked: true }), undefined);
  assert.equal(redirect(blocked, state), "/live");
  assert.equal(redirect({ access: "any", path: "/settings" }, { ...state, isSignedIn: false, isBlocked: true }), undefined);
});

const caption = (seq, startMs) => ({ seq, text: `words ${seq}`, startMs, endMs: startMs + 900 });

test("captions that the stored view no longer has stay on a page that is open", () => {
  const first = mergeRows({ rows: [] }, { sessionId: "s", captions: [caption(0, 0), caption(1, 1_000)], gaps: [] });
  const second = mergeRows(first, { sessionId: "s", captions: [caption(1, 1_000), caption(2, 9_000)], gaps: [{ startMs: 2_000, endMs: 8_000 }] });
  assert.deepEqual(second.rows.map(({ key }) => key), ["caption-0", "caption-1", "gap-2000", "caption-2"]);
  const other = mergeRows(second, { sessionId: "t", captions: [caption(0, 0)], gaps: [] });
  assert.deepEqual(other.rows.map(({ key }) => key), ["caption-0"]);
});

test("a gap that grows stays one row", () => {
  const first = mergeRows({ rows: [] }, { sessionId: "s", captions: [], gaps: [{ startMs: 0, endMs: 6_000 }] });
  const second = mergeRows(first, { sessionId: "s", captions: [], gaps: [{ startMs: 0, endMs: 9_000 }, { startMs: 20_000, endMs: 21_000 }] });
  assert.deepEqual(second.rows.map(({ startMs, endMs }) => [startMs, endMs]), [[0, 9_000], [20_000, 21_000]]);
});

test("the panel shows each gap of a live session that the overlay shows, however short", () => {
  const gaps = [499, 500, 999, 4_999].map((lengthMs, index) => ({ startMs: index * 10_000, endMs: index * 10_000 + lengthMs, reason: "buffer_full" }));
  const view = { ...EMPTY_VIEW, state: "live", sessionId: "s", gaps };
  const { rows } = mergeRows({ rows: [] }, view);
  assert.deepEqual(rows.map(({ startMs }) => startMs), [10_000, 20_000, 30_000]);
  assert.deepEqual(rows.map(({ key }) => key), overlayView(view).lines.map(({ key }) => key));
});

test("a short part without words of a stored transcript may be a pause, and is no row", () => {
  const uncovered = [{ start_ms: 0, end_ms: 4_999 }, { start_ms: 10_000, end_ms: 15_000 }];
  assert.deepEqual(transcriptRows({ segments: [], uncovered }).map(({ startMs }) => startMs), [10_000]);
});

test("a stored transcript shows its words and its gaps in order", () => {
  const segments = [
    { seq: 1, start_ms: 9_000, end_ms: 9_900, text: "later" },
    { seq: 0, start_ms: 0, end_ms: 900, text: "first", speaker: "A" },
  ];
  const rows = transcriptRows({ segments, uncovered: [{ start_ms: 900, end_ms: 9_000 }] });
  assert.deepEqual(rows.map(({ kind, startMs }) => [kind, startMs]), [["caption", 0], ["gap", 900], ["caption", 9_000]]);
});

test("another code can be asked for after the wait, whatever the clock does", () => {
  const pending = { sentAtMs: 1_000_000, waitSeconds: 30 };
  assert.deepEqual([1_000_000, 1_010_500, 1_030_000, 900_000].map((now) => secondsToResend(pending, now)), [30, 20, 0, 0]);
  assert.equal(secondsToResend({ sentAtMs: 0, waitSeconds: 300 }, 0), 300);
});

test("key terms are lines, each once, within the bounds of the API", () => {
  assert.deepEqual(keyTermsOf("  Ada  Lovelace \n\nAda Lovelace\nBabbage"), { terms: ["Ada Lovelace", "Babbage"], dropped: 0 });
  assert.deepEqual(keyTermsOf("x".repeat(51)), { terms: [], dropped: 1 });
  const many = Array.from({ length: 103 }, (_, number) => `term ${number}`).join("\n");
  assert.equal(keyTermsOf(many).terms.length, 100);
  assert.equal(keyTermsOf(many).dropped, 3);
});
