/** The API's live sessions on the virtual clock, with the rules of chalicelib/streaming that a client meets. */
import type { SocketLike } from "../../src/environment.js";
import type { Segment } from "../../src/stream.js";
import { FakeAssemblyAI, FakeOpenAI, type FakeSocket, type SocketFault, type SocketToken } from "./fake_sockets.js";
import type { VirtualClock } from "./virtual_clock.js";

interface FakeSession {
  id: string;
  userId: string;
  state: "active" | "lapsed" | "stopped";
  startedAt: number;
  leaseStartedAt: number;
  leaseExpiresAt: number;
  billedSeconds: number;
  nextSeq: number;
  lastWordsAt: number;
  segments: Map<number, Segment>;
  stoppedAt: number;
  isDeleted: boolean;
  renewals: { at: number; interrupted: boolean }[];
  stopReport?: number;
}

/**
 * What happens to a request: it never arrives, its answer is lost, it hangs, or it gets this status.
 * `+N` is the Retry-After.
 */
export type RequestFault = "drop" | "lose" | "hang" | "429+1" | "429+20" | "429+90" | "503+2" | "503" | "502" | "409" | "409+1" | "500";

type Body = Record<string, unknown>;
class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly details: Body = {},
    readonly retryAfter?: number,
  ) {
    super(code);
  }
}

const LATENCY_MS = 80;
const RENEW_BEFORE_END = 60;
const CREDITS_PER_MINUTE = 10;
const NO_AUDIO_SECONDS = 60;
const MOST_SEGMENTS = 100;

export class FakeBackend {
  readonly sessions: FakeSession[] = [];
  readonly sockets: FakeSocket[] = [];
  readonly requests: { method: string; path: string; body: Body; key: string | undefined; token: string | undefined }[] = [];
  /** Faults by action or path, used up one by one. */
  readonly faults = new Map<string, RequestFault[]>();
  readonly socketFaults: (SocketFault | undefined)[] = [];
  providers: string[] = ["assemblyai"];
  leaseSeconds = 60;
  credits = 10_000;
  isBlocked = false;
  /** Who signs in next. */
  userId = "u1";
  /** Every segment of a save is refused so. */
  rejectedReason: string | undefined;
  isSignedOut = false;
  hasNoNetwork = false;
  /** The network takes everything, or nothing, and answers nothing; no connection breaks off. */
  isSilent = false;
  hasDates = true;
  wordsLimit = Number.POSITIVE_INFINITY;
  /** How many segments one stop has room for. */
  stopRoom = Number.POSITIVE_INFINITY;
  validTokens = new Set(["token_0"]);
  tokenCount = 0;
  openSockets = 0;
  mostOpenSockets = 0;
  readonly #tokens = new Map<string, SocketToken>();
  readonly #owners = new Map<string, string>();
  readonly #answers = new Map<string, { body: string; answer: Body; status: number }>();

  constructor(
    private readonly clock: VirtualClock,
    public sampleRate = 16_000,
  ) {}

  /** Seconds since 1970. */
  get now(): number {
    return Math.floor(this.clock.serverMs / 1000);
  }

  get session(): FakeSession {
    const session = this.sessions.at(-1);
    if (!session) throw new Error("no session was started");
    return session;
  }

  /** All words that are stored, in the order of the transcript. */
  get words(): string[] {
    const segments = [...this.session.segments.values()].sort((a, b) => a.seq - b.seq);
    return segments.flatMap(({ text }) => text.split(" "));
  }

  fail(action: string, ...faults: RequestFault[]): void {
    this.faults.set(action, [...(this.faults.get(action) ?? []), ...faults]);
  }

