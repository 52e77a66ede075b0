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
