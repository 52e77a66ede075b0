/** The errors of the SDK: a class for each code of the API, and classes for what is no answer of the API. */
import type { ErrorCode, ErrorDetails, ErrorReason, Schema } from "./contract.js";

/** An error answer of the API. `code` and `reason` are for programs, `message` is for people. */
export class ApiError extends Error {
  override readonly name: string = "ApiError";
  readonly code: ErrorCode;
  /** Why, where the code alone does not say it: of every conflict and every refused token. */
  readonly reason: ErrorReason | undefined;
  readonly details: ErrorDetails;
  readonly requestId: string;

  constructor(
    readonly status: number,
    body: Schema<"Error">,
    /** After how many seconds the same request may be sent again, where the API says so. */
    readonly retryAfterSeconds?: number,
  ) {
    super(body.message);
    this.code = body.code;
    this.details = body.details ?? {};
    this.reason = this.details.reason;
    this.requestId = body.request_id;
  }
}

/** A field of the request is missing or invalid: `details.field` is its path. */
export class InvalidRequestError extends ApiError {}
/** The token is missing, invalid or no longer accepted; `reason` says which. */
export class UnauthenticatedError extends ApiError {}
/** The email address, the password or the refresh token is wrong. */
export class InvalidCredentialsError extends ApiError {}
/** The balance does not cover the request. */
export class InsufficientCreditsError extends ApiError {
  /** The credits that the request needs. */
  get required(): number {
    return Number(this.details["required"] ?? 0);
  }
  /** The credits that were available. */
  get available(): number {
    return Number(this.details["available"] ?? 0);
  }
}
/** Only administrators may call this. */
export class ForbiddenError extends ApiError {}
/** The email address has to be confirmed first. */
export class EmailUnverifiedError extends ApiError {}
/** An administrator blocked the account. */
export class AccountBlockedError extends ApiError {}
/** The API does not answer this page or extension: its origin is not in EXTENSION_ORIGIN. */
export class OriginNotAllowedError extends ApiError {}
/** There is no such object, or it belongs to another user. */
export class NotFoundError extends ApiError {}
/** Not possible in the current state: `reason` says why. */
export class ConflictError extends ApiError {}
/** The email address has an account. */
export class EmailTakenError extends ApiError {}
/** The Idempotency-Key was already used with a different body. */
export class IdempotencyMismatchError extends ApiError {}
/** The request or the answer is too large. */
export class TooLargeError extends ApiError {}
/** Too many requests: `retryAfterSeconds` says when the next one passes. */
export class RateLimitedError extends ApiError {}
/** A provider failed or was too slow. Nothing was charged. */
export class ProviderFailedError extends ApiError {}
/** No live provider that the client speaks is offered. */
export class ProviderNotOfferedError extends ApiError {}
/** The API cannot read this kind of file. */
export class UnsupportedMediaTypeError extends ApiError {}
/** A fault of the API. Name the `requestId` to its owner. */
export class InternalError extends ApiError {}
/** A webhook is not signed by its provider. No other request gets it. */
export class InvalidSignatureError extends ApiError {}
/** The service is temporarily unavailable. */
export class UnavailableError extends ApiError {}

/** No answer of the API arrived: the network failed, the time was up, or something else answered, such as a proxy. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";

  constructor(
    message: string,
    options?: ErrorOptions,
    /** After how many seconds the same request may be sent again, where the answer says so. */
    readonly retryAfterSeconds?: number,
  ) {
    super(message, options);
  }
}

/** The caller aborted the request. */
export class AbortedError extends Error {
  override readonly name = "AbortError";

  constructor() {
    super("The request was aborted.");
  }
}

/** Another context of this browser runs the session. */
export class SessionInUseError extends Error {
  override readonly name = "SessionInUseError";

  constructor() {
    super("Another window of this browser runs this session. Stop it there first.");
  }
}

/** The file is larger than an upload may be. */
export class TooLargeFileError extends Error {
  override readonly name = "TooLargeFileError";

