/** The client of one API: the account, its sessions, catch-ups, history and credits. */
import { Auth } from "./auth.js";
import { Catchups, type CatchupJob, type CatchupOptions } from "./catchup.js";
import type { Answer, Method, PathOf, paths, RouteInput, Schema } from "./contract.js";
import { Credits } from "./credits.js";
import { defaultEnvironment, type Environment } from "./environment.js";
import { History } from "./history.js";
import { Live } from "./live/live.js";
import { type Call, type RequestOptions, Requests } from "./requests.js";
import { type KeyValueStorage, memoryStorage } from "./storage.js";
import { Stream } from "./stream.js";
import { type ProgressOptions, upload } from "./uploads.js";

export interface ClientOptions {
  /** The address of the API with its stage, such as `https://abc.execute-api.eu-central-1.amazonaws.com/api`. */
  baseUrl: string;
  /** Where the sign-in and unsaved words are kept: `chromeStorage()`, `bridgeStorage()`, or the memory by default. */
  storage?: KeyValueStorage;
  /** Parts of the surroundings to replace, such as `fetch`. */
  environment?: Partial<Environment>;
}

/** Creates a client. It sends nothing yet. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

export class Client {
  readonly auth: Auth;
  readonly stream: Stream;
  readonly live: Live;
  readonly history: History;
  readonly credits: Credits;
  readonly catchups: Catchups;
  readonly requests: Requests;

  constructor({ baseUrl, storage = memoryStorage(), environment = {} }: ClientOptions) {
    const surroundings = { ...defaultEnvironment(), ...environment };
    this.auth = new Auth(baseUrl, storage, surroundings);
    this.requests = new Requests(baseUrl, surroundings, this.auth);
    this.stream = new Stream(this.requests);
    this.history = new History(this.requests);
    this.credits = new Credits(this.requests);
    this.catchups = new Catchups(this.requests);
    this.live = new Live(surroundings, this.stream, storage, this.auth);
    this.auth.beforeLogout = (options) => this.live.stopAll(options);
  }

  /**
   * Calls any route of the API, typed by the contract: `client.request("GET", "/credits/balance")`.
   * Throws ApiError, NetworkError, AbortedError.
   */
  async request<M extends Method, P extends PathOf<M>>(
    method: M,
    route: P,
    ...[input]: RouteArguments<M, P>
  ): Promise<Answer<M, P>> {
    const { path = {}, query, body, ...options } = (input ?? {}) as LooseInput;
    const filled = route.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
    const call: Call = { method, path: filled, route, query, body, ...options };
    return this.requests.json<Answer<M, P>>(call);
  }

  /** Uploads a recording; returns its `upload_id` for `catchUp`. */
  upload(file: Blob, options: ProgressOptions = {}): Promise<string> {
    return upload(this.requests, file, options);
  }

  /** Starts a catch-up and waits until it is done. */
  catchUp(body: Omit<Schema<"Catchup">, "quote">, options: CatchupOptions = {}): Promise<CatchupJob> {
    return this.catchups.run(body, options);
  }

  /** What a catch-up would cost. */
  quote(body: Omit<Schema<"Catchup">, "quote">, options: RequestOptions = {}): Promise<Schema<"Quote">> {
    return this.catchups.quote(body, options);
  }

  /** Answers a question from a transcript. */
  ask(body: Schema<"Ask">, options: RequestOptions = {}): Promise<Schema<"AskAnswer">> {
    return this.catchups.ask(body, options);
  }
}

type Input<M extends Method, P extends keyof paths> = RouteInput<M, P> & RequestOptions & { contentType?: string };
/** The last argument may be left out where a route needs nothing. */
export type RouteArguments<M extends Method, P extends keyof paths> =
  Record<never, never> extends Input<M, P> ? [input?: Input<M, P>] : [input: Input<M, P>];

interface LooseInput extends RequestOptions {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  contentType?: string;
}
