/** A live session on the virtual clock, and somebody who speaks numbered words into it. */
import assert from "node:assert/strict";
import { Client } from "../../src/client.js";
import { localLocks, type Locks } from "../../src/environment.js";
import type { LiveEvents } from "../../src/live/live_events.js";
import type { LiveOptions } from "../../src/live/live_options.js";
import type { LiveSession } from "../../src/live/live_session.js";
import { type KeyValueStorage, memoryStorage } from "../../src/storage.js";
import { FakeBackend } from "./fake_backend.js";
import { coded } from "./coded.js";
import { seededRandom, VirtualClock } from "./virtual_clock.js";

export type RecordedEvent = { [Name in keyof LiveEvents]: { name: Name } & LiveEvents[Name] }[keyof LiveEvents];

const CHUNK_MS = 100;
const NAMES: (keyof LiveEvents)[] = ["state", "partial", "final", "lease", "warning", "warnings", "credits", "uncovered", "ended"];

export class Bench {
  readonly clock = new VirtualClock();
  readonly backend: FakeBackend;
  readonly storage: KeyValueStorage = memoryStorage();
  readonly locks: Locks = localLocks();
  client: Client;
  session: LiveSession;
  readonly events: RecordedEvent[] = [];
  /** How many samples were spoken. */
  position = 0;
  /** How far the device's clock of the day is ahead of its monotonic one. */
  wallAheadMs = 0;
  readonly #sampleRate: number;
  #uuids = 0;

  constructor(
    readonly options: LiveOptions = {},
    private readonly seed = 1,
  ) {
    this.#sampleRate = options.sampleRate ?? 16_000;
    this.backend = new FakeBackend(this.clock, this.#sampleRate);
    this.random = seededRandom(seed);
    this.client = this.createClient();
    this.session = this.createSession();
  }

  readonly random: () => number;

  /** Another context of the same extension; or the same one after a restart. */
  createClient(): Client {
    const { clock, backend, locks } = this;
    return new Client({
      baseUrl: "https://api.example",
      storage: this.storage,
      environment: {
        fetch: backend.fetch,
        openWebSocket: backend.openWebSocket,
        monotonicMs: () => clock.nowMs,
        wallMs: () => clock.nowMs + this.wallAheadMs,
        setTimer: clock.setTimer,
        clearTimer: clock.clearTimer,
        random: this.random,
        randomUUID: () => `key_${this.seed}_${++this.#uuids}`,
        locks,
      },
    });
  }

  createSession(client = this.client): LiveSession {
    const session = client.live.create(this.options);
    for (const name of NAMES) session.on(name, (event) => this.events.push({ name, ...event } as RecordedEvent));
    return session;
  }

  async signIn(): Promise<void> {
    await this.clock.until(this.client.auth.login({ email: "ada@example.com", password: "p" }));
  }

  async start(): Promise<this> {
    await this.signIn();
    await this.clock.until(this.session.start());
    return this;
  }

  /** Speaks so many seconds; 0.4 of every 2 seconds is a pause, unless `isBreathless`. */
  async speak(seconds: number, { isBreathless = false, onChunk = (): void => undefined } = {}): Promise<void> {
    const length = (this.#sampleRate * CHUNK_MS) / 1000;
    for (let chunk = 0; chunk < (seconds * 1000) / CHUNK_MS; chunk++) {
      await this.clock.advance(CHUNK_MS);
      const ms = (this.position * 1000) / this.#sampleRate;
      const isSoft = !isBreathless && ms % 2_000 >= 1_600;
      this.session.feed(coded(this.position, length, isSoft));
      this.position += length;
      onChunk();
    }
  }

  async stop(): ReturnType<LiveSession["stop"]> {
    return this.clock.until(this.session.stop());
  }

  of<Name extends keyof LiveEvents>(name: Name): LiveEvents[Name][] {
    return this.events.filter((event) => event.name === name) as unknown as LiveEvents[Name][];
  }

  get states(): string[] {
    return this.of("state").map(({ state }) => state);
  }

  /** The words of all final captions, in their order. */
  get captions(): string[] {
    return this.of("final").flatMap(({ text }) => text.split(" "));
  }

  /** The words whose middle was spoken between two seconds. */
  expected(from: number, to = this.position / this.#sampleRate): string[] {
    const first = Math.ceil(from * 2 - 0.5);
    return Array.from({ length: Math.floor(to * 2 + 0.5) - first }, (_, index) => `w${first + index}`);
  }

  /** Every word from `from` to `to` once and in order, as captions and in the transcript. */
  assertWords(from = 0, to?: number): void {
    assertSame(this.captions, this.expected(from, to), "captions");
    assertSame(this.backend.words, this.captions, "transcript");
  }

  /** Every sample went to exactly one socket, in order. */
  assertSamplesOnce(): void {
    const ranges = this.backend.sockets.flatMap((socket) => socket.ruler.ranges);
    let position = 0;
    for (const [start, end] of ranges) {
      assert.equal(start, position);
      position = end;
    }
    assert.equal(position, this.position);
  }

  /** Captions stand where their words were spoken, to `toleranceMs`. `shiftMs`: for how long nothing was heard before. */
  assertPlaces(toleranceMs: number, shiftMs = 0): void {
    for (const { text, startMs } of this.of("final")) {
      const spokenMs = Number(text.split(" ")[0]?.slice(1)) * 500;
      assert.ok(Math.abs(startMs - spokenMs - shiftMs) <= toleranceMs, `${text} at ${startMs} ms, spoken at ${spokenMs}`);
    }
  }
}

function assertSame(actual: string[], expected: string[], name: string): void {
  const length = Math.max(actual.length, expected.length);
  for (let place = 0; place < length; place++) {
    if (actual[place] === expected[place]) continue;
    const around = (words: string[]): string => words.slice(Math.max(0, place - 2), place + 4).join(" ");
    assert.fail(`${name}: "${around(actual)}" instead of "${around(expected)}" (${actual.length} of ${expected.length} words)`);
  }
}
