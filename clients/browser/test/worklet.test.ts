/** The worklet in a scope like that of a browser: frames leave by its port until it is stopped. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PROCESSOR, registerWorklet } from "../src/audio/worklet.js";

type Processor = { process(inputs: Float32Array[][]): boolean };

test("the worklet sends frames of its rate, silence too, until it is stopped", () => {
  const sent: Int16Array[] = [];
  const port = { onmessage: () => undefined as unknown, postMessage: (frame: Int16Array) => sent.push(frame) };
  const registered = new Map<string, new (options: object) => Processor>();
  registerWorklet({
    sampleRate: 48_000,
    registerProcessor: (name, processor) => registered.set(name, processor as new (options: object) => Processor),
    AudioWorkletProcessor: class {
      readonly port = port as unknown as MessagePort;
    },
  });
  const Registered = registered.get(PROCESSOR);
  assert.ok(Registered);
  const processor = new Registered({ processorOptions: { sampleRate: 16_000, frameMs: 50 } });
  for (let block = 0; block < 375; block++) assert.equal(processor.process(block % 2 ? [] : [[new Float32Array(128)]]), true);

  assert.ok(sent.length >= 19 && sent.every((frame) => frame.length === 800));
  port.onmessage();
  assert.equal(processor.process([]), false);
});

test("elsewhere than in a worklet nothing is registered", () => {
  assert.doesNotThrow(() => registerWorklet());
});
