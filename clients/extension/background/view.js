/** The stored view of the live session, of which the worker is the only writer, and what follows from a change. */
import { belongsTo, EMPTY_VIEW, isActive, loadView, storeView } from "../common/live_view.js";
import { drawOverlay, injectOverlay, removeOverlay } from "./overlay.js";

/** Changes the view by a pure function, one change after the other, also over the death of a worker. Returns the view. */
export async function updateView(change) {
  const { view, isChanged } = await navigator.locks.request("live-transcription/view", async () => {
    const before = await loadView();
    const after = change(before);
    if (after !== before) await storeView(after);
    return { view: after, isChanged: after !== before };
  });
  if (!isChanged) return view;
  drawOverlay(view);
  showBadge(view);
  followTab(view);
  return view;
}

/** The view without a session, keeping whose it is and what is said about an interrupted one. */
export function idleView({ userId, interrupted }, changes = {}) {
  return { ...EMPTY_VIEW, ...(userId && { userId }), ...(interrupted && { interrupted }), ...changes };
}

/** The view of a session that nothing records any more: its offscreen document was closed, or it was stopped before it began. */
export function lostView({ partial, warning, warnings, isStopRequested, ...view }) {
  if (view.sessionId === undefined) return idleView(view, isStopRequested ? {} : { error: { code: "failed", message: "The start was cut off." } });
  return { ...view, state: "ended", ended: { reason: "failed", cause: "recorder_lost" } };
}

/** A user who signs in does not see the captions of another one, neither in the pages nor in the tab. */
export async function clearForUser(userId) {
  const { tabId } = await loadView();
  const view = await updateView((before) => (isActive(before.state) || belongsTo(before, userId) ? before : EMPTY_VIEW));
  if (tabId !== undefined && view.tabId === undefined) removeOverlay(tabId);
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
