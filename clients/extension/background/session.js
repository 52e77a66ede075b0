/** Starting and stopping the live session, and what it reports. */
import { tabStreamId } from "../sdk/live-transcription.mjs";
import { fold, isActive, loadView, startingView } from "../common/live_view.js";
import { describeError, MessageError, send } from "../common/messages.js";
import { openAccount } from "../common/client.js";
import { keepPrice } from "../common/price.js";
import { hasConsent, loadSettings } from "../common/settings.js";
import { removeOverlay } from "./overlay.js";
import { closeIdleRecorder, exclusively, isRecording, openRecorder } from "./recorder.js";
import { findSession, forgetSession, rememberSession } from "./sessions.js";
import { clearForUser, idleView, showOverlay, updateView } from "./view.js";
import { noteLostRecorder, stopInterrupted, wake } from "./waking.js";

const MOST_TITLE_CHARACTERS = 200;
/** Ends after which nothing is left to stop. */
const GONE = ["deleted", "stopped_elsewhere", "resume_expired"];

/** Starts a session on a tab, or continues an interrupted one. Throws MessageError, and then nothing is recorded. */
export function startSession({ tabId, microphone = false, sessionId }) {
  return exclusively(async () => {
    if (!(await hasConsent())) throw new MessageError({ code: "consent_missing", message: "Accept the recording first." });
    const { userId, apiUrl } = await openAccount();
    if (userId === undefined) throw new MessageError({ code: "unauthenticated", message: "Sign in first." });
    if (await isRecording()) throw new MessageError({ code: "session_running", message: "Captions run already. Stop them first." });
    const streamId = await streamIdOf(tabId);
    const { title } = await chrome.tabs.get(tabId);
    const recordingId = crypto.randomUUID();
    const { tabId: earlierTabId } = await loadView();
    if (earlierTabId !== undefined && earlierTabId !== tabId) removeOverlay(earlierTabId); // it says how the last session ended
    await updateView((before) => ({ ...startingView({ tabId, tabTitle: title, sessionId, userId, nowMs: Date.now() }, before), apiUrl, recordingId }));
    void showOverlay(tabId).catch(() => undefined); // not awaited: a page that hangs must not hold up the recording
    try {
      await openRecorder();
      const recording = { recordingId, streamId, microphone, apiUrl, options: await sessionOptions(title), sessionId };
      const { isStopped } = (await isStopRequested(recordingId)) ? { isStopped: true } : await send("RECORDER_START", recording);
      if (isStopped) await abandonStart(recordingId, tabId);
    } catch (error) {
      await abandonStart(recordingId, tabId, { error: describeError(error) });
      throw error;
    }
  });
}

/** Nothing is recorded: the view has no session, and the offscreen document is closed. */
async function abandonStart(recordingId, tabId, changes) {
  removeOverlay(tabId);
  await closeIdleRecorder();
  await updateView((view) => (view.recordingId === recordingId ? idleView(view, changes) : view));
  void wake(); // the start may have opened a session, and an interrupted one may be waiting
}

async function isStopRequested(recordingId) {
  const view = await loadView();
  return view.recordingId === recordingId && view.isStopRequested === true;
}

/**
 * Stops the session: resolves when the last words are saved and it is billed. A session that starts ends as soon as it has
 * begun, or does not begin. One whose offscreen document is gone is stopped at the API. Throws what keeps it from being
 * stopped.
 */
export async function stopSession() {
  const { state, sessionId } = await updateView((view) => (view.state === "starting" ? { ...view, isStopRequested: true } : view));
  if (!(await isRecording())) await exclusively(noteLostRecorder); // after a start that is under way, which finds the request
  const isRecorded = await isRecording();
  if (isRecorded) await send("RECORDER_STOP");
  if (sessionId === undefined || !isActive(state)) return;
  // Of an interrupted one that was to be resumed, the recorder may have stopped before it had it.
  if (!isRecorded || (state === "starting" && (await findSession(sessionId)))) await stopInterrupted(sessionId);
}

/** Folds what the recorder reports, each event once: it sends again what a worker that was killed has not answered. */
export async function recordEvents({ recordingId, events }) {
  const before = await loadView();
  if (before.recordingId !== recordingId) return;
  for (const each of events) await keepWhatLasts(before, each).catch(() => undefined); // a full storage must not hold up the captions
  const view = await updateView((current) => (current.recordingId === recordingId ? foldEvents(current, events) : current));
  if (view.tabId === undefined) removeOverlay(before.tabId);
  if (view.isStopRequested && isActive(view.state)) void send("RECORDER_STOP").catch(() => undefined); // it came before the recording began
  if (events.some(({ event }) => event === "opened")) void wake(); // an earlier session may have to be stopped
}

/** The view after these events. After the last one of a failed start there is no session, and the error is shown. */
export function foldEvents(before, events) {
  let view = before;
  for (const { number, event, data } of events) {
    if (event === "start_failed") return idleView(view, { error: data });
    if (number > (view.eventNumber ?? 0)) view = { ...fold(view, event, data), eventNumber: number };
  }
  return view;
}

/** The recorder has nothing left to do. What could not be stopped, for want of a network, is stopped when it can be. */
export async function finishRecording() {
  await exclusively(closeIdleRecorder);
  const { userId } = await openAccount();
  if (userId !== undefined) await clearForUser(userId); // who signed in while it was still running
  await wake();
}

/** What outlives the view: the sessions to look after, and the price. */
async function keepWhatLasts({ tabTitle, userId, apiUrl }, { event, data }) {
  const { sessionId, transcriptId } = data ?? {};
  const session = { sessionId, transcriptId, tabTitle, userId, apiUrl };
  if (event === "opened") await rememberSession(session);
  if (event === "lease") await keepPrice(apiUrl, data.creditsPerMinute);
  if (event !== "ended") return;
  if (data.stopped || GONE.includes(data.reason)) await forgetSession(sessionId);
  else await rememberSession({ ...session, isEnding: true });
}

/** `session` of the settings has options for tests and trials. */
async function sessionOptions(title) {
  const { language, keyTerms, session } = await loadSettings();
  const options = { ...session };
  if (title) options.title = title.slice(0, MOST_TITLE_CHARACTERS);
  if (language) options.language = language;
  if (keyTerms.length > 0) options.key_terms = [...keyTerms];
  return options;
}

async function streamIdOf(tabId) {
  try {
    return await tabStreamId(tabId);
  } catch (error) {
    const message = String(error?.message ?? error);
    if (/active stream/.test(message)) throw new MessageError({ code: "tab_captured", message });
    if (!/not been invoked/.test(message)) throw new MessageError({ code: "capture_failed", message });
    throw new MessageError({ code: (await isProtected(tabId)) ? "tab_protected" : "tab_not_invoked", message });
  }
}

/** Whether no click on the extension helps. Capturing says the same of both; running a script tells them apart. */
async function isProtected(tabId) {
  try {
    await chrome.scripting.executeScript({ target: { tabId }, func: () => undefined, injectImmediately: true });
    return false;
  } catch (error) {
    return /chrome:|chrome-\w+:|gallery|cannot be scripted/i.test(String(error?.message));
  }
}
