/** When a lease ends and is to be renewed, by the monotonic clock of this device. */
import type { TimedLease } from "../stream.js";

/** A save that differs by less is only the rounding to whole seconds. */
const SYNC_TOLERANCE_MS = 2_000;

export class LeaseClock {
  #endsAtMs: number;
  #postponedUntilMs = 0;
  /** How long before the end a renewal is accepted. */
  readonly #acceptedMs: number;

  /** `leadMs`: how long before its end the lease is renewed, if the API accepts it then. */
  constructor(
    private readonly timed: TimedLease,
    private readonly leadMs: number,
  ) {
    const { lease, beganAtMs } = timed;
    this.#endsAtMs = beganAtMs + lease.lease_seconds * 1000;
    this.#acceptedMs = Date.parse(lease.lease_expires_at) - Date.parse(lease.renew_after);
  }

  /** Milliseconds until the lease ends; below 0 after its end. */
  endsInMs(nowMs: number): number {
    return this.#endsAtMs - nowMs;
  }

  /** Milliseconds until the lease is to be renewed. */
  renewInMs(nowMs: number): number {
    const renewAtMs = this.#endsAtMs - Math.min(this.leadMs, this.#acceptedMs);
    return Math.max(renewAtMs, this.#postponedUntilMs) - nowMs;
  }

  /** Renew no sooner. */
  postpone(untilMs: number): void {
    this.#postponedUntilMs = untilMs;
  }

  /** The place in the transcript of what is heard now. */
  transcriptMs(nowMs: number): number {
    return this.timed.lease.offset_ms + nowMs - this.timed.beganAtMs;
  }

  /** Takes over the seconds that a save names. They differ from ours if this device slept, and its clock with it. */
  sync(secondsLeft: number, sentAtMs: number): void {
    const endsAtMs = sentAtMs + secondsLeft * 1000;
    if (Math.abs(endsAtMs - this.#endsAtMs) > SYNC_TOLERANCE_MS) this.#endsAtMs = endsAtMs;
  }
}
