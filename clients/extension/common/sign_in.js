/** The sign-in as the SDK stores it. */
export const SIGN_IN_KEY = "live-transcription/sign-in";

/** Calls `listener` with the reason of a sign-out, undefined for a sign-in, after each change in any context. */
export function watchSignIn(listener) {
  chrome.storage.local.onChanged.addListener((changes) => {
    if (changes[SIGN_IN_KEY]) listener(changes[SIGN_IN_KEY].newValue?.reason);
  });
}
