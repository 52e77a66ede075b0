/** Starting captions as a page does it: on which tab, and what has to be agreed to first. */
import { send } from "../common/messages.js";
import { hasConsent } from "../common/settings.js";
import { askForMicrophone, isMicrophoneAllowed } from "./microphone.js";

/**
 * The tab to caption: the one in front, or, where this page is itself a tab, the one that was in front before it.
 * Its title is known only after a click on the extension's icon in it.
 */
export async function captionedTab() {
  const own = await chrome.tabs.getCurrent();
  const tabs = await chrome.tabs.query({ currentWindow: true });
  if (!own) return tabs.find((tab) => tab.active);
  const others = tabs.filter((tab) => tab.id !== own.id);
  return others.sort((one, other) => (other.lastAccessed ?? 0) - (one.lastAccessed ?? 0))[0];
}

/**
 * Starts captions on a tab. Without consent, or where the browser has to ask for the microphone first, it goes to the page
 * for that instead. Throws MessageError.
 */
export async function startCaptions(app, { microphone, sessionId, tabId }) {
  if (!(await hasConsent())) {
    app.memory.pendingStart = { microphone, sessionId, tabId };
    return app.go("/consent");
  }
  if (microphone && !(await isMicrophoneAllowed())) return askForMicrophone();
  const id = tabId ?? (await captionedTab())?.id;
  const start = sessionId === undefined ? send("START", { tabId: id, microphone }) : send("RESUME_SESSION", { sessionId, tabId: id, microphone });
  await start.catch((error) => {
    if (error.code === "no_answer") void send("WAKE").catch(() => undefined); // the worker was killed: its view may say that it starts
    throw error;
  });
}
