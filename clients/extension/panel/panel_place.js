/** The place that the popup asks the side panel to open: the panel may not be open yet. */
const PLACE_KEY = "panel-place";

export function askForPlace(place) {
  return chrome.storage.session.set({ [PLACE_KEY]: place });
}

/** Calls `open` with the place that was asked for, once for each. */
export function watchPlace(open) {
  const take = async () => {
    const { [PLACE_KEY]: place } = await chrome.storage.session.get(PLACE_KEY);
    if (!place) return;
    await chrome.storage.session.remove(PLACE_KEY);
    open(place);
  };
  chrome.storage.session.onChanged.addListener((changes) => changes[PLACE_KEY]?.newValue && void take());
  return take();
}
