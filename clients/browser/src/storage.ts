/** Where sign-ins and unsaved words are kept: chrome.storage, a bridge to it by messages, or the memory. */

import { defaultEnvironment, type Environment, sleep, unlessAborted, withTimeLimit } from "./environment.js";
import { AbortedError } from "./errors.js";

/** A store of JSON values that all contexts of the extension share. */
export interface KeyValueStorage {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
  remove(key: string): Promise<void>;
  /** The keys that begin with `prefix`. */
  keys(prefix: string): Promise<string[]>;
  /** Calls `listener` after each change, also those of other contexts; a removed value is undefined. */
  subscribe(listener: StorageListener): () => void;
}

export type StorageListener = (key: string, value: unknown) => void;

/** Keeps values as long as the page or program lives. */
export function memoryStorage(): KeyValueStorage {
  const values = new Map<string, string>();
  const listeners = new Set<StorageListener>();
  const notify = (key: string, value: unknown): void => listeners.forEach((listener) => listener(key, value));
  return {
    get: async (key) => parse(values.get(key)),
    async set(key, value) {
      values.set(key, JSON.stringify(value));
      notify(key, value);
    },
    async remove(key) {
      if (values.delete(key)) notify(key, undefined);
    },
    keys: async (prefix) => [...values.keys()].filter((key) => key.startsWith(prefix)),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function parse(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

/** The part of `chrome.storage.local` that the SDK uses. Source: developer.chrome.com/docs/extensions/reference/api/storage */
export interface ChromeStorageArea {
  get(keys: string | null): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
  remove(key: string): Promise<void>;
  onChanged: ChromeEvent<(changes: Record<string, { newValue?: unknown }>) => void>;
}

export interface ChromeEvent<Listener> {
  addListener(listener: Listener): void;
  removeListener(listener: Listener): void;
}

/** The part of `chrome.runtime` that the bridge uses. */
export interface ChromeRuntime {
  /** The extension's id. */
  id: string;
  sendMessage(message: unknown): Promise<unknown>;
  onMessage: ChromeEvent<(message: unknown, sender: unknown, respond: (answer: unknown) => void) => boolean | void>;
}

interface ChromeGlobal {
  chrome?: { storage?: { local: ChromeStorageArea }; runtime?: ChromeRuntime };
}

function chromeGlobal(): NonNullable<ChromeGlobal["chrome"]> {
  return (globalThis as ChromeGlobal).chrome ?? {};
}

/** Keeps values in `chrome.storage.local`, which needs the permission `storage`. Offscreen documents do not have it. */
export function chromeStorage(area = chromeGlobal().storage?.local): KeyValueStorage {
  if (!area) throw new Error("chrome.storage is missing here. Ask for the permission `storage`, or use bridgeStorage().");
  return {
    get: async (key) => (await area.get(key))[key],
    set: (key, value) => area.set({ [key]: value }),
    remove: (key) => area.remove(key),
    keys: async (prefix) => Object.keys(await area.get(null)).filter((key) => key.startsWith(prefix)),
    subscribe(listener) {
      const notify = (changes: Record<string, { newValue?: unknown }>): void => {
        for (const [key, { newValue }] of Object.entries(changes)) listener(key, newValue);
      };
      area.onChanged.addListener(notify);
      return () => area.onChanged.removeListener(notify);
    },
  };
}

const REQUEST = "live-transcription/storage";
const CHANGE = "live-transcription/storage-change";
type Operation = "get" | "set" | "remove" | "keys";

interface StorageRequest {
  type: typeof REQUEST;
  operation: Operation;
  key: string;
  value?: unknown;
}

interface StorageResult {
  value?: unknown;
  error?: string;
}

/** A request is sent so often, and first after this wait, when the worker was killed while it answered. */
const TRIES = 5;
const FIRST_WAIT_MS = 20;
/** A worker that hangs must not hold up requests and captions forever. */
const LONGEST_ANSWER_MS = 10_000;

/**
 * Answers the bridges of other contexts from `storage`: call it in the service worker, before anything is awaited.
 * Content scripts get no answer: a page that has taken over its process could read the sign-in through them.
 */
export function serveStorage(storage: KeyValueStorage, runtime = chromeGlobal().runtime): () => void {
  if (!runtime) throw new Error("chrome.runtime is missing here.");
  const answer = (message: unknown, sender: unknown, respond: (result: StorageResult) => void): boolean | void => {
    if (!isMessage<StorageRequest>(message, REQUEST) || !isOwnContext(sender, runtime.id)) return;
    const { operation, key, value } = message;
    const work: Promise<unknown> = operation === "set" ? storage.set(key, value) : storage[operation](key);
    work.then((found) => respond({ value: found })).catch((error: unknown) => respond({ error: String(error) }));
    return true; // the answer follows later
  };
  runtime.onMessage.addListener(answer);
  const unsubscribe = storage.subscribe((key, value) => {
    runtime.sendMessage({ type: CHANGE, key, value }).catch(() => undefined); // nobody listens
  });
  return () => {
    runtime.onMessage.removeListener(answer);
    unsubscribe();
  };
}

/** A storage that asks the service worker: for offscreen documents, which have no `chrome.storage`. */
export function bridgeStorage(runtime = chromeGlobal().runtime): KeyValueStorage {
  if (!runtime) throw new Error("chrome.runtime is missing here.");
  const environment = defaultEnvironment();
  const ask = async (operation: Operation, key: string, value?: unknown): Promise<unknown> => {
    const request: StorageRequest = { type: REQUEST, operation, key, value };
    const result = await withTimeLimit(environment, LONGEST_ANSWER_MS, undefined, (signal) =>
      unlessAborted(sendPatiently(environment, runtime, request, signal), signal),
    ).catch((error: unknown) => {
      throw error instanceof AbortedError ? new Error("The service worker does not answer.") : error;
    });
    if (!result) throw new Error("No context answers. Call serveStorage() in the service worker.");
    if (result.error !== undefined) throw new Error(result.error);
    return result.value;
  };
  return {
    get: (key) => ask("get", key),
    set: async (key, value) => void (await ask("set", key, value)),
    remove: async (key) => void (await ask("remove", key)),
    keys: async (prefix) => (await ask("keys", prefix)) as string[],
    subscribe(listener) {
      const notify = (message: unknown, sender: unknown): void => {
        if (!isMessage<{ key: string; value?: unknown; type: string }>(message, CHANGE)) return;
        if (isOwnContext(sender, runtime.id)) listener(message.key, message.value);
      };
      runtime.onMessage.addListener(notify);
      return () => runtime.onMessage.removeListener(notify);
    },
  };
}

/**
 * Sends a request again if the worker was killed while it answered: each operation may be done twice. After an abort it is
 * sent no more: what is stored late could replace what was stored since.
 */
async function sendPatiently(
  environment: Environment,
  runtime: ChromeRuntime,
  request: StorageRequest,
  signal: AbortSignal,
): Promise<StorageResult | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const result = (await runtime.sendMessage(request)) as StorageResult | undefined;
      if (result || tries === TRIES) return result;
    } catch (error) {
      if (tries === TRIES) throw error;
    }
    await sleep(environment, FIRST_WAIT_MS * 2 ** tries, signal);
    if (signal.aborted) throw new AbortedError();
  }
}

/**
 * Whether a page or the worker of the extension sent a message, and no content script. The origin decides: a frame may have
 * an address of the extension and the origin of another page. Source: developer.chrome.com, MessageSender.
 */
function isOwnContext(sender: unknown, id: string): boolean {
  const { origin, url } = sender as { origin?: string; url?: string };
  const own = `chrome-extension://${id}`;
  return origin === undefined ? url?.startsWith(`${own}/`) === true : origin === own;
}

function isMessage<Message extends { type: string }>(message: unknown, type: string): message is Message {
  return typeof message === "object" && message !== null && (message as { type?: unknown }).type === type;
}
