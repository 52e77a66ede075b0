/** The request that opens a session. Its key outlives the context that sent it: nothing is opened twice. */
import type { Environment } from "../environment.js";
import { isKeyOutdated, isKeyUsed } from "../errors.js";
import type { RequestOptions } from "../requests.js";
import type { KeyValueStorage } from "../storage.js";
import type { StartBody, Stream, TimedLease } from "../stream.js";
import { SegmentsOutbox } from "./segments_outbox.js";
import type { LiveParts } from "./live_options.js";
import type { SessionLock } from "./session_lock.js";

/** A session that this context may run: its lease, and what an earlier run could not save. */
export interface OpenedSession {
  timed: TimedLease;
  outbox: SegmentsOutbox;
}

/** A start that is under way, or whose answer never came. */
interface KeptStart {
  key: string;
  userId: string;
  body: string;
  keptAtMs: number;
}

const START_KEY = "live-transcription/start";
/** A person who tries again so soon means the same session. */
const KEPT_MS = 120_000;
/** After so long no lease that it opened is billed any more: the API allows none that is longer. */
const LONGEST_LEASE_MS = 10_800_000;

export class StartRequest {
  /** That of a try whose answer never came. */
  #key: string | undefined;

  constructor(
    private readonly environment: Environment,
    private readonly stream: Stream,
    private readonly storage: KeyValueStorage,
    private readonly body: StartBody,
  ) {}

  /** Opens a session and takes its lock. Throws ApiError, NetworkError, SessionInUseError; then it may be sent again. */
  send(userId: string, lock: SessionLock): Promise<OpenedSession> {
    return repeatOutdated(async () => {
      const key = this.#key ?? (await this.#keptKey(userId));
      const repeated = key === undefined ? undefined : await this.#open(key, userId, lock, true);
      return repeated ?? ((await this.#open(this.environment.randomUUID(), userId, lock, false)) as OpenedSession);
    });
  }

  /** The session is open, or refused: the next start opens another one. */
  async discardKey(): Promise<void> {
    const key = this.#key;
    this.#key = undefined;
    if (key === undefined) return;
    try {
      if ((await this.#kept())?.key === key) await this.storage.remove(START_KEY);
    } catch {
      // A repeated start makes sure that it has a session which is open and which nobody runs.
    }
  }

  /** Undefined if `key` is that of an earlier try whose session is of no use any more. */
  async #open(key: string, userId: string, lock: SessionLock, isRepeat: boolean): Promise<OpenedSession | undefined> {
    const release = await this.environment.locks.tryLock(`${START_KEY}/${key}`);
    if (!release && isRepeat) return undefined; // another context sends it now
    try {
      this.#key = key;
      const timed = await this.#request(key, userId);
      const { session_id } = timed.lease;
      try {
        await lock.take(session_id);
      } catch (error) {
        if (isRepeat) return undefined; // another context runs it, or stops it
        await this.#cancel(session_id);
        throw error;
      }
      if (!isRepeat) return { timed, outbox: new SegmentsOutbox(this.storage, session_id, userId) };
      // An earlier context may have run it for a while, and left words.
      if (await this.#isOpen(session_id)) return { timed, outbox: await SegmentsOutbox.open(this.storage, session_id, userId) };
      lock.release();
      return undefined;
    } finally {
      release?.();
    }
  }

  async #request(idempotencyKey: string, userId: string): Promise<TimedLease> {
    const body = JSON.stringify(this.body);
    const keep = (): Promise<void> => {
      const kept: KeptStart = { key: idempotencyKey, userId, body, keptAtMs: this.environment.wallMs() };
      return this.storage.set(START_KEY, kept).catch(() => undefined); // without it, this object still has the key
    };
    await keep();
    try {
      return await this.stream.startTimed(this.body, { idempotencyKey });
    } catch (error) {
      await (isKeyUsed(error) ? this.discardKey() : keep());
      throw error;
    }
  }

  /** Stops the session that was opened, because it cannot be used. Without an answer, `send` finds it again. */
  async #cancel(sessionId: string): Promise<void> {
    try {
      await this.stream.stop({ session_id: sessionId }, { tries: 2 });
      await this.discardKey();
    } catch {
      // The error that it cannot be used is the one to report; the lease ends by itself.
    }
  }

  /** A repeated start gets its first answer, also if its session was stopped since: that takes no words for long. */
  async #isOpen(sessionId: string): Promise<boolean> {
    return (await this.stream.openSessions()).some(({ session_id }) => session_id === sessionId);
  }

  #kept(): Promise<KeptStart | undefined> {
    return this.storage.get(START_KEY) as Promise<KeptStart | undefined>;
  }

  /** The key of the same start, which an earlier context sent. */
  async #keptKey(userId: string): Promise<string | undefined> {
    const kept = await this.#kept().catch(() => undefined);
    if (kept?.userId !== userId || kept.body !== JSON.stringify(this.body)) return undefined;
    const ageMs = this.environment.wallMs() - kept.keptAtMs;
    return ageMs >= 0 && ageMs <= KEPT_MS ? kept.key : undefined;
  }
}

/**
 * Stops the session that a start opened whose answer never came, by sending that start again, unless a context sends it now.
 * `options`: of the sign-in of `userId`.
 */
export async function stopUnansweredStart(
  { environment, stream, storage }: Pick<LiveParts, "environment" | "stream" | "storage">,
  userId: string,
  options: RequestOptions,
  stop: (sessionId: string) => Promise<unknown>,
): Promise<void> {
  const read = (): Promise<KeptStart | undefined> => storage.get(START_KEY) as Promise<KeptStart | undefined>;
  const kept = await read();
  if (kept?.userId !== userId) return;
  const release = await environment.locks.tryLock(`${START_KEY}/${kept.key}`);
  if (!release) return;
  const isCurrent = async (): Promise<boolean> => (await read())?.key === kept.key;
  try {
    if (!(await isCurrent())) return; // it was answered meanwhile
    const ageMs = environment.wallMs() - kept.keptAtMs;
    // A session of it has no words. Where there is none the start must not open one now, unless it is still under way.
    if (ageMs < LONGEST_LEASE_MS && (await stream.openSessions(options)).some(({ next_seq }) => !next_seq)) {
      const { lease } = await stream.startTimed(JSON.parse(kept.body) as StartBody, { ...options, idempotencyKey: kept.key });
      await stop(lease.session_id);
    } else if (ageMs < KEPT_MS) return;
  } catch (error) {
    if (!isKeyUsed(error)) throw error;
  } finally {
    release();
  }
  if (await isCurrent()) await storage.remove(START_KEY);
}

/** Sends a request for a lease once more, with a new key, where the lease of its key has ended or was followed by another. */
export async function repeatOutdated<Result>(send: () => Promise<Result>): Promise<Result> {
  try {
    return await send();
  } catch (error) {
    if (!isKeyOutdated(error)) throw error;
    return send();
  }
}
