/** Samples in frames, kept until their words are final, so that a new socket can receive them again. */
import { PauseDetector } from "./pauses.js";

/** `start`: how many samples were fed before it. */
export interface Frame {
  start: number;
  samples: Int16Array;
  isQuiet: boolean;
}

export const FRAME_MS = 100;
const SHORTEST_FRAME_MS = 50; // AssemblyAI refuses shorter ones

export class AudioQueue {
  /** Sent ones whose words are not final yet, then unsent ones. */
  readonly #frames: Frame[] = [];
  #sent = 0;
  #rest: Int16Array;
  #restLength = 0;
  #end = 0;
  #acknowledged = 0;
  /** What was sent, but is not kept any more: lost if its socket breaks off. */
  #unkept: { start: number; end: number } | undefined;
  readonly #pauses = new PauseDetector();
  readonly #keptFrames: number;

  /** Keeps `keptSeconds` of audio. `onLost` gets the positions of samples that no socket receives. */
  constructor(
    private readonly sampleRate: number,
    keptSeconds: number,
    private readonly onLost: (start: number, end: number) => void,
  ) {
    this.#rest = new Int16Array((sampleRate * FRAME_MS) / 1000);
    this.#keptFrames = Math.ceil((keptSeconds * 1000) / FRAME_MS);
  }

  /** How many samples were fed. */
  get position(): number {
    return this.#end + this.#restLength;
  }

  get unsentFrames(): number {
    return this.#frames.length - this.#sent;
  }

  /** The position of the next sample that is sent. */
  get nextPosition(): number {
    return this.#frames[this.#sent]?.start ?? this.#end;
  }

  /** Adds samples; returns the frames that they complete. */
  push(samples: Int16Array): Frame[] {
    const completed: Frame[] = [];
    for (let read = 0; read < samples.length; ) {
      const part = samples.subarray(read, read + this.#rest.length - this.#restLength);
      this.#rest.set(part, this.#restLength);
      this.#restLength += part.length;
      read += part.length;
      if (this.#restLength === this.#rest.length) completed.push(this.#complete());
    }
    return completed;
  }

  /** Makes a frame of the samples that are left, with silence where they are too few. */
  flush(): void {
    if (this.#restLength === 0) return;
    const shortest = (this.sampleRate * SHORTEST_FRAME_MS) / 1000;
    this.#restLength = Math.max(this.#restLength, shortest);
    this.#complete();
  }

  /** The next unsent frame, which counts as sent from now on. */
  take(): Frame | undefined {
    const frame = this.#frames[this.#sent];
    if (frame) this.#sent++;
    return frame;
  }

  /** The words up to `position` are final: their frames are not needed any more. */
  acknowledge(position: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, position);
    if (this.#unkept && this.#unkept.end <= this.#acknowledged) this.#unkept = undefined;
    while (this.#sent > 0 && endOf(this.#frames[0]) <= this.#acknowledged) {
      this.#frames.shift();
      this.#sent--;
    }
  }

  /** The socket broke off: what it received from `position` on is sent again, as far as its words are not final. */
  rewind(position: number): void {
    this.acknowledge(position);
    this.#sent = 0;
    if (this.#unkept) this.onLost(Math.max(this.#unkept.start, this.#acknowledged), this.#unkept.end);
    this.#unkept = undefined;
  }

  /** Drops all unsent frames; returns their positions. */
  discard(): [start: number, end: number] {
    const start = this.nextPosition;
    this.#frames.splice(this.#sent);
    return [start, this.#end];
  }

  #complete(): Frame {
    const samples = this.#rest.slice(0, this.#restLength);
    const frame = { start: this.#end, samples, isQuiet: this.#pauses.isQuiet(samples) };
    this.#rest.fill(0);
    this.#restLength = 0;
    this.#end += samples.length;
    this.#frames.push(frame);
    if (this.#frames.length > this.#keptFrames) this.#drop();
    return frame;
  }

  /** Drops the oldest frame. A pause before all words that are not final is no loss. */
  #drop(): void {
    const frame = this.#frames.shift() as Frame;
    const end = endOf(frame);
    const wasSent = this.#sent > 0;
    if (wasSent) this.#sent--;
    if (frame.isQuiet && !this.#unkept) return;
    if (!wasSent) this.onLost(frame.start, end);
    else this.#unkept = { start: this.#unkept?.start ?? frame.start, end };
  }
}

function endOf(frame: Frame | undefined): number {
  return frame ? frame.start + frame.samples.length : Number.POSITIVE_INFINITY;
}
