/** A client whose requests a test answers, on the virtual clock. */
import { Client } from "../../src/client.js";
import { VirtualClock } from "./virtual_clock.js";

export type Handler = (path: string, init: RequestInit, query: URLSearchParams) => object | number | Response | "fail";

export function clientOf(handle: Handler): { client: Client; clock: VirtualClock; calls: { path: string; query: string; body: unknown }[] } {
  const clock = new VirtualClock();
  const calls: { path: string; query: string; body: unknown }[] = [];
  const client = new Client({
    baseUrl: "https://api.example",
    environment: {
      fetch: async (url, init) => {
        const { pathname, searchParams, search } = new URL(url);
        calls.push({ path: pathname, query: search, body: typeof init.body === "string" ? JSON.parse(init.body) : init.body });
        if (init.signal?.aborted) throw new DOMException("aborted", "AbortError");
        const answer = handle(pathname, init, searchParams);
        if (answer === "fail") throw new TypeError("fetch failed");
        if (answer instanceof Response) return answer;
        return typeof answer === "number" ? new Response(null, { status: answer }) : Response.json(answer);
      },
      monotonicMs: () => clock.nowMs,
      wallMs: () => clock.nowMs,
      setTimer: clock.setTimer,
      clearTimer: clock.clearTimer,
      random: () => 0,
    },
  });
  return { client, clock, calls };
}
