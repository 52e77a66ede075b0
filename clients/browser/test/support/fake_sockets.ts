/** AssemblyAI's and OpenAI's sockets with a ruler in place of the recogniser, on the virtual clock. */
import type { SocketLike } from "../../src/environment.js";
import { Ruler, type RulerWord } from "./ruler.js";
import type { VirtualClock } from "./virtual_clock.js";

export interface SocketToken {
  expiresAtMs: number;
  maxSeconds: number;
  isUsed: boolean;
}

/** What a test makes the next sockets do. */
export type SocketFault = "refuse" | "cut" | "stall" | "no_termination" | "unformatted" | "failed" | "never_open" | "slow_turns";

const OPEN_MS = 150;
const WORDS_MS = 300;
const LAST_WORDS_MS = 400;
const WORDS_A_TURN = 4;

export abstract class FakeSocket implements SocketLike {
  binaryType = "";
  readyState = 0;
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  onerror: SocketLike["onerror"] = null;
  readonly ruler: Ruler;
  /** Nothing arrives any more of what the provider sends. */
  isStalled = false;
  /** The network accepts nothing any more, and nothing arrives. */
  isBlocked = false;
  bufferedAmount = 0;
  isTerminated = false;
  readonly openedAtMs: number;
  closedAtMs: number | undefined;

  constructor(
    protected readonly clock: VirtualClock,
    sampleRate: number,
    protected readonly token: SocketToken | undefined,
    readonly fault: SocketFault | undefined,
  ) {
    this.ruler = new Ruler(sampleRate);
    this.openedAtMs = clock.serverMs;
    if (fault !== "never_open") clock.setTimer(() => this.#open(), OPEN_MS);
  }

  protected abstract begin(): void;
  protected abstract refuse(): void;
  protected abstract receive(data: string | ArrayBuffer): void;

  get endsAtMs(): number {
    return this.openedAtMs + (this.token?.maxSeconds ?? 0) * 1000;
  }

  send(data: string | ArrayBuffer): void {
    if (this.readyState !== 1) throw new Error("the socket is not open");
    if (this.isBlocked) this.bufferedAmount += typeof data === "string" ? data.length : data.byteLength;
    else this.receive(data);
  }

  close(code = 1005): void {
    if (this.readyState >= 2) return;
    this.closeWith(code);
  }

  /** The network is lost, or the provider closes the socket. */
  closeWith(code: number, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.closedAtMs = this.clock.serverMs;
    this.onclose?.({ code, reason });
  }

  protected deliver(message: object, afterMs: number): void {
    this.clock.setTimer(() => {
      if (this.readyState === 1 && !this.isStalled && !this.isBlocked) this.onmessage?.({ data: JSON.stringify(message) });
    }, afterMs);
  }

  #open(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.onopen?.({});
    const isValid = this.token && !this.token.isUsed && this.clock.serverMs <= this.token.expiresAtMs;
    if (!isValid || this.fault === "refuse") return this.refuse();
    this.token.isUsed = true;
    this.begin();
    if (this.fault === "cut") this.clock.setTimer(() => this.closeWith(1006), 2_350);
    if (this.fault === "stall") this.isStalled = true;
  }
}

export class FakeAssemblyAI extends FakeSocket {
  #words: RulerWord[] = [];
  #order = 0;
  #activeAtMs = this.clock.serverMs;

  protected begin(): void {
    this.onmessage?.({ data: JSON.stringify({ type: "Begin", id: "1", expires_at: 0 }) });
    this.#watch();
  }

  protected refuse(): void {
    const error = "Unauthorized Connection: Invalid token";
    this.onmessage?.({ data: JSON.stringify({ type: "Error", error_code: 1008, error }) });
    this.closeWith(1008, error);
  }

