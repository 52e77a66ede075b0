"""The errors that a client may see, and how their messages count. `http/responses.py` turns them into responses."""

from collections.abc import Iterable
from typing import Literal, get_args

OFF_RETRY_SECONDS = 3_600  # where an operator switched a part off
Detail = int | str | bool | None | list[str]

# The closed lists behind `details.reason`; http/openapi/reasons.py says what each means.
ConflictReason = Literal[
    "already_done",
    "catchup_running",
    "chunk_expired",
    "lease_changed",
    "lease_open",
    "lease_opening",
    "lease_over",
    "lease_used_up",
    "not_refundable",
    "nothing_saved",
    "purchase_ended",
    "renewed_since",
    "resume_expired",
    "session_running",
    "session_stopped",
    "still_running",
    "wrong_transport",
]
UnauthenticatedReason = Literal["missing", "malformed", "expired", "signed_out", "wrong_token"]
REASON_CODES = dict.fromkeys(get_args(ConflictReason), "conflict") | dict.fromkeys(
    get_args(UnauthenticatedReason), "unauthenticated"
)


def quantity(number: int, noun: str) -> str:
    """A number with its noun in agreement, as messages have it: "1 credit", "2,000 credits"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


# What may hold credits, and how they come back.
HOLDERS = {
    "sessions": ("open sessions", "stop sessions that are still open"),
    "work": ("unfinished catch-ups or questions", "wait until the catch-ups and questions are done"),
    "disputes": ("disputes", "wait until the bank decides the dispute"),
}


def be_form(number: int) -> str:
    """The verb for a counted noun."""
    return "is" if number == 1 else "are"


class AppError(Exception):
    """An error for the client: a stable `code`, a sentence, and `details` to act on.

    `example`: a message of this code that the code really raises, for the reference; none where the class composes it.
    """

    code = "internal_error"
    example = ""

    def __init__(self, message: str, **details: Detail):
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidRequestError(AppError):
    """A field or parameter is missing, unknown or invalid; `field` is its path, such as `segments[3].end_ms`."""

    code = "invalid_request"
    example = "This field is unknown. Remove it."

    def __init__(self, message: str, field: str):
        super().__init__(message, field=field)


class ProviderNotOfferedError(AppError):
    """None of the live providers that the client can speak is offered to it; `details.offered` names those that are."""

    code = "provider_not_offered"

    def __init__(self, message: str, offered: Iterable[str]):
        names = list(offered)
        super().__init__(f"{message} Offered to this account: {', '.join(names)}.", field="providers", offered=names)


class InvalidSignatureError(AppError):
    """The signature or secret of a webhook is missing or wrong."""

    code = "invalid_signature"
    example = "This is not an event that the payment service signed."


class TooLargeError(AppError):
    """The body is larger than the route accepts."""

    code = "too_large"
    example = "This JSON body may have at most 524,288 bytes."


class UnsupportedMediaTypeError(AppError):
    """The body has a media type that the route does not accept."""

    code = "unsupported_media_type"
    example = "Send the Content-Type application/json or, for audio, audio/wav or audio/pcm."


class UnauthenticatedError(AppError):
    """The ID token is missing, invalid, expired or signed out; `details.reason` says which."""

    code = "unauthenticated"

    def __init__(self, message: str, reason: UnauthenticatedReason):
        super().__init__(message, reason=reason)


class SignedOutError(UnauthenticatedError):
    """The token was issued before the last sign-out of the account."""

    def __init__(self, message: str):
        super().__init__(message, "signed_out")


class InvalidCredentialsError(AppError):
    """The email or the password is wrong, or the refresh token was revoked or has expired."""

    code = "invalid_credentials"
    example = "The email address or the password is wrong. Try again, or ask for a code for a new password."


class EmailUnverifiedError(AppError):
    """The password is right, but the email address is not confirmed yet."""

    code = "email_unverified"
    example = "Confirm your email address first: a code was sent to it."


class EmailTakenError(AppError):
    """An account with this address exists."""

    code = "email_taken"
    example = "An account with this email address exists. Sign in."


class ForbiddenError(AppError):
    """Only administrators may call this route. Sign in as one."""

    code = "forbidden"
    example = "Only administrators may call this route. Sign in as one."


class AccountBlockedError(AppError):
    """An administrator blocked the account."""

    code = "account_blocked"
    example = "This account is blocked. Contact support."


class OriginNotAllowedError(AppError):
    """A browser page of another origin called; only the extension and this API's own pages may."""

    code = "origin_not_allowed"
    example = "Pages of other origins may not embed parts of this API. Use the extension or this API's own pages."


