/** The sockets of a session, one after the other: the current one, and those whose last words are awaited. */
import type { Schema } from "../contract.js";
import type { Environment } from "../environment.js";
import { openAssemblyAISocket } from "./assemblyai_socket.js";
import type { AudioPump } from "./audio_pump.js";
import type { Caption } from "./live_events.js";
import { FINISHED, type LiveSocket, type SocketListener, SocketRefusedError, type Turn } from "./live_socket.js";
import { openOpenAISocket } from "./openai_socket.js";
import { StallWatch } from "./stall_watch.js";
import { TurnOrder, type TurnSource } from "./turn_order.js";

const OPENERS: Record<string, typeof openAssemblyAISocket> = {
  assemblyai: openAssemblyAISocket,
  openai: openOpenAISocket,
};
/** The providers whose sockets the SDK speaks. */
export const PROVIDERS = Object.keys(OPENERS);
/** Up to so long after a word nothing else was said: its frame is not sent again. */
const WORD_MARGIN_MS = 100;

export interface LineListener {
  onPartial(caption: Caption): void;
  onFinal(caption: Caption): void;
  /** The current socket broke off. */
  onBroken(): void;
}

/** A socket and the samples that it receives: from `start` on, to `end` if it is not the current one any more. */
export interface AttachedSocket {
  socket: LiveSocket;
  source: TurnSource;
  start: number;
  end?: number;
  /** Up to here its words are final. */
  finalPosition: number;
}

export class SocketLine {
  #current: AttachedSocket | undefined;
  readonly #finishing = new Set<Promise<void>>();
  readonly #order = new TurnOrder();
  readonly #stalls = new StallWatch();
  #closedSeconds = 0;

  constructor(
    private readonly environment: Environment,
    private readonly sampleRate: number,
    private readonly pump: AudioPump,
    private readonly listener: LineListener,
  ) {}

  get current(): AttachedSocket | undefined {
    return this.#current;
  }

  /** How long all sockets together were open. */
  get providerSeconds(): number {
    return this.#closedSeconds;
  }

  /**
   * Opens the socket of a lease and hands over to it: the old one is asked for its last words. Returns false if `signal`
   * was aborted before. Throws SocketRefusedError.
   */
  async open(lease: Schema<"Lease">, patienceMs: number, signal: AbortSignal): Promise<boolean> {
    const opener = OPENERS[lease.provider];
    if (!opener) throw new SocketRefusedError(`This SDK does not know the provider ${lease.provider}.`);
    let attached: AttachedSocket | undefined;
    const lost = new AbortController();
    const abort = (): void => lost.abort();
    signal.addEventListener("abort", abort);
    const listener: SocketListener = {
      onPartial: (turn) => attached && this.#receivePartial(attached, turn),
      onFinal: (turn) => attached && this.#receive(attached, turn),
      onLost: (startMs, endMs) => attached && this.#reportLost(attached, startMs, endMs),
      onSent: () => attached && this.#watch(attached),
      onClose: (reason) => (attached ? this.#handleClose(attached, reason) : lost.abort()),
    };
    const { environment, sampleRate } = this;
    try {
      const socket = await opener({ environment, lease, sampleRate, listener }, signal);
      const isDone = await this.pump.switchTo(socket, patienceMs, () => (attached = this.#attach(socket)), lost.signal);
      if (isDone) return true;
      await socket.finish();
      this.#closedSeconds += socket.openSeconds;
      if (!signal.aborted) throw new SocketRefusedError("The socket closed before it was used.");
      return false;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Closes the current socket, as if the network had. */
  breakOff(): void {
    this.#current?.socket.close();
  }

  /** Awaits the last words of all sockets. */
  async finish(): Promise<void> {
    const last = this.#current;
    this.#current = undefined;
    if (last) this.#retire(last, this.pump.sentPosition);
    await Promise.all(this.#finishing);
  }

  #attach(socket: LiveSocket): AttachedSocket {
    const start = this.pump.sentPosition;
    const old = this.#current;
    const source = this.#order.add((turn) => this.listener.onFinal(this.#caption(attached, turn)));
    const attached: AttachedSocket = { socket, source, start, finalPosition: start };
    this.#current = attached;
    if (old) this.#retire(old, start);
    return attached;
  }

  /** Asks a socket for its last words, which end with the sample before `end`. */
  #retire(old: AttachedSocket, end: number): void {
    old.end = end;
    const finished = old.socket.finish().finally(() => this.#finishing.delete(finished));
    this.#finishing.add(finished);
  }

  #handleClose(attached: AttachedSocket, reason: string): void {
    this.#closedSeconds += attached.socket.openSeconds;
    if (attached.end !== undefined) {
      // Its samples are not sent again: those after them are with the next socket already.
      if (reason !== FINISHED) this.pump.reportUncovered(attached.finalPosition, attached.end, "not_recognised");
      attached.source.end();
      return;
    }
    this.#current = undefined;
    attached.source.end();
    this.pump.detach(attached.finalPosition);
    if (!this.#current) this.listener.onBroken();
  }

  /** A dead socket is replaced, and the next one receives what this one left unanswered. */
  #watch(attached: AttachedSocket): void {
    if (!this.#stalls.isStalled(attached.socket)) return;
    this.#stalls.suspect(this.pump.sentPosition);
    attached.socket.close();
  }

  #receivePartial(attached: AttachedSocket, turn: Turn): void {
    if (turn.text) this.#stalls.confirm(this.#position(attached, turn.startMs));
    this.listener.onPartial(this.#caption(attached, turn));
  }

  #receive(attached: AttachedSocket, turn: Turn): void {
    const heardMs = turn.heardMs ?? turn.endMs + WORD_MARGIN_MS;
    attached.finalPosition = Math.max(attached.finalPosition, this.#position(attached, heardMs));
    if (attached === this.#current) this.pump.acknowledge(attached.finalPosition);
    if (!turn.text) return;
    this.#stalls.confirm(this.#position(attached, turn.startMs));
    attached.source.push(turn);
  }

  #reportLost(attached: AttachedSocket, startMs: number, endMs: number): void {
    this.pump.reportUncovered(this.#position(attached, startMs), this.#position(attached, endMs), "not_recognised");
  }

  #position({ start }: AttachedSocket, ms: number): number {
    return start + Math.round((ms * this.sampleRate) / 1000);
  }

  #caption(attached: AttachedSocket, turn: Turn): Caption {
    const place = (ms: number): number => Math.round(this.pump.timeline.at(this.#position(attached, ms)));
    const { text, startMs, endMs, speaker } = turn;
    return { text, startMs: place(startMs), endMs: place(endMs), ...(speaker && { speaker }) };
  }
}
