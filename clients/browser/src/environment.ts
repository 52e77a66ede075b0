/** What the SDK uses of its surroundings. Tests replace any part of it, such as the clock and the network. */
import { AbortedError } from "./errors.js";

/** Runs work that only one context of an origin may do at a time. */
export interface Locks {
  /** Waits for the lock, runs `work` and releases the lock. */
  withLock<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
  /** Takes a lock for longer. Returns the function that releases it, or undefined if another context has the lock. */
  tryLock(name: string): Promise<(() => void) | undefined>;
  /** Whether a context has the lock. */
  isLocked(name: string): Promise<boolean>;
}

/** The part of the browser's `WebSocket` that the SDK uses. */
export interface SocketLike {
  binaryType: string;
  readonly readyState: number;
  /** Bytes that were sent and that the network has not accepted yet. */
  readonly bufferedAmount: number;
  onopen: ((event: unknown) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(data: string | ArrayBuffer): void;
  close(code?: number, reason?: string): void;
}

export interface Environment {
  fetch(url: string, init: RequestInit): Promise<Response>;
  openWebSocket(url: string, protocols: string[]): SocketLike;
  /** Milliseconds of a clock that never jumps when somebody sets the device's clock. */
  monotonicMs(): number;
  /** Milliseconds since 1970 by the device's clock, which may be wrong. */
  wallMs(): number;
  setTimer(callback: () => void, milliseconds: number): unknown;
  clearTimer(timer: unknown): void;
  /** A number from 0 (included) to 1 (excluded). */
  random(): number;
  randomUUID(): string;
  locks: Locks;
}

/** Where the browser has no locks, all clients of one context share these. */
let sharedLocks: Locks | undefined;

/** The surroundings of a page, an offscreen document, a service worker or a Node program. */
export function defaultEnvironment(): Environment {
  return {
    fetch: (url, init) => fetch(url, init),
    openWebSocket: (url, protocols) => new WebSocket(url, protocols) as unknown as SocketLike,
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    setTimer: (callback, milliseconds) => setTimeout(callback, milliseconds),
    clearTimer: (timer) => clearTimeout(timer as number),
    random: Math.random,
    randomUUID: () => crypto.randomUUID(),
    locks: typeof navigator !== "undefined" && navigator.locks ? webLocks(navigator.locks) : (sharedLocks ??= localLocks()),
  };
}

/** Resolves after `milliseconds`, or at once when `signal` is aborted. */
export function sleep(environment: Environment, milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = (): void => {
      environment.clearTimer(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = environment.setTimer(finish, milliseconds);
    signal?.addEventListener("abort", finish);
  });
}

/**
 * Runs `work` with a signal that is aborted after `milliseconds`, or when `signal` is. `restart` gives it the whole time
 * again. What `work` does not end itself goes on.
 */
export async function withTimeLimit<Result>(
  environment: Environment,
  milliseconds: number,
  signal: AbortSignal | undefined,
  work: (limited: AbortSignal, restart: () => void) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const startTimer = (): unknown => environment.setTimer(abort, milliseconds);
  let timer = startTimer();
  const restart = (): void => {
    environment.clearTimer(timer);
    timer = startTimer();
  };
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  try {
    return await work(controller.signal, restart);
  } finally {
    environment.clearTimer(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** What `work` resolves with. Throws AbortedError as soon as `signal` is aborted: another context may keep it waiting. */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (!signal) return work;
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => (abort = () => reject(new AbortedError())));
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", abort));
}

/** Locks across all contexts of an origin. Source: developer.mozilla.org/docs/Web/API/Web_Locks_API */
export function webLocks(locks: Pick<LockManager, "request" | "query">): Locks {
  return {
    withLock: async (name, work) => await locks.request(name, work),
    tryLock: (name) =>
      new Promise((resolve, reject) => {
        const held = locks.request(name, { ifAvailable: true }, (lock) => {
          if (!lock) return resolve(undefined);
          return new Promise<void>((release) => resolve(release));
        });
        held.catch(reject);
      }),
    // Not by trying it: that would take it from a context that tries it at the same moment.
    isLocked: async (name) => (await locks.query()).held?.some((lock) => lock.name === name) ?? false,
  };
}

/** Locks within one context, for where the browser has none. */
export function localLocks(): Locks {
  const holders = new Map<string, Promise<unknown>>();
  return {
    async withLock(name, work) {
      const before = holders.get(name) ?? Promise.resolve();
      const result = before.then(work);
      const settled = result.catch(() => undefined);
      holders.set(name, settled);
      void settled.then(() => holders.get(name) === settled && holders.delete(name));
      return result;
    },
    async tryLock(name) {
      if (holders.has(name)) return undefined;
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      holders.set(name, held);
      void held.then(() => holders.get(name) === held && holders.delete(name));
      return release;
    },
    isLocked: async (name) => holders.has(name),
  };
}
