/** The captions in the captured tab: put there by activeTab, and again after a navigation where it still holds. */
import { CAPTION_SIZES } from "../common/caption_sizes.js";
import { isActive, loadView, overlayView } from "../common/live_view.js";
import { loadSettings, saveSettings } from "../common/settings.js";
import "../overlay/placement.js";

const FILES = ["overlay/sizes.js", "overlay/placement.js", "overlay/status.js", "overlay/style.js", "overlay/overlay.js"];
const { readPlacement } = globalThis.captionPlacement;

/**
 * Puts the overlay into a tab; its script then asks for what it draws. Returns false where the browser does not allow it:
 * pages of the browser and the store, and other sites than that on which the extension was clicked.
 */
export async function injectOverlay(tabId) {
  try {
    await chrome.scripting.executeScript({ target: { tabId }, files: FILES, injectImmediately: true });
    return true;
  } catch {
    return false;
  }
}

/** Sends the overlay what it draws. A tab without one is no error. */
export function drawOverlay(view, captions = {}) {
  if (view.tabId === undefined || view.overlay !== "shown") return;
  tellOverlay(view.tabId, { type: "OVERLAY_VIEW", view: overlayView(view), ...captions });
}

export function removeOverlay(tabId) {
  tellOverlay(tabId, { type: "OVERLAY_REMOVE" });
}

/** What a new overlay of a tab draws first; nothing where the tab has no session. */
export async function firstDrawing(_, { tab }) {
  const view = await loadView();
  if (view.tabId !== tab?.id || !isActive(view.state)) return {};
  const { captionPosition, captionSize } = await loadSettings();
  return { view: overlayView(view), captionPosition, captionSize };
}

/** Keeps what the user changed at the overlay of the session's tab. Anything else is not taken from a page. */
export async function keepPlacement({ captionPosition, captionSize }, { tab }) {
  const { tabId } = await loadView();
  if (tabId === undefined || tabId !== tab?.id) return;
  const changes = {};
  const position = readPlacement(captionPosition);
  if (position) changes.captionPosition = position;
  if (CAPTION_SIZES.includes(captionSize)) changes.captionSize = captionSize;
  if (Object.keys(changes).length > 0) await saveSettings(changes);
}

function tellOverlay(tabId, message) {
  chrome.tabs.sendMessage(tabId, message, { frameId: 0 }).catch(() => undefined);
}
