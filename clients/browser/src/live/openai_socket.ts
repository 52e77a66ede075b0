/**
 * OpenAI's realtime socket for transcription: base64 PCM at 24 kHz out, commits at pauses, deltas and turns in.
 * Sources: developers.openai.com/api/docs/guides/realtime-transcription; docs/streaming.md has what differs.
 */
import { Resampler, toInt16 } from "../audio/resampler.js";
import type { Frame } from "./audio_queue.js";
import type { LiveSocket, SocketOptions, Turn } from "./live_socket.js";
import { rmsOf } from "./pauses.js";
import { ProviderSocket } from "./provider_socket.js";

const RATE = 24_000;
/** A commit of less audio is an error. */
const SHORTEST_TURN = RATE / 10;
const LONGEST_TURN_MS = 15_000;
/** Speech without a pause is cut where it is quietest in so much of its end, to cut no word. */
const CUT_WITHIN_MS = 1_000;
/** A turn ends after so long a pause. */
const PAUSE_MS = 500;
const PREFIX = "conversation.item.input_audio_transcription.";

/** A frame of the end of a long turn, which waits until it is known whether it belongs to this turn or to the next one. */
interface HeldFrame {
  frame: Frame;
  frameMs: number;
  loudness: number;
}

/** What was committed. `text` is final, or undefined until it is. */
interface CommittedTurn {
  eventId: string;
  itemId?: string;
  startMs: number;
  endMs: number;
  heardMs: number;
  text?: string;
  isLost?: boolean;
}

/** Opens the socket of a lease; resolves when its session has begun. Throws SocketRefusedError. */
export async function openOpenAISocket(options: SocketOptions, signal: AbortSignal): Promise<LiveSocket> {
  const socket = new OpenAISocket(options);
  await socket.begun(signal);
  return socket;
}

class OpenAISocket extends ProviderSocket {
  readonly #resampler: Resampler | undefined;
  /** Samples that were appended since the last commit, at 24 kHz. */
  #uncommitted = 0;
  readonly #held: HeldFrame[] = [];
  /** The time of the frames that were sent. */
  #sentMs = 0;
  #turnStartMs = 0;
  /** Where speech began and ended in the turn. */
  #speechStartMs: number | undefined;
  #speechEndMs = 0;
  /** In order; the first ones leave when their text is final. */
  readonly #turns: CommittedTurn[] = [];
  readonly #deltas = new Map<string, string>();
  #commits = 0;
  /** The time of the frames that were sent before the last message about words. */
  #answeredMs = 0;
  readonly patienceMs = 10_000;

  constructor(options: SocketOptions) {
    const { lease, sampleRate } = options;
    super(options, lease.websocket_url ?? "", ["realtime", `openai-insecure-api-key.${lease.token}`]);
    if (sampleRate !== RATE) this.#resampler = new Resampler(sampleRate, RATE);
  }

  /** A commit is answered, also one of silence. */
  get unansweredMs(): number {
    const [first] = this.#turns;
    return first ? this.#sentMs - Math.max(first.heardMs, this.#answeredMs) : 0;
  }

