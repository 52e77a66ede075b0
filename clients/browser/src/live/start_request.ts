/** The request that opens a session. */
import type { Environment } from "../environment.js";
import { ConflictError, isDecided } from "../errors.js";
import type { StartBody, Stream, TimedLease } from "../stream.js";

export class StartRequest {
  /** That of a try whose answer never came is used again: nothing is started twice. */
  #key: string | undefined;

  constructor(
    private readonly environment: Environment,
    private readonly stream: Stream,
    private readonly body: StartBody,
  ) {}

  /** Throws ApiError, NetworkError; then it may be sent again. */
  async send(): Promise<TimedLease> {
    try {
      return await this.#send();
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      return this.#send(); // an earlier try's lease ended before its answer was ready
    }
  }

  /** Stops the session that was opened, because it cannot be used. Without an answer, `send` finds it again. */
  async cancel(sessionId: string): Promise<void> {
    try {
      await this.stream.stop({ session_id: sessionId }, { tries: 2 });
      this.#key = undefined;
    } catch {
      // The error that it cannot be used is the one to report; the lease ends by itself.
    }
  }

  async #send(): Promise<TimedLease> {
    const idempotencyKey = (this.#key ??= this.environment.randomUUID());
    try {
      return await this.stream.startTimed(this.body, { idempotencyKey });
    } catch (error) {
      if (isDecided(error)) this.#key = undefined;
      throw error;
    }
  }
}
