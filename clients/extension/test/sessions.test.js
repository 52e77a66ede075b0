/** The worker looks after each session until it is stopped, whatever comes in between, and shows each user their own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isOwnPage } from "../common/messages.js";
import { json } from "./support/fake_browser.js";
import { browser, gate, PATIENT, until } from "./support/worker.js";

test("a wake-up that is under way keeps a session that begins meanwhile", PATIENT, async () => {
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

test("another user who signs in leaves the sessions of the first one to be stopped", PATIENT, async () => {
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

test("another API address leaves the sessions of the first one to be stopped", PATIENT, async () => {
  await browser.runSession("here");
  await browser.report(["ended", { reason: "failed", sessionId: "here", transcriptId: "t" }]);

  await browser.local.set({ settings: { apiUrl: "http://127.0.0.1:8001" } });
  await browser.finishRecording();
  await browser.settled();
  await browser.local.set({ settings: { apiUrl: "http://127.0.0.1:8000" } });
  await browser.settled();

  assert.deepEqual(browser.stopped, ["here"]);
});

test("the sessions of another user are not judged by the list of who signs in during a wake-up", PATIENT, async () => {
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

test("a session whose stop is refused does not keep the others open", PATIENT, async () => {
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

test("the captions and the offer of a user are not in the view of another one", PATIENT, async () => {
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

test("a user who signs in over another one does not see the captions", PATIENT, async () => {
  await browser.runSession("of ada");
  await browser.report(["ended", { reason: "failed", sessionId: "of ada", transcriptId: "t" }]);
  await browser.finishRecording();

  await browser.storeSignIn("ben");
  await new Promise(setImmediate);
  await browser.locks.request("live-transcription/view", () => undefined);

  assert.equal(JSON.stringify(browser.view).includes("secret"), false);
});

test("captions that end after another user signed in leave the view and the tab", PATIENT, async () => {
  await browser.runSession("of ada");
  await browser.signOut();
  await browser.signIn("ben");
  await browser.report(["ended", { reason: "signed_out", sessionId: "of ada", transcriptId: "t" }]);
  browser.tabMessages = [];

  await browser.finishRecording();

  assert.equal(JSON.stringify(browser.view).includes("secret"), false);
  assert.ok(browser.tabMessages.some(({ type }) => type === "OVERLAY_REMOVE"));
});

test("a session that was resumed is not offered again while it runs", PATIENT, async () => {
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

test("a session that was stopped while its resumption failed is not offered again", PATIENT, async () => {
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

test("a resumption that fails leaves the offer", PATIENT, async () => {
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

test("a page of something else is not taken for the end of a session", PATIENT, async () => {
  await browser.runSession("first");
  browser.loseDocument();
  for (const [status, code] of [[404, "not_found"], [404, undefined], [403, undefined]]) {
    const body = code ? JSON.stringify({ code, message: "No such page.", request_id: "r" }) : "<!doctype html><title>Sign in to this network</title>";
    browser.answers = { "/transcription/sessions": () => new Response(body, { status, headers: { "Retry-After": "0" } }) };
    await browser.settled();
  }
  browser.answers = {};

  await browser.settled();

  assert.equal(browser.view.interrupted?.sessionId, "first");
});

test("a wake-up that fails is tried again when the worker wakes", PATIENT, async () => {
  await browser.runSession("lost");
  browser.loseDocument();
  browser.session.isFull = true;
  await browser.settled();
  browser.session.isFull = false;

  await browser.settled();

  assert.equal(browser.view.interrupted?.sessionId, "lost");
});

test("a session of a start that was never answered is stopped when the worker wakes", PATIENT, async () => {
  const kept = { key: "k", userId: "ada", body: JSON.stringify({ transport: "direct" }), keptAtMs: Date.now() };
  await browser.local.set({ "live-transcription/start": kept });
  browser.openSessions.push({ sessionId: "unanswered", origin: "http://127.0.0.1:8000", owner: "ada" });
  browser.answers.start = (body) => {
    assert.equal(body.transport, "direct");
    return json(201, { session_id: "unanswered", lease_seconds: 60, renew_after: 48, next_seq: 0, offset_ms: 0 });
  };

  await browser.settled();

  assert.deepEqual(browser.stopped, ["unanswered"]);
  assert.equal(browser.local.values["live-transcription/start"], undefined);
});

test("a start that failed is looked after at once", PATIENT, async () => {
  browser.answers.start = () => json(201, { session_id: "lost", lease_seconds: 60, renew_after: 48, next_seq: 0, offset_ms: 0 });
  browser.startRecording = async () => {
    await browser.local.set({ "live-transcription/start": { key: "k", userId: "ada", body: "{}", keptAtMs: Date.now() } });
    browser.openSessions.push({ sessionId: "lost", origin: "http://127.0.0.1:8000", owner: "ada" });
    throw new Error("The network failed.");
  };

  const { error } = await browser.send("START", { tabId: 7 });

  assert.equal(error.message, "The network failed.");
  await until(() => browser.stopped.includes("lost"));
  await until(() => browser.local.values["live-transcription/start"] === undefined);
});

test("only a page and the worker of this extension may call the worker", () => {
  const { id } = chrome.runtime;
  const own = `chrome-extension://${id}`;
  assert.ok(isOwnPage({ id, origin: own, url: `${own}/panel/panel.html` }));
  assert.ok(isOwnPage({ id, url: `${own}/background/worker.js` }));
  const others = [
    undefined,
    { id: "b".repeat(32), origin: own, url: `${own}/panel/panel.html` },
    { id, origin: "https://page.example", url: "https://page.example/" },
    { id, origin: "null", url: `${own}/panel/panel.html` },
    { id, origin: own + ".example", url: `${own}/panel/panel.html` },
    { id, url: `${own}.example/` },
    { id },
  ];
  for (const other of others) assert.ok(!isOwnPage(other), JSON.stringify(other));
});
