/**
 * AssemblyAI's socket (streaming v3): binary PCM out, turns in.
 * Sources: assemblyai.com/docs/streaming/universal-streaming/message-sequence and …/common-session-errors-and-closures.
 */
import type { Frame } from "./audio_queue.js";
import type { LiveSocket, SocketOptions, Turn } from "./live_socket.js";
import { ProviderSocket } from "./provider_socket.js";

interface Word {
  text: string;
  start: number;
  end: number;
}

interface TurnMessage {
  turn_order: number;
  turn_is_formatted: boolean;
  end_of_turn: boolean;
  transcript: string;
  words?: Word[];
  speaker_label?: string;
}

/** Opens the socket of a lease; resolves when its session has begun. Throws SocketRefusedError. */
export async function openAssemblyAISocket(options: SocketOptions, signal: AbortSignal): Promise<LiveSocket> {
  const socket = new AssemblyAISocket(options);
  await socket.begun(signal);
  return socket;
}

class AssemblyAISocket extends ProviderSocket {
  /** The last turn that ended without its formatted text, which follows, or is never sent. */
  #unformatted: Turn | undefined;
  #partial: Turn | undefined;
  #order = -1;
  #lastFinal = -1;
  #lastEndMs = 0;
  /** Loud audio since the last message: words are answered within a second or two. */
  unansweredMs = 0;
  readonly patienceMs = 15_000;

  constructor(options: SocketOptions) {
    super(options, `${options.lease.websocket_url}&token=${encodeURIComponent(options.lease.token ?? "")}`, []);
  }

  protected transmit({ samples, isQuiet }: Frame, frameMs: number): void {
    if (!isQuiet) this.unansweredMs += frameMs;
    this.sendData(samples.slice().buffer as ArrayBuffer);
  }

  protected sendEnd(): void {
    this.sendJson({ type: "Terminate" });
  }

  protected handle(message: Record<string, unknown>): void {
    this.unansweredMs = 0;
    switch (message["type"]) {
      case "Begin":
        return this.markBegun();
      case "Turn":
        return this.#handleTurn(message as unknown as TurnMessage);
      case "Termination":
        if (typeof message["session_duration_seconds"] === "number") this.reportedSeconds = message["session_duration_seconds"];
        return this.markComplete();
      case "Error":
        return this.refuse(String(message["error"])); // the socket closes by itself
    }
  }

  #handleTurn(message: TurnMessage): void {
    if (message.turn_order > this.#order) this.#finishTurn();
    if (message.turn_order <= this.#lastFinal) return;
    this.#order = message.turn_order;
    const turn = this.#turn(message);
    if (!message.end_of_turn) {
      this.#partial = turn;
      this.listener.onPartial(turn);
      return;
    }
    this.#unformatted = turn;
    if (message.turn_is_formatted) this.#finishTurn();
    else this.listener.onPartial(turn);
  }

  #turn({ transcript, words = [], end_of_turn, speaker_label }: TurnMessage): Turn {
    const spoken = words.map(({ text }) => text).join(" ");
    // A partial transcript has only the words that will not change; the others are shown too.
    const text = (end_of_turn ? transcript || spoken : spoken || transcript).trim();
    const turn: Turn = { text, startMs: words[0]?.start ?? this.#lastEndMs, endMs: words.at(-1)?.end ?? this.#lastEndMs };
    if (speaker_label) turn.speaker = speaker_label;
    return turn;
  }

  #finishTurn(): void {
    const turn = this.#unformatted;
    this.#unformatted = undefined;
    if (!turn) return;
    this.#partial = undefined;
    this.#lastFinal = this.#order;
    this.#lastEndMs = turn.endMs;
    this.listener.onFinal(turn);
  }

  protected giveUp(): void {
    this.#finishTurn();
    if (this.isFinishing && this.#partial) this.listener.onFinal(this.#partial);
  }
}
