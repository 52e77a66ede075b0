/** A network that gives the replies of a test, on the virtual clock. */
import type { Environment } from "../../src/environment.js";
import { Requests, type TokenSource } from "../../src/requests.js";
import { VirtualClock } from "./virtual_clock.js";

export type Reply = { status: number; body?: unknown; headers?: Record<string, string> } | "fail" | "hang";

export interface Sent {
  url: string;
  init: RequestInit;
  atMs: number;
}

export const ANONYMOUS: TokenSource = { signInId: async () => undefined, token: async () => undefined, replace: async () => undefined, reject: async () => undefined };

export function network(replies: Reply[], tokens = ANONYMOUS): { requests: Requests; clock: VirtualClock; sent: Sent[]; environment: Partial<Environment> } {
  const clock = new VirtualClock();
  const sent: Sent[] = [];
  let keys = 0;
  const environment: Partial<Environment> = {
    fetch: async (url, init) => {
      sent.push({ url, init, atMs: clock.nowMs });
      const reply = replies.shift() ?? { status: 200, body: {} };
      if (reply === "fail") throw new TypeError("fetch failed");
      if (reply === "hang") {
        return new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
      }
      const body = reply.body === undefined ? null : JSON.stringify(reply.body);
      return new Response(body, { status: reply.status, headers: reply.headers ?? {} });
    },
    monotonicMs: () => clock.nowMs,
    setTimer: clock.setTimer,
    clearTimer: clock.clearTimer,
    random: () => 0.5,
    randomUUID: () => `key ${++keys}`,
  };
  return { requests: new Requests("https://api.example/dev/", environment as Environment, tokens), clock, sent, environment };
}

export function error(code: string, details = {}): object {
  return { code, message: `about ${code}`, request_id: "r1", details };
}

export const STREAM = { method: "POST", path: "/transcription/stream", body: { action: "start" } } as const;

/** The Idempotency-Keys that were sent. */
export const keysOf = (sent: Sent[]): (string | null)[] => sent.map(({ init }) => new Headers(init.headers).get("Idempotency-Key"));
