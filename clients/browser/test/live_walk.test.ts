/** A random walk over all that can fail: words are never doubled, and none is missing without being reported. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "./support/bench.js";
import type { RequestFault } from "./support/fake_backend.js";
import type { SocketFault } from "./support/fake_sockets.js";

const STEPS = Number(process.env["WALK_STEPS"] ?? 60);
const SEEDS = (process.env["WALK_SEEDS"] ?? "1,2,3,4,5,6").split(",").map(Number);
const REQUEST_FAULTS: RequestFault[] = ["drop", "lose", "hang", "429+1", "503+2", "503", "502", "500"];
const SOCKET_FAULTS: SocketFault[] = ["refuse", "cut", "unformatted", "never_open"];
/** So near to a gap a word may be missing. */
const NEAR_MS = 2_500;

for (const seed of SEEDS) {
  test(`a random walk of ${STEPS} steps with the seed ${seed}`, async () => {
    // Both providers get the same samples at 24 kHz, so the ruler can read them.
    const bench = new Bench({ renewLeadSeconds: 30, sampleRate: seed % 2 ? 24_000 : 16_000 }, seed);
    const pick = <Item>(items: Item[]): Item => items[Math.floor(bench.random() * items.length)] as Item;
    if (seed % 2) bench.backend.providers = Array.from({ length: 500 }, () => pick(["assemblyai", "openai"]));
    const trail: string[] = [];
    await bench.start();
    for (let step = 0; step < STEPS && bench.session.state !== "ended"; step++) {
      const name = pick(["speak", "speak", "speak", "cut", "stall", "block", "request", "socket", "expire", "blink", "silence", "wall", "sleep", "pause"]);
      trail.push(name);
      if (name === "cut") bench.backend.cutSockets();
      else if (name === "stall") bench.backend.sockets.forEach((socket) => (socket.isStalled = true));
      else if (name === "block") bench.backend.sockets.forEach((socket) => (socket.isBlocked = true));
      else if (name === "sleep") bench.clock.sleep(bench.random() * 90_000, bench.random() < 0.5);
      else if (name === "request") bench.backend.fail(pick(["renew", "save", "/auth/refresh"]), pick(REQUEST_FAULTS), pick(REQUEST_FAULTS));
      else if (name === "socket") bench.backend.socketFaults.push(pick(SOCKET_FAULTS));
      else if (name === "expire") bench.backend.validTokens.clear();
      else if (name === "wall") bench.wallAheadMs = (bench.random() - 0.5) * 7_200_000;
      else if (name === "pause") {
        await bench.clock.until(bench.session.pause());
        await bench.clock.advance(5_000 * bench.random());
        await bench.session.resume();
      } else if (name === "blink") {
        bench.backend.loseNetwork();
        await bench.speak(1 + Math.floor(bench.random() * 8));
        bench.backend.hasNoNetwork = false;
      } else if (name === "silence") {
        bench.backend.silenceNetwork();
        await bench.speak(5 + Math.floor(bench.random() * 20));
        bench.backend.isSilent = false;
      }
      await bench.speak(2 + Math.floor(bench.random() * 15), { isBreathless: bench.random() < 0.3 });
    }
    bench.backend.faults.clear();
    bench.backend.socketFaults.length = 0;
    await bench.speak(60);
    await bench.stop();

    const about = `seed ${seed}: ${trail.join(" ")}`;
    const words = bench.captions;
    assert.equal(bench.of("ended")[0]?.reason, "stopped", about);
    assert.equal(new Set(words).size, words.length, `a word is doubled, ${about}`);
    assert.deepEqual(words, [...words].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))), `out of order, ${about}`);
    assert.deepEqual(bench.backend.words, words, `captions and transcript differ, ${about}`);
    const spoken = new Set(words);
    const missing = bench.expected(0).filter((word) => !spoken.has(word));
    const gaps = bench.of("uncovered").filter(({ reason }) => reason !== "no_audio");
    const lostMs = gaps.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
    assert.ok(missing.length * 500 <= lostMs + gaps.length * NEAR_MS, `${missing.join(" ")} missing, ${lostMs} ms reported, ${about}`);
    assert.equal(bench.backend.sessions.length, 1);
    assert.equal(bench.of("ended")[0]?.stopped?.billed_seconds, bench.backend.session.billedSeconds);
    assert.ok(bench.backend.sockets.every(({ readyState }) => readyState === 3), "a socket is left open");
  });
}