class InsufficientCreditsError(AppError):
    """The available credits cannot cover the request.

    `held`: credits of the account that are reserved and may come back; `held_by`: by what, names of `HOLDERS`.
    """

    code = "insufficient_credits"

    def __init__(self, required: int, available: int, held: int, held_by: Iterable[str] = HOLDERS):
        message = (
            f"{quantity(required, 'credit')} {be_form(required)} needed, {available:,} {be_form(available)} available"
        )
        holders, remedies = zip(*(HOLDERS[name] for name in held_by), strict=True)
        advice = f"{', '.join((*remedies, 'buy credits'))} or request less.".capitalize()
        if available < 0:
            message = f"Your balance is below zero ({available:,}), because credits were taken back"
            advice = "GET /credits/transactions says why. Buy credits to continue."
        elif held <= 0:
            advice = "Buy credits or request less."
        if held > 0:
            message += f", and {held:,} {be_form(held)} held by {' and by '.join(holders)}"
        super().__init__(f"{message}. {advice}", required=required, available=available)
        self.required, self.available, self.held = required, available, held


class NotFoundError(AppError):
    """The resource does not exist or belongs to another user."""

    code = "not_found"
    example = "There is no transcript with this id."


class ConflictError(AppError):
    """The current state does not allow the request; `details.reason` says why."""

    code = "conflict"

    def __init__(self, message: str, reason: ConflictReason, **details: Detail):
        super().__init__(message, reason=reason, **details)


class IdempotencyMismatchError(AppError):
    """The same Idempotency-Key or sequence number was already used with another body."""

    code = "idempotency_mismatch"
    example = "This Idempotency-Key was already used with different parameters."


class RateLimitedError(AppError):
    """The caller sent too many requests; retry after `Retry-After` seconds."""

    code = "rate_limited"
    example = "Too many requests. Retry in 7 s."


class UnavailableError(AppError):
    """The service is temporarily unavailable; retry after `Retry-After` seconds."""

    code = "unavailable"
    example = "The database is busy. Retry the request."

    def __init__(self, message: str, retry_after_seconds: int = 2):
        super().__init__(message, retry_after_seconds=retry_after_seconds)


class MailQuotaError(UnavailableError):
    """The mails that may be sent in a day are used up."""

    def __init__(self) -> None:
        message = "No email can be sent at the moment. Retry the request in an hour."
        super().__init__(message, retry_after_seconds=3_600)


class ProviderError(AppError):
    """A provider rejected the request or returned an invalid response. Nothing was charged. `log_note`: only logged."""

    code = "provider_error"
    example = "AssemblyAI rejected the request. Retry it later."

    def __init__(self, message: str, log_note: str = "", **details: Detail):
        super().__init__(message, **details)
        self.log_note = log_note


class ProviderRefusedError(ProviderError):
    """A provider rejected the request: sending the same request again would have the same result."""


class ProviderDeniedError(ProviderRefusedError):
    """A provider rejected our API key; the requested change was not made."""


class ProviderTimeoutError(ProviderError):
    """A provider did not respond in time. Nothing was charged."""

    code = "provider_timeout"
    example = "AssemblyAI did not respond in time. Retry the request."


class ProviderUnavailableError(ProviderError):
    """A provider is overloaded or its quota is used up. Nothing was charged; retry after `retry_after_seconds`."""

    code = "unavailable"

    def __init__(self, message: str, retry_after_seconds: int = 5, log_note: str = ""):
        super().__init__(message, log_note, retry_after_seconds=retry_after_seconds)


class UnusableAnswerError(ProviderError):
    """A text model's answer cannot be used. The provider charges for its tokens all the same.

    `model` is "provider/model".
    """

    def __init__(self, message: str, model: str, input_tokens: int, output_tokens: int, log_note: str = ""):
        super().__init__(message, log_note)
        self.model, self.input_tokens, self.output_tokens = model, input_tokens, output_tokens


class ProviderFailedError(Exception):
    """The provider accepted the job and could not do it. `reason` is our text: theirs contains the address."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason
