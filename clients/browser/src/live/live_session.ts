/** One live session: captions of the audio that is fed, over as many leases and sockets as it takes. */
import { toInt16 } from "../audio/resampler.js";
import type { Schema } from "../contract.js";
import { sleep } from "../environment.js";
import { isDecided, isKeyOutdated, retryAfterMs } from "../errors.js";
import { AudioPump } from "./audio_pump.js";
import { canStillCall, endReason } from "./end_reason.js";
import { LeaseKeeper } from "./lease_keeper.js";
import { type Caption, Emitter, type LiveEvents, type LiveState } from "./live_events.js";
import { type LiveOptions, type LiveParts, type LiveSettings, settingsOf } from "./live_options.js";
import { SocketRefusedError } from "./live_socket.js";
import { SegmentSaver } from "./segment_saver.js";
import { SegmentsOutbox } from "./segments_outbox.js";
import { SessionLock } from "./session_lock.js";
import { Signal } from "./signal.js";
import { PROVIDERS, SocketLine } from "./socket_line.js";
import { type OpenedSession, repeatOutdated, StartRequest } from "./start_request.js";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
/** A lease is requested after a minute even where the API asks for more: words are lost meanwhile. */
const LONGEST_RETRY_AFTER_MS = 60_000;
/** A provider that refuses so many sockets in a row is given up: each lease costs. */
const MOST_REFUSALS = 5;
/** A lease is not renewed if nothing was fed for so long: the next one begins with the next audio. */
const SILENCE_MS = 10_000;

export class LiveSession extends Emitter<LiveEvents> {
  #state: LiveState = "idle";
  #goal: "run" | "pause" | "stop" = "run";
  #leases: LeaseKeeper | undefined;
  #saver: SegmentSaver | undefined;
  readonly #pump: AudioPump;
  readonly #sockets: SocketLine;
  readonly #signal: Signal;
  /** Ends what the session waits for when it is paused, stopped or refused. */
  #attempt = new AbortController();
  readonly #settings: LiveSettings;
  readonly #lock: SessionLock;
  readonly #startRequest: StartRequest;
  #opening: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  /** Why the API refuses the session. */
  #refusal: unknown;
  #refusedSockets = 0;
  #fedAtMs = 0;
  #end: LiveEvents["ended"] | undefined;

