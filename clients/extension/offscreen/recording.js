/** One recording: the sound of a tab, on request with the microphone, and the live session that it feeds. */
import { bridgeStorage, captureAudio, createClient } from "../sdk/live-transcription.mjs";
import { describeError, MessageError, RECORDER_PORT, send } from "../common/messages.js";
import { Reporter } from "./reporter.js";

const EVENTS = ["state", "partial", "final", "lease", "warnings", "credits", "uncovered"];

const HISTORY_MS = 10_000;

export class Recording {
  #message;
  #onClosed;
  #client;
  #session;
  #reporter;
  #capture;
  #microphone;
  #port;
  /** Resolves when the gap before a session that was resumed is reported. */
  #interruption;
  #isOpened = false;
  #isStopping = false;
  #isClosing = false;

  /** `message`: RECORDER_START. `onClosed` is called when nothing is left to do. */
  constructor(message, onClosed) {
    this.#message = message;
    this.#onClosed = onClosed;
    const { apiUrl, options, recordingId } = message;
    this.#reporter = new Reporter((events) => send("LIVE_EVENTS", { recordingId, events }));
    this.#client = createClient({ baseUrl: apiUrl, storage: bridgeStorage() });
    this.#session = this.#client.live.create(options);
    for (const event of EVENTS) this.#session.on(event, (data) => this.#report(event, data));
    this.#session.on("ended", ({ error, ...ended }) => {
      const { sessionId, transcriptId } = this.#session;
      this.#report("ended", { ...ended, sessionId, transcriptId, ...(error && { error: describeError(error) }) });
      void this.#close();
    });
  }

  /**
   * The sound first: where it is refused, no credits are spent. `isStopped`: it was stopped before the session began.
   * Throws MessageError or what the SDK throws.
   */
  async start() {
    const { streamId, microphone, sessionId } = this.#message;
    this.#stayConnected();
    try {
      const streams = microphone ? [await this.#openMicrophone()] : [];
      const onFrame = (frame) => this.#session.feed(frame);
      this.#capture = await captureAudio({ tabStreamId: streamId, streams }, { onFrame, onEnded: () => this.#sourceEnded() });
      if (this.#isStopping) {
        void this.#close();
        return { isStopped: true };
      }
      const firstLease = this.#session.once("lease");
      await (sessionId === undefined ? this.#session.start() : this.#session.resume(sessionId));
      this.#reportOpened();
      if (sessionId === undefined) return {};
      this.#interruption = firstLease.then(({ startMs }) => this.#reportInterruption(startMs)).catch(() => undefined);
      return {};
    } catch (error) {
      this.#reporter.push("start_failed", describeError(error)); // a worker that was killed gets no answer
      void this.#close(); // not awaited: the worker closes this document when it has the error
      throw error;
    }
  }

  pause() {
    return this.#session.pause();
  }

  resume() {
    return this.#session.resume();
  }

  async stop() {
    this.#isStopping = true;
    await this.#session.stop();
  }

  #report(event, data) {
    this.#reportOpened();
    this.#reporter.push(event, data);
  }

  /** Before anything else of a session that has its id, also where it is stopped while it starts. */
  #reportOpened() {
    const { sessionId, transcriptId } = this.#session;
    if (this.#isOpened || sessionId === undefined) return;
    this.#isOpened = true;
    this.#reporter.push("opened", { sessionId, transcriptId });
  }

  /**
   * What was said between the end of what is saved and `resumedAtMs`, the beginning of the first lease, has no words. The
   * history shows it too, so that nothing is lost where this fails.
   */
  async #reportInterruption(resumedAtMs) {
    const { covered, segments } = await this.#client.history.get(this.#session.transcriptId, { signal: AbortSignal.timeout(HISTORY_MS) });
    const ends = [...covered, ...segments].map(({ end_ms }) => end_ms);
    const startMs = Math.max(0, ...ends.filter((endMs) => endMs <= resumedAtMs));
    if (startMs < resumedAtMs) this.#report("uncovered", { startMs, endMs: resumedAtMs, reason: "interrupted" });
  }

  /** Lets go of the sound, waits until the worker has every event, and lets it close this document. */
  async #close() {
    if (this.#isClosing) return;
    this.#isClosing = true;
    await this.#capture?.stop().catch(() => undefined); // the browser may have ended it
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    await this.#interruption;
    await this.#reporter.flushed();
    const port = this.#port;
    this.#port = undefined;
    port.disconnect();
    this.#onClosed();
    await send("RECORDER_DONE").catch(() => undefined);
  }

  async #openMicrophone() {
    const { state } = await navigator.permissions.query({ name: "microphone" });
    if (state !== "granted") throw new MessageError({ code: "microphone_denied", message: "Allow the microphone for this extension first." });
    this.#microphone = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true } });
    return this.#microphone;
  }

  /** Without the tab, which was closed, the session ends; without the microphone, which was unplugged, it goes on. */
  #sourceEnded() {
    const [track] = this.#microphone?.getAudioTracks() ?? [];
    if (track?.readyState === "ended") {
      this.#microphone = undefined;
      return this.#report("source_ended", { source: "microphone" });
    }
    this.#report("source_ended", { source: "tab" });
    void this.stop().catch(() => undefined);
  }

  /** The port wakes a worker that was killed, and tells it when this document is gone. */
  #stayConnected() {
    this.#port = chrome.runtime.connect({ name: RECORDER_PORT });
    this.#port.onDisconnect.addListener(() => this.#port && this.#stayConnected());
  }
}
