"""What can go wrong, in words a client may hear. `responses.py` alone turns these into HTTP answers."""

from typing import Literal

Detail = int | str | bool | None

# The closed lists behind `details.reason`; docs/api.md says what each means and what to do.
ConflictReason = Literal[
    "already_done",
    "chunk_expired",
    "lease_changed",
    "lease_open",
    "lease_opening",
    "lease_over",
    "lease_used_up",
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


class AppError(Exception):
    """Something the client may know: a stable `code`, a sentence, and `details` to act on."""

    code = "internal_error"

    def __init__(self, message: str, **details: Detail):
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidRequestError(AppError):
    """The request breaks the contract; `field` is the path of what is wrong, such as `segments[3].end_ms`."""

    code = "invalid_request"

    def __init__(self, message: str, field: str):
        super().__init__(message, field=field)


class InvalidSignatureError(AppError):
    """Who calls does not know what only the right caller can."""

    code = "invalid_signature"


class TooLargeError(AppError):
    """The body is larger than the route takes."""

    code = "too_large"


class UnsupportedMediaTypeError(AppError):
    """The body is of a type that the route does not take."""

    code = "unsupported_media_type"


class UnauthenticatedError(AppError):
    """No token, an invalid one, or one that was signed out. `expired`: refresh once, then retry."""

    code = "unauthenticated"

    def __init__(self, message: str, reason: UnauthenticatedReason):
        super().__init__(message, reason=reason)


class SignedOutError(UnauthenticatedError):
    """The token was issued before the account's last sign-out."""

    def __init__(self, message: str):
        super().__init__(message, "signed_out")


class InvalidCredentialsError(AppError):
    """The email and password, or the refresh token, do not open an account."""

    code = "invalid_credentials"


class EmailUnverifiedError(AppError):
    """The password is right but the address is not confirmed yet."""

    code = "email_unverified"


class EmailTakenError(AppError):
    """An account with this address exists."""

    code = "email_taken"


class ForbiddenError(AppError):
    """This is for administrators."""

    code = "forbidden"


class AccountBlockedError(AppError):
    """An administrator blocked the account."""

    code = "account_blocked"


class OriginNotAllowedError(AppError):
    """A browser page other than the extension's or our own is calling."""

    code = "origin_not_allowed"


class InsufficientCreditsError(AppError):
    """The balance cannot cover the hold."""

    code = "insufficient_credits"

    def __init__(self, required: int, available: int):
        message = f"{required} credits needed, {available} available: buy credits or ask for less."
        if available < 0:
            message = f"Your balance is below zero ({available}), because a payment was returned: buy credits to go on."
        super().__init__(message, required=required, available=available)


class NotFoundError(AppError):
    """There is no such thing, or it is another user's."""

    code = "not_found"


class ConflictError(AppError):
    """The current state does not allow the request; `details.reason` says why, from a closed list."""

    code = "conflict"

    def __init__(self, message: str, reason: ConflictReason, **details: Detail):
        super().__init__(message, reason=reason, **details)


class IdempotencyMismatchError(AppError):
    """The same key, or the same sequence number, came before with another body."""

    code = "idempotency_mismatch"


class RateLimitedError(AppError):
    """Too many calls; try again after `retry_after_seconds`."""

    code = "rate_limited"


class UnavailableError(AppError):
    """Our own infrastructure failed. Nothing is lost; try again after `retry_after_seconds`."""

    code = "unavailable"

    def __init__(self, message: str, retry_after_seconds: int = 2):
        super().__init__(message, retry_after_seconds=retry_after_seconds)


class ProviderError(AppError):
    """A provider refused, or answered nonsense. Nothing was charged. `log_note` is for our log, not for the client."""

    code = "provider_error"

    def __init__(self, message: str, log_note: str = "", **details: Detail):
        super().__init__(message, **details)
        self.log_note = log_note


class ProviderRefusedError(ProviderError):
    """A provider understood and said no: the same request again would get the same answer."""


class ProviderDeniedError(ProviderRefusedError):
    """A provider does not take our key; what the request was about is as it was."""


class ProviderTimeoutError(ProviderError):
    """A provider did not answer in time. Nothing was charged."""

    code = "provider_timeout"


class ProviderUnavailableError(ProviderError):
    """A provider is overloaded or out of quota. Nothing was charged; try again after `retry_after_seconds`."""

    code = "unavailable"

    def __init__(self, message: str, retry_after_seconds: int = 5, log_note: str = ""):
        super().__init__(message, log_note, retry_after_seconds=retry_after_seconds)


class ProviderFailedError(Exception):
    """The provider took the job and could not do it; `reason` is ours, without the address that theirs holds."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason
