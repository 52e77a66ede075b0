/** The live sessions of the account: new ones, those that were interrupted, and words that wait to be saved. */
import type { Auth } from "../auth.js";
import type { Schema } from "../contract.js";
import { type Environment, sleep } from "../environment.js";
import { NotFoundError, SessionInUseError } from "../errors.js";
import type { KeyValueStorage } from "../storage.js";
import type { Stream } from "../stream.js";
import type { LiveOptions } from "./live_options.js";
import { LiveSession } from "./live_session.js";
import { SegmentSaver } from "./segment_saver.js";
import { SegmentsOutbox } from "./segments_outbox.js";
import { lockName, SessionLock } from "./session_lock.js";

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

const STOP_ALL_KEY = "live-transcription/stop-all";
/** How long other windows may take to save their last words before a sign-out. */
const OTHER_WINDOWS_MS = 15_000;

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
        const release = await this.environment.locks.tryLock(lockName(session_id));
        release?.();
        return { sessionId: session_id, transcriptId: transcript_id, state, creditsHeld: credits_held, isRunning: !release };
      }),
    );
  }

  /** Stops a session that nothing runs, with the words that an earlier run could not save. Throws SessionInUseError. */
  stop(sessionId: string): Promise<Schema<"Stopped">> {
    return this.#withOutbox(sessionId, (saver) => saver.stop());
  }

  /** Saves the words that earlier runs could not save, such as those of sessions that ended without a network. */
  async saveUnsaved(): Promise<void> {
    const waiting = await SegmentsOutbox.sessions(this.storage, await this.#userId());
    if (waiting.length === 0) return;
    for (const sessionId of waiting) {
      await this.#withOutbox(sessionId, (saver) => saver.flush()).catch((error: unknown) => {
        if (!(error instanceof SessionInUseError)) throw error; // its own context saves them
      });
    }
  }

  /** Stops all open sessions of the account, also those of other windows, which save their last words first. */
  async stopAll(): Promise<void> {
    await this.#stopOwn();
    const open = await this.stream.openSessions();
    if (open.length === 0) return;
    await this.storage.set(STOP_ALL_KEY, this.environment.randomUUID());
    for (const { session_id } of open) {
      const released = this.environment.locks.withLock(lockName(session_id), async () => undefined);
      await Promise.race([released, sleep(this.environment, OTHER_WINDOWS_MS)]);
      await this.stop(session_id).catch((error: unknown) => {
        if (error instanceof SessionInUseError) return this.stream.stop({ session_id });
        throw error;
      });
    }
  }

  async #stopOwn(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.stop().catch(() => undefined)));
  }

  async #withOutbox<Result>(sessionId: string, work: (saver: SegmentSaver) => Promise<Result>): Promise<Result> {
    const lock = new SessionLock(this.environment.locks);
    await lock.take(sessionId);
    try {
      const outbox = await SegmentsOutbox.open(this.storage, sessionId, await this.#userId());
      const onRefused = (error: unknown): void => {
        if (error instanceof NotFoundError) void outbox.clear(); // the transcript was deleted
      };
      const listener = { onSaved: () => undefined, onWarning: () => undefined, onRefused };
      const result = await work(new SegmentSaver(this.environment, this.stream, sessionId, outbox, listener));
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