  protected transmit(frame: Frame, frameMs: number): void {
    const isLongSpeech = this.#speechStartMs !== undefined && this.#sentMs - this.#turnStartMs >= LONGEST_TURN_MS - CUT_WITHIN_MS;
    if (!isLongSpeech) return this.#take(frame, frameMs);
    this.#held.push({ frame, frameMs, loudness: rmsOf(frame.samples) });
    const heldMs = this.#held.reduce((sum, held) => sum + held.frameMs, 0);
    if (!frame.isQuiet && this.#sentMs + heldMs - this.#turnStartMs < LONGEST_TURN_MS) return;
    const quietest = Math.min(...this.#held.map(({ loudness }) => loudness));
    this.#takeHeld(this.#held.findIndex(({ loudness }) => loudness === quietest) + 1);
    if (this.#sentMs > this.#turnStartMs) this.#commit(); // unless a pause has just ended the turn
    this.#takeHeld();
  }

  /** Sends the first ones of the frames that wait, or all. */
  #takeHeld(count = this.#held.length): void {
    for (const { frame, frameMs } of this.#held.splice(0, count)) this.#take(frame, frameMs);
  }

  #take({ samples, isQuiet }: Frame, frameMs: number): void {
    const startMs = this.#sentMs;
    this.#sentMs += frameMs;
    if (!isQuiet) {
      this.#speechStartMs ??= startMs;
      this.#speechEndMs = this.#sentMs;
    }
    this.#append(this.#resampler ? toInt16(scaled(this.#resampler.push(samples))) : samples);
    const hasPaused = this.#speechStartMs !== undefined && this.#sentMs - this.#speechEndMs >= PAUSE_MS;
    if (hasPaused || this.#sentMs - this.#turnStartMs >= LONGEST_TURN_MS) this.#commit();
  }

  protected sendEnd(): void {
    this.#takeHeld();
    if (this.#resampler) this.#append(toInt16(scaled(this.#resampler.flush())));
    if (this.#uncommitted > 0) this.#commit();
    if (this.#turns.length === 0) this.markComplete();
  }

  protected handle(message: Record<string, unknown>): void {
    const itemId = String(message["item_id"]);
    switch (message["type"]) {
      case "session.created":
        return this.markBegun();
      case "input_audio_buffer.committed": {
        const turn = this.#turns.find((waiting) => waiting.itemId === undefined);
        if (turn) turn.itemId = itemId;
        return;
      }
      case `${PREFIX}delta`:
        return this.#handleDelta(itemId, String(message["delta"]));
      case `${PREFIX}completed`:
        return this.#complete((turn) => turn.itemId === itemId, { text: String(message["transcript"]).trim() });
      case `${PREFIX}failed`:
        return this.#complete((turn) => turn.itemId === itemId, { text: "", isLost: true });
      case "error":
        return this.#handleError(message["error"] as { message?: string; event_id?: string | null });
    }
  }

  /** An error names the message that it is about; before the session began, it refuses the socket. */
  #handleError(error: { message?: string; event_id?: string | null }): void {
    this.refuse(error.message ?? "refused");
    this.#complete((turn) => turn.eventId === error.event_id, { text: "", isLost: true });
  }

  #handleDelta(itemId: string, delta: string): void {
    this.#answeredMs = this.#sentMs;
    const text = (this.#deltas.get(itemId) ?? "") + delta;
    this.#deltas.set(itemId, text);
    const turn = this.#turns.find((committed) => committed.itemId === itemId);
    const startMs = turn?.startMs ?? this.#speechStartMs ?? this.#turnStartMs;
    this.listener.onPartial({ text: text.trim(), startMs, endMs: turn?.endMs ?? this.#sentMs });
  }

  #append(samples: Int16Array): void {
    this.#uncommitted += samples.length;
    if (samples.length > 0) this.sendJson({ type: "input_audio_buffer.append", audio: base64(samples) });
  }

  #commit(): void {
    if (this.#uncommitted < SHORTEST_TURN) this.#append(new Int16Array(SHORTEST_TURN - this.#uncommitted));
    const eventId = `commit_${++this.#commits}`;
    const isSilent = this.#speechStartMs === undefined;
    const startMs = this.#speechStartMs ?? this.#turnStartMs;
    const heardMs = this.#sentMs;
    this.#turns.push({ eventId, startMs, endMs: isSilent ? heardMs : this.#speechEndMs, heardMs });
    this.sendJson({ type: "input_audio_buffer.commit", event_id: eventId });
    this.#uncommitted = 0;
    this.#turnStartMs = this.#sentMs;
    this.#speechStartMs = undefined;
  }

  /** Notes how a turn ended. Turns are passed on in their order, though they may end in another. */
  #complete(isIt: (turn: CommittedTurn) => boolean, end: { text: string; isLost?: boolean }): void {
    const turn = this.#turns.find(isIt);
    if (!turn) return;
    this.#answeredMs = this.#sentMs;
    Object.assign(turn, end);
    while (this.#turns[0]?.text !== undefined) this.#passOn(this.#turns.shift() as CommittedTurn);
    if (this.isFinishing && this.#turns.length === 0) this.markComplete();
  }

  #passOn({ itemId, startMs, endMs, heardMs, text = "", isLost }: CommittedTurn): void {
    this.#deltas.delete(itemId ?? "");
    if (isLost) this.listener.onLost(startMs, endMs);
    else this.listener.onFinal({ text, startMs, endMs, heardMs } satisfies Turn);
  }

  /** While it finishes, a turn that does not end keeps the text that it has so far. */
  protected giveUp(): void {
    if (!this.isFinishing) return;
    for (const turn of this.#turns.splice(0)) {
      const text = (turn.text ?? this.#deltas.get(turn.itemId ?? "") ?? "").trim();
      this.#passOn({ ...turn, text, isLost: turn.isLost ?? text === "" });
    }
  }
}

/** The resampler keeps the scale of its input; here it is that of 16-bit samples. */
function scaled(samples: Float32Array): Float32Array {
  return samples.map((sample) => sample / 32_768);
}

function base64(samples: Int16Array): string {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  // Not spread: that takes seven times as long, ten times a second.
  return btoa(String.fromCharCode.apply(null, bytes as unknown as number[]));
}
