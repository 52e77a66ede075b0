/** The events of a live session. */
import type { Schema } from "../contract.js";
import type { UncoveredReason } from "./audio_pump.js";

/**
 * - `idle`: not started yet.
 * - `starting`: the first socket is being opened; audio that is fed is kept for it.
 * - `live`: a socket receives the audio.
 * - `reconnecting`: the socket broke off and the next one is being opened; audio is kept for it.
 * - `paused`: by `pause`; audio is ignored.
 * - `stopping`: the last words are awaited and saved.
 * - `ended`: see the event `ended`.
 */
export type LiveState = "idle" | "starting" | "live" | "reconnecting" | "paused" | "stopping" | "ended";

/**
 * - `stopped`: by `stop`.
 * - `insufficient_credits`: the balance does not cover another lease.
 * - `account_blocked`, `signed_out`: the API refuses the account; unsaved words wait in the storage.
 * - `stopped_elsewhere`: another device or window stopped the session.
 * - `deleted`: the transcript was deleted.
 * - `resume_expired`: the session was interrupted for more than a day.
 * - `provider_failed`: the provider refused several sockets in a row.
 * - `failed`: something else, in `error`.
 */
export type EndReason =
  | "stopped"
  | "insufficient_credits"
  | "account_blocked"
  | "signed_out"
  | "stopped_elsewhere"
  | "deleted"
  | "resume_expired"
  | "provider_failed"
  | "failed";

/**
 * `credits_low`, `lease_ending`, `no_audio`: as in docs/streaming.md. `words_limit`: the API keeps no more words for now.
 * `words_rejected`: segments of the last save were refused for good. `save_failing`: words wait.
 */
export type WarningCode = Schema<"Saved">["warnings"][number] | "words_limit" | "words_rejected" | "save_failing";

/** Words of the transcript. Times are milliseconds from its beginning. */
export interface Caption {
  text: string;
  startMs: number;
  endMs: number;
  speaker?: string;
}

export interface LiveEvents {
  /** The session is in another state: show it. */
  state: { state: LiveState };
  /** The words of the current turn so far; the next `partial` or `final` replaces them. */
  partial: Caption;
  /** Words that will not change. They are saved under `seq`. */
  final: Caption & { seq: number };
  /** A lease began: its place in the transcript, its seconds, what it holds, and the provider that transcribes. */
  lease: { startMs: number; leaseSeconds: number; endsInSeconds: number; creditsHeld: number; creditsPerMinute: number; provider: string };
  /** A warning begins. `words_rejected` has the `count` of segments, and comes each time that some are refused. */
  warning: { code: WarningCode; count?: number };
  /** All warnings that apply now, whenever one begins or ends. None applies to a session that has ended. */
  warnings: { codes: WarningCode[] };
  /**
   * The balance, with each lease. Show `available + held`. `endsInSeconds` is there when the credits do not cover another
   * lease: then the session ends so soon, unless credits are bought.
   */
  credits: { available: number; held: number; minutesLeft: number; endsInSeconds?: number };
  /** No words exist of this part: nothing was fed, more was fed than is kept, or it could not be recognised. */
  uncovered: { startMs: number; endMs: number; reason: UncoveredReason };
  /** The session has ended. `stopped` has what it cost, if the API could be reached. */
  ended: { reason: EndReason; stopped?: Schema<"Stopped">; error?: unknown };
}

type Listener<Event> = (event: Event) => void;

/** Calls the listeners of events. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Calls `listener` at each event of this name. Returns what ends the calls. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** The next event of this name. */
  once<Name extends keyof Events>(name: Name): Promise<Events[Name]> {
    return new Promise((resolve) => {
      const stop = this.on(name, (event) => {
        stop();
        resolve(event);
      });
    });
  }

  /** A listener that throws keeps neither the others nor the session from going on. */
  protected emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as Listener<Events[Name]>)(event);
      } catch (error) {
        console.error(error);
      }
    }
  }
}
