// How work went, said beside the button that started it; a failure that may pass offers to try again.

import { isSignedIn } from "./api.js";
import { el } from "./show.js";

let onSignedOut = () => {};

// `close` is called when the API no longer accepts the sign-in.
export function whenSignedOut(close) {
  onSignedOut = close;
}

// A place for answers: `element` goes beside a button.
export function answerPlace() {
  const text = el("span", { role: "status", class: "quiet" });
  const problem = el("span", { role: "alert", class: "problem" });
  const retry = el("button", { type: "button", hidden: true }, "Try again");
  return { element: el("span", { class: "answer" }, text, problem, retry), text, problem, retry };
}

// Runs `work` and shows at `place` what it returns, or its error. Resolves to whether it succeeded.
export async function run(work, place) {
  clear(place);
  place.text.textContent = "Working…";
  document.body.setAttribute("aria-busy", "true");
  let status = "";
  try {
    status = (await work()) ?? "";
    return true;
  } catch (error) {
    showError(error, place);
    if (error.status === 0 || error.status === 429 || error.status >= 500) offerRetry(work, error.retryAfterSeconds ?? 0, place);
    return false;
  } finally {
    document.body.removeAttribute("aria-busy");
    place.text.textContent = status;
  }
}

export function clear(place) {
  place.text.textContent = place.problem.textContent = "";
  place.retry.hidden = true;
  place.retry.onclick = null;
}

function showError(error, place) {
  if (error.status === undefined) console.error(error);
  const isSignedOut = error.status === 401 && isSignedIn();
  if (isSignedOut) return onSignedOut();
  const advice = error.code === "forbidden" ? " Only accounts in the group admins may use this dashboard." : "";
  place.problem.textContent = error.status === undefined
    ? "Something went wrong on this page. Reload it."
    : `${error.message}${advice} (${error.code})`;
}

// A button that runs the work again, enabled after the seconds that the API asks for.
function offerRetry(work, seconds, place) {
  const button = place.retry;
  const retry = () => run(work, place);
  button.hidden = false;
  button.onclick = retry;
  const countDown = (secondsLeft) => {
    if (button.onclick !== retry) return;
    button.disabled = secondsLeft > 0;
    button.textContent = secondsLeft > 0 ? `Try again in ${secondsLeft} s` : "Try again";
    if (secondsLeft > 0) setTimeout(countDown, 1000, secondsLeft - 1);
  };
  countDown(Math.ceil(seconds));
}
