/** Finds pauses in speech by the loudness of frames. */

/** As quiet as the noise of a microphone: -50 dB of full scale. */
const NOISE_RMS = 100;
/** A frame is quiet if it is so much softer than the loudest of the last seconds: -20 dB. */
const QUIET_RATIO = 0.1;
/** The loudest is followed down to half in about seven seconds of frames of 100 ms. */
const DECAY = 0.99;

export class PauseDetector {
  #loudestRms = 0;

  /** Whether a frame is part of a pause. */
  isQuiet(samples: Int16Array): boolean {
    const rms = rmsOf(samples);
    this.#loudestRms = Math.max(rms, this.#loudestRms * DECAY);
    return rms < NOISE_RMS || rms < this.#loudestRms * QUIET_RATIO;
  }
}

/** How loud samples are: the root of their mean square. */
export function rmsOf(samples: Int16Array): number {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return Math.sqrt(energy / samples.length);
}
