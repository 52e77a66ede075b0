/** How a session ended, by the name of what the pages say. Pure. */

/** What a refused stop says of the session, by the code of its error. */
const REFUSED_STOPS = { not_found: "deleted", account_blocked: "account_blocked", unauthenticated: "signed_out" };

/**
 * The reason of the event `ended`, or `not_saved` where the API has not accepted the stop: the last words wait in the storage,
 * and the lease is billed to its end. Undefined before the end.
 */
export function endNameOf({ ended, error }) {
  if (ended?.reason !== "stopped" || error === undefined) return ended?.reason;
  return REFUSED_STOPS[error.code] ?? "not_saved";
}

/** The view after a later stop of its session succeeded; `stopped` is the answer of the API, where there was one. */
export function acceptStop(view, sessionId, stopped) {
  if (view.sessionId !== sessionId || endNameOf(view) !== "not_saved") return view;
  const { error, ...others } = view;
  const bill = stopped && { billedSeconds: stopped.billed_seconds, creditsUsed: stopped.credits_used };
  return { ...others, ended: { ...view.ended, ...bill } };
}
