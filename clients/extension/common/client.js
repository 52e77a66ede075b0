/** The client of the API, as the settings name it. */
import { chromeStorage, createClient } from "../sdk/live-transcription.mjs";
import { MessageError } from "./messages.js";
import { loadSettings, normalizeApiUrl, saveSettings } from "./settings.js";

const CHECK_MS = 8_000;
/** Each client follows the storage, so there is one for each address. */
const clients = new Map();

function clientOf(apiUrl) {
  if (!clients.has(apiUrl)) clients.set(apiUrl, createClient({ baseUrl: apiUrl, storage: chromeStorage() }));
  return clients.get(apiUrl);
}

/** A client whose sign-in all contexts share. Not in the offscreen document, which has no chrome.storage. */
export async function openClient() {
  return (await openAccount()).client;
}

/** The client with whose it is: { client, apiUrl, userId }; `userId` is undefined where nobody is signed in. */
export async function openAccount() {
  const { apiUrl } = await loadSettings();
  const client = clientOf(apiUrl);
  return { client, apiUrl, userId: (await client.auth.user())?.userId };
}

/** The stage of the service at an address. Throws ApiError, NetworkError, or MessageError where something else answers. */
export async function checkService(apiUrl) {
  const health = await createClient({ baseUrl: apiUrl })
    .request("GET", "/health", { timeoutMs: CHECK_MS, tries: 1 })
    .catch((error) => {
      if (error.cause instanceof SyntaxError) return undefined; // a page of something else
      throw error;
    });
  if (typeof health?.stage !== "string") throw new MessageError({ code: "not_the_service", message: "Something else answers there." });
  return health.stage;
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
