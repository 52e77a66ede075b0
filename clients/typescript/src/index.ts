/** A typed client of the live-transcription backend: the compiler checks every path, body and response. */
import createFetchClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, operations, paths } from "./schema.js";

/** A shape of the contract by its name, such as `Schema<"Lease">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];
export type Backend = Client<paths>;
export type Audio = Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;

export interface Options {
  /** The address of the API with its stage, such as `https://abc.execute-api.eu-central-1.amazonaws.com/api`. */
  baseUrl: string;
  /** Returns the ID token to send, undefined if no user is signed in. It is called for each request. */
  token?: () => string | undefined | Promise<string | undefined>;
  /** A replacement for `fetch`, for example one with a timeout. */
  fetch?: (request: Request) => Promise<Response>;
}

/** Creates a client: `backend.GET("/credits/balance")`. It sends nothing yet. */
export function connect({ baseUrl, token, fetch }: Options): Backend {
  const backend = createFetchClient<paths>({ baseUrl, ...(fetch && { fetch }) });
  backend.use({
    async onRequest({ request }) {
      const idToken = await token?.();
      if (idToken !== undefined) request.headers.set("Authorization", `Bearer ${idToken}`);
      return request;
    },
  });
  return backend;
}

/** An error response. `code` and `details.reason` are for programs; `retryAfterSeconds` says when to retry. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: Schema<"Error">["code"];
  readonly requestId: string;
  readonly details: NonNullable<Schema<"Error">["details"]>;
  readonly retryAfterSeconds: number | undefined;

  constructor(response: Response, body: Schema<"Error">) {
    super(body.message);
    this.status = response.status;
    this.code = body.code;
    this.requestId = body.request_id;
    this.details = body.details ?? {};
    const seconds = response.headers.get("Retry-After");
    this.retryAfterSeconds = seconds === null ? undefined : Number(seconds);
  }
}

type Result<Data> = { data?: Data; error?: unknown; response: Response };

/** The JSON of a response: `await value(backend.GET("/credits/balance"))`. Throws ApiError. */
export async function value<Data>(request: Promise<Result<Data>>): Promise<Exclude<NonNullable<Data>, string>> {
  return (await successful(request)) as Exclude<NonNullable<Data>, string>;
}

/** The text of a file, requested with `parseAs: "text"`. Throws ApiError. */
export async function file(request: Promise<Result<unknown>>): Promise<string> {
  return String(await successful(request));
}

async function successful<Data>(request: Promise<Result<Data>>): Promise<NonNullable<Data>> {
  const { data, error, response } = await request;
  if (response.ok && data !== undefined && data !== null) return data;
  throw new ApiError(response, isError(error) ? error : unknownError(response));
}

/** The options to send audio without encoding it: `backend.POST(path, { params, ...audio(bytes, "audio/wav") })`. */
export function audio(body: Audio, contentType: "audio/wav" | "audio/pcm") {
  return { body, bodySerializer: (raw: Audio) => raw, headers: { "Content-Type": contentType } };
}

/** The header that makes a request safe to repeat: with the same key and body it is processed once. */
export function idempotencyKey(key: string = crypto.randomUUID()) {
  return { "Idempotency-Key": key };
}

function isError(body: unknown): body is Schema<"Error"> {
  return typeof body === "object" && body !== null && "code" in body && "message" in body && "request_id" in body;
}

/** For a response that is not the API's: that of a proxy, or of a network that needs a sign-in. */
function unknownError(response: Response): Schema<"Error"> {
  return { code: "unavailable", message: `The API could not be reached (${response.status}).`, request_id: "" };
}
