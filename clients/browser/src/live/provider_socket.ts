/** What the sockets of both providers share: how they open, close and wait for the last words. */
import { type Environment, type SocketLike } from "../environment.js";
import type { Frame } from "./audio_queue.js";
import { BEGIN_MS, FINISH_MS, FINISHED, type LiveSocket, type SocketListener, type SocketOptions, SocketRefusedError } from "./live_socket.js";

const OPEN = 1; // WebSocket.OPEN, which Node 20 has not

export abstract class ProviderSocket implements LiveSocket {
  protected readonly environment: Environment;
  protected readonly listener: SocketListener;
  /** Whether the last words were asked for. */
  protected isFinishing = false;
  readonly #socket: SocketLike;
  readonly #openedAtMs: number;
  #closedAtMs: number | undefined;
  #sentBytes = 0;
  #acceptedBytes = 0;
  #blockedMs = 0;
  protected reportedSeconds: number | undefined;
  #hasBegun = false;
  #begin: (error?: Error) => void = () => undefined;
  #finished: () => void = () => undefined;

  readonly #sampleRate: number;

  constructor({ environment, listener, sampleRate }: SocketOptions, url: string, protocols: string[]) {
    this.environment = environment;
    this.listener = listener;
    this.#sampleRate = sampleRate;
    this.#openedAtMs = environment.monotonicMs();
    this.#socket = environment.openWebSocket(url, protocols);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onclose = ({ code, reason }) => this.#end(`${code} ${reason}`.trim());
    this.#socket.onerror = () => undefined; // a close follows
  }

  abstract readonly unansweredMs: number;
  abstract readonly patienceMs: number;
  /** Sends the samples as the provider takes them; `frameMs`: how long they last. */
  protected abstract transmit(frame: Frame, frameMs: number): void;
  /** Handles one message of the provider. */
  protected abstract handle(message: Record<string, unknown>): void;
  /** Sends what makes the provider send its last words. */
  protected abstract sendEnd(): void;
  /** Passes on what is known of words whose final text will not come. */
  protected abstract giveUp(): void;

  get isClosed(): boolean {
    return this.#closedAtMs !== undefined;
  }

  get blockedMs(): number {
    return this.#blockedMs;
  }

  get openSeconds(): number {
    const endMs = this.#closedAtMs ?? this.environment.monotonicMs();
    return this.reportedSeconds ?? Math.ceil((endMs - this.#openedAtMs) / 1000);
  }

  /** Resolves when the session has begun. Throws SocketRefusedError; then the socket is closed. */
  begun(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        this.environment.clearTimer(timer);
        signal.removeEventListener("abort", abort);
        if (!error) return resolve();
        reject(error);
        this.close();
      };
      const abort = (): void => settle(new SocketRefusedError("aborted"));
      const timer = this.environment.setTimer(() => settle(new SocketRefusedError("no answer")), BEGIN_MS);
      this.#begin = settle;
      signal.addEventListener("abort", abort);
      if (signal.aborted) abort();
    });
  }

  finish(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    this.isFinishing = true;
    return new Promise((resolve) => {
      const timer = this.environment.setTimer(() => this.#end("the last words did not arrive"), FINISH_MS);
      this.#finished = () => {
        this.environment.clearTimer(timer);
        resolve();
      };
      this.sendEnd();
    });
  }

  close(): void {
    this.#end("closed");
  }

  send(frame: Frame): void {
    const frameMs = (frame.samples.length * 1000) / this.#sampleRate;
    const acceptedBytes = this.#sentBytes - this.#socket.bufferedAmount;
    this.#blockedMs = acceptedBytes < this.#sentBytes && acceptedBytes <= this.#acceptedBytes ? this.#blockedMs + frameMs : 0;
    this.#acceptedBytes = acceptedBytes;
    this.transmit(frame, frameMs);
    this.listener.onSent();
  }

  protected sendJson(message: object): void {
    this.sendData(JSON.stringify(message));
  }

  protected sendData(data: string | ArrayBuffer): void {
    if (this.#socket.readyState !== OPEN) return;
    this.#sentBytes += typeof data === "string" ? data.length : data.byteLength;
    this.#socket.send(data);
  }

  protected markBegun(): void {
    this.#hasBegun = true;
    this.#begin();
  }

  /** The provider has sent all it will send. */
  protected markComplete(): void {
    this.isFinishing = false;
    this.#end(FINISHED);
  }

  protected refuse(reason: string): void {
    if (!this.#hasBegun) this.#begin(new SocketRefusedError(reason));
  }

  #receive(data: unknown): void {
    if (this.isClosed || typeof data !== "string") return;
    let message: unknown;
    try {
      message = JSON.parse(data);
    } catch {
      return; // not the provider's
    }
    if (typeof message === "object" && message !== null) this.handle(message as Record<string, unknown>);
  }

  #end(reason: string): void {
    if (this.isClosed) return;
    this.giveUp();
    this.#closedAtMs = this.environment.monotonicMs();
    this.refuse(reason);
    this.#socket.onmessage = this.#socket.onclose = null;
    if (this.#socket.readyState <= OPEN) this.#socket.close(1000);
    this.#finished();
    this.listener.onClose(reason);
  }
}
