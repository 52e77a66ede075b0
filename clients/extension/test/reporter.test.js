/** Every event reaches the worker in order, whatever is killed in between. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Reporter } from "../offscreen/reporter.js";

const noSleep = async () => undefined;

/** A worker that is killed before or after it has stored the events, as `kills` says for each delivery. */
function mortalWorker(kills) {
  const stored = [];
  let last = 0;
  return {
    stored,
    async deliver(events) {
      const kill = kills.shift();
      if (kill === "before") throw new Error("killed");
      for (const { number, event, data } of events) {
        if (number > last) stored.push([event, data]);
        last = Math.max(last, number);
      }
      if (kill === "after") throw new Error("killed");
    },
  };
}

test("each event is stored once though the worker is killed before and after it stored them", async () => {
  const worker = mortalWorker(["before", "after", undefined, "after", "before", "before"]);
  const reporter = new Reporter(worker.deliver, noSleep);
  const events = Array.from({ length: 40 }, (_, index) => ["final", { seq: index }]);
  for (const [event, data] of events) {
    reporter.push(event, data);
    if (data.seq % 5 === 0) await Promise.resolve();
  }
  await reporter.flushed();
  assert.deepEqual(worker.stored, events);
});

test("of partial words that wait only the newest are sent, and never in place of those on their way", async () => {
  let answer;
  const sent = [];
  const reporter = new Reporter((events) => (sent.push(events.map(({ data }) => data)), new Promise((resolve) => (answer = resolve))), noSleep);
  reporter.push("partial", 1);
  for (const data of [2, 3, 4]) reporter.push("partial", data);
  answer();
  await new Promise(setImmediate);
  answer();
  await reporter.flushed();
  assert.deepEqual(sent, [[1], [4]]);
});

test("a reporter with nothing to send is flushed", async () => {
  await new Reporter(() => assert.fail("nothing was pushed")).flushed();
});
