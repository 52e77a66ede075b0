/** The three storages keep the same values and tell of the same changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bridgeStorage, type ChromeRuntime, type ChromeStorageArea, chromeStorage, type KeyValueStorage, memoryStorage, serveStorage } from "../src/storage.js";
import { settle } from "./support/virtual_clock.js";

type ChangeListener = Parameters<ChromeStorageArea["onChanged"]["addListener"]>[0];
type MessageListener = Parameters<ChromeRuntime["onMessage"]["addListener"]>[0];

/** `chrome.storage.local` as Chrome's documentation describes it. */
function fakeArea(): ChromeStorageArea {
  const items = new Map<string, unknown>();
  const listeners = new Set<ChangeListener>();
  return {
    get: async (key) => Object.fromEntries(key === null ? items : items.has(key) ? [[key, items.get(key)]] : []),
    set: async (added) => {
      for (const [key, newValue] of Object.entries(added)) {
        items.set(key, newValue);
        listeners.forEach((listener) => listener({ [key]: { newValue } }));
      }
    },
    remove: async (key) => {
      if (items.delete(key)) listeners.forEach((listener) => listener({ [key]: {} }));
    },
    onChanged: { addListener: (listener) => void listeners.add(listener), removeListener: (listener) => void listeners.delete(listener) },
  };
}

const OWN_PAGE = { id: "abc", origin: "chrome-extension://abc", url: "chrome-extension://abc/offscreen.html" };

/** `chrome.runtime` of two contexts: a message reaches the listeners of the others. */
function fakeRuntimes(sender: object = OWN_PAGE): [ChromeRuntime, ChromeRuntime] {
  const listeners = [new Set<MessageListener>(), new Set<MessageListener>()] as const;
  const runtime = (own: 0 | 1): ChromeRuntime => ({
    id: "abc",
    sendMessage: (message) =>
      new Promise((resolve, reject) => {
        let waits = false;
        for (const listener of listeners[own === 0 ? 1 : 0]) waits = listener(structuredClone(message), sender, resolve) === true || waits;
        if (listeners[own === 0 ? 1 : 0].size === 0) reject(new Error("Receiving end does not exist."));
        else if (!waits) resolve(undefined);
      }),
    onMessage: { addListener: (listener) => void listeners[own].add(listener), removeListener: (listener) => void listeners[own].delete(listener) },
  });
  return [runtime(0), runtime(1)];
}

function bridged(): KeyValueStorage {
  const [worker, document] = fakeRuntimes();
  serveStorage(chromeStorage(fakeArea()), worker);
  return bridgeStorage(document);
}

for (const [name, create] of [["memory", memoryStorage], ["chrome", () => chromeStorage(fakeArea())], ["bridge", bridged]] as const) {
  test(`the storage of the ${name} keeps, lists, removes and reports values`, async () => {
    const storage = create();
    const changes: [string, unknown][] = [];
    const stop = storage.subscribe((key, value) => changes.push([key, value]));
    await storage.set("a/1", { text: "one" });
    await storage.set("a/2", [2]);
    await storage.set("b", "three");
    assert.deepEqual(await storage.get("a/1"), { text: "one" });
    assert.equal(await storage.get("missing"), undefined);
    assert.deepEqual((await storage.keys("a/")).sort(), ["a/1", "a/2"]);
    await storage.remove("a/1");
    await storage.remove("a/1");
    assert.equal(await storage.get("a/1"), undefined);
    await settle();
    assert.deepEqual(changes, [["a/1", { text: "one" }], ["a/2", [2]], ["b", "three"], ["a/1", undefined]]);
    stop();
    await storage.set("c", 1);
    await settle();
    assert.equal(changes.length, 4);
  });
}

test("a value that is changed by its reader stays as it was stored", async () => {
  const storage = memoryStorage();
  const value = { list: [1] };
  await storage.set("a", value);
  value.list.push(2);
  assert.deepEqual(await storage.get("a"), { list: [1] });
});

test("a bridge without a worker that serves says what to do, and passes its errors on", async () => {
  const [worker, document] = fakeRuntimes();
  const storage = bridgeStorage(document);
  await assert.rejects(storage.get("a"), /Receiving end/);
  const stop = serveStorage({ ...memoryStorage(), get: () => Promise.reject(new Error("the disk is full")) }, worker);
  await assert.rejects(storage.get("a"), /the disk is full/);
  stop();
  worker.onMessage.addListener(() => undefined);
  await assert.rejects(storage.get("a"), /serveStorage/);
});