  fetch = (url: string, init: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      const signal = init.signal;
      const fail = (): void => reject(new TypeError("fetch failed"));
      if (signal?.aborted) return fail();
      signal?.addEventListener("abort", fail);
      const { pathname } = new URL(url);
      const body = typeof init.body === "string" ? (JSON.parse(init.body) as Body) : {};
      const action = typeof body["action"] === "string" ? body["action"] : pathname;
      if (this.isSilent) return;
      const fault = this.hasNoNetwork ? "drop" : this.faults.get(action)?.shift();
      if (fault === "hang") return;
      this.clock.setTimer(() => {
        if (fault === "drop" || this.hasNoNetwork) return fail();
        const headers = new Headers(init.headers);
        const response = this.#respond(init.method ?? "GET", pathname, String(init.body), body, headers, fault);
        this.clock.setTimer(() => {
          signal?.removeEventListener("abort", fail);
          if (fault === "lose" || this.hasNoNetwork) fail();
          else resolve(response);
        }, LATENCY_MS / 2);
      }, LATENCY_MS / 2);
    });

  openWebSocket = (url: string, protocols: string[]): SocketLike => {
    const isOpenAI = protocols.length > 0;
    const name = isOpenAI ? String(protocols[1]).replace("openai-insecure-api-key.", "") : new URL(url).searchParams.get("token");
    const token = this.#tokens.get(name ?? "");
    const fault = this.hasNoNetwork || this.isSilent ? "never_open" : this.socketFaults.shift();
    const socket = isOpenAI
      ? new FakeOpenAI(this.clock, 24_000, token, fault)
      : new FakeAssemblyAI(this.clock, this.sampleRate, token, fault);
    this.sockets.push(socket);
    return socket;
  };

  /** The network is gone: requests fail and sockets break off. */
  loseNetwork(): void {
    this.hasNoNetwork = true;
    for (const socket of this.sockets) socket.closeWith(1006);
  }

  /** The network falls silent: the sockets stay open, and what they send gathers in the browser. */
  silenceNetwork(): void {
    this.isSilent = true;
    for (const socket of this.sockets) socket.isBlocked = true;
  }

  cutSockets(): void {
    for (const socket of this.sockets) socket.closeWith(1006);
  }

  #respond(method: string, path: string, text: string, body: Body, headers: Headers, fault?: RequestFault): Response {
    const key = headers.get("Idempotency-Key") ?? undefined;
    const token = headers.get("Authorization")?.replace("Bearer ", "");
    this.requests.push({ method, path, body, key, token });
    try {
      if (fault && /^\d/.test(fault)) {
        const [status, seconds] = fault.split("+").map(Number) as [number, number | undefined];
        const code = status === 429 ? "rate_limited" : status === 409 ? "conflict" : status === 500 ? "internal_error" : "unavailable";
        throw new Refusal(status, code, status === 409 ? { reason: seconds ? "still_running" : "renewed_since" } : {}, seconds);
      }
      const [status, answer] = this.#answer(method, path, text, body, key, token);
      return this.#json(status, answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, code, details, retryAfter } = error;
      const answer = { code, message: `refused: ${code}`, request_id: "r", details };
      return this.#json(status, answer, retryAfter);
    }
  }

  #json(status: number, answer: Body, retryAfter?: number): Response {
    const headers = new Headers({ "Content-Type": "application/json" });
    if (this.hasDates) headers.set("Date", new Date(this.now * 1000).toUTCString());
    if (retryAfter !== undefined) headers.set("Retry-After", String(retryAfter));
    return new Response(JSON.stringify(answer), { status, headers });
  }

  #answer(method: string, path: string, text: string, body: Body, key?: string, token?: string): [number, Body] {
    if (path === "/auth/refresh") return [200, this.#refresh(String(body["refresh_token"]))];
    if (path === "/auth/login") return [200, { ...this.#refresh(this.userId), user: { user_id: this.userId, email: "ada@example.com" } }];
    if (this.isSignedOut) throw new Refusal(401, "unauthenticated", { reason: "signed_out" });
    if (token === undefined) throw new Refusal(401, "unauthenticated", { reason: "missing" });
    if (!this.validTokens.has(token)) throw new Refusal(401, "unauthenticated", { reason: "expired" });
    if (this.isBlocked) throw new Refusal(403, "account_blocked");
    this.#lapse();
    const caller = this.#owners.get(token) ?? this.userId;
    if (path === "/transcription/sessions") return [200, { sessions: this.#openSessions(caller) }];
    if (path === "/auth/logout") {
      this.validTokens.clear();
      return [200, { signed_out: true }];
    }
    if (path !== "/transcription/stream" || method !== "POST") throw new Refusal(404, "not_found");
    const name = key && `${caller} ${key}`; // a key is that of its user
    const stored = name === undefined ? undefined : this.#answers.get(name);
    if (stored && body["action"] !== "save" && body["action"] !== "stop") {
      if (stored.body !== text) throw new Refusal(409, "idempotency_mismatch");
      return [stored.status, { ...stored.answer, next_seq: this.session.nextSeq }];
    }
    const [status, answer] = this.#act(body, caller);
    if (name !== undefined) this.#answers.set(name, { body: text, answer, status });
    return [status, answer];
  }

  #act(body: Body, caller: string): [number, Body] {
    if (body["action"] === "start") return [201, this.#start(caller)];
    const session = this.sessions.find(({ id, userId }) => id === body["session_id"] && userId === caller);
    if (!session || session.isDeleted) throw new Refusal(404, "not_found");
    if (body["action"] === "renew") return [200, this.#renew(session, body["interrupted"] === true)];
    if (body["action"] === "save") return [200, this.#save(session, body["segments"] as Segment[])];
    return [200, this.#stop(session, body)];
  }

  #start(userId: string): Body {
    this.#checkCredits();
    const now = this.now;
    const session: FakeSession = {
      id: `s${this.sessions.length + 1}`,
      userId,
      state: "active",
      startedAt: now,
      leaseStartedAt: now,
      leaseExpiresAt: now,
      billedSeconds: 0,
      nextSeq: 0,
      lastWordsAt: now,
      segments: new Map(),
      stoppedAt: 0,
      isDeleted: false,
      renewals: [],
    };
    this.sessions.push(session);
    return this.#lease(session);
  }

  #renew(session: FakeSession, interrupted: boolean): Body {
    if (session.state === "stopped") throw new Refusal(409, "conflict", { reason: "session_stopped" });
    if (this.now > session.leaseExpiresAt + 86_400) throw new Refusal(409, "conflict", { reason: "resume_expired" });
    const isEnding = this.now >= session.leaseExpiresAt - RENEW_BEFORE_END;
    if (session.state === "active" && !isEnding && !interrupted) throw new Refusal(409, "conflict", { reason: "lease_open" });
    this.#checkCredits(session);
    if (session.state === "active") this.#bill(session);
    session.state = "active";
    session.renewals.push({ at: this.now, interrupted });
    return this.#lease(session);
  }

  #save(session: FakeSession, segments: Segment[]): Body {
    if (segments.length > MOST_SEGMENTS) throw new Refusal(400, "invalid_request", { field: "segments" });
    const reason = this.#closedReason(session);
    if (reason) throw new Refusal(409, "conflict", { reason });
    const { saved, rejected } = this.#store(session, segments);
    const seconds_left = session.state === "active" ? Math.max(0, session.leaseExpiresAt - this.now) : 0;
    if (segments.length > 0) session.lastWordsAt = this.now;
    const applies = {
      credits_low: this.credits < CREDITS_PER_MINUTE,
      lease_ending: seconds_left <= Math.min(60, this.leaseSeconds / 3),
      no_audio: this.now - session.lastWordsAt > NO_AUDIO_SECONDS,
    };
    const warnings = Object.entries(applies).flatMap(([code, isSo]) => (isSo ? [code] : []));
    return { saved, rejected, seconds_left, warnings };
  }

  #store(session: FakeSession, segments: Segment[]): { saved: number[]; rejected: Body[] } {
    const closedReason = this.#closedReason(session);
    const saved: number[] = [];
    const rejected: Body[] = [];
    for (const segment of segments) {
      const isFull = !session.segments.has(segment.seq) && session.segments.size >= this.wordsLimit;
      const isStored = session.segments.get(segment.seq)?.text === segment.text;
      if (closedReason && isStored) continue; // a repeat
      const reason = closedReason ?? this.rejectedReason ?? (isFull ? "words_limit" : undefined);
      if (reason) rejected.push({ seq: segment.seq, reason });
      else {
        session.segments.set(segment.seq, segment);
        session.nextSeq = Math.max(session.nextSeq, segment.seq + 1);
        saved.push(segment.seq);
      }
    }
    return { saved, rejected };
  }

  /** Why no words are stored any more. */
  #closedReason(session: FakeSession): string | undefined {
    const resumableUntil = session.leaseExpiresAt + 86_400;
    if (session.state !== "stopped") return this.now > resumableUntil ? "resume_expired" : undefined;
    return this.now > session.stoppedAt + 120 || session.stoppedAt > resumableUntil ? "session_stopped" : undefined;
  }

  #stop(session: FakeSession, body: Body): Body {
    const segments = (body["segments"] as Segment[] | undefined) ?? [];
    const { rejected } = this.#store(session, segments.slice(0, this.stopRoom));
    for (const { seq } of segments.slice(this.stopRoom)) rejected.push({ seq, reason: "save_full" });
    if (session.state === "active") this.#bill(session);
    if (session.state !== "stopped") {
      session.stoppedAt = this.now;
      if (typeof body["provider_session_seconds"] === "number") session.stopReport = body["provider_session_seconds"];
    }
    session.state = "stopped";
    const billed_seconds = session.billedSeconds;
    return {
      session_id: session.id,
      transcript_id: `t-${session.id}`,
      billed_seconds,
      credits_used: Math.ceil((billed_seconds * CREDITS_PER_MINUTE) / 60),
      credits_available: this.credits,
      rejected,
    };
  }

  #lease(session: FakeSession): Body {
    const provider = this.providers.length > 1 ? (this.providers.shift() as string) : (this.providers[0] as string);
    session.leaseStartedAt = this.now;
    session.leaseExpiresAt = this.now + this.leaseSeconds;
    const token = `socket_${this.#tokens.size}`;
    this.#tokens.set(token, { expiresAtMs: this.clock.serverMs + 60_000, maxSeconds: this.leaseSeconds, isUsed: false });
    const time = (seconds: number): string => new Date(seconds * 1000).toISOString();
    return {
      session_id: session.id,
      transcript_id: `t-${session.id}`,
      provider,
      lease_seconds: this.leaseSeconds,
      lease_expires_at: time(session.leaseExpiresAt),
      renew_after: time(session.leaseExpiresAt - RENEW_BEFORE_END),
      credits_held: Math.ceil((this.leaseSeconds * CREDITS_PER_MINUTE) / 60),
      credits_per_minute: CREDITS_PER_MINUTE,
      credits_available: this.credits,
      save_interval_seconds: 15,
      offset_ms: (session.leaseStartedAt - session.startedAt) * 1000,
      next_seq: session.nextSeq,
      websocket_url: provider === "openai" ? "ws://openai/realtime?intent=transcription" : "ws://assemblyai/v3/ws?sample_rate=16000",
      token,
      token_expires_at: time(this.now + 60),
    };
  }

  #bill(session: FakeSession): void {
    const seconds = Math.min(this.now, session.leaseExpiresAt) - session.leaseStartedAt;
    session.billedSeconds += seconds;
    this.credits -= (seconds * CREDITS_PER_MINUTE) / 60;
  }

  #checkCredits(session?: FakeSession): void {
    const running = session?.state === "active" ? Math.min(this.now, session.leaseExpiresAt) - session.leaseStartedAt : 0;
    const available = this.credits - (running * CREDITS_PER_MINUTE) / 60;
    if (available < CREDITS_PER_MINUTE) throw new Refusal(402, "insufficient_credits", { required: CREDITS_PER_MINUTE, available });
  }

  /** The sweep: a lease that nobody renewed is billed to its end. */
  #lapse(): void {
    for (const session of this.sessions) {
      if (session.state !== "active" || this.now <= session.leaseExpiresAt + 60) continue;
      this.#bill(session);
      session.state = "lapsed";
    }
  }

  #openSessions(caller: string): Body[] {
    const open = this.sessions.filter(({ userId, state, isDeleted }) => userId === caller && state !== "stopped" && !isDeleted);
    return open.map(({ id, state, nextSeq }) => ({
      session_id: id,
      transcript_id: `t-${id}`,
      state,
      next_seq: nextSeq,
      credits_held: state === "active" ? 10 : 0,
      lease_expires_at: "2026-11-29T12:00:00Z",
    }));
  }

  /** The refresh token of the fake is its user's id. */
  #refresh(userId: string): Body {
    const token = `token_${++this.tokenCount}`;
    this.validTokens.add(token);
    this.#owners.set(token, userId);
    return { token, access_token: "a", refresh_token: userId, expires_in: 3_600, token_type: "Bearer" };
  }
}
