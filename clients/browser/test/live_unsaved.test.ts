/** Words that were not acknowledged wait in the storage, until they are saved or their transcript is closed for good. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SegmentsOutbox } from "../src/live/segments_outbox.js";
import { memoryStorage } from "../src/storage.js";
import { Bench } from "./support/bench.js";

const OUTBOX = "live-transcription/outbox";

/** A session of five captions whose last ones could not be saved, and which ended without a network. */
async function endedOffline(): Promise<Bench> {
  const bench = await new Bench().start();
  await bench.speak(16); // the first save
  bench.backend.hasNoNetwork = true;
  await bench.speak(5);
  await assert.rejects(bench.stop(), { name: "NetworkError" });
  bench.backend.hasNoNetwork = false;
  return bench;
}

async function unsaved(bench: Bench): Promise<number> {
  const [key] = await bench.storage.keys(OUTBOX);
  if (key === undefined) return 0;
  return ((await bench.storage.get(key)) as { segments: unknown[] }).segments.length;
}

test("captions that an earlier run could not save are saved and counted, once", async () => {
  const bench = await endedOffline();
  const count = await unsaved(bench);
  assert.ok(count > 0);
  const live = bench.createClient().live;

  assert.deepEqual(await bench.clock.until(live.saveUnsaved()), { saved: count, lost: 0, waiting: 0 });
  bench.assertWords();
  assert.deepEqual(await bench.clock.until(live.saveUnsaved()), { saved: 0, lost: 0, waiting: 0 });
  assert.equal(await unsaved(bench), 0);
});

for (const isStopped of [false, true]) {
  for (const call of ["saveUnsaved", "stop"] as const) {
    test(`${call} replaces no word of another device that went on with the session${isStopped ? " and stopped it" : ""}`, async () => {
      const bench = await endedOffline();
      const [key] = await bench.storage.keys(OUTBOX);
      const stored = (await bench.storage.get(key as string)) as { segments: { seq: number; text: string }[] };
      const [first] = stored.segments as [{ seq: number; text: string }];
      await bench.storage.set(key as string, { ...stored, sentSeqs: [] }); // its sends failed before they began
      const { session } = bench.backend;
      for (const seq of [first.seq, first.seq + 1]) session.segments.set(seq, { seq, start_ms: 0, end_ms: 1, text: "other" });
      session.nextSeq = first.seq + 2;
      if (isStopped) Object.assign(session, { state: "stopped", stoppedAt: bench.backend.now });
      const live = bench.createClient().live;
      await bench.clock.until<unknown>(call === "stop" ? live.stop("s1") : live.saveUnsaved());

      const words = bench.backend.words;
      assert.equal(words.filter((word) => word === "other").length, 2);
      assert.deepEqual(words.filter((word) => word !== "other"), bench.captions);
      assert.equal(await unsaved(bench), 0);
    });
  }
}

test("captions wait while the API cannot be reached or refuses the account", async () => {
  const bench = await endedOffline();
  const count = await unsaved(bench);
  const live = bench.createClient().live;
  bench.backend.hasNoNetwork = true;
  assert.deepEqual(await bench.clock.until(live.saveUnsaved()), { saved: 0, lost: 0, waiting: count });
  bench.backend.hasNoNetwork = false;
  bench.backend.isBlocked = true;
  assert.deepEqual(await bench.clock.until(live.saveUnsaved()), { saved: 0, lost: 0, waiting: count });
  bench.backend.isBlocked = false;

  assert.equal((await bench.clock.until(live.saveUnsaved())).saved, count);
  bench.assertWords();
});

