/** Where each sample that was fed belongs in the transcript. */

/** Audio that arrives so much later than the samples before it is not their continuation. */
const GAP_MS = 2_000;

export class Timeline {
  readonly #anchors: { position: number; ms: number }[] = [];

  constructor(private readonly sampleRate: number) {}

  /** Whether the first sample has its place. */
  get isAnchored(): boolean {
    return this.#anchors.length > 0;
  }

  /**
   * Notes that the sample at `position` was heard at `ms`. Samples follow each other by their count, which is exact,
   * unless nothing was fed for a time. Returns the gap before the sample in milliseconds, or 0.
   */
  observe(position: number, ms: number): number {
    if (!this.isAnchored) {
      this.#anchors.push({ position, ms: Math.max(0, ms) });
      return 0;
    }
    const gapMs = ms - this.at(position);
    if (gapMs <= GAP_MS) return 0;
    this.#anchors.push({ position, ms });
    return gapMs;
  }

  /** The place of a sample in the transcript, in milliseconds. */
  at(position: number): number {
    let anchor = this.#anchors[0] ?? { position: 0, ms: 0 };
    for (const next of this.#anchors) if (next.position <= position) anchor = next;
    return anchor.ms + ((position - anchor.position) * 1000) / this.sampleRate;
  }
}
