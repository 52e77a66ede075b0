"""The messages in the examples of errors: texts that a route really answers with, one for each code and reason.

tests/http/test_openapi.py looks for each of them in the code that raises it.
"""

from ...errors import AppError, Detail, InsufficientCreditsError, ProviderNotOfferedError

# Errors that compose their message.
COMPOSED: tuple[AppError, ...] = (
    InsufficientCreditsError(100, 40, 60),
    ProviderNotOfferedError("None of these providers is offered.", ["assemblyai", "openai"]),
)
MESSAGES = {
    # Codes
    "invalid_request": "This field is unknown. Remove it.",
    "invalid_signature": "This is not an event that the payment service signed.",
    "invalid_credentials": "The email address or the password is wrong.",
    "forbidden": "Only administrators may call this route.",
    "email_unverified": "Confirm your email address first: a code was sent to it.",
    "account_blocked": "This account is blocked. Contact support.",
    "origin_not_allowed": "Pages of other origins may not embed parts of this API.",
    "not_found": "There is no transcript with this id.",
    "email_taken": "An account with this email address exists. Sign in.",
    "idempotency_mismatch": "This Idempotency-Key was already used with different parameters.",
    "too_large": "This JSON body may have at most 524,288 bytes.",
    "unsupported_media_type": "Send the Content-Type application/json or, for audio, audio/wav or audio/pcm.",
    "rate_limited": "Too many requests. Retry in 7 s.",
    "internal_error": "Something went wrong on our side. Retry the request.",
    "provider_error": "AssemblyAI rejected the request.",
    "unavailable": "The database is busy. Retry the request.",
    "provider_timeout": "AssemblyAI did not respond in time.",
    # Reasons of `conflict`
    "already_done": "This request was already processed. See the user's transactions.",
    "catchup_running": "A catch-up of this transcript is running. Delete the transcript when it has ended.",
    "chunk_expired": "This chunk took too long or its session ended. It was not charged. Send it again.",
    "lease_changed": "The lease was renewed meanwhile. Send the chunk again.",
    "lease_open": "The lease is not near its end. Renew later, or set `interrupted` if the stream broke off.",
    "lease_opening": "The lease is being opened. Retry the request.",
    "lease_over": "The lease has ended. Renew it.",
    "lease_used_up": "The rest of the lease is shorter than this chunk. Renew it.",
    "nothing_saved": "This transcript has no text yet. Save segments first.",
    "purchase_ended": "This purchase failed or expired. Start a new one.",
    "renewed_since": "This session was renewed again since this request. Use the newest lease.",
    "resume_expired": "This session ended too long ago. Start a new one.",
    "session_running": "This session is running. Stop it first.",
    "session_stopped": "This session was stopped. Start a new one.",
    "still_running": "This question is being answered. Retry the request.",
    "wrong_transport": "This session streams directly to the provider. Send its audio there.",
    # Reasons of `unauthenticated`
    "missing": "Send your ID token: Authorization: Bearer <token>.",
    "malformed": "Send your ID token: Authorization: Bearer <token>.",
    "expired": "This token has expired. Refresh it once, then retry.",
    "signed_out": "This sign-in has ended. Sign in again.",
    "wrong_token": "A valid sign-in token is needed. Sign in again.",
    # Composed
    **{error.code: error.message for error in COMPOSED},
}
DETAILS: dict[str, dict[str, Detail]] = {
    "invalid_request": {"field": "colour"},
    "too_large": {"max_bytes": 524288},
    **{error.code: error.details for error in COMPOSED},
}
