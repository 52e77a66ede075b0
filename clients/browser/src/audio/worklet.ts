/** The audio worklet of the SDK, in the same file as the SDK: `addModule` loads it there. */
import { FrameMaker } from "./frame_maker.js";

export const PROCESSOR = "live-transcription-frames";

export interface ProcessorOptions {
  sampleRate: number;
  frameMs: number;
}

/** What an AudioWorkletGlobalScope has. Source: developer.mozilla.org/docs/Web/API/AudioWorkletGlobalScope */
interface WorkletScope {
  sampleRate: number;
  registerProcessor?: (name: string, processor: unknown) => void;
  AudioWorkletProcessor: new () => { readonly port: MessagePort };
}

/** Registers the processor where this file runs as a worklet; does nothing elsewhere. */
export function registerWorklet(scope = globalThis as unknown as WorkletScope): void {
  if (typeof scope.registerProcessor !== "function") return;

  class FrameProcessor extends scope.AudioWorkletProcessor {
    readonly #maker: FrameMaker;
    #isRunning = true;

    constructor({ processorOptions }: { processorOptions: ProcessorOptions }) {
      super();
      this.#maker = new FrameMaker(scope.sampleRate, processorOptions.sampleRate, processorOptions.frameMs);
      this.port.onmessage = () => (this.#isRunning = false);
    }

    /** The node mixes all of its inputs down to one channel. Without an input there is silence. */
    process(inputs: Float32Array[][]): boolean {
      for (const frame of this.#maker.push(inputs[0]?.[0] ?? new Float32Array(BLOCK))) {
        this.port.postMessage(frame, [frame.buffer as ArrayBuffer]);
      }
      return this.#isRunning;
    }
  }
  scope.registerProcessor(PROCESSOR, FrameProcessor);
}

const BLOCK = 128; // samples that a worklet gets at once
