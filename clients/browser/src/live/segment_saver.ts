/** Saves segments at intervals, in pieces that the API takes, and once more with the stop. */
import type { Schema } from "../contract.js";
import { type Environment, sleep } from "../environment.js";
import { isDecided } from "../errors.js";
import type { RequestOptions } from "../requests.js";
import type { Stream, TimedSave } from "../stream.js";
import type { LiveEvents, WarningCode } from "./live_events.js";
import { SAVE_SEGMENTS, type SegmentsOutbox, STOP_SEGMENTS } from "./segments_outbox.js";

const STOP_TRIES = 10;
/** A session without a socket waits so long for a save. */
const BRIEF_MS = 5_000;

export interface SaverListener {
  onSaved(answer: TimedSave): void;
  onWarning(warning: LiveEvents["warning"]): void;
  onWarnings(warnings: LiveEvents["warnings"]): void;
  /** The API refuses to save for good. */
  onRefused(error: unknown): void;
}

export class SegmentSaver {
  #timer: unknown;
  #running: Promise<boolean> | undefined;
  #warnings: readonly WarningCode[] = [];

  constructor(
    private readonly environment: Environment,
    private readonly stream: Stream,
    private readonly sessionId: string,
    readonly outbox: SegmentsOutbox,
    private readonly listener: SaverListener,
  ) {}

  /** Saves every so many seconds from now on; without segments, it sends a heartbeat. */
  start(intervalSeconds: number): void {
    this.pause();
    this.#timer = this.environment.setTimer(() => {
      void this.flush().finally(() => this.#timer !== undefined && this.start(intervalSeconds));
    }, intervalSeconds * 1000);
  }

  pause(): void {
    this.environment.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  /** Saves all segments. Returns whether the API answered; if not, the segments stay for the next flush. */
  flush(options: RequestOptions = {}): Promise<boolean> {
    this.#running ??= this.#flush(options).finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Saves, unless that takes long: where the network answers nothing, it goes on beside what follows. */
  async flushBriefly(): Promise<void> {
    const isDone = new AbortController();
    const saved = this.flush({ tries: 1 }).finally(() => isDone.abort());
    await Promise.race([saved, sleep(this.environment, BRIEF_MS, isDone.signal)]);
  }

  /** Stops the session with all segments that are left. Throws ApiError, NetworkError: then they stay in the storage. */
  async stop(providerSeconds?: number, options: RequestOptions = {}): Promise<Schema<"Stopped">> {
    this.pause();
    await this.#running;
    const segments = await this.outbox.nextBatch(STOP_SEGMENTS);
    const report = providerSeconds === undefined ? {} : { provider_session_seconds: providerSeconds };
    const body = { session_id: this.sessionId, segments, ...report };
    const stopped = await this.stream.stop(body, { tries: STOP_TRIES, ...options });
    const lost = this.outbox.settle(segments, stopped.rejected);
    // For two minutes a stopped session takes what did not fit, and for longer what it has already.
    if (this.outbox.segments.length > 0 && !(await this.flush(options))) return stopped;
    const count = lost.length + this.outbox.segments.length;
    this.#setWarnings(count > 0 ? ["words_rejected"] : [], count);
    await this.outbox.clear();
    return stopped;
  }

  /**
   * Empties the outbox of a session whose transcript is closed. A repeated stop tells which segments are stored: a save whose
   * answer was lost may have brought them. Returns how many are not. Throws ApiError, NetworkError.
   */
  async settleClosed(options: RequestOptions): Promise<number> {
    let lost = 0;
    while (this.outbox.segments.length > 0) {
      const segments = await this.outbox.nextBatch(STOP_SEGMENTS);
      const { rejected } = await this.stream.stop({ session_id: this.sessionId, segments }, options);
      this.outbox.settle(segments, []);
      lost += rejected.length;
    }
    return lost;
  }

  /** A warning does not apply any more, before a save says so. */
  dropWarning(code: WarningCode): void {
    this.#setWarnings(this.#warnings.filter((current) => current !== code));
  }

  async #flush(options: RequestOptions): Promise<boolean> {
    let isAnyLost = false;
    try {
      do {
        const segments = await this.outbox.nextBatch(SAVE_SEGMENTS);
        const answer = await this.stream.saveTimed({ session_id: this.sessionId, segments }, options);
        const lost = this.outbox.settle(segments, answer.saved.rejected);
        this.listener.onSaved(answer);
        const isFull = answer.saved.saved.length === 0 && this.outbox.segments.length > 0;
        isAnyLost ||= lost.length > 0;
        const codes: WarningCode[] = [...answer.saved.warnings];
        if (isFull) codes.push("words_limit");
        if (isAnyLost) codes.push("words_rejected");
        this.#setWarnings(codes, lost.length);
        if (isFull) break;
      } while (this.outbox.segments.length > 0);
      return true;
    } catch (error) {
      if (!isDecided(error)) this.#setWarnings([...new Set([...this.#warnings, "save_failing" as const])]);
      else this.listener.onRefused(error);
      return false;
    }
  }

  /** `lost`: how many segments were refused for good just now. */
  #setWarnings(codes: WarningCode[], lost = 0): void {
    const before = this.#warnings;
    this.#warnings = codes;
    for (const code of codes) {
      if (code === "words_rejected" && lost > 0) this.listener.onWarning({ code, count: lost });
      else if (!before.includes(code)) this.listener.onWarning({ code });
    }
    const isSame = codes.length === before.length && codes.every((code) => before.includes(code));
    if (!isSame) this.listener.onWarnings({ codes });
  }
}
