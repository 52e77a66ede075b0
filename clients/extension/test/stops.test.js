/** Starts and stops: nothing is recorded that was stopped, and a stop that is answered has happened. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { json } from "./support/fake_browser.js";
import { browser, gate, PATIENT, until } from "./support/worker.js";

const typesToRecorder = () => browser.recorderMessages.map(({ type }) => type);

test("a stop while the overlay is still being put in ends the session before it begins", PATIENT, async () => {
  const hangs = gate();
  browser.executeScript = () => hangs.opened;
  const started = gate();
  browser.startRecording = async () => (started.open(), {});

  const start = browser.send("START", { tabId: 7 });
  await until(() => browser.view?.state === "starting");
  const stop = browser.send("STOP");
  await Promise.race([started.opened, stop]);
  hangs.open([]);
  await Promise.all([start, stop]);

  if (typesToRecorder().includes("RECORDER_START")) assert.ok(typesToRecorder().includes("RECORDER_STOP"));
  else assert.equal(browser.view.state, "idle");
});

test("a stop before the offscreen document records is honoured when the start goes on", PATIENT, async () => {
  const creating = gate();
  const { createDocument } = chrome.offscreen;
  chrome.offscreen.createDocument = async () => {
    await creating.opened;
    await createDocument();
  };
  try {
    const start = browser.send("START", { tabId: 7 });
    await until(() => browser.view?.state === "starting" || browser.locks.held.has("live-transcription/recorder"));
    await new Promise(setImmediate);
    const stop = browser.send("STOP");
    await new Promise(setImmediate);
    creating.open();
    assert.deepEqual(await Promise.all([start, stop]), [{ value: {} }, { value: {} }]);
  } finally {
    chrome.offscreen.createDocument = createDocument;
  }
  assert.deepEqual(typesToRecorder(), []);
  assert.equal(browser.view.state, "idle");
  assert.equal(browser.hasDocument, false);
});

test("a stop that a killed worker noted is carried out with the next event", async () => {
  await browser.send("START", { tabId: 7 });
  await browser.session.set({ live: { ...browser.view, isStopRequested: true } });

  await browser.report(["state", { state: "starting" }]);

  await until(() => typesToRecorder().includes("RECORDER_STOP"));
});

test("a page that hangs does not hold up the recording", PATIENT, async () => {
  browser.executeScript = () => new Promise(() => undefined);

  assert.deepEqual(await browser.send("START", { tabId: 7 }), { value: {} });
});

test("the captions do not wait until the page has loaded", async () => {
  const injections = [];
  browser.executeScript = async (injection) => void injections.push(injection);

  await browser.send("START", { tabId: 7 });

  await until(() => injections.length > 0);
  assert.equal(injections[0].injectImmediately, true);
});

test("a stop without an offscreen document stops the session at the API", PATIENT, async () => {
  await browser.runSession("lost");
  browser.loseDocument();

  assert.deepEqual(await browser.send("STOP"), { value: {} });

  assert.deepEqual(browser.stopped, ["lost"]);
  await browser.settled();
  assert.equal(browser.view.interrupted, undefined);
});

test("a stop without an offscreen document that the API refuses is no success, and is tried again", PATIENT, async () => {
  await browser.runSession("lost");
  browser.loseDocument();
  browser.answers.stop = () => json(403, { code: "account_blocked", message: "Blocked." });

  assert.equal((await browser.send("STOP")).error?.code, "account_blocked");

  browser.answers = {};
  await browser.settled();
  assert.deepEqual(browser.stopped, ["lost"]);
});

test("an offscreen document in which no start succeeds is closed", PATIENT, async () => {
  browser.session.isFull = true;
  const answer = await browser.send("START", { tabId: 7 });
  browser.session.isFull = false;

  assert.ok(answer.error);
  assert.equal(browser.hasDocument, false);
});

test("an offscreen document that a killed worker left empty is closed when the worker wakes", PATIENT, async () => {
  browser.hasDocument = true;

  await browser.settled();

  assert.equal(browser.hasDocument, false);
});

test("a stop while an interrupted session is being resumed stops it at the API", PATIENT, async () => {
  await browser.runSession("first");
  browser.loseDocument();
  await browser.settled();
  browser.recorderMessages = [];
  const capturing = gate();
  browser.startRecording = async () => {
    await capturing.opened; // what it captures is refused late
    return { isStopped: true };
  };
  const resume = browser.send("RESUME_SESSION", { sessionId: "first", tabId: 7 });
  await until(() => typesToRecorder().includes("RECORDER_START"));
  const stop = browser.send("STOP");
  await until(() => typesToRecorder().includes("RECORDER_STOP"));
  capturing.open();

  assert.deepEqual(await Promise.all([resume, stop]), [{ value: {} }, { value: {} }]);

  assert.deepEqual(browser.stopped, ["first"]);
  assert.equal(browser.view.interrupted, undefined);
});

test("a full storage does not hold up the captions", PATIENT, async () => {
  await browser.send("START", { tabId: 7 });
  browser.local.isFull = true;

  const answer = await browser.report(["opened", { sessionId: "s", transcriptId: "t" }], ["final", { seq: 0, text: "words", startMs: 0, endMs: 1 }]);

  assert.deepEqual(answer, { value: {} });
  assert.deepEqual(browser.view.captions.map(({ text }) => text), ["words"]);
});

test("the price of a lease is that of the API at which the session runs", PATIENT, async () => {
  await browser.runSession("here");
  await browser.local.set({ settings: { apiUrl: "http://127.0.0.1:8001" } });

  await browser.report(["lease", { creditsPerMinute: 10 }]);

  const { loadPrice } = await import("../common/price.js");
  assert.deepEqual(await Promise.all(["http://127.0.0.1:8000", "http://127.0.0.1:8001"].map(loadPrice)), [10, undefined]);
});

test("how a session ended leaves its tab when another tab is captioned", PATIENT, async () => {
  await browser.runSession("first");
  await browser.report(["ended", { reason: "failed", sessionId: "first", transcriptId: "t" }]);
  await browser.finishRecording();
  browser.tabMessages = [];

  await browser.send("START", { tabId: 8 });

  assert.ok(browser.tabMessages.some(({ tabId, type }) => tabId === 7 && type === "OVERLAY_REMOVE"));
});

test("nobody is recorded who is not signed in", async () => {
  await browser.signOut();

  assert.equal((await browser.send("START", { tabId: 7 })).error?.code, "unauthenticated");

  assert.equal(browser.hasDocument, false);
});

test("a start that nothing carries on is no session that ended", PATIENT, async () => {
  await browser.send("START", { tabId: 7 });
  browser.loseDocument();

  await browser.settled();

  assert.deepEqual([browser.view.state, browser.view.error?.code, browser.view.ended], ["idle", "failed", undefined]);
});
