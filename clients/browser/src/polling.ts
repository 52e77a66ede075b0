/** Asking the API again and again: until something is done, or as long as somebody looks. */
import { type Environment, sleep } from "./environment.js";
import { isDecided, retryAfterMs } from "./errors.js";

/** So many polls in a row without an answer are given up: without a network, that is about ten minutes. */
const MOST_FAILURES = 20;
const LONGEST_WAIT_MS = 30_000;
/** A page that nobody sees asks so much less often. */
const HIDDEN_FACTOR = 8;
/** One poll is tried so often; the next one follows anyway. */
export const POLL_TRIES = 2;

/** Calls `ask` until `isDone` says so, also over a lost network. Throws what decides otherwise, and AbortedError. */
export async function pollUntil<Result>(
  environment: Environment,
  ask: () => Promise<Result>,
  isDone: (result: Result) => boolean,
  pollMs: number,
  signal?: AbortSignal,
): Promise<Result> {
  for (let failures = 0; ; ) {
    let waitMs = pollMs;
    try {
      const result = await ask();
      if (isDone(result)) return result;
      failures = 0;
    } catch (error) {
      if (signal?.aborted || isDecided(error) || ++failures >= MOST_FAILURES) throw error;
      waitMs = Math.max(retryAfterMs(error), Math.min(LONGEST_WAIT_MS, pollMs * 2 ** failures));
    }
    await sleep(environment, waitMs, signal); // after an abort, `ask` throws
  }
}

/** Waits for the next look: longer while the page is hidden, and no longer once it is shown. */
export async function untilNextLook(environment: Environment, pollMs: number, signal: AbortSignal): Promise<void> {
  const page = (globalThis as { document?: Document }).document; // a worker has none
  if (page?.visibilityState !== "hidden") return sleep(environment, pollMs, signal);
  if (signal.aborted) return;
  const isOver = new AbortController();
  const end = (): void => isOver.abort();
  page.addEventListener("visibilitychange", end);
  signal.addEventListener("abort", end);
  await sleep(environment, pollMs * HIDDEN_FACTOR, isOver.signal);
  page.removeEventListener("visibilitychange", end);
  signal.removeEventListener("abort", end);
}
