/**
 * The browser, the API and the offscreen document as the service worker sees them, in memory. A test imports the worker
 * once, after `new FakeBrowser()`, and talks to it by messages, as the pages do.
 */
const ID = "a".repeat(32);
const ORIGIN = `chrome-extension://${ID}`;
const OWN_PAGE = { id: ID, origin: ORIGIN, url: `${ORIGIN}/panel/panel.html` };
const SIGN_IN_KEY = "live-transcription/sign-in";

class FakeEvent {
  #listeners = new Set();
  addListener = (listener) => void this.#listeners.add(listener);
  removeListener = (listener) => void this.#listeners.delete(listener);
  hasListener = (listener) => this.#listeners.has(listener);
  emit = (...values) => [...this.#listeners].map((listener) => listener(...values));
}

class FakeStorage {
  values = {};
  onChanged = new FakeEvent();
  /** Whether writes are refused. */
  isFull = false;
  setAccessLevel = async () => undefined;

  get = async (key) => structuredClone(key === null ? this.values : key in this.values ? { [key]: this.values[key] } : {});

  set = async (items) => {
    if (this.isFull) throw new Error("QUOTA_BYTES quota exceeded");
    this.#change(structuredClone(items));
  };

  remove = async (key) => this.#change({ [key]: undefined });

  #change(items) {
    const changes = {};
    for (const [key, newValue] of Object.entries(items)) {
      changes[key] = { oldValue: this.values[key], newValue };
      if (newValue === undefined) delete this.values[key];
      else this.values[key] = newValue;
    }
    queueMicrotask(() => this.onChanged.emit(structuredClone(changes)));
  }
}

/** Web Locks of one origin. */
class FakeLocks {
  #tails = new Map();
  held = new Set();

  request = (name, ...rest) => {
    const [options, work] = rest.length > 1 ? rest : [{}, rest[0]];
    if (options.ifAvailable && this.held.has(name)) return Promise.resolve(work(null));
    const run = async () => {
      this.held.add(name);
      try {
        return await work({ name });
      } finally {
        this.held.delete(name);
      }
    };
    const result = (this.#tails.get(name) ?? Promise.resolve()).then(run);
    this.#tails.set(name, result.catch(() => undefined));
    return result;
  };

  query = async () => ({ held: [...this.held].map((name) => ({ name })) });
}

export class FakeBrowser {
  local = new FakeStorage();
  session = new FakeStorage();
  locks = new FakeLocks();
  hasDocument = false;
  isBusy = false;
  /** The messages to the offscreen document, except for questions about its status. */
  recorderMessages;
  /** The messages to content scripts. */
  tabMessages;
  /** The sessions that are open, `{ sessionId, origin, owner }`, and the ids of those that were stopped. */
  openSessions;
  stopped;
  /** By the path or action of a request: what answers instead of the API, `(body, listing) => Response | Promise<Response>`,
   * with the list of open sessions as the API has it now. */
  answers;
  /** What the offscreen document does when it is to record; it may wait or throw. */
  startRecording;
  executeScript;
  #onMessage = new FakeEvent();

  constructor() {
    const noop = async () => undefined;
    globalThis.chrome = {
      runtime: {
        id: ID,
        onMessage: this.#onMessage,
        onConnect: new FakeEvent(),
        onStartup: new FakeEvent(),
        onInstalled: new FakeEvent(),
        sendMessage: (message) => this.#toRecorder(message),
        getContexts: async () => (this.hasDocument ? [{}] : []),
        getPlatformInfo: noop,
      },
      storage: { local: this.local, session: this.session },
      offscreen: { createDocument: async () => void (this.hasDocument = true), closeDocument: async () => void (this.hasDocument = this.isBusy = false) },
      tabCapture: { getMediaStreamId: (_, respond) => (respond ? respond("stream") : Promise.resolve("stream")) },
      tabs: { get: async (id) => ({ id, title: "Talk" }), onUpdated: new FakeEvent(), sendMessage: async (tabId, message) => void this.tabMessages.push({ tabId, ...message }) },
      scripting: { executeScript: (injection) => this.executeScript(injection) },
      action: { setBadgeText: noop, setBadgeBackgroundColor: noop },
      commands: { onCommand: new FakeEvent() },
    };
    Object.defineProperty(globalThis, "navigator", { value: { locks: this.locks }, configurable: true });
    globalThis.fetch = (url, init) => this.#callApi(new URL(url), init);
    this.reset();
  }