test("a content script gets no value and changes none", async () => {
  for (const sender of [{ id: "abc", origin: "https://page.example", url: "https://page.example/", tab: {} }, { id: "abc" }]) {
    const [worker, page] = fakeRuntimes(sender);
    const storage = memoryStorage();
    await storage.set("live-transcription/sign-in", "canary");
    serveStorage(storage, worker);
    await assert.rejects(bridgeStorage(page).get("live-transcription/sign-in"), /No context answers/);
    await assert.rejects(bridgeStorage(page).remove("live-transcription/sign-in"), /No context answers/);
    assert.equal(await storage.get("live-transcription/sign-in"), "canary");
  }
});

test("a bridge retries when the worker is killed before it answers", async () => {
  const [worker, document] = fakeRuntimes();
  serveStorage(chromeStorage(fakeArea()), worker);
  let kills = 0;
  const killed = (): Promise<never> => Promise.reject(new Error("The message channel closed before a response was received"));
  const mortal: ChromeRuntime = { ...document, sendMessage: (message) => (kills++ % 3 === 2 ? document.sendMessage(message) : killed()) };
  const storage = bridgeStorage(mortal);
  await storage.set("a", 1);
  assert.equal(await storage.get("a"), 1);
  assert.equal(kills, 6);
});

test("a worker that hangs does not hold up a bridge forever", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [worker, document] = fakeRuntimes();
  worker.onMessage.addListener(() => true); // it never responds
  const waiting = bridgeStorage(document).get("a");
  waiting.catch(() => undefined);
  await settle();
  t.mock.timers.tick(10_001);
  await assert.rejects(waiting, /does not answer/);
});

test("a request of a bridge is not sent again once its time is up", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let sent = 0;
  let kill = (_: Error): void => undefined;
  const [, document] = fakeRuntimes();
  const storage = bridgeStorage({ ...document, sendMessage: () => (sent++, new Promise((_, reject) => (kill = reject))) });
  const writing = storage.set("a", "late");
  writing.catch(() => undefined);
  await settle();
  t.mock.timers.tick(10_001);
  await assert.rejects(writing, /does not answer/);
  kill(new Error("The message channel closed before a response was received"));
  for (let round = 0; round < 5; round++) {
    await settle();
    t.mock.timers.tick(1_000);
  }
  assert.equal(sent, 1);
});

test("a bridge believes a change from the extension's worker and pages, and from nobody else", async () => {
  const worker = { id: "abc", url: "chrome-extension://abc/worker.js" }; // Chrome names no origin of a worker
  const script = { id: "abc", origin: "https://page.example", url: "https://page.example/", tab: {} };
  const frame = { id: "abc", origin: "null", url: "chrome-extension://abc/sandbox.html" };
  const other = { id: "abc", url: "chrome-extension://abcd/worker.js" };
  for (const [sender, isBelieved] of [[worker, true], [OWN_PAGE, true], [script, false], [frame, false], [other, false]] as const) {
    const [from, to] = fakeRuntimes(sender);
    const changes: string[] = [];
    bridgeStorage(to).subscribe((key) => changes.push(key));
    void from.sendMessage({ type: "live-transcription/storage-change", key: "live-transcription/sign-in", value: { reason: "logout" } });
    await settle();
    assert.deepEqual(changes, isBelieved ? ["live-transcription/sign-in"] : [], JSON.stringify(sender));
  }
});

test("a frame with an address of the extension and another origin gets no value", async () => {
  const [worker, frame] = fakeRuntimes({ id: "abc", origin: "null", url: "chrome-extension://abc/sandbox.html" });
  serveStorage(memoryStorage(), worker);
  await assert.rejects(bridgeStorage(frame).get("live-transcription/sign-in"), /No context answers/);
});

test("outside of an extension the storages of Chrome say what is missing", () => {
  assert.throws(() => chromeStorage(), /bridgeStorage/);
  assert.throws(() => bridgeStorage(), /chrome.runtime/);
  assert.throws(() => serveStorage(memoryStorage()), /chrome.runtime/);
});
