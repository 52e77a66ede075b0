/**
 * A band-limited resampler from any rate to any other, for a stream of samples.
 * Method: interpolation with a windowed sinc, ccrma.stanford.edu/~jos/resample/. The kernel is tabulated once.
 */

/** Zero crossings of the sinc on each side: more make the transition at the cut-off frequency steeper. */
const ZERO_CROSSINGS = 24;
/** Entries of the table from one zero crossing to the next; between them it is interpolated. */
const TABLE_STEPS = 512;
/** Of the Kaiser window: about 85 dB of attenuation. */
const KAISER_BETA = 8.5;
/** The pass band as a part of the lower Nyquist frequency. */
const ROLL_OFF = 0.93;

let table: Float64Array | undefined;

export class Resampler {
  /** Input samples from `#origin` on; a filter reaches back and ahead by `#reach`. */
  #buffer: Float64Array = new Float64Array(0);
  #origin = 0;
  /** The time of the next output in input samples: a whole part, and a fraction in units of 1 / `#to`. */
  #whole = 0;
  #fraction = 0;
  #inputCount = 0;
  #outputCount = 0;
  readonly #from: number;
  readonly #to: number;
  readonly #scale: number;
  readonly #reach: number;

  /** Rates are whole numbers of samples per second. */
  constructor(inputRate: number, outputRate: number) {
    const divisor = greatestCommonDivisor(inputRate, outputRate);
    this.#from = inputRate / divisor;
    this.#to = outputRate / divisor;
    this.#scale = Math.min(1, outputRate / inputRate) * ROLL_OFF;
    this.#reach = Math.ceil(ZERO_CROSSINGS / this.#scale);
    this.#origin = -this.#reach;
    this.#buffer = new Float64Array(this.#reach); // silence before the first sample
    table ??= kernelTable();
  }

  /** Adds samples; returns those of the output that are complete. */
  push(samples: ArrayLike<number>): Float32Array {
    this.#inputCount += samples.length;
    this.#append(samples);
    return this.#produce(this.#origin + this.#buffer.length - this.#reach);
  }

  /** The rest of the output, as if silence followed. All in all `input × to / from` samples, rounded up. */
  flush(): Float32Array {
    this.#append(new Float64Array(this.#reach + 1));
    return this.#produce(Number.POSITIVE_INFINITY);
  }

  #append(samples: ArrayLike<number>): void {
    const keepFrom = Math.max(0, this.#whole - this.#reach - this.#origin);
    const kept = this.#buffer.subarray(keepFrom);
    const next = new Float64Array(kept.length + samples.length);
    next.set(kept);
    next.set(samples, kept.length);
    this.#buffer = next;
    this.#origin += keepFrom;
  }

  /** The outputs whose time is before `until`. */
  #produce(until: number): Float32Array {
    const output: number[] = [];
    const last = Math.ceil((this.#inputCount * this.#to) / this.#from);
    while (this.#whole < until && this.#outputCount < last) {
      output.push(this.#sampleAt(this.#whole - this.#origin, this.#fraction / this.#to));
      this.#outputCount++;
      this.#fraction += this.#from;
      this.#whole += Math.floor(this.#fraction / this.#to);
      this.#fraction %= this.#to;
    }
    return Float32Array.from(output);
  }

  #sampleAt(index: number, fraction: number): number {
    const kernel = table as Float64Array;
    const step = this.#scale * TABLE_STEPS;
    const first = Math.max(0, index - this.#reach + 1);
    const last = Math.min(this.#buffer.length - 1, index + this.#reach);
    let sum = 0;
    for (let place = first; place <= last; place++) {
      const at = Math.abs(place - index - fraction) * step;
      const entry = Math.floor(at);
      if (entry >= kernel.length - 1) continue;
      const low = kernel[entry] as number;
      const weight = low + ((kernel[entry + 1] as number) - low) * (at - entry);
      sum += weight * (this.#buffer[place] as number);
    }
    return sum * this.#scale;
  }
}

/** The right half of the windowed sinc. */
function kernelTable(): Float64Array {
  const length = ZERO_CROSSINGS * TABLE_STEPS;
  const kernel = new Float64Array(length + 1);
  for (let entry = 0; entry <= length; entry++) {
    const x = (Math.PI * entry) / TABLE_STEPS;
    const window = besselI0(KAISER_BETA * Math.sqrt(1 - (entry / length) ** 2)) / besselI0(KAISER_BETA);
    kernel[entry] = (entry === 0 ? 1 : Math.sin(x) / x) * window;
  }
  return kernel;
}

/** The modified Bessel function of the first kind and order 0, by its series. */
function besselI0(x: number): number {
  let sum = 1;
  for (let term = 1, k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Samples from -1 to 1 as 16-bit ones. */
export function toInt16(samples: ArrayLike<number>): Int16Array {
  const result = new Int16Array(samples.length);
  for (let place = 0; place < samples.length; place++) {
    result[place] = Math.round(Math.max(-1, Math.min(1, samples[place] as number)) * 32_767);
  }
  return result;
}