  /** As after the start of the browser: Ada is signed in and has agreed to the recording, and nothing runs. */
  reset() {
    this.loseDocument();
    this.local.isFull = this.session.isFull = false;
    this.local.values = { consent: { version: 1 }, [SIGN_IN_KEY]: signInOf("ada") };
    this.session.values = {};
    Object.assign(this, { recorderMessages: [], tabMessages: [], openSessions: [], stopped: [], answers: {} });
    this.startRecording = async () => ({});
    this.executeScript = async () => [];
  }

  /** Signs somebody in, as the SDK stores it. */
  async signIn(userId) {
    await this.storeSignIn(userId);
    await this.settled();
  }

  storeSignIn(userId) {
    return this.local.set({ [SIGN_IN_KEY]: signInOf(userId) });
  }

  signOut() {
    return this.local.set({ [SIGN_IN_KEY]: { reason: "logout" } });
  }

  get view() {
    return this.session.values.live;
  }

  /** What the worker answers a page: `{ value }` or `{ error }`. */
  send(type, body = {}) {
    return new Promise((respond) => this.#onMessage.emit({ type, ...body }, OWN_PAGE, respond));
  }

  /** The offscreen document reports events of the recording that the view names. */
  report(...events) {
    const first = (this.view.eventNumber ?? 0) + 1;
    const numbered = events.map(([event, data], index) => ({ number: first + index, event, data }));
    return this.send("LIVE_EVENTS", { recordingId: this.view.recordingId, events: numbered });
  }

  /** A session is live on a tab, as its offscreen document reports it. */
  async runSession(sessionId) {
    const started = await this.send("START", { tabId: 7 });
    if (started.error) throw new Error(JSON.stringify(started.error));
    const origin = this.local.values.settings?.apiUrl ?? "http://127.0.0.1:8000";
    this.openSessions.push({ sessionId, origin, owner: this.local.values[SIGN_IN_KEY].user.userId });
    await this.report(["opened", { sessionId, transcriptId: `transcript of ${sessionId}` }], ["state", { state: "live" }], ["final", { seq: 0, text: "secret", startMs: 0, endMs: 1 }]);
  }

  /** The browser closed the offscreen document. */
  loseDocument() {
    this.hasDocument = this.isBusy = false;
  }

  /** The offscreen document has nothing left to do. */
  async finishRecording() {
    this.isBusy = false;
    await this.send("RECORDER_DONE");
  }

  /** Waits until the worker has looked after all sessions. */
  async settled() {
    await this.send("WAKE");
    await this.locks.request("live-transcription/wake", () => undefined);
    await this.locks.request("live-transcription/wake", () => undefined);
  }

  async #toRecorder(message) {
    if (!message.type.startsWith("RECORDER_")) return undefined; // to the bridges of the storage, which are not there
    if (!this.hasDocument) throw new Error("Receiving end does not exist.");
    if (message.type === "RECORDER_STATUS") return { value: { isBusy: this.isBusy } };
    this.recorderMessages.push(message);
    if (message.type !== "RECORDER_START") return { value: {} };
    this.isBusy = true;
    try {
      return { value: await this.startRecording(message) };
    } catch (error) {
      this.isBusy = false;
      return { error: { code: error.code ?? "failed", message: error.message } };
    }
  }

  async #callApi({ pathname, origin }, { body, headers }) {
    const request = body ? JSON.parse(body) : {};
    const own = this.openSessions.filter((session) => session.origin === origin && new Headers(headers).get("Authorization") === `Bearer ${tokenOf(session.owner)}`);
    const listing = { sessions: own.map(({ sessionId }) => ({ session_id: sessionId, transcript_id: `transcript of ${sessionId}`, state: "active", credits_held: 1, next_seq: 0 })) };
    const answer = this.answers[request.action ?? pathname];
    if (answer) return answer(request, listing);
    if (pathname === "/transcription/sessions") return json(200, listing);
    const found = own.find(({ sessionId }) => sessionId === request.session_id);
    if (request.action !== "stop" || !found) return json(404, { code: "not_found", message: "It is not there." });
    this.openSessions = this.openSessions.filter((session) => session !== found);
    this.stopped.push(found.sessionId);
    return json(200, { session_id: found.sessionId, billed_seconds: 61, credits_used: 11, rejected: [] });
  }
}

function tokenOf(userId) {
  return `token of ${userId}`;
}

function signInOf(userId) {
  const user = { userId, email: `${userId}@example.com` };
  return { token: tokenOf(userId), refreshToken: "r", receivedAtMs: Date.now(), expiresInSeconds: 3_600, user };
}

export function json(status, body) {
  const sent = status < 400 ? body : { request_id: "r", ...body };
  return new Response(JSON.stringify(sent), { status, headers: { "Content-Type": "application/json" } });
}
