/** Starting, pausing and stopping the live session, and what it reports. */
import { tabStreamId } from "../sdk/live-transcription.mjs";
import { fold, loadView, startingView } from "../common/live_view.js";
import { describeError, MessageError, send } from "../common/messages.js";
import { openClient } from "../common/client.js";
import { keepPrice } from "../common/price.js";
import { hasConsent, loadSettings } from "../common/settings.js";
import { removeOverlay } from "./overlay.js";
import { closeRecorder, exclusively, isRecording, openRecorder } from "./recorder.js";
import { forgetSession, rememberSession, stopInterrupted, wake } from "./waking.js";
import { idleView, showOverlay, updateView } from "./view.js";

const MOST_TITLE_CHARACTERS = 200;
/** Ends after which nothing is left to stop. */
const GONE = ["deleted", "stopped_elsewhere", "resume_expired"];

/** Starts a session on a tab, or continues an interrupted one. Throws MessageError, and then nothing is recorded. */
export async function startSession({ tabId, microphone = false, sessionId }) {
  const { interrupted } = await loadView();
  await exclusively(async () => {
    if (!(await hasConsent())) throw new MessageError({ code: "consent_missing", message: "Accept the recording first." });
    if (await isRecording()) throw new MessageError({ code: "session_running", message: "Captions run already. Stop them first." });
    const streamId = await streamIdOf(tabId);
    const tab = await chrome.tabs.get(tabId);
    await openRecorder();
    const recordingId = crypto.randomUUID();
    const userId = (await (await openClient()).auth.user())?.userId;
    await updateView(({ captions, ...before }) => {
      const view = { ...startingView({ tabId, tabTitle: tab.title, nowMs: Date.now() }), recordingId, userId };
      return sessionId !== undefined && before.sessionId === sessionId ? { ...view, captions } : view;
    });
    await showOverlay(tabId);
    const leave = async (changes) => {
      removeOverlay(tabId);
      await updateView(() => idleView({ interrupted }, changes));
    };
    try {
      const { apiUrl } = await loadSettings();
      const options = await sessionOptions(tab.title);
      const { isStopped } = await send("RECORDER_START", { recordingId, streamId, microphone, apiUrl, options, sessionId });
      if (isStopped) await leave({});
    } catch (error) {
      await leave({ error: describeError(error) });
      throw error;
    }
  });
  if (interrupted && interrupted.sessionId !== sessionId) await stopInterrupted(interrupted.sessionId).catch(() => undefined); // again when it wakes
}

/** Stops the session: resolves when the last words are saved and it is billed. */
export async function stopSession() {
  if (await isRecording()) await send("RECORDER_STOP");
  else await wake(); // the view may still show a session whose document is gone
}

/** Folds what the recorder reports, each event once: it sends again what a worker that was killed has not answered. */
export async function recordEvents({ recordingId, events }) {
  const { recordingId: current, tabId } = await loadView();
  if (current !== recordingId) return;
  await rememberWhatRuns(events);
  const view = await updateView((before) => (before.recordingId === recordingId ? foldEvents(before, events) : before));
  if (view.tabId === undefined) removeOverlay(tabId);
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
  await closeRecorder();
  await wake();
}

async function rememberWhatRuns(events) {
  const { tabTitle } = await loadView();
  for (const { event, data } of events) {
    if (event === "opened") await rememberSession({ ...data, tabTitle });
    if (event === "lease") await keepPrice((await loadSettings()).apiUrl, data.creditsPerMinute);
    if (event !== "ended") continue;
    if (data.stopped || GONE.includes(data.reason)) await forgetSession();
    else await rememberSession({ sessionId: data.sessionId, transcriptId: data.transcriptId, tabTitle, isEnding: true });
  }
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
    await chrome.scripting.executeScript({ target: { tabId }, func: () => undefined });
    return false;
  } catch (error) {
    return /chrome:|chrome-\w+:|gallery|cannot be scripted/i.test(String(error?.message));
  }
}
