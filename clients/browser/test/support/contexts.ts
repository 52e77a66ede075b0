/** Contexts of one extension that share a sign-in, and an API that gives the answers of a test. */
import { Auth } from "../../src/auth.js";
import { type Environment, localLocks } from "../../src/environment.js";
import { type KeyValueStorage, memoryStorage } from "../../src/storage.js";
import { VirtualClock } from "./virtual_clock.js";

export type Answer = [status: number, body: object] | "fail" | Promise<[status: number, body: object]>;

/** `apiUrls`: of each context, in turn. */
export function contexts(answers: Record<string, Answer[]>, count = 1, apiUrls = ["https://api.example"]): { auths: Auth[]; calls: string[]; sent: [path: string, token: string | null][]; clock: VirtualClock; storage: KeyValueStorage; shift: (ms: number) => void } {
  const clock = new VirtualClock();
  const storage = memoryStorage();
  const calls: string[] = [];
  const sent: [string, string | null][] = [];
  let aheadMs = 0;
  let uuids = 0;
  const environment: Partial<Environment> = {
    fetch: async (url, init) => {
      const path = new URL(url).pathname;
      calls.push(path);
      sent.push([path, new Headers(init.headers).get("Authorization")]);
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 50));
      const answer = (await answers[path]?.shift()) ?? [200, {}];
      if (answer === "fail") throw new TypeError("fetch failed");
      return new Response(JSON.stringify(answer[1]), { status: answer[0] });
    },
    monotonicMs: () => clock.nowMs,
    wallMs: () => clock.nowMs + aheadMs,
    setTimer: clock.setTimer,
    clearTimer: clock.clearTimer,
    random: () => 0,
    randomUUID: () => `id_${++uuids}`,
    locks: localLocks(),
  };
  const auths = Array.from({ length: count }, (_, index) => new Auth(apiUrls[index % apiUrls.length] as string, storage, environment as Environment));
  return { auths, calls, sent, clock, storage, shift: (ms) => (aheadMs = ms) };
}

export const USER = { user_id: "u1", email: "ada@example.com", name: "Ada", created_at: "", credits: { available: 1, held: 0 } };
export const tokens = (name: string): object => ({ token: name, access_token: "a", refresh_token: `r-${name}`, expires_in: 3_600, token_type: "Bearer" });
export const signedIn = (name: string, user = USER): [number, object] => [200, { ...tokens(name), user }];
export const refusal = (status: number, code: string, reason?: string): [number, object] => [status, { code, message: "m", request_id: "r", details: { reason } }];
