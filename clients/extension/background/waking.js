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
  await findInterrupted(client, isSaved).catch(() => undefined);
}

/** Remembers the session that this browser runs, until it is known to be stopped. */
export function rememberSession(session) {
  return chrome.storage.local.set({ [OWN_SESSION_KEY]: session });
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
  await dropOffer(sessionId);
}

/** The view says that something is recorded, and nothing is: the browser has closed the offscreen document. */
async function noteLostRecorder() {
  if (!isActive((await loadView()).state) || (await isRecording())) return;
  await updateView(({ partial, warning, ...view }) => ({ ...view, state: "ended", ended: { reason: "failed", cause: "recorder_lost" } }));
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
    const known = view.interrupted?.sessionId === sessionId ? view.interrupted.stopAtMs : undefined;
    const latestMs = Date.now() + ANSWER_WITHIN_MS;
    const stopAtMs = isBilled ? Math.min(known ?? latestMs, latestMs) : undefined; // the clock may have been set back
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
