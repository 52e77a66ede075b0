/** What outlives the popup while a code is awaited: the email address and when the code was sent, never the password. */

/** So long the button for another code waits after each code. */
export const RESEND_SECONDS = 30;

/** `kind`: `sign-up` or `reset`. Returns `{ email, sentAtMs, waitSeconds }`, undefined if no code is awaited. */
export async function loadPending(kind) {
  const key = `pending-${kind}`;
  return (await chrome.storage.session.get(key))[key];
}

export async function storePending(kind, email, { nowMs = Date.now(), waitSeconds = RESEND_SECONDS } = {}) {
  await chrome.storage.session.set({ [`pending-${kind}`]: { email, sentAtMs: nowMs, waitSeconds } });
}

export async function clearPending(kind) {
  await chrome.storage.session.remove(`pending-${kind}`);
}

/** How many seconds are left until another code may be asked for. A clock that was set back does not prolong it. */
export function secondsToResend({ sentAtMs, waitSeconds = RESEND_SECONDS }, nowMs) {
  const passed = Math.floor((nowMs - sentAtMs) / 1000);
  return passed < 0 ? 0 : Math.max(0, waitSeconds - passed);
}
