/** Sends requests: with a time-out, the token, and retries that keep body and Idempotency-Key. */
import { KEYED_PATHS, UNREPEATABLE_PATHS, type Method } from "./contract.js";
import { type Environment, sleep, unlessAborted, withTimeLimit } from "./environment.js";
import { AbortedError, ApiError, errorOf, isKeyUsed, NetworkError, UnauthenticatedError } from "./errors.js";
import { UnansweredKeys } from "./unanswered_keys.js";

/** Where requests get the ID token from. */
export interface TokenSource {
  /** The id of the sign-in, the same over all refreshes; undefined if no user is signed in. */
  signInId(): Promise<string | undefined>;
  /** The ID token to send; undefined if no user is signed in. */
  token(): Promise<string | undefined>;
  /** The token that replaces one which the API calls expired; undefined if the user has to sign in again. */
  replace(expiredToken: string): Promise<string | undefined>;
  /** The API refuses this token for good. */
  reject(token: string, reason: string): Promise<void>;
}

export interface RequestOptions {
  /**
   * Names the request for the API, which processes it once. Made by the SDK where it is left out, and used again if the same
   * request follows within two minutes of one whose answer never came.
   */
  idempotencyKey?: string;
  signal?: AbortSignal | undefined;
  /** For how long one try may take. */
  timeoutMs?: number;
  /** How often the request is sent at most. */
  tries?: number;
  /** The sign-in that the request belongs to: that of its first try by default. As another user, it is not sent. */
  signInId?: string | undefined;
}

export interface Call extends RequestOptions {
  method: Method;
  /** With the values of its parameters, but without the query. */
  path: string;
  /** The path as the contract has it. */
  route?: string;
  query?: Record<string, unknown> | undefined;
  /** Sent as JSON, or as it is if it is audio. */
  body?: unknown;
  contentType?: string;
  /** Whether the answer is a file and no JSON. */
  isFile?: boolean;
}

/** A successful answer. Times are of the monotonic clock, of the try that was answered. */
export interface Delivery {
  headers: Headers;
  /** The JSON, or the Blob of a file; undefined with 204. */
  content: unknown;
  sentAtMs: number;
  receivedAtMs: number;
}

/** What is the same in every try. */
interface Prepared {
  url: string;
  headers: Record<string, string>;
  body: BodyInit | null;
}

const TIMEOUT_MS = 30_000; // the API's gateway answers within 29 seconds
const TRIES = 5;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** A longer Retry-After is the caller's to wait for, such as that of a daily limit. */
const LONGEST_RETRY_AFTER_SECONDS = 60;

export class Requests {
  readonly baseUrl: string;
  readonly #keys: UnansweredKeys;

