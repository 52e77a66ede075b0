/** The stored view of the live session, of which the worker is the only writer, and what follows from a change. */
import { EMPTY_VIEW, isActive, loadView, storeView } from "../common/live_view.js";
import { drawOverlay, injectOverlay } from "./overlay.js";

/** Changes the view by a pure function, one change after the other, also over the death of a worker. Returns the view. */
export async function updateView(change) {
  const view = await navigator.locks.request("live-transcription/view", async () => {
    const before = await loadView();
    const after = change(before);
    if (after !== before) await storeView(after);
    return after;
  });
  drawOverlay(view);
  showBadge(view);
  followTab(view);
  return view;
}

/** The view without a session, keeping what is said about an interrupted one. */
export function idleView({ interrupted }, changes = {}) {
  return { ...EMPTY_VIEW, ...(interrupted && { interrupted }), ...changes };
}

/** A user who signs in does not see the captions of another one. */
export function clearForUser(userId) {
  return updateView((view) => (isActive(view.state) || view.userId === undefined || view.userId === userId ? view : EMPTY_VIEW));
}

/** Puts the overlay into the tab of the session, unless the user hid it. */
export async function showOverlay(tabId) {
  const overlay = (await injectOverlay(tabId)) ? "shown" : "unavailable";
  await updateView((view) => (view.tabId === tabId && view.overlay !== overlay ? { ...view, overlay } : view));
}

/**
 * While something is recorded, each page of its tab gets the overlay. The listener is there only that long: every page of
 * every tab would wake the worker.
 */
export function followTab({ state }) {
  if (!isActive(state)) chrome.tabs.onUpdated.removeListener(putBack);
  else if (!chrome.tabs.onUpdated.hasListener(putBack)) chrome.tabs.onUpdated.addListener(putBack);
}

async function putBack(tabId, { status }) {
  if (status === undefined) return;
  const view = await loadView();
  if (view.tabId === tabId && isActive(view.state) && view.overlay !== "hidden") await showOverlay(tabId);
}

/** The toolbar shows that something listens, also where no overlay can. */
function showBadge({ state }) {
  const text = isActive(state) ? (state === "paused" ? "❚❚" : "●") : "";
  chrome.action.setBadgeText({ text }).catch(() => undefined);
  if (text) chrome.action.setBadgeBackgroundColor({ color: "#b3261e" }).catch(() => undefined);
}
