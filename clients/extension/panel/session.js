/** Starting and ending the live session, as the worker runs it. */
import { send } from "../common/messages.js";
import { hasConsent } from "../common/settings.js";

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
  if (sessionId === undefined) await send("START", { tabId: id, microphone });
  else await send("RESUME_SESSION", { sessionId, tabId: id, microphone });
}

export async function isMicrophoneAllowed() {
  return (await navigator.permissions.query({ name: "microphone" })).state === "granted";
}

/** Only a page in a tab can ask: the browser closes its question in a popup, and shows none in a side panel. */
export async function askForMicrophone() {
  await chrome.tabs.create({ url: chrome.runtime.getURL("panel/panel.html#/microphone") });
}

const MICROPHONE_KEY = "microphone";

/** Whether the microphone was switched on last time. */
export async function loadMicrophoneChoice() {
  return (await chrome.storage.local.get(MICROPHONE_KEY))[MICROPHONE_KEY] === true;
}

export async function storeMicrophoneChoice(isOn) {
  await chrome.storage.local.set({ [MICROPHONE_KEY]: isOn });
}