  protected receive(data: string | ArrayBuffer): void {
    if (this.#hasEnded() || this.isTerminated) return;
    this.#activeAtMs = this.clock.serverMs;
    if (typeof data === "string") {
      const { type } = JSON.parse(data) as { type: string };
      if (type === "Terminate") this.#terminate();
      return;
    }
    const samples = new Int16Array(data);
    const ms = (samples.length * 1000) / this.ruler.sampleRate;
    if (ms < 50 || ms > 1_000) return this.closeWith(3007, `Input duration violation: ${ms} ms`);
    const words = this.ruler.add(samples);
    const openMs = this.clock.serverMs - this.openedAtMs;
    if (this.ruler.receivedMs > 1.25 * openMs + 5_000) return this.closeWith(3007, "Audio Transmission Rate Exceeded");
    for (const word of words) this.#recognise(word);
  }

  #recognise(word: RulerWord): void {
    this.#words.push(word);
    if (this.#words.length === WORDS_A_TURN) this.#endTurn(WORDS_MS);
    else this.deliver(this.#turn(this.#words, this.#order, false, false), WORDS_MS);
  }

  #endTurn(afterMs: number): void {
    const words = this.#words.splice(0);
    if (words.length === 0) return;
    const order = this.#order++;
    this.deliver(this.#turn(words, order, true, false), afterMs);
    if (this.fault !== "unformatted") this.deliver(this.#turn(words, order, true, true), afterMs + 20);
  }

  #turn(words: RulerWord[], turn_order: number, end_of_turn: boolean, turn_is_formatted: boolean): object {
    const transcript = words.map(({ text }) => text).join(" ");
    return {
      type: "Turn",
      turn_order,
      end_of_turn,
      turn_is_formatted,
      transcript: end_of_turn ? transcript : "",
      words: words.map(({ text, start, end }) => ({ text, start, end })),
    };
  }

  #terminate(): void {
    this.isTerminated = true;
    if (this.fault === "no_termination") return;
    this.#endTurn(LAST_WORDS_MS - 30);
    const seconds = Math.ceil((this.clock.serverMs - this.openedAtMs) / 1000);
    this.deliver({ type: "Termination", audio_duration_seconds: 1, session_duration_seconds: seconds }, LAST_WORDS_MS);
    this.clock.setTimer(() => this.closeWith(1000), LAST_WORDS_MS + 10);
  }

  /** Closes the socket at the end of its token's time, and after a minute in which nothing arrives. */
  #watch(): void {
    if (this.readyState !== 1 || this.#hasEnded()) return;
    if (this.clock.serverMs - this.#activeAtMs >= 60_000 && !this.isTerminated) this.#terminate();
    this.clock.setTimer(() => this.#watch(), 1_000);
  }

  #hasEnded(): boolean {
    if (this.clock.serverMs < this.endsAtMs) return false;
    const error = "Session Expired: Maximum session duration exceeded";
    if (this.readyState === 1) this.onmessage?.({ data: JSON.stringify({ type: "Error", error_code: 3008, error }) });
    this.closeWith(3008, error);
    return true;
  }
}

export class FakeOpenAI extends FakeSocket {
  #words: RulerWord[] = [];
  #uncommitted = 0;
  #items = 0;
  readonly commits: number[] = [];
  readonly errors: string[] = [];

  protected begin(): void {
    this.onmessage?.({ data: JSON.stringify({ type: "session.created" }) });
  }

  protected refuse(): void {
    const error = { message: "Invalid client secret" };
    this.onmessage?.({ data: JSON.stringify({ type: "error", error }) });
    this.closeWith(3000, "invalid_request_error.invalid_api_key");
  }

  protected receive(data: string | ArrayBuffer): void {
    const event = JSON.parse(data as string) as { type: string; audio?: string; event_id?: string };
    if (event.type === "input_audio_buffer.append") this.#append(event.audio ?? "");
    else if (event.type === "input_audio_buffer.commit") this.#commit(event.event_id);
  }

  #append(audio: string): void {
    const bytes = Uint8Array.from(Buffer.from(audio, "base64"));
    const samples = new Int16Array(bytes.buffer);
    this.#uncommitted += samples.length;
    const item_id = `item_${this.#items}`;
    for (const word of this.ruler.add(samples)) {
      this.#words.push(word);
      const type = "conversation.item.input_audio_transcription.delta";
      this.deliver({ type, item_id, delta: `${this.#words.length > 1 ? " " : ""}${word.text}` }, WORDS_MS);
    }
  }

  #commit(eventId: string | undefined): void {
    if (this.#uncommitted < 2_400) {
      this.errors.push("buffer too small");
      return this.deliver({ type: "error", error: { message: "buffer too small", event_id: eventId } }, 10);
    }
    this.commits.push(this.#uncommitted);
    this.#uncommitted = 0;
    const item_id = `item_${this.#items++}`;
    const transcript = this.#words.splice(0).map(({ text }) => text).join(" ");
    this.deliver({ type: "input_audio_buffer.committed", item_id }, 10);
    const type = `conversation.item.input_audio_transcription.${this.fault === "failed" && this.#items === 1 ? "failed" : "completed"}`;
    // The first of two turns may be completed after the second one.
    const slowMs = this.fault === "slow_turns" ? 6_000 : LAST_WORDS_MS;
    if (this.fault !== "no_termination") this.deliver({ type, item_id, transcript }, this.#items % 2 ? slowMs : 60);
  }
}