  constructor(readonly maxBytes: number) {
    super(`The file is too large. It may have ${Math.floor(maxBytes / 1_000_000)} MB.`);
  }
}

/** A catch-up failed. Nothing was charged; `job.error` says why. */
export class CatchupFailedError extends Error {
  override readonly name = "CatchupFailedError";

  constructor(readonly job: Schema<"CatchupJob">) {
    super(job.error?.message ?? "The catch-up failed. Start it again.");
  }
}

/** A new code of the contract without a class does not compile. */
const CLASSES: Record<ErrorCode, typeof ApiError> = {
  invalid_request: InvalidRequestError,
  unauthenticated: UnauthenticatedError,
  invalid_credentials: InvalidCredentialsError,
  insufficient_credits: InsufficientCreditsError,
  forbidden: ForbiddenError,
  email_unverified: EmailUnverifiedError,
  account_blocked: AccountBlockedError,
  origin_not_allowed: OriginNotAllowedError,
  not_found: NotFoundError,
  conflict: ConflictError,
  email_taken: EmailTakenError,
  idempotency_mismatch: IdempotencyMismatchError,
  too_large: TooLargeError,
  rate_limited: RateLimitedError,
  provider_error: ProviderFailedError,
  provider_timeout: ProviderFailedError,
  provider_not_offered: ProviderNotOfferedError,
  unavailable: UnavailableError,
  unsupported_media_type: UnsupportedMediaTypeError,
  internal_error: InternalError,
  invalid_signature: InvalidSignatureError,
};

/** The error that a response stands for. A body that is not the API's is that of a proxy, a gateway or a network's sign-in. */
export async function errorOf(response: Response): Promise<ApiError | NetworkError> {
  const { status, headers } = response;
  const body: unknown = await response.json().catch(() => undefined);
  const seconds = retryAfterSeconds(headers);
  if (!isError(body)) return new NetworkError(`The service could not be reached (${status}). Try again later.`, {}, seconds);
  const ErrorClass = CLASSES[body.code] ?? ApiError; // of a newer API
  return new ErrorClass(status, body, seconds);
}

/** A Retry-After in seconds, also of one that is a date: by the server's clock, where it names it (RFC 9110, 10.2.3). */
function retryAfterSeconds(headers: Headers): number | undefined {
  const value = headers.get("Retry-After") || "-";
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const answeredAtMs = Date.parse(headers.get("Date") ?? "") || Date.now();
  const ms = Date.parse(value) - answeredAtMs;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms / 1000);
}

function isError(body: unknown): body is Schema<"Error"> {
  const fields = (body ?? {}) as Record<string, unknown>;
  return ["code", "message", "request_id"].every((name) => typeof fields[name] === "string");
}

/**
 * Whether a request has come to its end with this error. If not, it may have been processed or may still be: it is sent
 * again as it was, with its Idempotency-Key.
 */
export function isDecided(error: unknown): boolean {
  if (!(error instanceof ApiError)) return !(error instanceof NetworkError || error instanceof AbortedError);
  return error.status < 500 && error.status !== 429 && error.retryAfterSeconds === undefined;
}

/**
 * Whether the Idempotency-Key of a request is done with. A refused account says nothing of an earlier try, whose answer was
 * lost.
 */
export function isKeyUsed(error: unknown): boolean {
  return error instanceof ApiError && isDecided(error) && !isAccountEnded(error);
}

/** Whether the lease of this Idempotency-Key has ended, or another renewal followed it: a new key gets a new lease. */
export function isKeyOutdated(error: unknown): boolean {
  return error instanceof ConflictError && (error.reason === "lease_over" || error.reason === "renewed_since");
}

/** How long the API wants to be left alone after this error. */
export function retryAfterMs(error: unknown): number {
  return error instanceof ApiError || error instanceof NetworkError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
}

/** Whether the account cannot go on here: it is signed out or blocked. */
export function isAccountEnded(error: unknown): boolean {
  return error instanceof ApiError && (error.code === "unauthenticated" || error.code === "account_blocked");
}
