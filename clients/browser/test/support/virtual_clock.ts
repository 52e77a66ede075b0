/** A clock that moves only when a test moves it. */
import { setImmediate } from "node:timers/promises";

interface Timer {
  atMs: number;
  order: number;
  callback: () => void;
}

export class VirtualClock {
  nowMs = 0;
  /** How far the server's clock is ahead of what this device counts: a sleep of the device and its clock. */
  serverAheadMs = 0;
  readonly #timers = new Set<Timer>();
  #order = 0;

  /** The server's clock, in milliseconds since 1970. */
  get serverMs(): number {
    return Date.UTC(2026, 10, 29, 12) + this.nowMs + this.serverAheadMs;
  }

  /** How many timers are set. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Drops all timers, as when their context is closed. */
  clearTimers(): void {
    this.#timers.clear();
  }

  setTimer = (callback: () => void, milliseconds: number): Timer => {
    const timer = { atMs: this.nowMs + Math.max(0, milliseconds), order: this.#order++, callback };
    this.#timers.add(timer);
    return timer;
  };

  clearTimer = (timer: unknown): void => {
    this.#timers.delete(timer as Timer);
  };

  /** Lets so much time pass, with all that happens in it. */
  async advance(milliseconds: number): Promise<void> {
    const untilMs = this.nowMs + milliseconds;
    await settle();
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.callback();
      await settle();
    }
    this.nowMs = untilMs;
  }

  /** The device sleeps: no timer runs. `countsOn`: whether its monotonic clock goes on meanwhile. */
  sleep(milliseconds: number, countsOn: boolean): void {
    if (countsOn) this.nowMs += milliseconds;
    else this.serverAheadMs += milliseconds;
  }

  /** Waits for a promise while time passes. */
  async until<Result>(promise: Promise<Result>, atMostMs = 600_000): Promise<Result> {
    let isSettled = false;
    const settled = promise.finally(() => (isSettled = true));
    settled.catch(() => undefined);
    for (const endMs = this.nowMs + atMostMs; !isSettled; ) {
      if (this.nowMs > endMs) throw new Error(`nothing happened for ${atMostMs} ms`);
      await this.advance(50);
    }
    return settled;
  }

  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue;
      if (!next || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order)) next = timer;
    }
    return next;
  }
}

/** Lets all promises go on that need no time. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 2; round++) await setImmediate();
}

/** The same numbers from the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
