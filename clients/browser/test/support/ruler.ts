/**
 * Audio that says where it is: each group of four samples holds its own number, loud or as soft as a pause. The ruler in
 * place of a recogniser reads the numbers, and recognises a numbered word each half second.
 */

import { GROUP, LOUD_BASE, LOUD_OFFSET, SOFT_BASE } from "./coded.js";

/** The position of the group of four samples that begins at `place`. */
function decode(samples: Int16Array, place: number): number {
  let isSoft = true;
  for (let digit = 0; digit < GROUP; digit++) if ((samples[place + digit] as number) >= SOFT_BASE) isSoft = false;
  let number = 0;
  for (let digit = GROUP - 1; digit >= 0; digit--) {
    const sample = samples[place + digit] as number;
    number = isSoft ? number * SOFT_BASE + sample : number * LOUD_BASE + sample - LOUD_OFFSET;
  }
  return number * GROUP;
}

export interface RulerWord {
  number: number;
  text: string;
  /** Milliseconds from the first sample that the socket received. */
  start: number;
  end: number;
}

/** What one socket received. */
export class Ruler {
  /** The ranges of positions, in the order in which they came. */
  readonly ranges: [start: number, end: number][] = [];
  received = 0;
  readonly #halfSecond: number;

  constructor(readonly sampleRate: number) {
    this.#halfSecond = sampleRate / 2;
  }

  get receivedMs(): number {
    return (this.received * 1000) / this.sampleRate;
  }

  /** The words whose middle is in these samples. */
  add(samples: Int16Array): RulerWord[] {
    const words: RulerWord[] = [];
    for (let place = 0; place + GROUP <= samples.length; place += GROUP) {
      const position = decode(samples, place);
      const isAdded = position === 0 && this.received > 0; // silence that a client added at an end
      if (!isAdded) this.#note(position);
      const number = Math.floor(position / this.#halfSecond);
      if (!isAdded && position - number * this.#halfSecond === this.#halfSecond / 2) {
        const middleMs = ((this.received + place) * 1000) / this.sampleRate;
        words.push({ number, text: `w${number}`, start: Math.max(0, Math.round(middleMs - 200)), end: Math.round(middleMs + 200) });
      }
    }
    this.received += samples.length;
    return words;
  }

  #note(position: number): void {
    const last = this.ranges.at(-1);
    if (last && last[1] === position) last[1] = position + GROUP;
    else this.ranges.push([position, position + GROUP]);
  }
}
