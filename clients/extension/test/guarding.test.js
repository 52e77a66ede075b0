/** The worker looks after each session until it is stopped, whatever comes in between. One browser, new for each test. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { FakeBrowser, json } from "./support/fake_browser.js";

const browser = new FakeBrowser();
await import("../background/worker.js");
await browser.settled();

// The minute of an offer is a timer, which must not keep this process alive; a test that only waits for promises must.
const { setTimeout: setTimer } = globalThis;
globalThis.setTimeout = (...timer) => setTimer(...timer).unref();
const alive = setInterval(() => undefined, 60_000);
after(() => clearInterval(alive));

/** A promise with what resolves it. */
function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { open, opened };
}

const PATIENCE_MS = 20_000;
const until = async (isDone) => {
  const deadline = performance.now() + PATIENCE_MS;
  while (!isDone()) {
    assert.ok(performance.now() < deadline, `not so in ${PATIENCE_MS} ms: ${isDone}`);
    await new Promise(setImmediate);
  }
};

beforeEach(() => browser.reset());

const typesToRecorder = () => browser.recorderMessages.map(({ type }) => type);

test("a stop while the overlay is still being put in ends the session before it begins", { timeout: 60_000 }, async () => {
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

test("a stop before the offscreen document records is honoured when the start goes on", { timeout: 60_000 }, async () => {
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

test("a page that hangs does not hold up the recording", { timeout: 60_000 }, async () => {
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

test("a wake-up that is under way keeps a session that begins meanwhile", { timeout: 60_000 }, async () => {
  await browser.runSession("first");
  browser.loseDocument();
  browser.openSessions = []; // another device stopped it
  const listing = gate();
  let isAsked = false;
  browser.answers["/transcription/sessions"] = async (_, sessions) => {
    isAsked = true;
    await listing.opened;
    return json(200, sessions); // as they were before the second one
  };
  const woken = browser.settled();
  await until(() => isAsked);
  await browser.runSession("second");
  listing.open();
  await woken;
  browser.answers = {};

  browser.loseDocument();
  await browser.settled();

  assert.equal(browser.view.interrupted?.sessionId, "second");
});

test("another user who signs in leaves the sessions of the first one to be stopped", { timeout: 60_000 }, async () => {
  browser.answers.stop = () => json(403, { code: "account_blocked", message: "Blocked." });
  await browser.runSession("of ada");
  await browser.report(["ended", { reason: "signed_out", sessionId: "of ada", transcriptId: "t" }]);
  await browser.finishRecording();
  browser.answers = {};

  await browser.signOut();
  await browser.signIn("ben");
  await browser.signOut();
  await browser.signIn("ada");

  assert.deepEqual(browser.stopped, ["of ada"]);
});

test("another API address leaves the sessions of the first one to be stopped", { timeout: 60_000 }, async () => {
  await browser.runSession("here");
  await browser.report(["ended", { reason: "failed", sessionId: "here", transcriptId: "t" }]);

  await browser.local.set({ settings: { apiUrl: "http://127.0.0.1:8001" } });
  await browser.finishRecording();
  await browser.settled();
  await browser.local.set({ settings: { apiUrl: "http://127.0.0.1:8000" } });
  await browser.settled();

  assert.deepEqual(browser.stopped, ["here"]);
});

test("the sessions of another user are not judged by the list of who signs in during a wake-up", { timeout: 60_000 }, async () => {
  await browser.runSession("of ada");
  browser.loseDocument();
  browser.answers["/transcription/sessions"] = async () => {
    await browser.storeSignIn("ben");
    return json(200, { sessions: [] });
  };
  await browser.settled();
  browser.answers = {};
  await browser.signOut();
  await browser.signIn("ada");
  await browser.settled();

  assert.equal(browser.view.interrupted?.sessionId, "of ada");
});

test("a stop without an offscreen document stops the session at the API", { timeout: 60_000 }, async () => {
  await browser.runSession("lost");
  browser.loseDocument();

  assert.deepEqual(await browser.send("STOP"), { value: {} });

  assert.deepEqual(browser.stopped, ["lost"]);
  await browser.settled();
  assert.equal(browser.view.interrupted, undefined);
});

test("a stop without an offscreen document that the API refuses is no success, and is tried again", { timeout: 60_000 }, async () => {
  await browser.runSession("lost");
  browser.loseDocument();
  browser.answers.stop = () => json(403, { code: "account_blocked", message: "Blocked." });

  assert.equal((await browser.send("STOP")).error?.code, "account_blocked");

  browser.answers = {};
  await browser.settled();
  assert.deepEqual(browser.stopped, ["lost"]);
});

test("a session whose stop is refused does not keep the others open", { timeout: 60_000 }, async () => {
  for (const sessionId of ["first", "second", "third"]) {
    browser.answers.stop = () => json(403, { code: "account_blocked", message: "Blocked." });
    await browser.runSession(sessionId);
    await browser.report(["ended", { reason: "failed", sessionId, transcriptId: "t" }]);
    await browser.finishRecording();
  }
  const stopped = [];
  browser.answers.stop = ({ session_id }) => {
    if (session_id === "first") return json(403, { code: "forbidden", message: "No." });
    stopped.push(session_id);
    return json(200, { session_id, billed_seconds: 1, credits_used: 1, rejected: [] });
  };

  await browser.settled();

  assert.deepEqual(stopped.sort(), ["second", "third"]);
});

test("the captions and the offer of a user are not in the view of another one", { timeout: 60_000 }, async () => {
  await browser.runSession("of ada");
  browser.loseDocument();
  await browser.settled();
  browser.session.values = {}; // the browser was closed
  await browser.settled();
  assert.equal(browser.view.interrupted?.tabTitle, "Talk");
  browser.answers["/transcription/sessions"] = () => json(403, { code: "account_blocked", message: "Blocked." });

  await browser.signOut();
  await browser.signIn("ben");

  assert.equal(JSON.stringify(browser.view).includes("Talk"), false);
});

test("captions that end after another user signed in leave the view and the tab", { timeout: 60_000 }, async () => {
  await browser.runSession("of ada");
  await browser.signOut();
  await browser.signIn("ben");
  await browser.report(["ended", { reason: "signed_out", sessionId: "of ada", transcriptId: "t" }]);
  browser.tabMessages = [];

  await browser.finishRecording();

  assert.equal(JSON.stringify(browser.view).includes("secret"), false);
  assert.ok(browser.tabMessages.some(({ type }) => type === "OVERLAY_REMOVE"));
});

test("an offscreen document in which no start succeeds is closed", { timeout: 60_000 }, async () => {
  browser.session.isFull = true;
  const answer = await browser.send("START", { tabId: 7 });
  browser.session.isFull = false;

  assert.ok(answer.error);
  assert.equal(browser.hasDocument, false);
});

test("an offscreen document that a killed worker left empty is closed when the worker wakes", { timeout: 60_000 }, async () => {
  browser.hasDocument = true;

  await browser.settled();

  assert.equal(browser.hasDocument, false);
});

test("a session that was resumed is not offered again while it runs", { timeout: 60_000 }, async () => {
  await browser.runSession("first");
  browser.loseDocument();
  const listing = gate();
  let isAsked = false;
  browser.answers["/transcription/sessions"] = async (_, sessions) => {
    isAsked = true;
    await listing.opened;
    return json(200, sessions);
  };
  const woken = browser.settled();
  await until(() => isAsked);
  await browser.send("RESUME_SESSION", { sessionId: "first", tabId: 7 });
  await browser.report(["opened", { sessionId: "first", transcriptId: "t" }], ["state", { state: "live" }]);
  listing.open();
  await woken;

  assert.equal(browser.view.state, "live");
  assert.equal(browser.view.interrupted, undefined);
});

test("a session that was stopped while its resumption failed is not offered again", { timeout: 60_000 }, async () => {
  await browser.runSession("first");
  browser.loseDocument();
  await browser.settled();
  assert.equal(browser.view.interrupted?.sessionId, "first");
  browser.startRecording = async () => {
    await browser.send("STOP_SESSION", { sessionId: "first" });
    throw Object.assign(new Error("stopped"), { code: "conflict" });
  };

  assert.ok((await browser.send("RESUME_SESSION", { sessionId: "first", tabId: 7 })).error);

  assert.equal(browser.view.state, "idle");
  assert.equal(browser.view.interrupted, undefined);
});

test("a resumption that fails leaves the offer", { timeout: 60_000 }, async () => {
  await browser.runSession("first");
  browser.loseDocument();
  await browser.settled();
  browser.startRecording = async () => {
    throw Object.assign(new Error("no"), { code: "network" });
  };

  assert.equal((await browser.send("RESUME_SESSION", { sessionId: "first", tabId: 7 })).error.code, "network");

  assert.equal(browser.view.interrupted?.sessionId, "first");
  assert.equal(browser.view.error.code, "network");
});

test("a stop while an interrupted session is being resumed stops it at the API", { timeout: 60_000 }, async () => {
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

test("a page of something else is not taken for the end of a session", { timeout: 60_000 }, async () => {
  await browser.runSession("first");
  browser.loseDocument();
  for (const [status, code] of [[404, "not_found"], [404, undefined], [403, undefined]]) {
    const body = code ? JSON.stringify({ code, message: "No such page." }) : "<!doctype html><title>Sign in to this network</title>";
    browser.answers = { "/transcription/sessions": () => new Response(body, { status }) };
    await browser.settled();
  }
  browser.answers = {};

  await browser.settled();

  assert.equal(browser.view.interrupted?.sessionId, "first");
});

test("a full storage does not hold up the captions", { timeout: 60_000 }, async () => {
  await browser.send("START", { tabId: 7 });
  browser.local.isFull = true;

  const answer = await browser.report(["opened", { sessionId: "s", transcriptId: "t" }], ["final", { seq: 0, text: "words", startMs: 0, endMs: 1 }]);

  assert.deepEqual(answer, { value: {} });
  assert.deepEqual(browser.view.captions.map(({ text }) => text), ["words"]);
});

test("the price of a lease is that of the API at which the session runs", { timeout: 60_000 }, async () => {
  await browser.runSession("here");
  await browser.local.set({ settings: { apiUrl: "http://127.0.0.1:8001" } });

  await browser.report(["lease", { creditsPerMinute: 10 }]);

  const { loadPrice } = await import("../common/price.js");
  assert.deepEqual(await Promise.all(["http://127.0.0.1:8000", "http://127.0.0.1:8001"].map(loadPrice)), [10, undefined]);
});

test("how a session ended leaves its tab when another tab is captioned", { timeout: 60_000 }, async () => {
  await browser.runSession("first");
  await browser.report(["ended", { reason: "failed", sessionId: "first", transcriptId: "t" }]);
  await browser.finishRecording();
  browser.tabMessages = [];

  await browser.send("START", { tabId: 8 });

  assert.ok(browser.tabMessages.some(({ tabId, type }) => tabId === 7 && type === "OVERLAY_REMOVE"));
});

test("a wake-up that fails is tried again when the worker wakes", { timeout: 60_000 }, async () => {
  await browser.runSession("lost");
  browser.loseDocument();
  browser.session.isFull = true;
  await browser.settled();
  browser.session.isFull = false;

  await browser.settled();

  assert.equal(browser.view.interrupted?.sessionId, "lost");
});

test("nobody is recorded who is not signed in", async () => {
  await browser.signOut();

  assert.equal((await browser.send("START", { tabId: 7 })).error?.code, "unauthenticated");

  assert.equal(browser.hasDocument, false);
});

test("a start that nothing carries on is no session that ended", { timeout: 60_000 }, async () => {
  await browser.send("START", { tabId: 7 });
  browser.loseDocument();

  await browser.settled();

  assert.deepEqual([browser.view.state, browser.view.error?.code, browser.view.ended], ["idle", "failed", undefined]);
});
