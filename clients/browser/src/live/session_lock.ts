/** One context of the browser runs a session: the one that has its lock. */
import type { Locks } from "../environment.js";
import { SessionInUseError } from "../errors.js";

export class SessionLock {
  #release: (() => void) | undefined;

  constructor(private readonly locks: Locks) {}

  /** Takes the lock of a session, unless this object has it. Throws SessionInUseError. */
  async take(sessionId: string): Promise<void> {
    this.#release ??= await this.locks.tryLock(lockName(sessionId));
    if (!this.#release) throw new SessionInUseError();
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
