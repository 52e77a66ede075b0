/** The captions stay inside of the window, and their line says the most urgent thing. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import "../overlay/placement.js";
import "../overlay/status.js";

const { DEFAULT_PLACEMENT, toRectangle, toPlacement, move, resize } = globalThis.captionPlacement;
const { statusOf } = globalThis.captionStatus;
const WINDOWS = [[320, 200], [800, 600], [1920, 1080], [5120, 1440]].map(([width, height]) => ({ width, height }));
const isInside = ({ left, top, width, height }, viewport) =>
  left >= 0 && top >= 0 && left + width <= viewport.width && top + height <= viewport.height && width >= 200 && height >= 90;

test("the captions are inside of every window, wherever they were put", () => {
  const places = [DEFAULT_PLACEMENT, { left: 1, top: 1, width: 1, height: 1 }, { left: 0, top: 0, width: 0, height: 0 }];
  for (const viewport of WINDOWS) {
    for (const place of places) {
      const rectangle = toRectangle(place, viewport);
      assert.ok(isInside(rectangle, viewport), JSON.stringify({ rectangle, viewport }));
      for (const change of [move, resize]) {
        for (const step of [-9_999, -24, 24, 9_999]) {
          assert.ok(isInside(change(rectangle, step, step, viewport), viewport), JSON.stringify({ step, rectangle, viewport }));
        }
      }
    }
  }
});

test("captions that were never placed are wide enough to read, and in the middle", () => {
  assert.deepEqual([500, 640, 1920].map((width) => toRectangle(undefined, { width, height: 800 })).map(({ left, width }) => [left, width]), [
    [10, 480],
    [80, 480],
    [384, 1152],
  ]);
});

test("what the user chose is found again in the same window", () => {
  const viewport = { width: 1280, height: 720 };
  const chosen = resize(move(toRectangle(undefined, viewport), -120, -300, viewport), 60, 40, viewport);
  assert.deepEqual(toRectangle(toPlacement(chosen, viewport), viewport), chosen);
});

test("moving and sizing go back to where they were", () => {
  const viewport = { width: 1280, height: 720 };
  const rectangle = toRectangle({ left: 0.3, top: 0.3, width: 0.4, height: 0.3 }, viewport);
  for (const change of [move, resize]) assert.deepEqual(change(change(rectangle, 24, 24, viewport), -24, -24, viewport), rectangle);
});

test("a placement that is broken is as none", () => {
  const viewport = { width: 1280, height: 720 };
  for (const broken of [null, {}, { left: "0", top: 0, width: 1, height: 1 }, { left: NaN, top: 0, width: 1, height: 1 }, { left: -1, top: 0, width: 1, height: 1 }]) {
    assert.deepEqual(toRectangle(broken, viewport), toRectangle(undefined, viewport));
  }
});

test("the line says the most urgent thing", () => {
  const live = { state: "live", minutesLeft: 41.7, creditsPerMinute: 2 };
  assert.deepEqual(statusOf(live), { name: "overlay_lease", values: [{ credits: 2 }, 41], isAlert: false });
  assert.deepEqual(statusOf({ ...live, warning: "credits_low", minutesLeft: 3.2 }), { name: "overlay_credits_low", values: [3], isAlert: true });
  assert.equal(statusOf({ ...live, warning: "no_audio" }).name, "overlay_no_audio");
  assert.equal(statusOf({ ...live, state: "reconnecting", warning: "no_audio" }).name, "overlay_reconnecting");
  assert.deepEqual(statusOf({ ...live, state: "reconnecting", endsInSeconds: 19.6 }), { name: "overlay_ends_in", values: [20], isAlert: true });
  assert.deepEqual(statusOf({ ...live, state: "ended", ended: "insufficient_credits", endsInSeconds: 0 }), { name: "overlay_ended_insufficient_credits", values: [], isAlert: true });
  assert.equal(statusOf({ state: "live" }).name, "overlay_listening");
});

test("each state, warning and end has its text in every language", async () => {
  const states = ["starting", "live", "reconnecting", "paused", "stopping"].map((state) => ({ state }));
  const warnings = ["words_limit", "words_rejected", "save_failing", "no_audio"].map((warning) => ({ state: "live", warning }));
  const ends = ["stopped", "insufficient_credits", "account_blocked", "signed_out", "stopped_elsewhere", "deleted", "resume_expired", "provider_failed", "failed"];
  const views = [...states, ...warnings, ...ends.map((ended) => ({ state: "ended", ended })), { state: "live", endsInSeconds: 3 }];
  for (const language of ["en", "ar"]) {
    const texts = JSON.parse(await readFile(new URL(`../_locales/${language}/messages.json`, import.meta.url), "utf8"));
    for (const view of views) assert.ok(texts[statusOf(view).name], `${language}: ${JSON.stringify(view)}`);
  }
});
