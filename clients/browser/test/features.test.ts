/** Catch-ups, history and streams: what they request, in which order, and how they end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AbortedError, CatchupFailedError, ConflictError } from "../src/errors.js";
import { clientOf } from "./support/feature_client.js";

test("a catch-up is asked for until it is done, failed or aborted", async () => {
  const states = ["queued", "transcribing", "done", "queued", "failed", "queued"];
  const { client, clock, calls } = clientOf((path) => {
    const job = { job_id: "j1", error: { code: "provider_error", message: "The recording cannot be read." } };
    return path === "/transcription/catchup" ? { ...job, status: "queued" } : { ...job, status: states.shift() };
  });
  const seen: string[] = [];
  const range = { session_id: "s1", minutes: 5 };
  const job = await clock.until(client.catchUp(range, { onProgress: ({ status }) => seen.push(status) }));
  assert.equal(job.status, "done");
  assert.deepEqual(seen, ["queued", "transcribing", "done"]);
  assert.deepEqual(calls[0]?.body, range);
  await assert.rejects(clock.until(client.catchUp(range)), (error) => {
    return error instanceof CatchupFailedError && error.message === "The recording cannot be read." && error.job.job_id === "j1";
  });
  const controller = new AbortController();
  const waiting = client.catchUp(range, { signal: controller.signal, onProgress: () => controller.abort() });
  await assert.rejects(clock.until(waiting), AbortedError);
  await clock.until(client.quote(range));
  assert.deepEqual(calls.at(-1)?.body, { ...range, quote: true });
  await clock.until(client.ask({ question: "What?", session_id: "s1" }));
  assert.equal(calls.at(-1)?.path, "/transcription/ask");
});

test("the history goes on over its pages, and a transcript is read whole", async () => {
  const { client, clock, calls } = clientOf((path, _init, query) => {
    const cursor = query.get("cursor");
    const next: Record<string, string | null> = { start: "short", short: "second", second: null };
    // A filtered page may be short, and even empty, though others follow.
    if (path === "/transcription/history") return { items: cursor === "short" ? [] : [{ id: cursor ?? "first" }], next_cursor: next[cursor ?? "start"] };
    return { transcript: { id: "t" }, segments: [{ seq: cursor ? 1 : 0 }], next_cursor: cursor ? null : "more" };
  });
  const ids: string[] = [];
  const iterate = async (): Promise<void> => {
    for await (const { id } of client.history.list({ kind: "live" })) ids.push(id);
  };
  await clock.until(iterate());
  assert.deepEqual(ids, ["first", "second"]);
  assert.equal(calls[2]?.query, "?kind=live&cursor=second");
  const whole = await clock.until(client.history.get("t"));
  assert.deepEqual(whole.segments.map(({ seq }) => seq), [0, 1]);
  await clock.until(client.history.rename("t", "A title"));
  await clock.until(client.history.delete("t"));
  assert.deepEqual(calls.at(-2)?.body, { title: "A title" });
});

test("a search goes on over its pages, also over those that found nothing yet", async () => {
  const { client, clock, calls } = clientOf((_path, _init, query) => {
    const cursor = query.get("cursor");
    return { items: cursor ? [{ transcript_id: "t", snippet: { before: "", match: "word", after: "" } }] : [], next_cursor: cursor ? null : "more" };
  });
  const found: string[] = [];
  const iterate = async (): Promise<void> => {
    for await (const { transcript_id } of client.history.search(`a "b c"&d`, { limit: 5 })) found.push(transcript_id);
  };
  await clock.until(iterate());
  assert.deepEqual(found, ["t"]);
  assert.deepEqual(calls.map(({ path, query }) => [path, Object.fromEntries(new URLSearchParams(query))]), [
    ["/transcription/search", { limit: "5", q: `a "b c"&d` }],
    ["/transcription/search", { limit: "5", q: `a "b c"&d`, cursor: "more" }],
  ]);
});

test("a transcript is shared, and its share ended", async () => {
  const { client, clock, calls } = clientOf((_path, init) => (init.method === "POST" ? { url: "https://api.example/shared/token", shared_at: "2026-12-01T00:00:00Z" } : { ended: true }));
  const { url } = await clock.until(client.history.share("t/1"));
  await clock.until(client.history.endShare("t/1"));
  assert.equal(url, "https://api.example/shared/token");
  assert.deepEqual(calls.map(({ path }) => path), Array(2).fill("/transcription/history/t%2F1/share"));
});

test("a transcript whose deletion was answered to nobody is deleted; one that is used is not", async () => {
  const codes = ["not_found", "conflict"];
  const { client, clock } = clientOf(() => {
    const code = codes.shift() as string;
    return Response.json({ code, message: "m", request_id: "r" }, { status: code === "conflict" ? 409 : 404 });
  });
  await clock.until(client.history.delete("t"));
  await assert.rejects(clock.until(client.history.delete("t")), ConflictError);
});

test("an exported file has the name that the API proposes", async () => {
  const names: [disposition: string | undefined, name: string][] = [
    [`attachment; filename="a.srt"; filename*=UTF-8''%C3%BCber.srt`, "über.srt"],
    [`attachment; filename="a.srt"`, "a.srt"],
    [`attachment; filename="a.srt"; filename*=UTF-8''%E0.srt`, "a.srt"], // cut off by a proxy
    [undefined, "transcript.srt"],
  ];
  for (const [disposition, name] of names) {
    const headers: HeadersInit = disposition === undefined ? {} : { "Content-Disposition": disposition };
    const { client, clock } = clientOf(() => new Response("1\n", { headers }));
    const file = await clock.until(client.history.exportFile("t", "srt"));
    assert.deepEqual([file.name, await file.content.text()], [name, "1\n"]);
  }
});

test("each action of a stream answers with its own shape", async () => {
  const { client, clock } = clientOf((path, init) => {
    if (path === "/transcription/sessions") return { sessions: [{ session_id: "s1" }] };
    const { action } = JSON.parse(String(init.body)) as { action: string };
    const lease = { session_id: "s1", lease_seconds: 60, lease_expires_at: "2026-11-29T12:01:00Z" };
    if (action === "save") return { saved: [0], rejected: [], seconds_left: 50, warnings: [] };
    return action === "stop" ? { billed_seconds: 3 } : lease;
  });
  assert.equal((await clock.until(client.stream.start({ title: "A" }))).session_id, "s1");
  assert.equal((await clock.until(client.stream.renew({ session_id: "s1" }))).lease_seconds, 60);
  const segments = [{ seq: 0, start_ms: 0, end_ms: 1, text: "a" }];
  assert.deepEqual((await clock.until(client.stream.save({ session_id: "s1", segments }))).saved, [0]);
  assert.equal((await clock.until(client.stream.stop({ session_id: "s1" }))).billed_seconds, 3);
  assert.equal((await clock.until(client.stream.openSessions()))[0]?.session_id, "s1");
});
