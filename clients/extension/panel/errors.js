/**
 * What an error or the end of a session means for the person: the name of a sentence, and what to do next. Pure.
 *
 * Actions: `retry` (the same again), `sign_in`, `confirm` (the mailed code), `buy`, `settings`, `start` (a new
 * session), `history`, `microphone` (allow it), `contact` (the owner, with the request's id), `none`.
 */

/** Each code of the API. */
export const CODES = {
  account_blocked: { text: "error_account_blocked", action: "contact" },
  conflict: { text: "error_conflict", action: "retry" },
  email_taken: { text: "error_address_has_account", action: "sign_in" },
  email_unverified: { text: "error_email_unverified", action: "confirm" },
  forbidden: { text: "error_forbidden", action: "none" },
  idempotency_mismatch: { text: "error_conflict", action: "retry" },
  insufficient_credits: { text: "error_insufficient_credits", action: "buy" },
  internal_error: { text: "error_internal", action: "contact" },
  invalid_credentials: { text: "error_invalid_credentials", action: "none" },
  invalid_request: { text: "error_invalid_request", action: "none" },
  invalid_signature: { text: "error_internal", action: "contact" },
  not_found: { text: "error_not_found", action: "history" },
  origin_not_allowed: { text: "error_origin_not_allowed", action: "settings" },
  provider_error: { text: "error_provider", action: "retry" },
  provider_not_offered: { text: "error_provider_not_offered", action: "contact" },
  provider_timeout: { text: "error_provider", action: "retry" },
  rate_limited: { text: "error_rate_limited", action: "retry" },
  too_large: { text: "error_too_large", action: "none" },
  unauthenticated: { text: "error_signed_out", action: "sign_in" },
  unavailable: { text: "error_unavailable", action: "retry" },
  unsupported_media_type: { text: "error_unsupported_media_type", action: "none" },
};

/** Each reason of a conflict or of a refused token. */
export const REASONS = {
  already_done: { text: "error_conflict", action: "retry" },
  catchup_running: { text: "error_catchup_running", action: "retry" },
  chunk_expired: { text: "error_conflict", action: "retry" },
  expired: { text: "error_signed_out", action: "sign_in" },
  lease_changed: { text: "error_conflict", action: "retry" },
  lease_open: { text: "error_conflict", action: "retry" },
  lease_opening: { text: "error_still_running", action: "retry" },
  lease_over: { text: "error_session_stopped", action: "start" },
  lease_used_up: { text: "error_session_stopped", action: "start" },
  malformed: { text: "error_signed_out", action: "sign_in" },
  missing: { text: "error_signed_out", action: "sign_in" },
  nothing_saved: { text: "error_nothing_saved", action: "retry" },
  purchase_ended: { text: "error_purchase_ended", action: "buy" },
  renewed_since: { text: "error_conflict", action: "retry" },
  resume_expired: { text: "overlay_ended_resume_expired", action: "start" },
  session_running: { text: "error_session_running", action: "retry" },
  session_stopped: { text: "error_session_stopped", action: "start" },
  signed_out: { text: "error_signed_out", action: "sign_in" },
  still_running: { text: "error_still_running", action: "retry" },
  wrong_token: { text: "error_signed_out", action: "sign_in" },
  wrong_transport: { text: "error_conflict", action: "retry" },
};

/** Each way in which a live session ends. */
export const END_REASONS = {
  stopped: { text: "overlay_ended_stopped", action: "start" },
  insufficient_credits: { text: "overlay_ended_insufficient_credits", action: "buy" },
  account_blocked: { text: "overlay_ended_account_blocked", action: "contact" },
  signed_out: { text: "overlay_ended_signed_out", action: "sign_in" },
  stopped_elsewhere: { text: "overlay_ended_stopped_elsewhere", action: "start" },
  deleted: { text: "overlay_ended_deleted", action: "start" },
  resume_expired: { text: "overlay_ended_resume_expired", action: "start" },
  provider_failed: { text: "overlay_ended_provider_failed", action: "start" },
  failed: { text: "overlay_ended_failed", action: "start" },
};

/** What the SDK reports by name, and the extension's worker and recorder by code. */
export const OTHERS = {
  NetworkError: { text: "error_unreachable", action: "retry" },
  SessionInUseError: { text: "error_session_in_use", action: "none" },
  TooLargeFileError: { text: "error_too_large", action: "none" },
  CatchupFailedError: { text: "error_catchup_failed", action: "retry" },
  offline: { text: "error_offline", action: "retry" },
  consent_missing: { text: "error_consent_missing", action: "start" },
  tab_not_invoked: { text: "error_tab_not_invoked", action: "none" },
  tab_protected: { text: "error_tab_protected", action: "none" },
  tab_captured: { text: "error_tab_captured", action: "none" },
  microphone_denied: { text: "error_microphone_denied", action: "microphone" },
  network: { text: "error_unreachable", action: "retry" },
  session_in_use: { text: "error_session_in_use", action: "none" },
  failed: { text: "error_unknown", action: "retry" },
  no_answer: { text: "error_no_answer", action: "retry" },
  capture_failed: { text: "error_capture_failed", action: "retry" },
  stopped: { text: "error_session_stopped", action: "start" },
  no_session: { text: "error_session_stopped", action: "start" },
};

const UNKNOWN = { text: "error_unknown", action: "retry" };

/**
 * What an error means: `{ text, values, action, field?, retryAfterSeconds?, requestId? }`. `values` fill the sentence;
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

/** What the end of a live session means. */
export function explainEnd(reason) {
  return { ...(END_REASONS[reason] ?? END_REASONS.failed), values: [] };
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