  constructor(
    baseUrl: string,
    readonly environment: Environment,
    private readonly tokens: TokenSource,
  ) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
    this.#keys = new UnansweredKeys(environment);
  }

  /** The JSON of a successful response. Throws ApiError, NetworkError, AbortedError. */
  async json<Body>(call: Call): Promise<Body> {
    return (await this.send(call)).content as Body;
  }

  /** Sends a request until it is answered, refused for good, or all tries are used up. Throws as `json` does. */
  async send(call: Call): Promise<Delivery> {
    const route = call.route ?? call.path;
    const init = this.#prepare(call);
    const isKeyed = call.method === "POST" && Object.hasOwn(KEYED_PATHS, route);
    const name = isKeyed && call.idempotencyKey === undefined ? `${route} ${init.body}` : undefined;
    const key = name === undefined ? call.idempotencyKey : this.#keys.take(name);
    if (key) init.headers["Idempotency-Key"] = key;
    try {
      return await this.#sendUntilAnswered(call, init, !UNREPEATABLE_PATHS.includes(route));
    } catch (error) {
      if (name !== undefined && key && !isKeyUsed(error)) this.#keys.keep(name, key);
      throw error;
    }
  }

  async #sendUntilAnswered(call: Call, init: Prepared, isRepeatable: boolean): Promise<Delivery> {
    const signInId = call.signInId ?? (await unlessAborted(this.tokens.signInId(), call.signal));
    let isRefreshed = false;
    for (let tryNumber = 1; ; tryNumber++) {
      const token = await unlessAborted(this.#tokenOf(signInId), call.signal);
      try {
        return await this.#try(call, init, token);
      } catch (error) {
        const isExpired = error instanceof UnauthenticatedError && error.reason === "expired";
        if (isExpired && token !== undefined && !isRefreshed) {
          isRefreshed = true;
          if ((await unlessAborted(this.tokens.replace(token), call.signal)) !== undefined) continue;
        } else if (!isExpired) {
          isRefreshed = false; // a device that slept between two tries needs another token once more
          if (error instanceof UnauthenticatedError && token !== undefined) await this.tokens.reject(token, error.reason ?? "signed_out");
        }
        const delayMs = tryNumber < (call.tries ?? TRIES) ? this.#delayMs(error, tryNumber, isRepeatable) : undefined;
        if (delayMs === undefined) throw error;
        await sleep(this.environment, delayMs, call.signal);
        if (call.signal?.aborted) throw new AbortedError();
      }
    }
  }

  /** The token of this sign-in. Throws UnauthenticatedError where it has ended, also if another user has signed in since. */
  async #tokenOf(signInId: string | undefined): Promise<string | undefined> {
    const token = await this.tokens.token();
    if ((await this.tokens.signInId()) === signInId) return token;
    const message = "This sign-in has ended. Sign in again.";
    throw new UnauthenticatedError(401, { code: "unauthenticated", message, request_id: "", details: { reason: "signed_out" } });
  }

  #prepare(call: Call): Prepared {
    const headers: Record<string, string> = {};
    let body: BodyInit | null = null;
    if (call.contentType !== undefined) {
      headers["Content-Type"] = call.contentType;
      body = call.body as BodyInit;
    } else if (call.body !== undefined) {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(call.body); // once: the API compares the bodies of one key byte for byte
    }
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined && value !== null) query.set(name, String(value));
    }
    const search = query.size ? `?${query}` : "";
    return { url: this.baseUrl + call.path + search, headers, body };
  }

  async #try(
    call: Call,
    { url, headers, body }: Prepared,
    token: string | undefined,
  ): Promise<Delivery> {
    const { environment } = this;
    return withTimeLimit(environment, call.timeoutMs ?? TIMEOUT_MS, call.signal, async (signal) => {
      const sentAtMs = environment.monotonicMs();
      try {
        if (signal.aborted) throw new AbortedError();
        const sent = token === undefined ? headers : { ...headers, Authorization: `Bearer ${token}` };
        const response = await environment.fetch(url, { method: call.method, headers: sent, body, signal });
        const receivedAtMs = environment.monotonicMs();
        if (!response.ok) throw await errorOf(response);
        if (response.headers.get("Content-Type")?.startsWith("text/html")) throw new SyntaxError("the sign-in page of a network");
        // The body is read here, so that a connection lost in the middle of it counts as a failed try.
        const file = await response.blob();
        const content: unknown = call.isFile ? file : response.status === 204 ? undefined : JSON.parse(await file.text());
        return { headers: response.headers, content, sentAtMs, receivedAtMs };
      } catch (error) {
        if (error instanceof ApiError) throw error;
        if (call.signal?.aborted) throw new AbortedError();
        if (error instanceof NetworkError) throw error;
        const message = signal.aborted ? "The service did not answer in time." : "The network failed.";
        throw new NetworkError(`${message} Try again later.`, { cause: error });
      }
    });
  }

  /** How long to wait before the next try; undefined if there must be none. */
  #delayMs(error: unknown, tryNumber: number, isRepeatable: boolean): number | undefined {
    const backOffMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tryNumber - 1)) * (0.5 + this.environment.random());
    if (!(error instanceof ApiError || error instanceof NetworkError)) return undefined;
    const seconds = error.retryAfterSeconds;
    if (seconds !== undefined && seconds > LONGEST_RETRY_AFTER_SECONDS) return undefined;
    const status = error instanceof ApiError ? error.status : undefined;
    const mayRetry =
      status === 429 ||
      (status === 409 && seconds !== undefined) ||
      ((status === undefined || (status >= 502 && status <= 504)) && isRepeatable);
    if (!mayRetry) return undefined;
    // A little later than allowed, so that clients which were refused together do not come back together.
    return seconds === undefined ? backOffMs : seconds * 1000 + FIRST_DELAY_MS * this.environment.random();
  }
}
