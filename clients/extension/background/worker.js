/** The service worker. It keeps nothing in memory: it may be killed at any moment, and the next message wakes it. */
import { chromeStorage, serveStorage } from "../sdk/live-transcription.mjs";
import { answerMessages, isOwnPage, RECORDER_PORT, send } from "../common/messages.js";
import { isActive, loadView } from "../common/live_view.js";
import { SIGN_IN_KEY } from "../common/sign_in.js";
import { drawOverlay, firstDrawing, keepPlacement, removeOverlay } from "./overlay.js";
import { finishRecording, recordEvents, startSession, stopSession } from "./session.js";
import { clearForUser, followTab, showOverlay, updateView } from "./view.js";
import { stopInterrupted, wake } from "./waking.js";

serveStorage(chromeStorage());

answerMessages("worker", {
  START: ({ tabId, microphone }) => startSession({ tabId, microphone }),
  RESUME_SESSION: startSession,
  PAUSE: () => send("RECORDER_PAUSE"),
  RESUME: () => send("RECORDER_RESUME"),
  STOP: stopSession,
  STOP_SESSION: ({ sessionId }) => stopInterrupted(sessionId),
  SHOW_CAPTIONS: ({ isVisible }) => setCaptionsVisible(isVisible),
  WAKE: async () => {
    const { tabId, state, overlay } = await loadView();
    // The click that opened the popup may have allowed what a navigation had ended.
    if (isActive(state) && overlay === "unavailable") void showOverlay(tabId).catch(() => undefined);
    void wake();
  },
  LIVE_EVENTS: recordEvents,
  RECORDER_DONE: finishRecording,
  OVERLAY_READY: firstDrawing,
  OVERLAY_CHANGED: async (message, sender) => {
    await keepPlacement(message, sender);
    if (message.isVisible === false && sender.tab?.id === (await loadView()).tabId) await setCaptionsVisible(false);
  },
});

/** While it records, the offscreen document holds a port; it opens another one when the worker was killed. */
chrome.runtime.onConnect.addListener((port) => {
  if (port.name === RECORDER_PORT && isOwnPage(port.sender)) port.onDisconnect.addListener(() => void wake());
});

chrome.runtime.onStartup.addListener(() => void wake());
chrome.runtime.onInstalled.addListener(() => void wake());

chrome.commands.onCommand.addListener(async (command, tab) => {
  if (command !== "toggle-captions" || tab?.id === undefined) return;
  try {
    if (isActive((await loadView()).state)) await stopSession();
    else await startSession({ tabId: tab.id });
  } catch {
    await chrome.action.openPopup?.().catch(() => undefined); // it says what is missing; since Chrome 127
  }
});

chrome.storage.local.onChanged.addListener(async ({ settings, [SIGN_IN_KEY]: signIn }) => {
  const [before, now] = [signIn?.oldValue, signIn?.newValue];
  if (now?.token && !(before?.token && before.user?.userId === now.user?.userId)) {
    await clearForUser(now.user?.userId);
    void wake();
  }
  const { captionSize } = settings?.newValue ?? {};
  if (captionSize && captionSize !== settings.oldValue?.captionSize) drawOverlay(await loadView(), { captionSize });
});

async function setCaptionsVisible(isVisible) {
  const { tabId } = await loadView();
  if (tabId === undefined) return;
  if (isVisible) return showOverlay(tabId);
  await updateView((view) => ({ ...view, overlay: "hidden" }));
  removeOverlay(tabId); // last: until then, a caption that came meanwhile draws the overlay again
}

// Pages, and content scripts in them, are not to read the sign-in.
chrome.storage.local.setAccessLevel({ accessLevel: "TRUSTED_CONTEXTS" }).catch(() => undefined);
void loadView().then(followTab);
void wake();
