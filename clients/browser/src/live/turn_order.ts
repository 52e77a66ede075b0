/** Brings the turns of sockets that follow each other into one order, though the sockets overlap in time. */
import type { Turn } from "./live_socket.js";

export class TurnOrder {
  /** The first one passes its turns on; the others wait until it is done. */
  readonly #sources: TurnSource[] = [];

  /** The source of the next socket's turns; `deliver` gets each when its time has come. */
  add(deliver: (turn: Turn) => void): TurnSource {
    const source = new TurnSource(deliver, () => this.#passOn());
    this.#sources.push(source);
    return source;
  }

  #passOn(): void {
    for (let first = this.#sources[0]; first; first = this.#sources[0]) {
      for (const turn of first.waiting.splice(0)) first.deliver(turn);
      if (!first.isDone) return;
      this.#sources.shift();
    }
  }
}

export class TurnSource {
  readonly waiting: Turn[] = [];
  isDone = false;

  constructor(
    readonly deliver: (turn: Turn) => void,
    private readonly passOn: () => void,
  ) {}

  push(turn: Turn): void {
    this.waiting.push(turn);
    this.passOn();
  }

  /** No turn follows. */
  end(): void {
    this.isDone = true;
    this.passOn();
  }
}
