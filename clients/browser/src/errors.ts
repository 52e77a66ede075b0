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

/** No answer of the API arrived: the network failed, or the time was up. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
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

/** The error that a response stands for. A body that is not the API's is that of a proxy or of a network's sign-in. */
export async function errorOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  const error = isError(body) ? body : unknownError(response.status);
  const ErrorClass = CLASSES[error.code] ?? ApiError; // of a newer API
  return new ErrorClass(response.status, error, retryAfterSeconds(response.headers));
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
  return typeof body === "object" && body !== null && "code" in body && "message" in body;
}

function unknownError(status: number): Schema<"Error"> {
  const message = `The service could not be reached (${status}). Try again later.`;
  return { code: status < 500 && status !== 429 ? "internal_error" : "unavailable", message, request_id: "" };
}

/**
 * Whether the API has decided about a request. If not, it may have been processed or may still be, and is sent again as it
 * was, with its Idempotency-Key.
 */
export function isDecided(error: unknown): boolean {
  return error instanceof ApiError && error.status < 500 && error.status !== 429 && error.retryAfterSeconds === undefined;
}

/** Whether the account cannot go on here: it is signed out or blocked. */
export function isAccountEnded(error: unknown): boolean {
  return error instanceof ApiError && (error.code === "unauthenticated" || error.code === "account_blocked");
}
