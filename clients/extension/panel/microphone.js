/** The microphone: whether the browser allows it, and whether the user wants it. */
const MICROPHONE_KEY = "microphone";

export async function isMicrophoneAllowed() {
  return (await navigator.permissions.query({ name: "microphone" })).state === "granted";
}

/** Only a page in a tab can ask: the browser closes its question in a popup, and shows none in a side panel. */
export async function askForMicrophone() {
  await chrome.tabs.create({ url: chrome.runtime.getURL("panel/panel.html#/microphone") });
}

/** Whether the microphone was switched on last time. */
export async function loadMicrophoneChoice() {
  return (await chrome.storage.local.get(MICROPHONE_KEY))[MICROPHONE_KEY] === true;
}

export async function storeMicrophoneChoice(isOn) {
  await chrome.storage.local.set({ [MICROPHONE_KEY]: isOn });
}
