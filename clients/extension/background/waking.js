/**
 * What is to be done when the worker wakes: an earlier run may have left unsaved words and an open session, because the
 * browser was closed, or the offscreen document was.
 *
 * An interrupted session is offered to be resumed. While its lease runs it is billed, so it is stopped after a minute
 * without an answer; once the lease has lapsed it costs nothing, and is offered as long as the API keeps it open.
 * Only sessions that this browser started are touched: another device may run one of the same account.
 */
import { acceptStop } from "../common/ends.js";
import { isActive, loadView } from "../common/live_view.js";
import { openClient } from "../common/client.js";
import { exclusively, isRecording } from "./recorder.js";
import { updateView } from "./view.js";

const OWN_SESSION_KEY = "own-session";
/** Ids of earlier sessions of this browser that could not be stopped before another one began. */
const LEFT_SESSIONS_KEY = "left-sessions";
export const ANSWER_WITHIN_MS = 60_000;
/** A worker is put to sleep after 30 seconds without a call to the browser. */
const CALL_EVERY_MS = 20_000;

/** The run that waits for the one before it. */
let nextRun;

/**
 * Runs once more after a run that is under way, which may not have seen what is new. Errors of the network are tried again
 * when the worker wakes the next time.
 */
export function wake() {
  nextRun ??= navigator.locks.request("live-transcription/wake", () => {
    nextRun = undefined;
    return lookAfterSessions();
  });
  return nextRun;
}

async function lookAfterSessions() {
  await exclusively(noteLostRecorder);
  const client = await openClient();
  if (!(await client.auth.user())) return;
  const isSaved = await client.live.saveUnsaved().then(({ waiting, lost }) => waiting + lost === 0, () => false);
  await stopLeft(client).catch(() => undefined);
  await findInterrupted(client, isSaved).catch(() => undefined);
}

/** Remembers the session that this browser runs, until it is known to be stopped; and the one before it, if that is not. */
export async function rememberSession(session) {
  const before = (await ownSession())?.sessionId;
  await changeLeft((ids) => [...new Set([...ids, before])].filter((id) => id !== undefined && id !== session.sessionId));
  await chrome.storage.local.set({ [OWN_SESSION_KEY]: session });
}

async function leftSessions() {
  return (await chrome.storage.local.get(LEFT_SESSIONS_KEY))[LEFT_SESSIONS_KEY] ?? [];
}

function changeLeft(change) {
  return navigator.locks.request("live-transcription/left-sessions", async () => {
    await chrome.storage.local.set({ [LEFT_SESSIONS_KEY]: change(await leftSessions()) });
  });
}

export async function ownSession() {
  return (await chrome.storage.local.get(OWN_SESSION_KEY))[OWN_SESSION_KEY];
}

export function forgetSession() {
  return chrome.storage.local.remove(OWN_SESSION_KEY);
}

/** Stops an interrupted session, so that its lease is billed no longer. Throws ApiError, NetworkError, SessionInUseError. */
export async function stopInterrupted(sessionId) {
  const client = await openClient();
  const stopped = await client.live.stop(sessionId);
  await updateView((view) => acceptStop(view, sessionId, stopped));
  if ((await ownSession())?.sessionId === sessionId) await forgetSession();
  await changeLeft((ids) => ids.filter((id) => id !== sessionId));
  await dropOffer(sessionId);
}

/** Stops what was left open when another session began. */
async function stopLeft(client) {
  const left = await leftSessions();
  if (left.length === 0) return;
  const open = (await client.live.findOpen()).map(({ sessionId }) => sessionId);
  await changeLeft((ids) => ids.filter((id) => !left.includes(id) || open.includes(id)));
  for (const sessionId of left.filter((id) => open.includes(id))) await stopInterrupted(sessionId);
}

/** The view says that something is recorded, and nothing is: the browser has closed the offscreen document. */
async function noteLostRecorder() {
  if (!isActive((await loadView()).state) || (await isRecording())) return;
  await updateView(({ partial, warning, warnings, ...view }) => ({ ...view, state: "ended", ended: { reason: "failed", cause: "recorder_lost" } }));
}

async function findInterrupted(client, isSaved) {
  const own = await ownSession();
  if (!own || (await isRecording())) return;
  const found = (await client.live.findOpen()).find(({ sessionId }) => sessionId === own.sessionId);
  if (!found) {
    await forgetSession();
    await dropOffer(own.sessionId);
    if (isSaved) await updateView((view) => acceptStop(view, own.sessionId)); // the answer of its stop was lost
  } else if (found.isRunning) {
    return;
  } else if (own.isEnding) {
    await stopInterrupted(own.sessionId);
  } else {
    await offer(own, found.state !== "lapsed");
  }
}

async function offer({ sessionId, transcriptId, tabTitle }, isBilled) {
  await updateView((view) => {
    const agreedMs = view.interrupted?.sessionId === sessionId ? view.interrupted.stopAtMs : undefined;
    const latestMs = Date.now() + ANSWER_WITHIN_MS;
    const stopAtMs = isBilled ? Math.min(agreedMs ?? latestMs, latestMs) : undefined; // the clock may have been set back
    return { ...view, interrupted: { sessionId, transcriptId, tabTitle, ...(isBilled && { stopAtMs }) } };
  });
  if (isBilled) void stopInTime(sessionId).catch(() => undefined); // when it wakes again
}

/** Stops the session unless it is resumed or stopped before. */
function stopInTime(sessionId) {
  return navigator.locks.request(`live-transcription/offer/${sessionId}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return; // another call waits already
    for (;;) {
      const { interrupted } = await loadView();
      if (interrupted?.sessionId !== sessionId || interrupted.stopAtMs === undefined) return;
      const leftMs = interrupted.stopAtMs - Date.now();
      if (leftMs <= 0) break;
      await new Promise((resolve) => setTimeout(resolve, Math.min(CALL_EVERY_MS, leftMs)));
      await chrome.runtime.getPlatformInfo(); // keeps the worker awake
    }
    await stopInterrupted(sessionId);
  });
}

function dropOffer(sessionId) {
  return updateView((view) => {
    const { interrupted, ...others } = view;
    return interrupted?.sessionId === sessionId ? others : view;
  });
}