  constructor(
    private readonly parts: LiveParts,
    options: LiveOptions = {},
  ) {
    super();
    const { environment } = parts;
    this.#settings = settingsOf(options, PROVIDERS);
    const { sampleRate, bufferSeconds } = this.#settings;
    this.#startRequest = new StartRequest(environment, parts.stream, parts.storage, this.#settings.body);
    this.#lock = new SessionLock(environment);
    this.#signal = new Signal(environment);
    this.#pump = new AudioPump({
      environment,
      sampleRate,
      bufferSeconds,
      onUncovered: (startMs, endMs, reason) => this.emit("uncovered", { startMs, endMs, reason }),
    });
    this.#sockets = new SocketLine(environment, sampleRate, this.#pump, {
      onPartial: (caption) => {
        this.#saver?.dropWarning("no_audio");
        this.emit("partial", caption);
      },
      onFinal: (caption) => this.#keep(caption),
      onBroken: () => this.#signal.notify(),
    });
  }

  get state(): LiveState {
    return this.#state;
  }

  get sessionId(): string | undefined {
    return this.#leases?.lease.session_id;
  }

  get transcriptId(): string | undefined {
    return this.#leases?.lease.transcript_id;
  }

  /**
   * Opens a session. Resolves when its first lease began; audio may be fed before. Throws ApiError, NetworkError: then it
   * may be called again, and charges nothing twice.
   */
  async start(): Promise<void> {
    await this.#begin((userId) => this.#startRequest.send(userId, this.#lock));
  }

  /**
   * Goes on after `pause`; or, in a new LiveSession, with the session of this id, which was interrupted by a closed
   * browser or a sleeping worker. Throws ApiError, NetworkError, SessionInUseError.
   */
  async resume(sessionId?: string): Promise<void> {
    if (this.#state === "paused") {
      this.#setState("reconnecting");
      return this.#aimFor("run");
    }
    if (sessionId === undefined) throw new Error("Name the session to resume.");
    await this.#begin((userId) => this.#reopen(sessionId, userId));
  }

  /** Adds audio: mono samples at the session's rate, 16-bit ones or from -1 to 1. Returns whether they are used. */
  feed(samples: Int16Array | Float32Array): boolean {
    if (this.#goal !== "run" || this.#end || this.#state === "idle" || this.#state === "paused") return false;
    this.#pump.push(samples instanceof Int16Array ? samples : toInt16(samples), this.#leases?.transcriptMs);
    this.#fedAtMs = this.parts.environment.monotonicMs();
    this.#signal.notify();
    return true;
  }

  /** Awaits and saves the last words, and closes the socket. The lease is billed until its end, `stop` or `resume`. */
  async pause(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    if (this.#goal !== "run" || !this.#running) return;
    this.#aimFor("pause");
    while (!this.#hasPaused()) await this.once("state");
  }

  /**
   * Awaits and saves the last words, then stops the session. Throws where the API could not be reached: see findOpen, and
   * stopUnansweredStart where it was still starting.
   */
  async stop(): Promise<Schema<"Stopped"> | undefined> {
    this.#aimFor("stop");
    const failure: unknown = await this.#opening?.then(() => undefined, (error: unknown) => error);
    if (failure !== undefined && !isDecided(failure)) throw failure; // it may have opened a session
    await this.#running;
    if (this.#end?.reason === "stopped" && this.#end.error) throw this.#end.error;
    return this.#end?.stopped;
  }

  /** Also where `resume`, `stop` or the session's end came first. */
  #hasPaused(): boolean {
    return this.#goal !== "pause" || this.#state === "paused" || this.#end !== undefined;
  }

  #begin(open: (userId: string) => Promise<OpenedSession>): Promise<void> {
    if (this.#state !== "idle") throw new Error("This session was started already. Create another one.");
    this.#goal = "run";
    this.#setState("starting");
    this.#opening = this.#open(open).finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  /** Continues an interrupted session. Whatever may fail without the API comes first: its lease is billed. */
  async #reopen(sessionId: string, userId: string): Promise<OpenedSession> {
    await this.#lock.take(sessionId);
    const outbox = await SegmentsOutbox.open(this.parts.storage, sessionId, userId);
    const body = { session_id: sessionId, interrupted: true };
    return { timed: await repeatOutdated(() => this.parts.stream.renewTimed(body, {})), outbox };
  }

  async #open(open: (userId: string) => Promise<OpenedSession>): Promise<void> {
    const { environment, stream } = this.parts;
    try {
      const { timed, outbox } = await open(await this.parts.userId());
      const { session_id, next_seq, save_interval_seconds } = timed.lease;
      outbox.numberFrom(next_seq);
      this.#saver = this.#createSaver(session_id, outbox);
      this.#leases = new LeaseKeeper(environment, stream, this.#settings.leadMs, timed, {
        onLease: (lease) => {
          this.#saver?.dropWarning("lease_ending");
          this.emit("lease", lease);
        },
        onCredits: (credits) => this.emit("credits", credits),
      });
      this.#pump.placeStart(this.#leases.transcriptMs);
      this.#saver.start(save_interval_seconds);
      this.#running = this.#supervise(this.#leases, this.#saver);
      void this.#startRequest.discardKey();
    } catch (error) {
      this.#lock.release();
      this.#pump.clear(); // what is said now is no beginning of a session that starts later
      this.#setState("idle");
      throw error;
    }
  }

  #createSaver(sessionId: string, outbox: SegmentsOutbox): SegmentSaver {
    return new SegmentSaver(this.parts.environment, this.parts.stream, sessionId, outbox, {
      onSaved: ({ saved, sentAtMs }) => {
        this.#leases?.sync(saved.seconds_left, sentAtMs);
        this.#signal.notify();
      },
      onWarning: (warning) => this.emit("warning", warning),
      onWarnings: (warnings) => this.emit("warnings", warnings),
      onRefused: (error) => {
        this.#refusal ??= error;
        this.#attempt.abort();
        this.#signal.notify();
      },
    });
  }

  /** Keeps the session running until it is to end, and ends it. */
  async #supervise(leases: LeaseKeeper, saver: SegmentSaver): Promise<void> {
    let end: LiveEvents["ended"] = { reason: "stopped" };
    try {
      while (this.#goal !== "stop") {
        if (this.#refusal) throw this.#refusal;
        this.#attempt = new AbortController();
        if (this.#goal === "pause") await this.#rest(leases, saver);
        else if (this.#sockets.current) await this.#renewInTime(leases, saver);
        else await this.#connect(leases, saver);
      }
    } catch (error) {
      end = { reason: endReason(error), error };
      // Another user has signed in, and finds no session of this one: it is not deleted.
      if (end.reason === "deleted" && (await this.parts.userId().catch(() => undefined)) !== saver.outbox.userId) end.reason = "signed_out";
    }
    await this.#close(end, saver);
  }

  /** Waits until the lease is to be renewed, or something happens, and renews it. */
  async #renewInTime(leases: LeaseKeeper, saver: SegmentSaver): Promise<void> {
    const waitMs = leases.renewInMs;
    const isSilent = this.parts.environment.monotonicMs() - this.#fedAtMs > SILENCE_MS;
    if (waitMs > 0) await this.#signal.wait(waitMs);
    else if (!isSilent) await this.#openNextSocket(leases, saver);
    else if (leases.isExpired) this.#sockets.breakOff();
    else await this.#signal.wait(leases.endsInMs);
  }

  async #connect(leases: LeaseKeeper, saver: SegmentSaver): Promise<void> {
    const isFirst = this.#state === "starting";
    if (!isFirst) this.#setState("reconnecting");
    if (isFirst || this.#pump.hasUnsent) await this.#openNextSocket(leases, saver);
    else await this.#signal.wait();
  }

  /** Gets a lease and a socket, and hands over to it. Comes back without one where the session is to do other things. */
  async #openNextSocket(leases: LeaseKeeper, saver: SegmentSaver): Promise<void> {
    const { environment } = this.parts;
    const { signal } = this.#attempt;
    let leastMs = 0;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        if (!this.#sockets.current && this.#state !== "starting") await saver.flushBriefly(); // what is saved counts as covered
        const lease = await leases.next(!this.#sockets.current || this.#refusedSockets > 0, signal);
        if (await this.#sockets.open(lease, this.#settings.patienceMs, signal)) {
          this.#refusedSockets = 0;
          this.#setState("live");
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        leastMs = Math.min(LONGEST_RETRY_AFTER_MS, retryAfterMs(error));
        const isRefused = error instanceof SocketRefusedError;
        if (isRefused && ++this.#refusedSockets >= MOST_REFUSALS) throw error;
        if (!isRefused && isDecided(error) && !isKeyOutdated(error)) {
          if (leases.postpone(error, this.#sockets.current !== undefined)) return;
          throw error;
        }
      }
      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
      await sleep(environment, Math.max(leastMs, delayMs * (0.5 + environment.random())), signal);
      if (leases.isExpired) this.#sockets.breakOff(); // at some providers a socket outlives its lease
      if (!this.#sockets.current && this.#state === "live") this.#setState("reconnecting");
    }
  }

  /** The session is paused: the last words are saved, and nothing happens until it goes on. */
  async #rest(leases: LeaseKeeper, saver: SegmentSaver): Promise<void> {
    if (this.#state !== "paused") {
      await this.#finishSockets();
      leases.discardUnused();
      saver.pause();
      await saver.flush();
      this.#setState("paused");
    }
    if (this.#goal === "pause") await this.#signal.wait();
  }

  async #finishSockets(): Promise<void> {
    await this.#pump.drain();
    await this.#sockets.finish();
  }

  async #close(end: LiveEvents["ended"], saver: SegmentSaver): Promise<void> {
    this.#end = end;
    this.#setState("stopping");
    await this.#finishSockets();
    saver.pause();
    try {
      if (end.reason === "deleted") await saver.outbox.clear();
      else if (canStillCall(end.reason)) end.stopped = await saver.stop(this.#sockets.providerSeconds);
    } catch (error) {
      end.error ??= error;
    }
    await saver.outbox.stored();
    this.#lock.release();
    this.#setState("ended");
    this.emit("ended", end);
  }

  #keep(caption: Caption): void {
    const { text, startMs, endMs, speaker } = caption;
    const segment = { start_ms: startMs, end_ms: endMs, text, ...(speaker && { speaker }) };
    const saver = this.#saver as SegmentSaver;
    const seq = saver.outbox.add(segment);
    saver.dropWarning("no_audio");
    this.emit("final", { seq, ...caption });
  }

  #aimFor(goal: "run" | "pause" | "stop"): void {
    this.#goal = goal;
    if (goal === "run") this.#saver?.start((this.#leases as LeaseKeeper).lease.save_interval_seconds);
    else this.#attempt.abort();
    this.#signal.notify();
  }

  #setState(state: LiveState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit("state", { state });
  }
}
