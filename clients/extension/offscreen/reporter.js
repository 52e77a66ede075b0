/** Hands events to the worker, in order and each at least once: it numbers them, and the worker drops what it has. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 2_000;

export class Reporter {
  #waiting = [];
  #sentCount = 0;
  #number = 0;
  #running;
  #deliver;
  #sleep;

  /** `deliver` sends events and resolves when they are stored; it rejects where the worker was killed before that. */
  constructor(deliver, sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))) {
    this.#deliver = deliver;
    this.#sleep = sleep;
  }

  push(event, data) {
    const last = this.#waiting.length > this.#sentCount ? this.#waiting.at(-1) : undefined;
    if (event === "partial" && last?.event === "partial") this.#waiting.pop(); // the newer one replaces it
    this.#waiting.push({ number: ++this.#number, event, data });
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** Resolves when the worker has stored every event. */
  async flushed() {
    while (this.#running) await this.#running;
  }

  async #run() {
    for (let failures = 0; this.#waiting.length > 0; ) {
      const events = [...this.#waiting];
      this.#sentCount = events.length;
      try {
        await this.#deliver(events);
        this.#waiting.splice(0, events.length);
        failures = 0;
      } catch {
        await this.#sleep(Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures++));
      }
      this.#sentCount = 0;
    }
  }
}
