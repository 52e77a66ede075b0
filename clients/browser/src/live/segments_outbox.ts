/** Segments that the API has not acknowledged yet. They are in the storage until it has, also through a restart. */
import type { Schema } from "../contract.js";
import type { KeyValueStorage } from "../storage.js";
import type { Segment } from "../stream.js";

interface StoredOutbox {
  userId: string;
  segments: Segment[];
  /** The numbers that stay: those of segments that were sent, though no answer came, and those far ahead. */
  sentSeqs: number[];
}

type Rejected = Schema<"RejectedSegment">;

const PREFIX = "live-transcription/outbox/";
/** A save takes 100 segments, a stop 1,000. */
export const SAVE_SEGMENTS = 100;
export const STOP_SEGMENTS = 1_000;
/** Each call holds 256 KB; a segment counts with its text, its speaker and 100 bytes. */
const MAX_BYTES = 200_000;
const SEGMENT_BYTES = 100;
/** The API takes steps of up to 100,000. */
const FAR_AHEAD = 10_000;

export class SegmentsOutbox {
  #segments: Segment[] = [];
  #nextSeq = 0;
  readonly #sentSeqs = new Set<number>();
  #writing: Promise<void> | undefined;
  #isChanged = false;

  /** An outbox without what an earlier run may have left in it. */
  constructor(
    private readonly storage: KeyValueStorage,
    readonly sessionId: string,
    readonly userId: string,
  ) {}

  /** The outbox of a session, with what an earlier run left in it. */
  static async open(storage: KeyValueStorage, sessionId: string, userId: string): Promise<SegmentsOutbox> {
    const outbox = new SegmentsOutbox(storage, sessionId, userId);
    const stored = (await storage.get(PREFIX + sessionId)) as StoredOutbox | undefined;
    if (stored?.userId === userId) {
      outbox.#segments = stored.segments;
      stored.sentSeqs.forEach((seq) => outbox.#sentSeqs.add(seq));
    }
    return outbox;
  }

  /** The sessions that have unsaved segments, of whichever user. */
  static async sessions(storage: KeyValueStorage): Promise<string[]> {
    return (await storage.keys(PREFIX)).map((key) => key.slice(PREFIX.length));
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Whether there are segments that were never sent. */
  get hasUnsent(): boolean {
    return this.#segments.some(({ seq }) => !this.#sentSeqs.has(seq));
  }

  /**
   * Numbers what was never sent where the next number of the session is not known: far above those of other devices, and
   * for good, because the API takes no number that is much farther ahead.
   */
  numberFarAhead(): void {
    this.numberFrom(Math.max(...this.#segments.map(({ seq }) => seq)) + FAR_AHEAD);
    this.#segments.forEach(({ seq }) => this.#sentSeqs.add(seq));
  }

  /**
   * The next segment gets the number `nextSeq`. Segments that were never sent get new numbers from there on, because
   * another device may have used theirs.
   */
  numberFrom(nextSeq: number): void {
    this.#nextSeq = Math.max(nextSeq, ...[...this.#sentSeqs].map((seq) => seq + 1));
    for (const segment of this.#segments) if (!this.#sentSeqs.has(segment.seq)) segment.seq = this.#nextSeq++;
    this.#store();
  }

  /** Adds a segment; returns its number. */
  add(segment: Omit<Segment, "seq">): number {
    const seq = this.#nextSeq++;
    this.#segments.push({ seq, ...segment });
    this.#store();
    return seq;
  }

  /** The segments for the next call, marked as sent. */
  async nextBatch(maxSegments: number): Promise<Segment[]> {
    const batch: Segment[] = [];
    let bytes = 0;
    for (const segment of this.#segments.slice(0, maxSegments)) {
      bytes += byteLength(segment.text) + byteLength(segment.speaker ?? "") + SEGMENT_BYTES;
      if (bytes > MAX_BYTES && batch.length > 0) break;
      batch.push(segment);
    }
    await this.markSent(batch);
    return batch;
  }

  async markSent(segments: readonly Segment[]): Promise<void> {
    const fresh = segments.filter(({ seq }) => !this.#sentSeqs.has(seq));
    fresh.forEach(({ seq }) => this.#sentSeqs.add(seq));
    if (fresh.length > 0) this.#store();
    await this.stored();
  }

  /** Removes what was answered. Those without room stay. Returns those that are lost, with the reason. */
  settle(sent: readonly Segment[], rejected: readonly Rejected[]): Rejected[] {
    const staying = new Set(rejected.filter(({ reason }) => hasNoRoom(reason)).map(({ seq }) => seq));
    const answered = new Set(sent.map(({ seq }) => seq).filter((seq) => !staying.has(seq)));
    this.#segments = this.#segments.filter(({ seq }) => !answered.has(seq));
    answered.forEach((seq) => this.#sentSeqs.delete(seq));
    this.#store();
    return rejected.filter(({ reason }) => !hasNoRoom(reason));
  }

  /** Removes everything, also from the storage. */
  async clear(): Promise<void> {
    this.#segments = [];
    this.#sentSeqs.clear();
    this.#store();
    await this.stored();
  }

  /** Resolves when the storage has everything. */
  async stored(): Promise<void> {
    await this.#writing;
  }

  /** Writes the newest state, after a write that is running. */
  #store(): void {
    this.#isChanged = true;
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  async #write(): Promise<void> {
    const key = PREFIX + this.sessionId;
    while (this.#isChanged) {
      this.#isChanged = false;
      const stored: StoredOutbox = { userId: this.userId, segments: this.#segments, sentSeqs: [...this.#sentSeqs] };
      try {
        await (this.#segments.length > 0 ? this.storage.set(key, stored) : this.storage.remove(key));
      } catch {
        // A full storage must not end the session: the segments are in the memory, and the next save sends them.
      }
    }
  }
}

function hasNoRoom(reason: string): boolean {
  return reason === "save_full" || reason === "words_limit";
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
