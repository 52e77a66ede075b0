/** Sends the audio that is fed to the socket of the moment, and changes the socket at an exact sample. */
import type { Environment } from "../environment.js";
import { AudioQueue, type Frame, FRAME_MS } from "./audio_queue.js";
import type { LiveSocket } from "./live_socket.js";
import { Timeline } from "./timeline.js";

/** A pause of so many frames is one between words. */
const PAUSE_FRAMES = 2;
/** Providers close a socket that sends much faster than real time: docs/providers.md. */
const PACE = 1.2;
const AHEAD_MS = 3_000;
/** How much longer than its pace a socket may take for the last audio. */
const DRAIN_MARGIN_MS = 5_000;

export type UncoveredReason = "no_audio" | "buffer_full" | "not_recognised";

interface Switch {
  socket: LiveSocket;
  quietFrames: number;
  finish: (isDone: boolean) => void;
}

export interface PumpOptions {
  environment: Environment;
  sampleRate: number;
  bufferSeconds: number;
  onUncovered: (startMs: number, endMs: number, reason: UncoveredReason) => void;
}

export class AudioPump {
  timeline!: Timeline;
  #queue!: AudioQueue;
  readonly #environment: Environment;
  readonly #sampleRate: number;
  readonly #bufferSeconds: number;
  readonly #onUncovered: PumpOptions["onUncovered"];
  #socket: LiveSocket | undefined;
  #switch: Switch | undefined;
  #attachedAtMs = 0;
  #sentMs = 0;
  #timer: unknown;
  /** The position of the next sample that is sent. */
  #sentPosition = 0;
  #drained: (() => void) | undefined;

  constructor({ environment, sampleRate, bufferSeconds, onUncovered }: PumpOptions) {
    this.#environment = environment;
    this.#sampleRate = sampleRate;
    this.#bufferSeconds = bufferSeconds;
    this.#onUncovered = onUncovered;
    this.clear();
  }

  /** Drops all audio, as if none had been fed. Only while there is no socket. */
  clear(): void {
    this.timeline = new Timeline(this.#sampleRate);
    this.#queue = new AudioQueue(this.#sampleRate, this.#bufferSeconds, (start, end) => this.reportUncovered(start, end, "buffer_full"));
  }

  get hasUnsent(): boolean {
    return this.#queue.unsentFrames > 0;
  }

  /** The position up to which the current socket has received samples. */
  get sentPosition(): number {
    return this.#sentPosition;
  }

  /** Adds samples that end now; `nowMs` is the place of now in the transcript, if it is known yet. */
  push(samples: Int16Array, nowMs: number | undefined): void {
    if (nowMs !== undefined) {
      const startMs = nowMs - this.#msOf(samples.length);
      const gapMs = this.timeline.observe(this.#queue.position, startMs);
      if (gapMs > 0) this.#onUncovered(Math.round(startMs - gapMs), Math.round(startMs), "no_audio");
    }
    for (const frame of this.#queue.push(samples)) this.#watchForPause(frame);
    this.#send();
  }

  /** Notes that all samples that were fed so far end at `nowMs`, if the first one has no place yet. */
  placeStart(nowMs: number): void {
    if (!this.timeline.isAnchored && this.#queue.position > 0) this.timeline.observe(0, nowMs - this.#msOf(this.#queue.position));
  }

  reportUncovered(start: number, end: number, reason: UncoveredReason): void {
    if (end > start) this.#onUncovered(Math.round(this.timeline.at(start)), Math.round(this.timeline.at(end)), reason);
  }

  /**
   * Sends to `socket` from now on: at once if there is no other, else from the next pause in speech, at the latest after
   * `patienceMs`. `onSwitch` is called at that very sample. Resolves with false if `signal` was aborted before.
   */
  switchTo(socket: LiveSocket, patienceMs: number, onSwitch: () => void, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (isDone: boolean): void => {
        this.#environment.clearTimer(timer);
        signal.removeEventListener("abort", abort);
        this.#switch = undefined;
        if (isDone) {
          this.#attach(socket);
          onSwitch();
          this.#send();
        }
        resolve(isDone);
      };
      const abort = (): void => finish(false);
      const timer = this.#environment.setTimer(() => finish(true), patienceMs);
      signal.addEventListener("abort", abort);
      this.#switch = { socket, quietFrames: 0, finish };
      if (signal.aborted) finish(false);
      else if (!this.#socket) finish(true);
    });
  }

  /** The socket broke off: what it received from `position` on is sent to the next one, as far as it is still needed. */
  detach(position: number): void {
    this.#socket = undefined;
    this.#stopTimer();
    this.#queue.rewind(position);
    this.#drained?.();
    this.#switch?.finish(true);
  }

  /** The words up to `position` are final. */
  acknowledge(position: number): void {
    this.#queue.acknowledge(position);
  }

  /** Sends all that was fed; what a socket does not accept in time is lost. Then there is no socket any more. */
  async drain(): Promise<void> {
    this.#queue.flush();
    this.#send();
    if (this.#socket && this.hasUnsent) {
      await new Promise<void>((resolve) => {
        const patienceMs = (this.#queue.unsentFrames * FRAME_MS) / PACE + DRAIN_MARGIN_MS;
        const timer = this.#environment.setTimer(resolve, patienceMs);
        this.#drained = () => {
          this.#environment.clearTimer(timer);
          resolve();
        };
      });
      this.#drained = undefined;
    }
    this.#stopTimer();
    const [start, end] = this.#queue.discard();
    this.reportUncovered(start, end, "not_recognised");
    this.#socket = undefined;
  }

  #attach(socket: LiveSocket): void {
    this.#stopTimer();
    this.#socket = socket;
    this.#attachedAtMs = this.#environment.monotonicMs();
    this.#sentMs = 0;
    this.#sentPosition = this.#queue.nextPosition;
  }

  /** Counts the quiet frames for a switch that waits. */
  #watchForPause(frame: Frame): void {
    if (!this.#switch) return;
    this.#switch.quietFrames = frame.isQuiet ? this.#switch.quietFrames + 1 : 0;
    if (this.#switch.quietFrames < PAUSE_FRAMES) return;
    this.#send(); // the pause so far ends the old socket's audio
    if (!this.hasUnsent) this.#switch?.finish(true);
  }

  #send(): void {
    const socket = this.#socket;
    if (!socket || this.#timer !== undefined) return;
    while (this.#socket === socket && this.hasUnsent) {
      const elapsedMs = this.#environment.monotonicMs() - this.#attachedAtMs;
      const waitMs = Math.ceil((this.#sentMs + FRAME_MS - AHEAD_MS) / PACE - elapsedMs);
      if (waitMs > 0) {
        this.#timer = this.#environment.setTimer(() => {
          this.#timer = undefined;
          this.#send();
        }, waitMs);
        return;
      }
      const frame = this.#queue.take() as Frame;
      this.#sentMs += this.#msOf(frame.samples.length);
      this.#sentPosition = frame.start + frame.samples.length;
      socket.send(frame);
    }
    if (!this.hasUnsent) this.#drained?.();
  }

  #stopTimer(): void {
    this.#environment.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #msOf(samples: number): number {
    return (samples * 1000) / this.#sampleRate;
  }
}
