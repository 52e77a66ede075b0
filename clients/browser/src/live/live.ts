/** The live sessions of the account: new ones, those that were interrupted, and words that wait to be saved. */
import type { Auth } from "../auth.js";
import type { Schema } from "../contract.js";
import { type Environment, sleep } from "../environment.js";
import { NotFoundError, SessionInUseError } from "../errors.js";
import type { RequestOptions } from "../requests.js";
import type { KeyValueStorage } from "../storage.js";
import type { Stream } from "../stream.js";
import { isClosed } from "./end_reason.js";
import type { LiveOptions } from "./live_options.js";
import { LiveSession } from "./live_session.js";
import { type SaverListener, SegmentSaver } from "./segment_saver.js";
import { SegmentsOutbox } from "./segments_outbox.js";
import { LOCK_WAIT_MS, lockName, SessionLock } from "./session_lock.js";
import { stopUnansweredStart } from "./start_request.js";

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

/** Tells the other windows to stop their sessions. `id`: each one differs from the one before. */
interface StopNotice {
  id: string;
  signInId: string | undefined;
}

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
    storage.subscribe((key, value) => {
      if (key === STOP_ALL_KEY && value !== undefined) void this.#heed(value as StopNotice); // else it was removed
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

  /**
   * Stops what an interrupted start may have opened: its context was closed, or its answers were lost, so that nothing knows
   * the session. Call it when the extension starts or wakes. Throws ApiError, NetworkError, SessionInUseError.
   */
  async stopUnansweredStart(): Promise<void> {
    const options = { signInId: await this.auth.signInId() }; // another user may sign in meanwhile
    const { environment, stream, storage } = this;
    const stop = (sessionId: string): Promise<unknown> => this.stop(sessionId, options);
    await stopUnansweredStart({ environment, stream, storage }, await this.#userId(), options, stop);
  }

  /** Stops a session that nothing runs, with the words that an earlier run could not save. Throws SessionInUseError. */
  async stop(sessionId: string, options: RequestOptions = {}): Promise<Schema<"Stopped">> {
    const userId = await this.#userId();
    return this.#withOutbox(sessionId, userId, { waitMs: LOCK_WAIT_MS, signal: options.signal }, async (saver) => {
      // Where the list of sessions fails, the session is stopped nevertheless: its lease is billed.
      await this.#renumber(saver.outbox, options).catch(() => saver.outbox.numberFarAhead());
      return saver.stop(undefined, options);
    });
  }

  /**
   * Saves the captions that earlier runs could not save, such as those of sessions that ended without a network. Those whose
   * transcript is closed for good are dropped. Captions of a session that runs are its own, and not counted. An outbox that
   * the storage does not give out counts as one that waits.
   */
  async saveUnsaved(): Promise<UnsavedCaptions> {
    const result: UnsavedCaptions = { saved: 0, lost: 0, waiting: 0 };
    const options = { signInId: await this.auth.signInId() }; // another user, who signs in meanwhile, finds none of the sessions
    const userId = await this.#userId();
    for (const sessionId of await SegmentsOutbox.sessions(this.storage)) {
      const work = this.#withOutbox(sessionId, userId, { waitMs: 0 }, async (saver, refusal) => {
        if (saver.outbox.segments.length > 0) await this.#saveUnsaved(saver, refusal, options, result); // else another user's
      });
      await work.catch((error: unknown) => {
        if (!(error instanceof SessionInUseError)) result.waiting++; // else its own context saves them
      });
    }
    return result;
  }

  async #saveUnsaved(saver: SegmentSaver, refusal: Refusal, options: RequestOptions, result: UnsavedCaptions): Promise<void> {
    const { outbox } = saver;
    const count = outbox.segments.length;
    await this.#renumber(outbox, options).catch((error: unknown) => (refusal.error = error));
    if (refusal.error === undefined) await saver.flush(options);
    let { lost } = refusal;
    if (isClosed(refusal.error)) {
      lost += await saver.settleClosed(options).catch((error: unknown) => {
        refusal.error = error;
        return 0;
      });
    }
    if (refusal.error instanceof NotFoundError) {
      lost += outbox.segments.length;
      await outbox.clear();
    }
    const waiting = outbox.segments.length;
    result.waiting += waiting;
    result.lost += lost;
    result.saved += count - waiting - lost;
  }

  /** Another device may have continued a session, and used the numbers of segments that were never sent from here. */
  async #renumber(outbox: SegmentsOutbox, options: RequestOptions): Promise<void> {
    if (!outbox.hasUnsent) return;
    const open = (await this.stream.openSessions(options)).find(({ session_id }) => session_id === outbox.sessionId);
    if (open) outbox.numberFrom(open.next_seq);
    else outbox.numberFarAhead();
  }

  /**
   * Stops all open sessions of the account, also those of other windows, which save their last words first. Throws the first
   * of what kept a session from being stopped, when all were tried. Nothing is stopped as another user, who signs in meanwhile.
   */
  async stopAll(options: RequestOptions = {}): Promise<void> {
    const signInId = options.signInId ?? (await this.auth.signInId().catch(() => undefined));
    const ofThisSignIn: RequestOptions = { ...options, signInId };
    const notice: StopNotice = { id: this.environment.randomUUID(), signInId };
    void this.storage.set(STOP_ALL_KEY, notice).catch(() => undefined); // other windows begin at once, also without a network
    await this.#stopOwn();
    const open = await this.stream.openSessions(ofThisSignIn);
    const stops = await Promise.allSettled(open.map(({ session_id }) => this.#stopAnywhere(session_id, ofThisSignIn)));
    const failed = stops.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (failed) throw failed.reason;
  }

  async #stopAnywhere(sessionId: string, options: RequestOptions): Promise<void> {
    const released = this.environment.locks.withLock(lockName(sessionId), async () => undefined);
    await Promise.race([released, sleep(this.environment, OTHER_WINDOWS_MS, options.signal)]);
    await this.stop(sessionId, options).catch(async (error: unknown) => {
      if (error instanceof SessionInUseError) return this.stream.stop({ session_id: sessionId }, options);
      throw error;
    });
  }

  /** A notice may come late, when another user has signed in. */
  async #heed({ signInId }: StopNotice): Promise<void> {
    const currentId = await this.auth.signInId().catch(() => undefined);
    if (currentId === undefined || currentId === signInId) await this.#stopOwn();
  }

  async #stopOwn(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.stop().catch(() => undefined)));
  }

  async #withOutbox<Result>(
    sessionId: string,
    userId: string,
    { waitMs, signal }: { waitMs: number; signal?: AbortSignal | undefined },
    work: (saver: SegmentSaver, refusal: Refusal) => Promise<Result>,
  ): Promise<Result> {
    const lock = new SessionLock(this.environment);
    await lock.take(sessionId, waitMs, signal);
    try {
      const outbox = await SegmentsOutbox.open(this.storage, sessionId, userId);
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
