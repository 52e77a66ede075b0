/** What the user chose: kept in chrome.storage.local, and the same in all contexts. */
import { DEFAULT_CAPTION_SIZE } from "./caption_sizes.js";

const SETTINGS_KEY = "settings";
export const CONSENT_KEY = "consent";
/** Raised when the consent text changes in what it promises: then it is asked for again. */
export const CONSENT_VERSION = 1;

/** `language`: "" for automatic. `captionPosition`: where the overlay is; undefined until the user moved it. */
export const DEFAULT_SETTINGS = Object.freeze({
  apiUrl: "http://127.0.0.1:8000",
  language: "",
  keyTerms: Object.freeze([]),
  captionSize: DEFAULT_CAPTION_SIZE,
  captionPosition: undefined,
  announceCaptions: false,
});

export async function loadSettings() {
  return withDefaults((await chrome.storage.local.get(SETTINGS_KEY))[SETTINGS_KEY]);
}

/** Stores some settings; the others stay as they are. Returns all. */
export function saveSettings(changes) {
  return navigator.locks.request("live-transcription/settings", async () => {
    const settings = { ...(await loadSettings()), ...changes };
    await chrome.storage.local.set({ [SETTINGS_KEY]: settings });
    return settings;
  });
}

/** Calls `listener` with all settings after each change. Returns what ends the calls. */
export function watchSettings(listener) {
  const notify = (changes) => {
    if (changes[SETTINGS_KEY]) listener(withDefaults(changes[SETTINGS_KEY].newValue));
  };
  chrome.storage.local.onChanged.addListener(notify);
  return () => chrome.storage.local.onChanged.removeListener(notify);
}

function withDefaults(stored) {
  return { ...DEFAULT_SETTINGS, ...stored };
}

/** As the extension's content security policy: https, or http on this machine. */
export function isAllowedUrl({ protocol, hostname }) {
  return protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "localhost"].includes(hostname));
}

/**
 * The address of an API as the SDK takes it, without a slash at its end; undefined where it is none, or none that is allowed.
 */
export function normalizeApiUrl(text) {
  let url;
  try {
    url = new URL(text.trim());
  } catch {
    return undefined;
  }
  if (!isAllowedUrl(url) || url.username || url.password || url.search || url.hash) return undefined;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** Whether the user accepted the current consent text. */
export async function hasConsent() {
  return (await chrome.storage.local.get(CONSENT_KEY))[CONSENT_KEY]?.version === CONSENT_VERSION;
}

export async function giveConsent() {
  await chrome.storage.local.set({ [CONSENT_KEY]: { version: CONSENT_VERSION, acceptedAtMs: Date.now() } });
}
