/** The resampler beside the reference: sounds that are known at every rate, because they are sums of sines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameMaker } from "../src/audio/frame_maker.js";
import { Resampler, toInt16 } from "../src/audio/resampler.js";
import { seededRandom } from "./support/virtual_clock.js";

const RATES = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 44_099];
const TARGETS = [16_000, 24_000];
const SECONDS = 0.5;

interface Tone {
  hertz: number;
  phase: number;
}

function sound(tones: Tone[], rate: number, length = Math.round(SECONDS * rate)): Float32Array {
  const samples = new Float32Array(length);
  for (let place = 0; place < length; place++) {
    let sum = 0;
    for (const { hertz, phase } of tones) sum += Math.sin((2 * Math.PI * hertz * place) / rate + phase);
    samples[place] = (0.8 * sum) / tones.length;
  }
  return samples;
}

/** In pieces of the lengths that audio worklets and files have. */
function resample(samples: Float32Array, from: number, to: number, piece = 128): Float32Array {
  const resampler = new Resampler(from, to);
  const parts: Float32Array[] = [];
  for (let place = 0; place < samples.length; place += piece) parts.push(resampler.push(samples.subarray(place, place + piece)));
  parts.push(resampler.flush());
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

/** In decibels, without the ends, where the sound begins and stops at once. */
function decibels(signal: Float32Array, reference: Float32Array, rate: number): number {
  const edge = Math.round(rate * 0.02);
  let error = 0;
  let energy = 0;
  for (let place = edge; place < signal.length - edge; place++) {
    error += ((signal[place] as number) - (reference[place] as number)) ** 2;
    energy += (reference[place] as number) ** 2;
  }
  return 10 * Math.log10(error / Math.max(energy, 1e-12));
}

for (const to of TARGETS) {
  for (const from of RATES) {
    test(`from ${from} to ${to} Hz speech keeps its shape to 60 dB`, () => {
      const random = seededRandom(from + to);
      const highest = 0.8 * Math.min(from, to) * 0.5;
      const tones = Array.from({ length: 12 }, () => ({ hertz: 60 + random() * (highest - 60), phase: random() * 6 }));
      const result = resample(sound(tones, from), from, to);

      assert.equal(result.length, Math.ceil((Math.round(SECONDS * from) * to) / from));
      const difference = decibels(result, sound(tones, to, result.length), to);
      assert.ok(difference < -60, `${difference.toFixed(1)} dB`);
    });
  }

  test(`what ${to} Hz cannot hold does not come back as another sound`, () => {
    for (const from of [44_100, 48_000, 96_000]) {
      for (const part of [1.15, 1.4, 1.7]) {
        const hertz = (part * to) / 2;
        if (hertz > from / 2) continue;
        const result = resample(sound([{ hertz, phase: 1 }], from), from, to);
        let energy = 0;
        for (const sample of result.subarray(400, -400)) energy += sample * sample;
        const attenuation = 10 * Math.log10(energy / (result.length - 800) / 0.32);
        assert.ok(attenuation < -60, `${hertz} Hz from ${from}: ${attenuation.toFixed(1)} dB`);
      }
    }
  });
}

test("the size of the pieces changes no sample", () => {
  const samples = sound([{ hertz: 440, phase: 0 }], 44_100);
  const whole = resample(samples, 44_100, 16_000, samples.length);

  for (const piece of [1, 37, 128, 4_410]) assert.deepEqual(resample(samples, 44_100, 16_000, piece), whole);
});

test("an hour of samples has no drift: as many come out as belong to its time", () => {
  const resampler = new Resampler(44_100, 16_000);
  const second = new Float32Array(44_100);
  let count = 0;
  for (let passed = 0; passed < 20; passed++) count += resampler.push(second).length;

  assert.equal(count + resampler.flush().length, 20 * 16_000);
});

test("samples beyond full scale are cut, not wrapped", () => {
  assert.deepEqual([...toInt16([0, 1, -1, 1.5, -7, 0.5])], [0, 32_767, -32_767, 32_767, -32_767, 16_384]);
});

test("frames have one length and leave no sample out", () => {
  for (const [rate, frameMs] of [[48_000, 100], [16_000, 50], [44_100, 100]] as const) {
    const maker = new FrameMaker(rate, 16_000, frameMs);
    const frames: Int16Array[] = [];
    for (let block = 0; block < rate / 100; block++) frames.push(...maker.push(new Float32Array(128).fill(0.5)));

    assert.ok(frames.every((frame) => frame.length === 16 * frameMs));
    assert.ok(Math.abs(frames.length * frameMs - 1_280) <= 2 * frameMs);
    assert.ok(frames.slice(1).every((frame) => frame.every((sample) => Math.abs(sample - 16_384) < 40)));
  }
});
