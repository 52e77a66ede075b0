/** Audio that says where it is; also put before the first line of an extension that speaks it, so it imports nothing. */

export const GROUP = 4;
export const SOFT_BASE = 64;
export const LOUD_BASE = 8_000;
export const LOUD_OFFSET = 4_000;

/**
 * Samples from position `start` on, which is a multiple of four: each group of four holds its own number.
 *
 * @param {number} start
 * @param {number} length
 * @param {boolean} isSoft as soft as a pause
 */
export function coded(start, length, isSoft) {
  const samples = new Int16Array(length);
  for (let place = 0; place < length; place += GROUP) {
    let number = (start + place) / GROUP;
    for (let digit = 0; digit < GROUP; digit++) {
      samples[place + digit] = isSoft ? number % SOFT_BASE : (number % LOUD_BASE) + LOUD_OFFSET;
      number = Math.floor(number / (isSoft ? SOFT_BASE : LOUD_BASE));
    }
  }
  return samples;
}
