/** The live sessions of the account: new ones, those that were interrupted, and words that wait to be saved. */
import type { Auth } from "../auth.js";
import type { Schema } from "../contract.js";
import { type Environment, sleep } from "../environment.js";
import { NotFoundError, SessionInUseError } from "../errors.js";
import type { KeyValueStorage } from "../storage.js";
import type { Stream } from "../stream.js";
import { isClosed } from "./end_reason.js";
import type { LiveOptions } from "./live_options.js";
import { LiveSession } from "./live_session.js";
import { type SaverListener, SegmentSaver } from "./segment_saver.js";
import { SegmentsOutbox } from "./segments_outbox.js";
import { LOCK_WAIT_MS, lockName, SessionLock } from "./session_lock.js";

/** A session that was not stopped. */
export interface OpenSession {
  sessionId: string;
  transcriptId: string;
  /** `lapsed`: its lease has ended, so it costs nothing until it is resumed. */
  state: Schema<"OpenSession">["state"];
  creditsHeld: number;
  /** Whether a context of this browser runs it. If not, resume or stop it: its lease is billed. */
  isRunning: boolean;
}

/** How many captions `saveUnsaved` found, by their outcome. */
export interface UnsavedCaptions {
  /** They are in their transcripts now. */
  saved: number;
  /** Their transcript was deleted or is closed for good, or they were refused: they are dropped. */
  lost: number;
  /** The API could not be reached, refuses the account or has no room now: they stay in the storage for the next call. */
  waiting: number;
}

const STOP_ALL_KEY = "live-transcription/stop-all";
/** How long other windows may take to save their last words before a sign-out. */
const OTHER_WINDOWS_MS = 15_000;

/** What was not saved: why the API refused a save, and how many segments it refused for good. */
interface Refusal {
  error?: unknown;
  lost: number;
}

export class Live {
  readonly #sessions = new Set<LiveSession>();

  constructor(
    private readonly environment: Environment,
    private readonly stream: Stream,
    private readonly storage: KeyValueStorage,
    private readonly auth: Auth,
  ) {
    storage.subscribe((key) => {
      if (key === STOP_ALL_KEY) void this.#stopOwn();
    });
  }

  /** A new session, which nothing has started yet: add listeners, then call `start` or `resume`. */
  create(options: LiveOptions = {}): LiveSession {
    const { environment, stream, storage } = this;
    const session = new LiveSession({ environment, stream, storage, userId: () => this.#userId() }, options);
    session.on("state", ({ state }) => {
      if (state === "ended" || state === "idle") this.#sessions.delete(session);
      else this.#sessions.add(session);
    });
    return session;
  }

  /** The sessions that were not stopped, newest first. Look at them when the extension starts or wakes. */
  async findOpen(): Promise<OpenSession[]> {
    const sessions = await this.stream.openSessions();
    return Promise.all(
      sessions.map(async ({ session_id, transcript_id, state, credits_held }) => {
        const isRunning = await this.environment.locks.isLocked(lockName(session_id));
        return { sessionId: session_id, transcriptId: transcript_id, state, creditsHeld: credits_held, isRunning };
      }),
    );
  }

  /** Stops a session that nothing runs, with the words that an earlier run could not save. Throws SessionInUseError. */
  stop(sessionId: string): Promise<Schema<"Stopped">> {
    return this.#withOutbox(sessionId, LOCK_WAIT_MS, async (saver) => {
      await this.#renumber(saver.outbox);
      return saver.stop();
    });
  }

  /**
   * Saves the captions that earlier runs could not save, such as those of sessions that ended without a network. Those whose
   * transcript is closed for good are dropped. Captions of a session that runs are its own, and not counted.
   */
  async saveUnsaved(): Promise<UnsavedCaptions> {
    const result: UnsavedCaptions = { saved: 0, lost: 0, waiting: 0 };
    for (const sessionId of await SegmentsOutbox.sessions(this.storage, await this.#userId())) {
      const work = this.#withOutbox(sessionId, 0, (saver, refusal) => this.#saveUnsaved(saver, refusal, result));
      await work.catch((error: unknown) => {
        if (!(error instanceof SessionInUseError)) throw error; // its own context saves them
      });
    }
    return result;
  }

  async #saveUnsaved(saver: SegmentSaver, refusal: Refusal, result: UnsavedCaptions): Promise<void> {
    const { outbox } = saver;
    const count = outbox.segments.length;
    await this.#renumber(outbox).catch((error: unknown) => (refusal.error = error));
    if (refusal.error === undefined) await saver.flush();
    let { lost } = refusal;
    if (isClosed(refusal.error)) {
      lost += await saver.settleClosed().catch((error: unknown) => {
        refusal.error = error;
        return 0;
      });
    }
    // Another user may have signed in meanwhile, and finds no session of this one.
    if (refusal.error instanceof NotFoundError && (await this.#userId()) === outbox.userId) {
      lost += outbox.segments.length;
      await outbox.clear();
    }
    const waiting = outbox.segments.length;
    result.waiting += waiting;
    result.lost += lost;
    result.saved += count - waiting - lost;
  }

  /** Another device may have continued a session, and used the numbers of segments that were never sent from here. */
  async #renumber(outbox: SegmentsOutbox): Promise<void> {
    if (!outbox.hasUnsent) return;
    const open = (await this.stream.openSessions()).find(({ session_id }) => session_id === outbox.sessionId);
    if (open) outbox.numberFrom(open.next_seq);
    else outbox.numberFarAhead();
  }

  /**
   * Stops all open sessions of the account, also those of other windows, which save their last words first. Throws the first
   * of what kept a session from being stopped, when all were tried.
   */
  async stopAll(): Promise<void> {
    const notice = this.environment.randomUUID();
    await this.storage.set(STOP_ALL_KEY, notice).catch(() => undefined); // other windows begin at once, also without a network
    await this.#stopOwn();
    const open = await this.stream.openSessions();
    const stops = await Promise.allSettled(open.map(({ session_id }) => this.#stopAnywhere(session_id)));
    const failed = stops.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (failed) throw failed.reason;
  }

  async #stopAnywhere(sessionId: string): Promise<void> {
    const released = this.environment.locks.withLock(lockName(sessionId), async () => undefined);
    await Promise.race([released, sleep(this.environment, OTHER_WINDOWS_MS)]);
    await this.stop(sessionId).catch(async (error: unknown) => {
      if (error instanceof SessionInUseError) return this.stream.stop({ session_id: sessionId });
      throw error;
    });
  }

  async #stopOwn(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.stop().catch(() => undefined)));
  }

  async #withOutbox<Result>(
    sessionId: string,
    waitMs: number,
    work: (saver: SegmentSaver, refusal: Refusal) => Promise<Result>,
  ): Promise<Result> {
    const lock = new SessionLock(this.environment);
    await lock.take(sessionId, waitMs);
    try {
      const outbox = await SegmentsOutbox.open(this.storage, sessionId, await this.#userId());
      const refusal: Refusal = { lost: 0 };
      const listener: SaverListener = {
        onSaved: () => undefined,
        onWarning: ({ code, count = 0 }) => void (refusal.lost += code === "words_rejected" ? count : 0),
        onWarnings: () => undefined,
        onRefused: (error) => (refusal.error = error),
      };
      const result = await work(new SegmentSaver(this.environment, this.stream, sessionId, outbox, listener), refusal);
      await outbox.stored();
      return result;
    } finally {
      lock.release();
    }
  }

  async #userId(): Promise<string> {
    return (await this.auth.user())?.userId ?? "";
  }
}
