/**
 * What a minute of captions cost last. The API names the price with each lease and nowhere else, so before the first lease
 * at an API no page can say how many minutes the credits are worth.
 */
const PRICE_KEY = "credits-per-minute";

/** The price of the last lease at this API, in credits a minute; undefined before the first one. */
export async function loadPrice(apiUrl) {
  const { [PRICE_KEY]: last } = await chrome.storage.local.get(PRICE_KEY);
  return last?.apiUrl === apiUrl ? last.creditsPerMinute : undefined;
}

/** Keeps the price of a lease. A lease that costs nothing has no price to reckon with. */
export async function keepPrice(apiUrl, creditsPerMinute) {
  if (creditsPerMinute > 0) await chrome.storage.local.set({ [PRICE_KEY]: { apiUrl, creditsPerMinute } });
}

/** Calls `listener` after each change. */
export function watchPrice(listener) {
  chrome.storage.local.onChanged.addListener((changes) => changes[PRICE_KEY] && listener());
}
