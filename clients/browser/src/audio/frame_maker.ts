/** Turns blocks of samples at any rate into 16-bit frames of one length. */
import { Resampler, toInt16 } from "./resampler.js";

export class FrameMaker {
  readonly #resampler: Resampler | undefined;
  readonly #frame: Float32Array;
  #length = 0;

  constructor(inputRate: number, outputRate: number, frameMs: number) {
    if (inputRate !== outputRate) this.#resampler = new Resampler(inputRate, outputRate);
    this.#frame = new Float32Array((outputRate * frameMs) / 1000);
  }

  /** Adds samples from -1 to 1; returns the frames that they complete. */
  push(samples: Float32Array): Int16Array[] {
    const frames: Int16Array[] = [];
    const resampled = this.#resampler ? this.#resampler.push(samples) : samples;
    for (let read = 0; read < resampled.length; ) {
      const part = resampled.subarray(read, read + this.#frame.length - this.#length);
      this.#frame.set(part, this.#length);
      this.#length += part.length;
      read += part.length;
      if (this.#length < this.#frame.length) break;
      frames.push(toInt16(this.#frame));
      this.#length = 0;
    }
    return frames;
  }
}
