/** A socket at a provider, whichever it is. */
import type { Environment } from "../environment.js";
import type { Schema } from "../contract.js";
import type { Frame } from "./audio_queue.js";

/** What was recognised. Times are milliseconds from the first sample that the socket received. */
export interface Turn {
  text: string;
  startMs: number;
  endMs: number;
  speaker?: string;
  /** Up to where the audio was transcribed, if that is later than the last word. */
  heardMs?: number;
}

export interface SocketListener {
  /** The text of a turn so far; the next one replaces it. */
  onPartial(turn: Turn): void;
  /** A turn that will not change. Its text may be empty: there are no words up to its end. */
  onFinal(turn: Turn): void;
  /** The provider could not transcribe this part. */
  onLost(startMs: number, endMs: number): void;
  /** A frame was sent. */
  onSent(): void;
  /** The socket is closed, for whatever reason; called once, after all other calls. */
  onClose(reason: string): void;
}

export interface LiveSocket {
  /** How long the socket was open: as the provider reports it, or as this device measured it. */
  readonly openSeconds: number;
  readonly isClosed: boolean;
  /** For how much audio the network has accepted nothing. */
  readonly blockedMs: number;
  /** How much audio was sent since the provider should have answered. */
  readonly unansweredMs: number;
  /** How much unanswered audio is usual. */
  readonly patienceMs: number;
  send(frame: Frame): void;
  /** Asks for the last words, and resolves when they have arrived and the socket is closed. */
  finish(): Promise<void>;
  /** Closes the socket at once. */
  close(): void;
}

export interface SocketOptions {
  environment: Environment;
  lease: Schema<"Lease">;
  /** The rate of the frames. */
  sampleRate: number;
  listener: SocketListener;
}

/** The provider refused the socket, or did not begin a session in time. */
export class SocketRefusedError extends Error {
  override readonly name = "SocketRefusedError";
}

/** The reason of a close after all last words have arrived. */
export const FINISHED = "finished";
/** How long a provider may take to begin a session, and to send the last words. */
export const BEGIN_MS = 10_000;
export const FINISH_MS = 10_000;
