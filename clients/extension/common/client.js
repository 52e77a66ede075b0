/** The client of the API, as the settings name it. */
import { chromeStorage, createClient } from "../sdk/live-transcription.mjs";
import { loadSettings, normalizeApiUrl, saveSettings } from "./settings.js";

/** A client whose sign-in all contexts share. Not in the offscreen document, which has no chrome.storage. */
export async function openClient() {
  return (await openAccount()).client;
}

/** The client with whose it is: { client, apiUrl, userId }; `userId` is undefined where nobody is signed in. */
export async function openAccount() {
  const { apiUrl } = await loadSettings();
  const client = createClient({ baseUrl: apiUrl, storage: chromeStorage() });
  return { client, apiUrl, userId: (await client.auth.user())?.userId };
}

/**
 * Changes the address of the API. The sign-in belongs to the old one, so it ends: open sessions are stopped and saved
 * first, where the old API can be reached. `onSignOut` gets what `logout` will return. Returns false where `text` is no
 * address.
 */
export async function changeApiUrl(text, onSignOut = () => undefined) {
  const apiUrl = normalizeApiUrl(text);
  if (apiUrl === undefined) return false;
  if (apiUrl === (await loadSettings()).apiUrl) return true;
  const client = await openClient();
  const signOut = client.auth.logout();
  onSignOut(signOut);
  await signOut;
  await saveSettings({ apiUrl });
  return true;
}
