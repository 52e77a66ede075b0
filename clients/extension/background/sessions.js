/**
 * The sessions that this browser has to look after, in chrome.storage.local: each from its start until the API is known to
 * have stopped it. Entries of other users and other APIs stay until their account is signed in again.
 */
const SESSIONS_KEY = "sessions";
/** The oldest entries leave first: the API has long closed their sessions. */
const MOST_SESSIONS = 50;

/** The entries of an account, oldest first. `isEnding`: the session is to be stopped, and not to be offered again. */
export async function loadSessions(account) {
  return (await load()).filter((session) => isOf(session, account));
}

export async function findSession(sessionId) {
  return (await load()).find((session) => session.sessionId === sessionId);
}

/**
 * Remembers { sessionId, userId, apiUrl, transcriptId, tabTitle?, isEnding? } as the newest one of its account. The earlier
 * ones of the account are to be stopped: a browser runs one session at a time.
 */
export function rememberSession(session) {
  return change((sessions) => {
    const others = sessions.filter(({ sessionId }) => sessionId !== session.sessionId);
    return [...others.map((other) => (isOf(other, session) ? { ...other, isEnding: true } : other)), session].slice(-MOST_SESSIONS);
  });
}

/** From now on the session is to be stopped, also where the first attempt fails. */
export function markEnding(sessionId) {
  return change((sessions) => sessions.map((session) => (session.sessionId === sessionId ? { ...session, isEnding: true } : session)));
}

export function forgetSession(sessionId) {
  return change((sessions) => sessions.filter((session) => session.sessionId !== sessionId));
}

export function isOf(session, { userId, apiUrl }) {
  return session.userId === userId && session.apiUrl === apiUrl;
}

async function load() {
  return (await chrome.storage.local.get(SESSIONS_KEY))[SESSIONS_KEY] ?? [];
}

function change(work) {
  return navigator.locks.request("live-transcription/sessions", async () => {
    await chrome.storage.local.set({ [SESSIONS_KEY]: work(await load()) });
  });
}
