/**
 * What is to be done when the worker wakes: an earlier run may have left unsaved words and open sessions, because the
 * browser was closed, or the offscreen document was.
 *
 * An interrupted session is offered to be resumed. While its lease runs it is billed, so it is stopped after a minute
 * without an answer; once the lease has lapsed it costs nothing, and is offered as long as the API keeps it open.
 * Only sessions that this browser started are touched: another device may run one of the same account.
 */
import { acceptStop } from "../common/ends.js";
import { belongsTo, EMPTY_VIEW, isActive, loadView } from "../common/live_view.js";
import { openAccount } from "../common/client.js";
import { closeIdleRecorder, exclusively, isRecording } from "./recorder.js";
import { findSession, forgetSession, isOf, loadSessions, markEnding } from "./sessions.js";
import { lostView, updateView } from "./view.js";

export const ANSWER_WITHIN_MS = 60_000;
/** A worker is put to sleep after 30 seconds without a call to the browser. */
const CALL_EVERY_MS = 20_000;

/** The run that waits for the one before it. */
let nextRun;

/**
 * Runs once more after a run that is under way, which may not have seen what is new. Errors of the network and of the
 * storage are tried again when the worker wakes the next time.
 */
export function wake() {
  nextRun ??= navigator.locks.request("live-transcription/wake", () => {
    nextRun = undefined;
    return lookAfterSessions().catch(() => undefined);
  });
  return nextRun;
}

async function lookAfterSessions() {
  await exclusively(noteLostRecorder);
  await dropStaleOffer();
  const account = await openAccount();
  const { client, userId } = account;
  if (userId === undefined) return;
  const isSaved = await client.live.saveUnsaved().then(({ waiting, lost }) => waiting + lost === 0, () => false);
  await lookAfterKnown(account, isSaved);
  await client.live.stopUnansweredStart().catch(() => undefined); // tried again when the worker wakes the next time
}

/** The sessions that this browser started. */
async function lookAfterKnown(account, isSaved) {
  const { client, userId } = account;
  const sessions = await loadSessions(account);
  if (sessions.length === 0) return;
  const open = await client.live.findOpen().catch(() => undefined);
  // Another user may have signed in meanwhile, and finds no session of this one.
  if (!open || (await client.auth.user())?.userId !== userId) return;
  const findings = sessions.map((session) => [session, open.find(({ sessionId }) => sessionId === session.sessionId)]);
  // Each by itself: what the API refuses for one session must not keep the others open.
  await Promise.allSettled(findings.map(([session, found]) => lookAfter(session, found, isSaved)));
}

async function lookAfter(session, found, isSaved) {
  const { sessionId } = session;
  const view = await loadView();
  if (found?.isRunning || (isActive(view.state) && view.sessionId === sessionId)) return;
  if (!found) await settle(sessionId, isSaved ? (before) => acceptStop(before, sessionId) : undefined); // the answer of its stop was lost
  else if (session.isEnding) await stopInterrupted(sessionId);
  else await offer(session, found.state !== "lapsed");
}

/**
 * Stops an interrupted session, so that its lease is billed no longer; one of another account is stopped when that is signed
 * in again. Throws ApiError, NetworkError, SessionInUseError.
 */
export async function stopInterrupted(sessionId) {
  await markEnding(sessionId);
  const account = await openAccount();
  const session = await findSession(sessionId);
  if (session && !isOf(session, account)) return;
  let stopped;
  try {
    stopped = await account.client.live.stop(sessionId);
  } catch (error) {
    const isDeleted = error?.code === "not_found" && (await account.client.auth.user())?.userId === account.userId;
    if (!isDeleted) throw error;
  }
  await settle(sessionId, (view) => acceptStop(view, sessionId, stopped));
}

/** Nothing of the session is left to do: it is neither remembered nor offered any more. */
async function settle(sessionId, change = (view) => view) {
  await forgetSession(sessionId);
  await updateView((view) => withoutOffer(change(view), sessionId));
}

/**
 * The view says that something is recorded, and nothing is: the browser has closed the offscreen document. One in which
 * nothing is recorded is closed: its start failed, or the worker was killed before it.
 */
export async function noteLostRecorder() {
  if (await isRecording()) return;
  if (isActive((await loadView()).state)) await updateView(lostView);
  await closeIdleRecorder();
}

/** A session that is not remembered any more was stopped: it can not be resumed. */
async function dropStaleOffer() {
  const { interrupted } = await loadView();
  if (interrupted && !(await findSession(interrupted.sessionId))) await updateView((view) => withoutOffer(view, interrupted.sessionId));
}

async function offer({ sessionId, transcriptId, tabTitle, userId }, isBilled) {
  if (!(await findSession(sessionId))) return; // it was stopped meanwhile
  const view = await updateView((before) => {
    if (isActive(before.state)) return before;
    const agreedMs = before.interrupted?.sessionId === sessionId ? before.interrupted.stopAtMs : undefined;
    const latestMs = Date.now() + ANSWER_WITHIN_MS;
    const stopAtMs = isBilled ? Math.min(agreedMs ?? latestMs, latestMs) : undefined; // the clock may have been set back
    const own = belongsTo(before, userId) ? before : EMPTY_VIEW;
    return { ...own, userId, interrupted: { sessionId, transcriptId, tabTitle, ...(isBilled && { stopAtMs }) } };
  });
  if (view.interrupted?.stopAtMs !== undefined) void stopInTime(view.interrupted.sessionId).catch(() => undefined); // when it wakes again
}

/** Stops the session unless it is resumed or stopped before, or another one begins. */
function stopInTime(sessionId) {
  return navigator.locks.request(`live-transcription/offer/${sessionId}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return; // another call waits already
    for (;;) {
      const { interrupted, state } = await loadView();
      if (isActive(state) || interrupted?.sessionId !== sessionId || interrupted.stopAtMs === undefined) return;
      const leftMs = interrupted.stopAtMs - Date.now();
      if (leftMs <= 0) break;
      await new Promise((resolve) => setTimeout(resolve, Math.min(CALL_EVERY_MS, leftMs)));
      await chrome.runtime.getPlatformInfo(); // keeps the worker awake
    }
    await stopInterrupted(sessionId);
  });
}

function withoutOffer(view, sessionId) {
  const { interrupted, ...others } = view;
  return interrupted?.sessionId === sessionId ? others : view;
}
