"""What each `details.reason` means and what to do, and a message that it comes with.

tests/http/test_openapi.py looks for each message in the code that raises it.
"""

from typing import NamedTuple


class Reason(NamedTuple):
    """`message`: one that a route really answers with, for the example."""

    meaning: str
    message: str


REASONS = {
    "already_done": Reason(
        "This request was already processed. Read the result with a GET request.",
        "This request was already processed. See the user's transactions.",
    ),
    "catchup_running": Reason(
        "A catch-up of this transcript is running. Delete the transcript when it has ended.",
        "A catch-up of this transcript is running. Delete the transcript when it has ended.",
    ),
    "chunk_expired": Reason(
        "Recognising the chunk took too long, or its session ended. It was not charged. Send it again.",
        "This chunk took too long or its session ended. It was not charged. Send it again.",
    ),
    "lease_changed": Reason(
        "The session changed while the chunk was processed. Send the chunk again.",
        "The lease was renewed meanwhile. Send the chunk again.",
    ),
    "lease_open": Reason(
        "The lease is not near its end. Renew after `renew_after`, or set `interrupted`.",
        "The lease is not near its end. Renew later, or set `interrupted` if the stream broke off.",
    ),
    "lease_opening": Reason(
        "Another request is opening the lease. Retry the request.",
        "The lease is being opened. Retry the request.",
    ),
    "lease_over": Reason(
        "The lease has ended. Renew it.",
        "The lease has ended. Renew it.",
    ),
    "lease_used_up": Reason(
        "The rest of the lease is shorter than the chunk. Renew it.",
        "The rest of the lease is shorter than this chunk. Renew it.",
    ),
    "not_refundable": Reason(
        "Nothing of this payment can be refunded, or Stripe refused it. See the purchase.",
        "Nothing of this payment can be refunded. It was not paid, was refunded before, or is disputed.",
    ),
    "nothing_saved": Reason(
        "There is no text yet. Save segments first.",
        "This transcript has no text yet. Save segments first.",
    ),
    "purchase_ended": Reason(
        "The purchase failed or expired. Start a new one.",
        "This purchase failed or expired. Start a new one.",
    ),
    "renewed_since": Reason(
        "The session was renewed again after this request. Use the newest lease.",
        "This session was renewed again since this request. Use the newest lease.",
    ),
    "resume_expired": Reason(
        "The session ended too long ago to resume. Start a new one.",
        "This session ended too long ago. Start a new one.",
    ),
    "session_running": Reason(
        "The session is still running. Stop it first.",
        "This session is running. Stop it first.",
    ),
    "session_stopped": Reason(
        "The session was stopped. Start a new one.",
        "This session was stopped. Start a new one.",
    ),
    "still_running": Reason(
        "An earlier request is still being processed. Retry after `Retry-After` seconds.",
        "This question is being answered. Retry the request.",
    ),
    "wrong_transport": Reason(
        "The session streams directly to the provider. Send its audio there.",
        "This session streams directly to the provider. Send its audio there.",
    ),
    "missing": Reason(
        "There is no Authorization header. Send your ID token.",
        "Send your ID token: Authorization: Bearer <token>.",
    ),
    "malformed": Reason(
        "The Authorization header or the token cannot be read. Send `Bearer` and the ID token.",
        "Send your ID token: Authorization: Bearer <token>.",
    ),
    "expired": Reason(
        "The token has expired. Refresh it once, then retry.",
        "This token has expired. Refresh it once, then retry.",
    ),
    "signed_out": Reason(
        "The sign-in has ended. Sign in again.",
        "This sign-in has ended. Sign in again.",
    ),
    "wrong_token": Reason(
        "The token is not a valid ID token of this service. Sign in again.",
        "A valid sign-in token is needed. Sign in again.",
    ),
}
