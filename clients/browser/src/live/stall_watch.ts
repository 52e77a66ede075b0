/**
 * Notices a socket that is open but dead, by the audio that is sent: no clock is read, so neither a device that sleeps
 * nor a wrong clock looks like it.
 */
import type { LiveSocket } from "./live_socket.js";

/** The network accepts nothing for so much audio. */
const BLOCKED_MS = 8_000;

export class StallWatch {
  #patience = 1;
  /** The audio before this position is sent again because a socket was suspected. */
  #suspectedEnd = 0;

  isStalled({ blockedMs, unansweredMs, patienceMs }: LiveSocket): boolean {
    return blockedMs >= BLOCKED_MS || unansweredMs >= patienceMs * this.#patience;
  }

  /**
   * A socket that had received the samples before `position` is given up. Sound without speech, such as music, is not
   * answered either: the patience doubles until there are words where a socket gave none.
   */
  suspect(position: number): void {
    this.#patience *= 2;
    this.#suspectedEnd = position;
  }

  /** There are words at `position`. */
  confirm(position: number): void {
    if (position < this.#suspectedEnd) this.#patience = 1;
  }
}