for (const [name, change] of [
  ["was stopped long ago", (bench: Bench) => Object.assign(bench.backend.session, { state: "stopped", stoppedAt: bench.backend.now - 1_000 })],
  ["was interrupted too long ago", (bench: Bench) => bench.clock.sleep(100_000_000, false)],
] as const) {
  test(`captions of a transcript that ${name} are dropped, but for those that it has`, async () => {
    const bench = await endedOffline();
    const count = await unsaved(bench);
    const { segments } = bench.backend.session;
    const [key] = await bench.storage.keys(OUTBOX);
    const { segments: waiting } = (await bench.storage.get(key as string)) as { segments: { seq: number }[] };
    const [stored] = waiting as [{ seq: number }];
    segments.set(stored.seq, stored as never); // a save whose answer was lost
    change(bench);
    const live = bench.createClient().live;
    bench.backend.fail("stop", "503", "503", "503", "503", "503");
    assert.deepEqual(await bench.clock.until(live.saveUnsaved()), { saved: 0, lost: 0, waiting: count });

    assert.deepEqual(await bench.clock.until(live.saveUnsaved()), { saved: 1, lost: count - 1, waiting: 0 });
    assert.equal(await unsaved(bench), 0);
    assert.deepEqual(await bench.clock.until(live.saveUnsaved()), { saved: 0, lost: 0, waiting: 0 });
  });
}

test("more captions of a closed transcript than one call takes are all settled", async () => {
  const bench = await endedOffline();
  const segments = Array.from({ length: 2_300 }, (_, seq) => ({ seq: seq + 100, start_ms: 0, end_ms: 1, text: "word" }));
  await bench.storage.set(`${OUTBOX}/s1`, { userId: "u1", segments, sentSeqs: [] });
  bench.clock.sleep(100_000_000, false);

  assert.deepEqual(await bench.clock.until(bench.createClient().live.saveUnsaved()), { saved: 0, lost: 2_300, waiting: 0 });
  const stops = bench.backend.requests.filter(({ body }) => body["action"] === "stop" && body["segments"]);
  assert.ok(stops.every(({ body }) => (body["segments"] as unknown[]).length <= 1_000));
  assert.deepEqual(await bench.storage.keys(OUTBOX), []);
});

test("captions of a deleted transcript are dropped and counted, and refused ones too", async () => {
  const bench = await endedOffline();
  const count = await unsaved(bench);
  bench.backend.session.isDeleted = true;
  assert.deepEqual(await bench.clock.until(bench.createClient().live.saveUnsaved()), { saved: 0, lost: count, waiting: 0 });

  const refused = await endedOffline();
  refused.backend.rejectedReason = "unreadable";
  const result = await refused.clock.until(refused.createClient().live.saveUnsaved());
  assert.deepEqual(result, { saved: 0, lost: count, waiting: 0 });
});

test("words of another user stay, also if that user signs in while they are saved", async () => {
  const bench = await endedOffline();
  const count = await unsaved(bench);
  const live = bench.createClient().live;
  bench.backend.userId = "u2";
  bench.backend.fail("save", "503"); // it is repeated when the other user is there
  const saving = live.saveUnsaved();
  await bench.signIn();
  assert.deepEqual(await bench.clock.until(saving), { saved: 0, lost: 0, waiting: count });
  assert.deepEqual(await bench.clock.until(live.saveUnsaved()), { saved: 0, lost: 0, waiting: 0 });

  bench.backend.userId = "u1";
  await bench.signIn();
  assert.equal((await bench.clock.until(live.saveUnsaved())).saved, count);
});

test("captions in several outboxes stay when another user signs in between two of them", async () => {
  const bench = await endedOffline();
  const count = await unsaved(bench);
  const outbox = await bench.storage.get(`${OUTBOX}/s1`);
  for (const id of ["s2", "s3"]) await bench.storage.set(`${OUTBOX}/${id}`, outbox);
  await bench.storage.set(`${OUTBOX}/s4`, { ...(outbox as object), userId: "u2" });
  bench.backend.userId = "u2";
  const live = bench.createClient().live;
  bench.backend.fail("save", "503");
  const saving = live.saveUnsaved();
  await bench.clock.advance(20); // the first is being saved
  await bench.signIn();

  assert.deepEqual(await bench.clock.until(saving), { saved: 0, lost: 0, waiting: 3 * count });
  assert.equal((await bench.storage.keys(OUTBOX)).length, 4);
  assert.deepEqual(await bench.clock.until(live.saveUnsaved()), { saved: 0, lost: count, waiting: 0 }); // u2's own
  assert.deepEqual((await bench.storage.keys(OUTBOX)).sort(), ["s1", "s2", "s3"].map((id) => `${OUTBOX}/${id}`));
});

