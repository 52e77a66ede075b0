/** A typed client of the live-transcription backend: every path, body and answer is checked by the compiler. */
import createFetchClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, operations, paths } from "./schema.js";

/** A shape of the contract by its name, such as `Schema<"Lease">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];
export type Backend = Client<paths>;
export type Audio = Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;

export interface Options {
  /** Where the API is, with its stage, such as `https://abc.execute-api.eu-central-1.amazonaws.com/api`. */
  baseUrl: string;
  /** The ID token to send, if somebody is signed in; asked anew for each request. */
  token?: () => string | undefined | Promise<string | undefined>;
  /** Another `fetch`, such as one with a time-out. */
  fetch?: (request: Request) => Promise<Response>;
}

/** A client: `backend.GET("/credits/balance")`. Nothing is sent yet. */
export function connect({ baseUrl, token, fetch }: Options): Backend {
  const backend = createFetchClient<paths>({ baseUrl, ...(fetch && { fetch }) });
  backend.use({
    async onRequest({ request }) {
      const known = await token?.();
      if (known !== undefined) request.headers.set("Authorization", `Bearer ${known}`);
      return request;
    },
  });
  return backend;
}

/** The API said no. `code` is for programs; after `retryAfterSeconds`, where there is one, the same may work. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: Schema<"Error">["code"];
  readonly requestId: string;
  readonly details: NonNullable<Schema<"Error">["details"]>;
  readonly retryAfterSeconds: number | undefined;

  constructor(response: Response, said: Schema<"Error">) {
    super(said.message);
    this.status = response.status;
    this.code = said.code;
    this.requestId = said.request_id;
    this.details = said.details ?? {};
    const seconds = response.headers.get("Retry-After");
    this.retryAfterSeconds = seconds === null ? undefined : Number(seconds);
  }
}

type Answer<Data> = { data?: Data; error?: unknown; response: Response };

/** What was answered as JSON: `await value(backend.GET("/credits/balance"))`. Throws ApiError. */
export async function value<Data>(asked: Promise<Answer<Data>>): Promise<Exclude<NonNullable<Data>, string>> {
  return (await answered(asked)) as Exclude<NonNullable<Data>, string>;
}

/** The text of a file that was asked for with `parseAs: "text"`. Throws ApiError. */
export async function file(asked: Promise<Answer<unknown>>): Promise<string> {
  return String(await answered(asked));
}

async function answered<Data>(asked: Promise<Answer<Data>>): Promise<NonNullable<Data>> {
  const { data, error, response } = await asked;
  if (response.ok && data !== undefined && data !== null) return data;
  throw new ApiError(response, isError(error) ? error : unknownError(response));
}

/** The options that send audio as it is: `backend.POST(path, { params, ...audio(bytes, "audio/wav") })`. */
export function audio(body: Audio, contentType: "audio/wav" | "audio/pcm") {
  return { body, bodySerializer: (sent: Audio) => sent, headers: { "Content-Type": contentType } };
}

/** The header that names a request: the same key and body again are done once. */
export function once(key: string = crypto.randomUUID()) {
  return { "Idempotency-Key": key };
}

function isError(said: unknown): said is Schema<"Error"> {
  return typeof said === "object" && said !== null && "code" in said && "message" in said && "request_id" in said;
}

/** Something between us and the API answered: a proxy, or a network that wants a sign-in. */
function unknownError(response: Response): Schema<"Error"> {
  return { code: "unavailable", message: `The API did not answer (${response.status}).`, request_id: "" };
}
