/** What an error means for a running session. */
import { ApiError, ConflictError } from "../errors.js";
import { SocketRefusedError } from "./live_socket.js";
import type { EndReason } from "./live_events.js";

/** Conflicts after which the session cannot go on. */
const FINAL_CONFLICTS: Partial<Record<string, EndReason>> = {
  session_stopped: "stopped_elsewhere",
  resume_expired: "resume_expired",
};

/** Why a session ends with this error. */
export function endReason(error: unknown): EndReason {
  if (error instanceof SocketRefusedError) return "provider_failed";
  if (!(error instanceof ApiError)) return "failed";
  switch (error.code) {
    case "insufficient_credits":
    case "account_blocked":
      return error.code;
    case "unauthenticated":
      return "signed_out";
    case "not_found":
      return "deleted";
    default:
      return FINAL_CONFLICTS[error.reason ?? ""] ?? "failed";
  }
}

/** Whether no words of the session are stored any more, because it ended too long ago. */
export function isClosed(error: unknown): boolean {
  return error instanceof ConflictError && error.reason !== undefined && error.reason in FINAL_CONFLICTS;
}

/** Whether the API still answers for a session that ended so. */
export function canStillCall(reason: EndReason): boolean {
  return reason !== "account_blocked" && reason !== "signed_out";
}