test("an outbox that cannot be read waits, and keeps no other from being saved", async () => {
  const bench = await endedOffline();
  const count = await unsaved(bench);
  const outbox = (await bench.storage.get(`${OUTBOX}/s1`)) as object;
  await bench.storage.remove(`${OUTBOX}/s1`);
  await bench.storage.set(`${OUTBOX}/broken`, { userId: "u1" });
  await bench.storage.set(`${OUTBOX}/s1`, outbox);
  const { get } = bench.storage;
  bench.storage.get = (key) => (key.endsWith("unread") ? Promise.reject(new Error("the bridge is lost")) : get(key));
  await bench.storage.set(`${OUTBOX}/unread`, outbox);

  assert.deepEqual(await bench.clock.until(bench.createClient().live.saveUnsaved()), { saved: count, lost: 0, waiting: 2 });
  bench.assertWords();
});

test("a stop whose list of sessions fails stops the session, with all of its words", async () => {
  const bench = await endedOffline();
  const [key] = await bench.storage.keys(OUTBOX);
  await bench.storage.set(key as string, { ...((await bench.storage.get(key as string)) as object), sentSeqs: [] });
  bench.backend.fail("/transcription/sessions", "500");

  await bench.clock.until(bench.createClient().live.stop("s1"));
  assert.equal(bench.backend.session.state, "stopped");
  bench.assertWords();
});

test("numbers that were put far ahead stay, however often the next one is not known", async () => {
  const storage = memoryStorage();
  const outbox = new SegmentsOutbox(storage, "s1", "u1");
  const seqs = (from: SegmentsOutbox): number[] => from.segments.map(({ seq }) => seq);
  for (const text of ["one", "two"]) outbox.add({ text, start_ms: 0, end_ms: 1 });
  outbox.numberFarAhead();
  const numbers = seqs(outbox);
  await outbox.stored();
  const reopened = await SegmentsOutbox.open(storage, "s1", "u1");
  assert.deepEqual([reopened.hasUnsent, seqs(reopened)], [false, numbers]);
  assert.ok((numbers[0] as number) > 1_000);
});

test("a session goes on to wait for its user when another one signs in", async () => {
  const bench = await new Bench().start();
  await bench.speak(9);
  bench.backend.userId = "u2";
  await bench.signIn();
  await bench.speak(10);

  assert.deepEqual(bench.of("ended").map(({ reason }) => reason), ["signed_out"]);
  assert.ok((await unsaved(bench)) > 0);
});

test("a full storage costs no word of a session", async () => {
  const bench = await new Bench().start();
  bench.storage.set = () => Promise.reject(new Error("QUOTA_BYTES quota exceeded"));
  await bench.speak(30);
  bench.backend.cutSockets();
  await bench.speak(40);
  await bench.stop();

  bench.assertWords();
});

test("a storage that cannot be read refuses a session before anything is billed", async () => {
  const bench = new Bench();
  await bench.signIn();
  const { get } = bench.storage;
  bench.storage.get = () => Promise.reject(new Error("the bridge is lost"));
  const unread = bench.createClient().live;
  await assert.rejects(unread.create().start(), /the bridge is lost/);
  bench.storage.get = get;
  await bench.clock.until(bench.session.start());
  await bench.speak(9);
  const calls = bench.backend.requests.length;

  const other = bench.createClient();
  await bench.clock.until(other.credits.balance().catch(() => undefined));
  bench.storage.get = (key) => (key.startsWith(OUTBOX) ? Promise.reject(new Error("the bridge is lost")) : get(key));
  Object.assign(bench.locks, { tryLock: async () => () => undefined }); // its window crashed
  await assert.rejects(other.live.create().resume("s1"), /the bridge is lost/);
  assert.equal(bench.backend.requests.length, calls + 1); // the balance
});
