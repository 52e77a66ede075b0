/** The keys of requests whose answer never came: who sends one again soon gets its answer, and pays once. */
import type { Environment } from "./environment.js";

/** A person who tries again means the same request; after a few minutes, the same words may mean a new one. */
const KEPT_MS = 120_000;
const MOST_KEYS = 20;
/** A longer request is a save, which replaces itself. */
const LONGEST_NAME = 10_000;

export class UnansweredKeys {
  readonly #keys = new Map<string, { key: string; keptAtMs: number }>();

  constructor(private readonly environment: Environment) {}

  /** The key for a request of this name: that of an unanswered one, which is handed out once, or a new one. */
  take(name: string): string {
    const kept = this.#keys.get(name);
    this.#keys.delete(name);
    const isFresh = kept && this.environment.monotonicMs() - kept.keptAtMs <= KEPT_MS;
    return isFresh ? kept.key : this.environment.randomUUID();
  }

  keep(name: string, key: string): void {
    if (name.length > LONGEST_NAME) return;
    this.#keys.set(name, { key, keptAtMs: this.environment.monotonicMs() });
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > MOST_KEYS) this.#keys.delete(oldest as string);
  }
}
