/**
 * What an error or the end of a session means for the person: the name of a sentence, and what to do next. Pure.
 *
 * Actions: `retry` (the same again), `sign_in`, `confirm` (the mailed code), `buy`, `settings`, `start` (a new
 * session), `history`, `microphone` (allow it), `contact` (the owner, with the request's id), `none`. `otherAction` is what
 * to do where that does not help.
 */
import { endNameOf } from "../common/ends.js";

const CONFLICT = { text: "error_conflict", action: "retry" };
const EXPIRED_LONG_AGO = { text: "overlay_ended_resume_expired", action: "start" };
const FAULT = { text: "error_internal", action: "contact" };
const IN_USE = { text: "error_session_in_use", action: "none" };
const PROVIDER = { text: "error_provider", action: "retry" };
const SESSION_STOPPED = { text: "error_session_stopped", action: "start" };
const SIGNED_OUT = { text: "error_signed_out", action: "sign_in" };
const STILL_RUNNING = { text: "error_still_running", action: "retry" };
const TOO_LARGE = { text: "error_too_large", action: "none" };
const UNKNOWN = { text: "error_unknown", action: "retry" };
/** Browsers hide the answer 403 `origin_not_allowed` from an extension: it sees a failed network. */
const UNREACHABLE = { text: "error_unreachable", action: "retry", otherAction: "settings" };

/** Each code of the API. */
export const CODES = {
  account_blocked: { text: "error_account_blocked", action: "contact" },
  conflict: CONFLICT,
  email_taken: { text: "error_address_has_account", action: "sign_in" },
  email_unverified: { text: "error_email_unverified", action: "confirm" },
  forbidden: { text: "error_forbidden", action: "none" },
  idempotency_mismatch: CONFLICT,
  insufficient_credits: { text: "error_insufficient_credits", action: "buy" },
  internal_error: FAULT,
  invalid_credentials: { text: "error_invalid_credentials", action: "none" },
  invalid_request: { text: "error_invalid_request", action: "none" },
  invalid_signature: FAULT,
  not_found: { text: "error_not_found", action: "history" },
  origin_not_allowed: { text: "error_origin_not_allowed", action: "settings" },
  provider_error: PROVIDER,
  provider_not_offered: { text: "error_provider_not_offered", action: "contact" },
  provider_timeout: PROVIDER,
  rate_limited: { text: "error_rate_limited", action: "retry" },
  too_large: TOO_LARGE,
  unauthenticated: SIGNED_OUT,
  unavailable: { text: "error_unavailable", action: "retry" },
  unsupported_media_type: { text: "error_unsupported_media_type", action: "none" },
};

/** Each reason of a conflict or of a refused token. */
export const REASONS = {
  already_done: CONFLICT,
  not_refundable: CONFLICT,
  catchup_running: { text: "error_catchup_running", action: "retry" },
  chunk_expired: CONFLICT,
  expired: SIGNED_OUT,
  lease_changed: CONFLICT,
  lease_open: CONFLICT,
  lease_opening: STILL_RUNNING,
  lease_over: SESSION_STOPPED,
  lease_used_up: SESSION_STOPPED,
  malformed: SIGNED_OUT,
  missing: SIGNED_OUT,
  nothing_saved: { text: "error_nothing_saved", action: "retry" },
  purchase_ended: { text: "error_purchase_ended", action: "buy" },
  renewed_since: CONFLICT,
  resume_expired: EXPIRED_LONG_AGO,
  session_running: { text: "error_session_running", action: "retry" },
  session_stopped: SESSION_STOPPED,
  signed_out: SIGNED_OUT,
  still_running: STILL_RUNNING,
  wrong_token: SIGNED_OUT,
  wrong_transport: CONFLICT,
};

/** Each way in which a live session ends, and what to do then. */
const END_ACTIONS = {
  stopped: "start",
  insufficient_credits: "buy",
  account_blocked: "contact",
  signed_out: "sign_in",
  stopped_elsewhere: "start",
  deleted: "start",
  resume_expired: "start",
  provider_failed: "start",
  failed: "start",
};
export const END_REASONS = Object.fromEntries(
  Object.entries(END_ACTIONS).map(([reason, action]) => [reason, { text: `overlay_ended_${reason}`, action }]),
);

/** What the SDK reports by name, and the extension's worker and recorder by code. */
export const OTHERS = {
  NetworkError: UNREACHABLE,
  SessionInUseError: IN_USE,
  TooLargeFileError: TOO_LARGE,
  CatchupFailedError: { text: "error_catchup_failed", action: "retry" },
  offline: { text: "error_offline", action: "retry" },
  consent_missing: { text: "error_consent_missing", action: "start" },
  tab_not_invoked: { text: "error_tab_not_invoked", action: "none" },
  tab_protected: { text: "error_tab_protected", action: "none" },
  tab_captured: { text: "error_tab_captured", action: "none" },
  microphone_denied: { text: "error_microphone_denied", action: "microphone" },
  network: UNREACHABLE,
  session_in_use: IN_USE,
  failed: UNKNOWN,
  not_saved: { text: "overlay_ended_not_saved", action: "retry" },
  no_answer: { text: "error_no_answer", action: "retry" },
  capture_failed: { text: "error_capture_failed", action: "retry" },
  not_the_service: { text: "error_not_the_service", action: "none" },
  unsafe_address: { text: "error_unsafe_address", action: "contact" },
  stopped: SESSION_STOPPED,
  no_session: SESSION_STOPPED,
};

/**
 * What an error means: `{ text, values, action, otherAction?, field?, retryAfterSeconds?, requestId? }`. `values` fill the sentence;
 * numbers in it are credits, seconds or megabytes, for the page to write in its language.
 */
export function explain(error, { isOnline = true } = {}) {
  const meaning = find(error, isOnline);
  const explained = { ...meaning, values: valuesOf(error, meaning.text) };
  if (error?.details?.field) explained.field = error.details.field;
  if (error?.retryAfterSeconds > 0) explained.retryAfterSeconds = error.retryAfterSeconds;
  if (error?.requestId && meaning.action === "contact") explained.requestId = error.requestId;
  return explained;
}

/** What the end of a live session means. `failed` is explained by its error, where that says more. */
export function explainEnd({ ended, error }) {
  const name = endNameOf({ ended, error });
  if (ended.cause === "recorder_lost") return { text: "ended_recorder_lost", action: "start", values: [] };
  if (ended.cause === "tab_closed" && name === "stopped") return { text: "ended_tab_closed", action: "start", values: [] };
  if (name === "failed" && error) return explain(error);
  return { ...(END_REASONS[name] ?? OTHERS[name] ?? END_REASONS.failed), values: [] };
}

/** Whether the error only says that the person or the page stopped waiting. */
export function isAborted(error) {
  return error?.name === "AbortError";
}

/** Whether the account itself is refused, so that no other call can succeed. */
export function isBlocked(error) {
  return error?.code === "account_blocked";
}

function find(error, isOnline) {
  if ((error?.name === "NetworkError" || error?.code === "network") && !isOnline) return OTHERS.offline;
  const reason = error?.reason ?? error?.details?.reason;
  return REASONS[reason] ?? CODES[error?.code] ?? OTHERS[error?.code] ?? OTHERS[error?.name] ?? UNKNOWN;
}

function valuesOf(error, text) {
  const { required, available } = error?.details ?? {};
  if (text === "error_insufficient_credits") return [{ credits: required ?? 0 }, { credits: available ?? 0 }];
  if (text === "error_rate_limited") return [{ seconds: error.retryAfterSeconds ?? 60 }];
  return [];
}
