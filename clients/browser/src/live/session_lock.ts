/** One context of the browser runs a session: the one that has its lock. */
import { type Environment, sleep } from "../environment.js";
import { AbortedError, SessionInUseError } from "../errors.js";

/** A context that only saves the words of an earlier run has the lock for a moment: it is waited for. */
export const LOCK_WAIT_MS = 5_000;
const TRY_EVERY_MS = 200;

export class SessionLock {
  #release: (() => void) | undefined;

  constructor(private readonly environment: Environment) {}

  /** Takes the lock of a session, unless this object has it. Throws SessionInUseError, AbortedError. */
  async take(sessionId: string, waitMs = LOCK_WAIT_MS, signal?: AbortSignal): Promise<void> {
    const { locks, monotonicMs } = this.environment;
    const untilMs = monotonicMs() + waitMs;
    while (!(this.#release ??= await locks.tryLock(lockName(sessionId)))) {
      if (monotonicMs() >= untilMs) throw new SessionInUseError();
      await sleep(this.environment, TRY_EVERY_MS, signal);
      if (signal?.aborted) throw new AbortedError();
    }
  }

  release(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

/** The name of a session's lock. */
export function lockName(sessionId: string): string {
  return `live-transcription/session/${sessionId}`;
}
