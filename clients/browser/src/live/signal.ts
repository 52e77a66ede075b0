/** Lets one loop wait until something happened, or a time has passed. */
import type { Environment } from "../environment.js";

export class Signal {
  #isSet = false;
  #wake: (() => void) | undefined;

  constructor(private readonly environment: Environment) {}

  /** Ends the wait, or the next one if nothing waits. */
  notify(): void {
    this.#isSet = true;
    this.#wake?.();
  }

  /** Waits for `notify`, `milliseconds` at the longest. */
  async wait(milliseconds?: number): Promise<void> {
    if (!this.#isSet) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (milliseconds === undefined) return;
        const timer = this.environment.setTimer(resolve, milliseconds);
        this.#wake = () => {
          this.environment.clearTimer(timer);
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#isSet = false;
  }
}
