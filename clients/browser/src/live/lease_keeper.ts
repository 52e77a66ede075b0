/** The leases of a session: when the next one is due, how it is requested, and what a refusal means. */
import type { Schema } from "../contract.js";
import type { Environment } from "../environment.js";
import { ConflictError, InsufficientCreditsError, isKeyOutdated, isKeyUsed } from "../errors.js";
import type { Stream, TimedLease } from "../stream.js";
import { LeaseClock } from "./lease_clock.js";
import type { LiveEvents } from "./live_events.js";

type Lease = Schema<"Lease">;

/** So long before its end, a lease that cannot be renewed is ended with its last words. */
const LAST_WORDS_MS = 4_000;
const POSTPONE_MS = 5_000;
/** The session repeats a renewal itself, because meanwhile its socket may break off. */
const TRIES = 2;
/** Where no socket receives the audio, a try is given up sooner: its repeat has the same key. */
const HURRIED_MS = 10_000;

export interface LeaseListener {
  onLease(lease: LiveEvents["lease"]): void;
  onCredits(credits: LiveEvents["credits"]): void;
}

export class LeaseKeeper {
  #lease: Lease;
  #clock: LeaseClock;
  /** The lease whose token no socket has used. */
  #unused: Lease | undefined;
  /** A renewal whose answer is missing, to be sent again as it was. */
  #renewal: { idempotencyKey: string; interrupted: boolean } | undefined;
  #isRefused = false;

  constructor(
    private readonly environment: Environment,
    private readonly stream: Stream,
    private readonly leadMs: number,
    first: TimedLease,
    private readonly listener: LeaseListener,
  ) {
    this.#lease = first.lease;
    this.#clock = this.#adopt(first);
  }

  get lease(): Lease {
    return this.#lease;
  }

  /** Milliseconds until the lease is to be renewed. */
  get renewInMs(): number {
    return this.#clock.renewInMs(this.#now);
  }

  /** Milliseconds until the lease ends; below 0 after its end. */
  get endsInMs(): number {
    return this.#clock.endsInMs(this.#now);
  }

  get isExpired(): boolean {
    return this.endsInMs <= 0;
  }

  /** The place of now in the transcript. */
  get transcriptMs(): number {
    return this.#clock.transcriptMs(this.#now);
  }

  sync(secondsLeft: number, sentAtMs: number): void {
    this.#clock.sync(secondsLeft, sentAtMs);
  }

  /** Forgoes a lease that no socket has used: its token expires. */
  discardUnused(): void {
    this.#unused = undefined;
  }

  /**
   * A lease for the next socket: one that is still unused, or the next. `isInterrupted`: no socket receives the audio.
   * Throws ApiError, NetworkError, AbortedError.
   */
  async next(isInterrupted: boolean, signal: AbortSignal): Promise<Lease> {
    const unused = this.#unused;
    this.#unused = undefined;
    if (unused) return unused;
    const interrupted = isInterrupted || this.#isRefused || this.isExpired;
    this.#renewal ??= { idempotencyKey: this.environment.randomUUID(), interrupted };
    const body = { session_id: this.#lease.session_id, interrupted: this.#renewal.interrupted };
    const { idempotencyKey } = this.#renewal;
    try {
      const timed = await this.stream.renewTimed(body, {
        idempotencyKey,
        signal,
        tries: TRIES,
        ...(isInterrupted && { timeoutMs: HURRIED_MS }),
      });
      this.#renewal = undefined;
      this.#isRefused = false;
      this.#clock = this.#adopt(timed);
      this.#unused = undefined;
      return timed.lease;
    } catch (error) {
      if (isKeyUsed(error)) this.#renewal = undefined; // the next one is a request of its own
      this.#isRefused = isKeyOutdated(error);
      throw error;
    }
  }

  /**
   * Whether a refused renewal can wait while the socket is open: its time has not come, or credits may be bought before
   * the lease ends.
   */
  postpone(error: unknown, hasSocket: boolean): boolean {
    if (error instanceof ConflictError && error.reason === "lease_open") {
      this.#clock.postpone(this.#now + POSTPONE_MS);
      return true;
    }
    const endsInMs = this.endsInMs;
    const canWait = hasSocket && endsInMs > LAST_WORDS_MS;
    if (!(error instanceof InsufficientCreditsError) || !canWait) return false;
    this.#clock.postpone(this.#now + endsInMs - LAST_WORDS_MS);
    this.#reportCredits(error.available, Math.round(endsInMs / 1000));
    return true;
  }

  get #now(): number {
    return this.environment.monotonicMs();
  }

  #adopt(timed: TimedLease): LeaseClock {
    const { lease } = timed;
    this.#lease = this.#unused = lease;
    const clock = new LeaseClock(timed, this.leadMs);
    this.listener.onLease({
      provider: lease.provider,
      startMs: lease.offset_ms,
      leaseSeconds: lease.lease_seconds,
      endsInSeconds: Math.round(clock.endsInMs(this.#now) / 1000),
      creditsHeld: lease.credits_held,
      creditsPerMinute: lease.credits_per_minute,
    });
    this.#reportCredits(lease.credits_available);
    return clock;
  }

  #reportCredits(available: number, endsInSeconds?: number): void {
    const { credits_held: held, credits_per_minute } = this.#lease;
    const minutesLeft = Math.max(0, Math.floor((available + held) / credits_per_minute));
    this.listener.onCredits({ available, held, minutesLeft, ...(endsInSeconds !== undefined && { endsInSeconds }) });
  }
}
