/** Captures the sound of a tab, a microphone or both, as frames for a live session. */
import { PROCESSOR, type ProcessorOptions } from "./worklet.js";

/** What a sound comes from; one of the `streams` is named by itself. */
export type CaptureSource = "tab" | "microphone" | MediaStream;

export interface CaptureOptions {
  /** Gets each frame: 16-bit mono samples. `(frame) => session.feed(frame)` */
  onFrame: (samples: Int16Array) => void;
  /** The rate of the frames, as that of the session: 16,000 by default. */
  sampleRate?: 8_000 | 16_000 | 24_000 | 32_000 | 48_000;
  /** The length of a frame: 100 ms by default, 50 to 100 ms. */
  frameMs?: number;
  /** The captured tab is heard on the speakers, as before: true by default. */
  loopback?: boolean;
  /** A source has ended: the tab was closed, or the microphone unplugged. The others are still captured. */
  onEnded?: (source: CaptureSource) => void;
  /** The address of the SDK's file, which is the worklet too. Found by itself, unless a bundler moved the SDK. */
  workletUrl?: string;
}

export interface CaptureSources {
  /** From `tabStreamId`, in the service worker. */
  tabStreamId?: string;
  /** True, or constraints such as `{ echoCancellation: true }`. */
  microphone?: boolean | MediaTrackConstraints;
  /** Any other streams, such as that of a video call. */
  streams?: MediaStream[];
}

interface TabCapture {
  chrome?: { tabCapture?: { getMediaStreamId(options: { targetTabId: number }): Promise<string> } };
}

/** AssemblyAI refuses shorter frames; words of longer ones come late. */
const SHORTEST_FRAME_MS = 50;
const LONGEST_FRAME_MS = 100;

/** The address of this file: of a classic script, or of a module. */
const scriptUrl =
  typeof document !== "undefined" && document.currentScript instanceof HTMLScriptElement
    ? document.currentScript.src
    : (import.meta.url as string | undefined);

/**
 * The id by which an offscreen document captures a tab. Call it in the service worker after the user clicked the extension;
 * it needs the permission `tabCapture`. Source: developer.chrome.com/docs/extensions/how-to/web-platform/screen-capture
 */
export async function tabStreamId(tabId: number): Promise<string> {
  const { tabCapture } = (globalThis as TabCapture).chrome ?? {};
  if (!tabCapture) throw new Error("chrome.tabCapture is missing here. Call this in the service worker.");
  return tabCapture.getMediaStreamId({ targetTabId: tabId });
}

/** Captures a tab by the id of `tabStreamId`. Throws DOMException as getUserMedia does. */
export function captureTab(streamId: string, options: CaptureOptions): Promise<AudioCapture> {
  return captureAudio({ tabStreamId: streamId }, options);
}

/** Captures the microphone. Throws DOMException as getUserMedia does, such as NotAllowedError. */
export function captureMicrophone(options: CaptureOptions, constraints: MediaTrackConstraints = {}): Promise<AudioCapture> {
  return captureAudio({ microphone: constraints }, options);
}

/** Captures several sources, mixed. Throws RangeError, or DOMException as getUserMedia does; then nothing is captured. */
export async function captureAudio(sources: CaptureSources, options: CaptureOptions): Promise<AudioCapture> {
  const { frameMs = LONGEST_FRAME_MS } = options;
  if (!(frameMs >= SHORTEST_FRAME_MS && frameMs <= LONGEST_FRAME_MS)) {
    throw new RangeError(`frameMs must be ${SHORTEST_FRAME_MS} to ${LONGEST_FRAME_MS}.`);
  }
  const streams = [...(sources.streams ?? [])];
  const capture = new AudioCapture(options);
  try {
    if (sources.tabStreamId !== undefined) {
      const mandatory = { chromeMediaSource: "tab", chromeMediaSourceId: sources.tabStreamId };
      const constraints = { audio: { mandatory } } as unknown as MediaStreamConstraints;
      await capture.add(await navigator.mediaDevices.getUserMedia(constraints), options.loopback ?? true, "tab");
    }
    if (sources.microphone) {
      await capture.add(await navigator.mediaDevices.getUserMedia({ audio: sources.microphone }), false, "microphone");
    }
    for (const stream of streams) await capture.add(stream, false);
    return capture;
  } catch (error) {
    await capture.stop();
    throw error;
  }
}

/** Sources that are being captured. */
export class AudioCapture {
  readonly #context = new AudioContext();
  readonly #streams: MediaStream[] = [];
  readonly #options: CaptureOptions;
  #recorder: Promise<AudioWorkletNode> | undefined;

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  /** Adds a source to the mix. `isHeard`: it also goes to the speakers, because capturing a tab mutes it. */
  async add(stream: MediaStream, isHeard: boolean, name: CaptureSource = stream): Promise<void> {
    this.#streams.push(stream);
    const recorder = await (this.#recorder ??= this.#createRecorder());
    const source = this.#context.createMediaStreamSource(stream);
    source.connect(recorder);
    if (isHeard) source.connect(this.#context.destination);
    for (const track of stream.getAudioTracks()) track.addEventListener("ended", () => this.#options.onEnded?.(name));
    this.#context.resume().catch(() => undefined); // in a page it waits for the user's first click; an extension need not wait
  }

  /** Ends the capture and lets go of all sources. */
  async stop(): Promise<void> {
    for (const stream of this.#streams) for (const track of stream.getTracks()) track.stop();
    const recorder = await this.#recorder?.catch(() => undefined);
    recorder?.port.postMessage("stop");
    if (this.#context.state !== "closed") await this.#context.close();
  }

  async #createRecorder(): Promise<AudioWorkletNode> {
    const { sampleRate = 16_000, frameMs = LONGEST_FRAME_MS, workletUrl = scriptUrl, onFrame } = this.#options;
    if (!workletUrl) throw new Error("Name the address of the SDK's file as workletUrl.");
    await this.#context.audioWorklet.addModule(workletUrl);
    const processorOptions: ProcessorOptions = { sampleRate, frameMs };
    const recorder = new AudioWorkletNode(this.#context, PROCESSOR, {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit", // the browser mixes stereo down
      processorOptions,
    });
    recorder.port.onmessage = ({ data }: MessageEvent<Int16Array>) => onFrame(data);
    return recorder;
  }
}
